"""What the text model says of words as heard: many sentences at once, in numpy.

The numbers are those of the graph that a pack holds: rows in 8 bits, the most certain words where
there are more than it has places for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from convert import text as graph
from edge.emotion import Floats, Word
from edge.text import TextModel
from train.modalities import Side, Values


class Reader:
    """The text model of a folder of ``python -m train text``."""

    def __init__(self, folder: Path) -> None:
        """Load it; raises HeartenError where there is none."""
        model = graph.load(folder)
        rows, scales = graph.quantise_rows(model.arrays["table"])
        table = rows.astype(np.float32) * scales
        self._model = replace(model, arrays={**model.arrays, "table": table})
        self._id = {word: i for i, word in enumerate(model.keywords, start=1)}
        self.keywords, self.labels = model.keywords, model.labels

    def __call__(self, sentences: Sequence[Sequence[Word]]) -> tuple[Side, Values]:
        """Return what is said of the sentences, and the evidence: the sum of the confidences.

        Where no keyword is among the words, the evidence is 0 and the rest of no meaning.
        """
        found = [self._places(words) for words in sentences]
        ids = np.zeros((len(found), self._model.slots), np.int32)
        weights = np.zeros(ids.shape, np.float32)
        for row, places in enumerate(found):
            ids[row, : len(places)] = [place for place, _ in places]
            weights[row, : len(places)] = [sure for _, sure in places]
        vad, shares = self._scores(ids, weights)
        known = ([w for w in words if w.word in self._id] for words in sentences)
        evidence = [TextModel.evidence(words) for words in known]
        side = Side(None, shares.astype(np.float64), vad.astype(np.float64))
        return side, np.array(evidence, np.float64)

    def _places(self, words: Sequence[Word]) -> list[tuple[int, float]]:
        known = [(self._id[w.word], w.confidence) for w in words if w.word in self._id]
        best = sorted(range(len(known)), key=lambda i: -known[i][1])[: self._model.slots]
        return [known[i] for i in sorted(best)]

    def _scores(self, ids: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Score in pieces: the rows of a thousand sentences take 10 MB."""
        pieces = [slice(i, i + 1000) for i in range(0, max(1, len(ids)), 1000)]
        both = [graph.reference(self._model, ids[p], weights[p]) for p in pieces]
        vad, shares = (np.concatenate(x) for x in zip(*both, strict=True))
        return vad, shares

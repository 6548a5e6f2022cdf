"""Emotion from words: a bag of keyword embeddings, weighted by how surely each word was heard."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from edge.emotion import Scores, Word
from edge.errors import PackError
from edge.interpreter import Graph

SLOTS = 24
"""Words in one call of the graph; of more words the most certain ones are kept."""

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})


def tokenise(text: str) -> list[str]:
    """Return the words of ``text`` in lower case, in any script; apostrophes inside are kept.

    Training and the device share this function. Digits, punctuation and emoji separate words;
    an empty text gives an empty list.
    """
    return _TOKEN.findall(text.translate(_APOSTROPHES).lower())


class TextModel:
    """The word branch: keywords and their confidences in, V/A/D and category shares out.

    The graph takes ``ids`` int32 (1, slots), 0 = no word, and ``weights`` float32 (1, slots), and
    gives ``vad`` (1, 3) in [-1, 1] and ``probabilities`` (1, labels). Keyword i of ``words`` is
    row i + 1 of its table.
    """

    def __init__(self, graph: Graph, words: tuple[str, ...], labels: tuple[str, ...]) -> None:
        """Check that graph, keywords and labels belong together; raises PackError if not."""
        self.words = words
        self.labels = labels
        self._graph = graph
        self._row = {word: row for row, word in enumerate(words, start=1)}
        self._slots = graph.shape("ids")[-1]
        shapes = {"ids": (1, self._slots), "weights": (1, self._slots)}
        shapes |= {"vad": (1, 3), "probabilities": (1, len(labels))}
        for tensor, shape in shapes.items():
            if graph.shape(tensor) != shape:
                found = graph.shape(tensor)
                raise PackError(f"{graph.name}: {tensor} has shape {found}, wanted {shape}")
        if len(self._row) < len(words):
            raise PackError(f"the keywords of {graph.name} name a word twice")
        try:
            self._run([(len(words), 1.0)])
        except (RuntimeError, ValueError, IndexError):
            raise PackError(f"{graph.name} has fewer rows than keywords ({len(words)})") from None

    def score(self, words: Sequence[Word]) -> Scores | None:
        """Return the scores of the words heard; None when none of them is a keyword.

        A confidence outside [0, 1] is clipped, NaN counts as 0. Of more words than the graph has
        places, the most certain are kept; of equal ones, the earlier.
        """
        found = [
            (self._row[word.word], min(1.0, max(0.0, word.confidence)))
            for word in words
            if word.word in self._row
        ]
        if not found:
            return None
        if len(found) > self._slots:
            best = sorted(range(len(found)), key=lambda i: -found[i][1])[: self._slots]
            found = [found[i] for i in sorted(best)]
        return self._run(found)

    def from_transcript(self, text: str) -> Scores | None:
        """Return the scores of a written sentence, every keyword taken as certain."""
        return self.score([Word(word, 0.0, 0.0, 1.0) for word in tokenise(text)])

    def _run(self, found: Sequence[tuple[int, float]]) -> Scores:
        ids = np.zeros((1, self._slots), np.int32)
        weights = np.zeros((1, self._slots), np.float32)
        for place, (row, weight) in enumerate(found):
            ids[0, place] = row
            weights[0, place] = weight
        outputs = self._graph.run(ids=ids, weights=weights)
        vad = np.clip(outputs["vad"][0], -1.0, 1.0).astype(np.float32)
        return Scores(vad, outputs["probabilities"][0].astype(np.float32))

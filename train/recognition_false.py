"""What a keyword that nobody said does to the valence of the result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge import fusion
from edge.confidence import Piece
from edge.emotion import Floats, Scores, Word
from edge.errors import HeartenError
from edge.interpreter import Graph
from edge.text import TextModel
from train import keyword_files
from train.corpora import LABELS
from train.recognition_map import Scored, Trust


@dataclass(frozen=True, slots=True)
class Meaning:
    """Text model and fusion as shipped; the voice beside the words is neutral."""

    model: TextModel
    fuse: Any

    @classmethod
    def load(cls, text: Path, joined: Path) -> Meaning:
        """Build both from what ``train text`` and ``train fusion`` left.

        Raises:
            HeartenError: one of them is missing.
        """
        from convert.text import build

        content = build(text)
        try:
            labels = tuple(json.loads((text / "model.json").read_text())["labels"])
            section = json.loads((joined / "fusion.json").read_text())["fusion"]
        except (OSError, ValueError, KeyError) as error:
            raise HeartenError(f"no fusion in {joined} ({error}): python -m train fusion") from None
        model = TextModel(Graph(content, "text.tflite"), keyword_files.read(text).forms, labels)
        return cls(model, fusion.build(section, LABELS, labels))

    def valence(self, words: Sequence[Word]) -> tuple[float, float]:
        """Return the valence of the result and that of the words alone, both in [-1, 1]."""
        even = np.full(len(LABELS), 1.0 / len(LABELS), np.float32)
        voice = Scores(np.zeros(3, np.float32), even)
        text = self.model.score(words)
        if text is None:
            return 0.0, 0.0
        joined = self.fuse(voice, text, sum(word.confidence for word in words))
        return float(joined.vad[0]), float(self.fuse.scaled(text.vad)[0])


def effects(items: Sequence[Scored], trust: Trust, least: float, meaning: Meaning) -> Floats:
    """Return how far each false keyword moves valence: result and text alone, shape (n, 2).

    It is taken out of what was heard, all else as it was.
    """
    moved = []
    for item in items:
        pairs = sorted(item.words, key=lambda pair: pair[0].start)
        said = [(_word(p, trust, item.snr_db), right) for p, right in pairs]
        kept = [(word, right) for word, right in said if word.confidence >= least]
        words = [word for word, _ in kept]
        before = meaning.valence(words) if words else (0.0, 0.0)
        for place, (_, right) in enumerate(kept):
            if not right:
                after = meaning.valence(words[:place] + words[place + 1 :])
                moved.append([abs(a - b) for a, b in zip(before, after, strict=True)])
    return np.array(moved, np.float32).reshape(-1, 2)


def summary(items: Sequence[Scored], trust: Trust, least: float, meaning: Meaning) -> Any:
    """Return the effects as cells of a result: mean and 95th percentile, and how many."""
    moved = effects(items, trust, least, meaning)
    if not len(moved):
        return {"false_words": 0}
    named = [("result", moved[:, 0]), ("text_alone", moved[:, 1])]
    cells = {f"{n}_mean": {"mean": round(float(x.mean()), 4)} for n, x in named}
    cells |= {
        f"{n}_p95": {"mean": round(float(np.percentile(x, 95)), 4)} for n, x in named
    }  # fmt: skip
    return {"false_words": len(moved)} | cells


def _word(piece: Piece, trust: Trust, snr_db: float) -> Word:
    return Word(piece.word, piece.start, piece.end, trust(piece, snr_db))

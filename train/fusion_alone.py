"""One side by itself, the rows that a fusion has to beat; and what every fusion needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from train.modalities import Fused, Rows, Values, demand, logs, soft

STRENGTH = 0.3  # C of the logistic regressions, on log probabilities
HALF = 2.0  # sure words make much of what can be heard


@dataclass
class Alone:
    """One side by itself: the row that a fusion has to beat.

    Probabilities over other classes than those of the rows are turned into them by a logistic
    regression; V/A/D are brought to the mean and deviation of the truth, unless they are the
    voice's, which are on its scale. Where no word was heard, the text says what is usual.
    """

    side: str
    wants: str = "decisions"
    _classes: Any = None
    _vad: tuple[Values, Values] = field(default_factory=lambda: (np.ones(3), np.zeros(3)))

    def fit(self, rows: Rows) -> Self:
        """Learn the classes and the scale, where the side has others."""
        said = getattr(rows, self.side)
        if said.probabilities is not None and self.side == "text" and rows.labelled.any():
            known = rows.take(rows.labelled)
            self._classes = logistic(text_cues(known), known.classes)
        if said.vad is not None and self.side == "text" and rows.rated.any():
            rated = rows.take(rows.rated)
            self._vad = restoring(said_vad(rated), rated.truth)
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return what the side says."""
        said = getattr(rows, self.side)
        gain, shift = self._vad
        shares, vad = said.probabilities, said.vad
        if self.side == "text" and vad is not None:
            vad = said_vad(rows) * gain + shift
        if self._classes is not None:
            shares = spread(self._classes, text_cues(rows), rows.size)
        return Fused(shares, vad)


def restoring(said: Values, truth: Values) -> tuple[Values, Values]:
    """Return gain and shift of each dimension that give ``said`` the mean and deviation of truth.

    A fit by squared error shrinks: its deviation is r times that of the truth, and its CCC
    ``2 r^2 / (1 + r^2)``. With the deviation restored CCC is r (Lin 1989: the bias factor is 1).
    """
    spread = said.std(axis=0)
    gain = np.where(spread > 1e-9, truth.std(axis=0) / np.maximum(spread, 1e-9), 1.0)
    return gain, truth.mean(axis=0) - gain * said.mean(axis=0)


def said_vad(rows: Rows) -> Values:
    """Return the text's V/A/D; where no word was heard, its mean."""
    said = demand(rows.text.vad, "V/A/D of the text")
    usual = said[rows.heard].mean(axis=0) if rows.heard.any() else np.zeros(3)
    return np.where(rows.heard[:, None], said, usual)


def text_cues(rows: Rows) -> Values:
    """Return log probabilities of the text, by themselves and times how much was heard."""
    said = logs(demand(rows.text.probabilities, "probabilities of the text"))
    centred = (said - said.mean(axis=1, keepdims=True)) * rows.heard[:, None]
    heard = soft(rows.evidence, HALF)
    return np.concatenate([centred, centred * heard, heard], axis=1)


def logistic(cues: Values, classes: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, max_iter=1000).fit(cues, classes)


def spread(model: Any, cues: Values, size: int) -> Values:
    """Return probabilities of all classes, 0 for one that was not in the fit."""
    shares = np.zeros((len(cues), size))
    shares[:, model.classes_] = model.predict_proba(cues)
    return shares


def unless_unheard(rows: Rows, said: Fused) -> Fused:
    """Return what is said, but the voice's own answer where no word was heard."""
    heard = rows.heard[:, None]
    shares, vad = said.probabilities, said.vad
    if shares is not None and rows.voice.probabilities is not None:
        shares = np.where(heard, shares, rows.voice.probabilities)
    if vad is not None and rows.voice.vad is not None:
        vad = np.where(heard, vad, rows.voice.vad)
    return Fused(shares, vad)

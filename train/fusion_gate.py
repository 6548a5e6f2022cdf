"""A gate: voice and words weigh as much as each is sure, utterance by utterance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from scipy.optimize import minimize

from train.fusion_alone import unless_unheard
from train.fusion_late import Product
from train.metrics import ccc, nll
from train.modalities import Fused, Rows, Values, demand, logs, softmax

MOST = 20.0  # of evidence: beyond it words are as good as certain
PENALTY = 0.01  # on what moves a weight
CUES = 4


@dataclass
class Gate:
    """Weighs the sides utterance by utterance, by how sure each is.

    As ``Product``, but the weight of the text is ``exp(u . z)`` for the classes and its share
    ``1 / (1 + exp(-u . z))`` for each dimension, where z holds 1, how sure each side is (the
    negative entropy of its probabilities), and the logarithm of the evidence. The u are learned:
    by likelihood, and by CCC.
    """

    speaks: Sequence[int] | None = None
    wants: str = "decisions"
    _product: Product = field(default_factory=Product)
    _weights: Values | None = None
    _shares: list[Values] = field(default_factory=list)

    def fit(self, rows: Rows) -> Self:
        """Start from the product, then learn what moves the weights."""
        self._product = Product(self.speaks).fit(rows)
        known, rated = rows.take(rows.labelled & rows.heard), rows.take(rows.rated & rows.heard)
        if len(known):
            start = np.array([np.log(max(self._product.weight, 0.05)), 0.0, 0.0, 0.0])
            self._weights = _least(lambda u: nll(known.classes, self._classes(known, u)), start)
        if len(rated):
            starts = np.clip(self._product.share, 0.02, 0.98)
            self._shares = [
                _least(
                    lambda u, d=d: -ccc(rated.truth[:, d], self._dimension(rated, d, u)),
                    np.array([np.log(starts[d] / (1 - starts[d])), 0.0, 0.0, 0.0]),
                )
                for d in range(3)
            ]
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return both, or what there were targets for."""
        shares = None if self._weights is None else self._classes(rows, self._weights)
        vad = None
        if self._shares:
            said = [self._dimension(rows, d, u) for d, u in enumerate(self._shares)]
            vad = np.stack(said, axis=1)
        return unless_unheard(rows, Fused(shares, vad))

    def _classes(self, rows: Rows, u: Values) -> Values:
        voice = logs(demand(rows.voice.probabilities, "probabilities of the voice"))
        weight = np.exp(np.clip(_sureness(rows) @ u, -5.0, 3.0))[:, None]
        return softmax(voice + weight * self._product.odds(rows))

    def _dimension(self, rows: Rows, d: int, u: Values) -> Values:
        voice = demand(rows.voice.vad, "V/A/D of the voice")[:, d]
        share = 1.0 / (1.0 + np.exp(-np.clip(_sureness(rows) @ u, -20.0, 20.0)))
        return np.asarray(voice + share * (self._product.scaled(rows)[:, d] - voice))


def _least(loss: Callable[[Values], float], start: Values) -> Values:
    """Return the weights with the least loss, small ones preferred but the first."""
    found = minimize(
        lambda u: loss(u) + PENALTY * float((u[1:] ** 2).sum()), start, method="L-BFGS-B"
    )
    return np.asarray(found.x)


def _sureness(rows: Rows) -> Values:
    """Return 1, how sure the voice is, how sure the text is, and the log of the evidence."""
    certain = [
        np.zeros(len(rows)) if p is None else (np.exp(logs(p)) * logs(p)).sum(axis=1)
        for p in (rows.voice.probabilities, rows.text.probabilities)
    ]
    evidence = np.log1p(np.minimum(rows.evidence, MOST))
    return np.stack([np.ones(len(rows)), *certain, evidence], axis=1)

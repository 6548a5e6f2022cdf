"""How sure a voice may be: the temperature of its probabilities, and when to say "unknown"."""

from __future__ import annotations

import numpy as np

from edge.emotion import Floats
from train.metrics import nll
from train.pairs import Voices

REJECTED = 0.10  # "balanced" refuses this share of development utterances
WANTED = 0.80  # "cautious" wants this share of the accepted ones right


def calibrated(voices: Voices, temperature: float) -> Floats:
    """Return the voice's probabilities at a temperature, shape (n, labels)."""
    logits = voices.logits / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_temperature(voices: Voices) -> float:
    """Return the temperature with the least negative log-likelihood (Guo et al. 2017)."""
    grid = np.geomspace(0.5, 5.0, 91)
    losses = [nll(voices.classes, calibrated(voices, float(t))) for t in grid]
    return round(float(grid[int(np.argmin(losses))]), 4)


def thresholds(voices: Voices, temperature: float) -> dict[str, float]:
    """Return the reject thresholds by name, from the voice alone: words may be missing."""
    probabilities = calibrated(voices, temperature)
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == voices.classes
    order = np.argsort(-sure)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(accuracy >= WANTED)
    cautious = sure[order][good[-1]] if len(good) else sure.max()
    balanced = float(np.quantile(sure, REJECTED))
    return {
        "balanced": round(balanced, 4),
        "cautious": round(max(float(cautious), balanced), 4),
    }

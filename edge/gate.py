"""Is it speech at all? Energy opens an utterance, so music, wind and a drill open one too.

A linear gate reads what the voice branch pooled and gives the probability that somebody speaks.
Where that is low, the event has no confidence, so that its category is "unknown".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.emotion import Floats

LEAST = 0.5  # probability of speech from which confidence is left as it is


@dataclass(frozen=True, slots=True)
class Gate:
    """The pack's section: ``weights``, one for each pooled value, shape (size,), and ``bias``.

    ``python -m train gate`` sets the bias so that 1 % of speech falls below ``LEAST``.
    """

    weights: Floats
    bias: float

    def __call__(self, pooled: Floats) -> float:
        """Return the probability of speech; ``pooled`` is unshifted, shape (size,)."""
        logit = float(self.weights @ pooled) + self.bias
        return float(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))


def trusted(confidence: float, speech: float) -> float:
    """Return the confidence in a category when ``speech`` is the probability that it was speech.

    Speech keeps its confidence, which is calibrated; what is refused has none: times a
    probability just below a half, loud music would still pass the threshold "balanced".
    """
    return confidence if speech >= LEAST else 0.0

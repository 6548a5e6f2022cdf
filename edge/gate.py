"""What a pack knows of a sound beside its emotion: is it speech, and of a kind that it knows?

Energy opens an utterance, so music, wind and a drill open one too. A linear gate reads what the
voice branch pooled and gives the probability that somebody speaks. Where that is low, the event has
no confidence, so that its category is "unknown".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
        return 1.0 / (1.0 + math.exp(-min(max(logit, -30.0), 30.0)))


@dataclass(frozen=True, slots=True)
class Novelty:
    """How unlike the acted speech of training it sounds: read aloud, synthetic, far away.

    The pack's section: ``mean`` and ``std`` standardise what is pooled, shape (size,); ``basis``,
    shape (k, size), are the directions in which acted speech varies most. What they leave over is
    what acted speech does not do; ``usual`` is its length for acted speech of strangers.
    """

    mean: Floats
    std: Floats
    basis: Floats
    usual: float

    def __call__(self, pooled: Floats) -> float:
        """Return the novelty, from 0 and about 1 for acted speech; ``pooled`` is unshifted."""
        known = (pooled - self.mean) / self.std
        inside = self.basis @ known
        left = float(known @ known) - float(inside @ inside)
        return math.sqrt(max(left, 0.0)) / self.usual


def trusted(confidence: float, speech: float) -> float:
    """Return the confidence in a category when ``speech`` is the probability that it was speech.

    Speech keeps its confidence, which is calibrated; what is refused has none: times a
    probability just below a half, loud music would still pass the threshold "balanced".
    """
    return confidence if speech >= LEAST else 0.0

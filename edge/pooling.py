"""What an utterance's voice amounts to: running statistics over its blocks, outside the graph.

Pooling stays in numpy because running means inside a quantised graph lose small updates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats

Doubles = NDArray[np.float64]


class Moments:
    """Running mean and standard deviation of vectors."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._sum: Doubles = np.zeros(size)
        self._squares: Doubles = np.zeros(size)

    def add(self, rows: Floats) -> None:
        """Add rows of shape (n, size)."""
        self._count += len(rows)
        self._sum += rows.sum(axis=0)
        self._squares += np.einsum("ij,ij->j", rows, rows)

    def value(self) -> Doubles:
        """Return mean and standard deviation, shape (2 * size,)."""
        mean = self._sum / max(self._count, 1)
        variance = np.maximum(self._squares / max(self._count, 1) - mean**2, 0.0)
        return np.concatenate([mean, np.sqrt(variance + 1e-5)])


class Attention:
    """Running softmax-weighted mean; the largest score so far keeps the exponentials small."""

    def __init__(self, size: int) -> None:
        self._top = -np.inf
        self._weight = 0.0
        self._sum: Doubles = np.zeros(size)

    def add(self, rows: Floats, scores: Floats) -> None:
        """Add rows of shape (n, size) with their scores, shape (n,)."""
        top = max(self._top, float(scores.max()))
        keep = np.exp(self._top - top)
        weights = np.exp(scores - top)
        self._weight = self._weight * keep + float(weights.sum())
        self._sum = self._sum * keep + weights @ rows
        self._top = top

    def value(self) -> Doubles:
        """Return the weighted mean, shape (size,)."""
        return self._sum / max(self._weight, 1e-12)


class Pool:
    """Attention, mean and deviation of the GRU's states."""

    def __init__(self, units: int) -> None:
        self._attention = Attention(units)
        self._moments = Moments(units)
        self.steps = 0

    def add(self, states: Floats, scores: Floats) -> None:
        """Add a block: states of shape (steps, units), attention scores of shape (steps,)."""
        self._attention.add(states, scores)
        self._moments.add(states)
        self.steps += len(states)

    def value(self) -> Floats:
        """Return the pooled vector, shape (1, 3 * units)."""
        parts = [self._attention.value(), self._moments.value()]
        return np.concatenate(parts)[None].astype(np.float32)

"""What an utterance's voice amounts to: running statistics over its blocks, outside the graph.

Pooling stays in numpy because running means inside a quantised graph lose small updates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats

Doubles = NDArray[np.float64]


class Moments:
    """Running mean and standard deviation of vectors."""

    def __init__(self, size: int, least: float = 1e-5) -> None:
        """``least`` is added to the variance, as in training."""
        self._least = least
        self.count = 0
        self._sum: Doubles = np.zeros(size)
        self._squares: Doubles = np.zeros(size)

    def add(self, rows: Floats) -> None:
        """Add rows of shape (n, size)."""
        self.count += len(rows)
        self._sum += np.add.reduce(rows)
        self._squares += np.einsum("ij,ij->j", rows, rows)

    def value(self) -> Doubles:
        """Return mean and standard deviation, shape (2 * size,)."""
        mean = self._sum / max(self.count, 1)
        variance = np.maximum(self._squares / max(self.count, 1) - mean**2, 0.0)
        return np.concatenate([mean, np.sqrt(variance + self._least)])


class Attention:
    """Running softmax-weighted mean; the largest score so far keeps the exponentials small."""

    def __init__(self, size: int) -> None:
        self._top = -np.inf
        self._weight = 0.0
        self._sum: Doubles = np.zeros(size)

    def add(self, rows: Floats, scores: Floats) -> None:
        """Add rows of shape (n, size) with their scores, shape (n,)."""
        if (top := float(np.maximum.reduce(scores))) > self._top:
            keep = np.exp(self._top - top)
            self._weight, self._sum, self._top = self._weight * keep, self._sum * keep, top
        weights = np.exp(scores - self._top)
        self._weight += float(np.add.reduce(weights))
        self._sum = self._sum + weights @ rows

    def value(self) -> Doubles:
        """Return the weighted mean, shape (size,)."""
        return self._sum / max(self._weight, 1e-12)


class Functionals:
    """Statistics of an utterance's frames (HSF): mean, deviation, change over ``lags`` frames
    (root of the mean square), and mean excess beyond one deviation of the corpus, up and down.

    Change over several lags is a coarse modulation spectrum. Voices that a GRU mistakes are often
    clear here, song above all (``python -m train evaluate voice``).
    """

    def __init__(self, size: int, lags: Sequence[int]) -> None:
        self._lags = tuple(lags)
        self._longest = max(self._lags)
        self._moments = Moments(size, 1e-4)
        self._changes: Doubles = np.zeros((len(self._lags), size))
        self._earlier = np.array(self._lags)[:, None]
        self._beyond: Doubles = np.zeros((2, size))
        self._past: Floats = np.zeros((0, size), np.float32)

    def add(self, frames: Floats) -> None:
        """Add normalised frames, shape (n, size)."""
        self._moments.add(frames)
        beyond = np.empty((2, *frames.shape), np.float32)
        np.subtract(frames, 1.0, out=beyond[0])
        np.subtract(-1.0, frames, out=beyond[1])
        self._beyond += np.add.reduce(np.maximum(beyond, 0.0, out=beyond), axis=1)
        joined, known = np.concatenate([self._past, frames]), len(self._past)
        at = np.arange(known, len(joined))
        before = at - self._earlier
        if known < self._longest:  # nothing before the first frame: no change
            before = np.where(before < 0, at, before)
        change = frames - joined.take(before, axis=0)
        self._changes += np.einsum("lij,lij->lj", change, change)
        self._past = joined[-self._longest :]

    def value(self) -> Doubles:
        """Return the statistics, shape ((4 + len(lags)) * size,)."""
        count = self._moments.count
        pairs = np.maximum([[count - lag] for lag in self._lags], 1)
        changes = np.sqrt(self._changes / pairs + 1e-4)
        beyond = self._beyond / max(count, 1)
        return np.concatenate([self._moments.value(), changes.ravel(), beyond.ravel()])


class Pool:
    """Attention, mean and deviation of the GRU's states; with ``lags``, functionals of frames."""

    def __init__(self, units: int, size: int = 0, lags: Sequence[int] = ()) -> None:
        self._attention = Attention(units)
        self._moments = Moments(units)
        self._functionals = Functionals(size, lags) if lags else None
        self.steps = 0

    @staticmethod
    def length(units: int, size: int, lags: Sequence[int]) -> int:
        """Return how many values are pooled."""
        return 3 * units + ((4 + len(lags)) * size if lags else 0)

    def add(self, states: Floats, scores: Floats, frames: Floats) -> None:
        """Add states of shape (steps, units), attention scores (steps,), frames (n, size)."""
        self._attention.add(states, scores)
        self._moments.add(states)
        if self._functionals:
            self._functionals.add(frames)
        self.steps += len(states)

    def value(self) -> Floats:
        """Return the pooled vector, shape (1, length)."""
        parts = [self._attention.value(), self._moments.value()]
        if self._functionals:
            parts.append(self._functionals.value())
        return np.concatenate(parts)[None].astype(np.float32)

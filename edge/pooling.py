"""What an utterance's voice amounts to: running statistics over its blocks, outside the graph.

Pooling stays in numpy because running means inside a quantised graph lose small updates.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats

Doubles = NDArray[np.float64]
LONGEST = 1000  # frames that wait: memory stays


class Moments:
    """Running mean and standard deviation of vectors."""

    def __init__(self, size: int, least: float = 1e-5) -> None:
        """``least`` is added to the variance, as in training."""
        self._least = least
        self.count = 0
        self._sums: Doubles = np.zeros((2, size))  # of vectors, and of their squares

    def add(self, rows: Floats) -> None:
        """Add rows of shape (n, size)."""
        parts = np.empty((2, *rows.shape), np.float32)
        parts[0] = rows
        np.square(rows, out=parts[1])
        self._sums += _summed(parts)
        self.count += len(rows)

    def value(self) -> Doubles:
        """Return mean and standard deviation, shape (2 * size,)."""
        means = self._sums / max(self.count, 1)
        _take_roots(means, 2, self._least)
        return means.ravel()


class Attention:
    """Running softmax-weighted mean; the largest score so far keeps the exponentials small."""

    def __init__(self, size: int) -> None:
        self._top = -math.inf
        self._weight = 0.0
        self._sum: Doubles = np.zeros(size)

    def add(self, rows: Floats, scores: Floats) -> None:
        """Add rows of shape (n, size) with their scores, shape (n,)."""
        values = scores.tolist()
        if (top := max(values)) > self._top:
            keep = math.exp(self._top - top)
            self._weight, self._sum, self._top = self._weight * keep, self._sum * keep, top
        weights = [math.exp(value - self._top) for value in values]
        self._weight += sum(weights)
        self._sum += np.array(weights, np.float32) @ rows

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
        self._longest = max(lags)
        self.count = 0
        # Of frames, their squares, the squares of the change over each lag, excess up and down.
        self._sums: Doubles = np.zeros((4 + len(lags), size))
        self._past: Floats = np.zeros((0, size), np.float32)

    @staticmethod
    def length(size: int, lags: Sequence[int]) -> int:
        """Return how many statistics there are."""
        return (4 + len(lags)) * size

    def add(self, frames: Floats) -> None:
        """Add normalised frames, shape (n, size)."""
        parts = np.empty((len(self._sums), *frames.shape), np.float32)
        parts[0] = parts[1] = frames
        joined = np.concatenate([self._past, frames])
        before = joined.take(_before(self._lags, len(self._past), len(frames)), axis=0)
        np.subtract(frames, before, out=parts[2:-2])
        squared, beyond = parts[1:-2], parts[-2:]
        np.square(squared, out=squared)
        np.subtract(frames, 1.0, out=beyond[0])
        np.subtract(-1.0, frames, out=beyond[1])
        np.maximum(beyond, 0.0, out=beyond)
        self._sums += _summed(parts)
        self.count += len(frames)
        self._past = joined[-self._longest :]

    def value(self) -> Doubles:
        """Return the statistics, shape ((4 + len(lags)) * size,)."""
        count = max(self.count, 1)
        pairs = [max(count - lag, 1) for lag in self._lags]
        means: Doubles = self._sums / np.array([count, count, *pairs, count, count])[:, None]
        _take_roots(means, len(means) - 2, 1e-4)
        return means.ravel()


class Waiting:
    """Functionals of frames that wait, and cost nothing, until somebody asks."""

    def __init__(self, size: int, lags: Sequence[int]) -> None:
        self._functionals = Functionals(size, lags)
        self._frames: list[Floats] = []
        self._waiting = self._counted = 0

    def add(self, frames: Floats) -> None:
        """Add normalised frames, shape (n, size)."""
        self._frames.append(frames)
        self._waiting += len(frames)

    def count(self, frames: int) -> None:
        """Let so many of the frames count, from the first on; never fewer than before."""
        self._counted = frames
        if self._waiting > LONGEST:
            self._settle()

    def value(self) -> Floats:
        """Return the statistics of what counts, shape (1, (4 + len(lags)) * size)."""
        self._settle()
        return self._functionals.value()[None].astype(np.float32)

    def _settle(self) -> None:
        due = self._counted - self._functionals.count
        if due > 0 and self._frames:
            joined = np.concatenate(self._frames)
            self._functionals.add(joined[:due])
            self._frames = [joined[due:]]
            self._waiting = len(joined) - min(due, len(joined))


@functools.lru_cache(maxsize=32)
def _before(lags: tuple[int, ...], known: int, count: int) -> NDArray[np.int64]:
    """Return for each lag, shape (lags, count), where the earlier frames are among ``known`` ones
    and ``count`` that follow; the frame itself where nothing is so early: no change."""
    at = np.arange(known, known + count)
    before = at - np.array(lags)[:, None]
    return np.where(before < 0, at, before)


def _summed(parts: Floats) -> Floats:
    """Return the sums of parts (k, n, size) over their rows, shape (k, size)."""
    total: Floats = _ones(parts.shape[1]) @ parts
    return total


@functools.lru_cache(maxsize=32)
def _ones(count: int) -> Floats:
    return np.ones(count, np.float32)


def _take_roots(means: Doubles, stop: int, least: float) -> None:
    """Make of mean squares, rows 1 to ``stop``, the deviation from row 0 and roots of the rest."""
    means[1] -= means[0] * means[0]
    squares = means[1:stop]
    np.maximum(squares, 0.0, out=squares)
    squares += least
    np.sqrt(squares, out=squares)


class Pool:
    """Attention, mean and deviation of the GRU's states; with ``lags``, functionals of frames. Of
    several ``views`` the mean."""

    def __init__(self, units: int, size: int = 0, lags: Sequence[int] = (), views: int = 1) -> None:
        self._views = views
        self._attention = [Attention(units) for _ in range(views)]
        self._units, self._size = units, size
        self._moments = Moments(views * units)
        self._functionals = Functionals(views * size, lags) if lags else None
        self.steps = 0

    @staticmethod
    def length(units: int, size: int, lags: Sequence[int]) -> int:
        """Return how many values are pooled."""
        return 3 * units + (Functionals.length(size, lags) if lags else 0)

    def add(self, states: Floats, scores: Floats, frames: Floats) -> None:
        """Add states of shape (steps, views * units), attention scores (steps, views), frames (n,
        views * size)."""
        if self._views == 1:
            self._attention[0].add(states, scores[:, 0])
        else:
            views = np.split(states, self._views, axis=1)
            for attention, own, column in zip(self._attention, views, scores.T, strict=True):
                attention.add(own, column)
        self._moments.add(states)
        if self._functionals:
            self._functionals.add(frames)
        self.steps += len(states)

    def value(self) -> Floats:
        """Return the pooled vector, shape (1, length)."""
        pooled = self._pooled()
        if self._views > 1:
            pooled = np.concatenate([part.mean(axis=1).ravel() for part in self._by_view(pooled)])
        return pooled[None].astype(np.float32)

    def first(self) -> Floats:
        """Return the pooled vector of the first view alone, shape (1, length)."""
        own: Doubles = np.concatenate(
            [part[:, 0].ravel() for part in self._by_view(self._pooled())]
        )
        return np.asarray(own[None], np.float32)

    def _pooled(self) -> Doubles:
        """Return every statistic of all views, one statistic after the other."""
        parts = [attention.value() for attention in self._attention]
        parts.append(self._moments.value())
        if self._functionals:
            parts.append(self._functionals.value())
        return np.concatenate(parts)

    def _by_view(self, pooled: Doubles) -> tuple[Doubles, Doubles]:
        """Return what was pooled of states and of frames, shape (statistics, views, units or
        size)."""
        states = 3 * self._views * self._units
        return (
            pooled[:states].reshape(3, self._views, self._units),
            pooled[states:].reshape(-1, self._views, max(self._size, 1)),
        )

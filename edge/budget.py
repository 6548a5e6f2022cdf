"""Budgets of time: what may be spent, as a share of the audio that goes by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]


class Allowance:
    """Seconds of a clock that may be spent; they come with the audio and do not pile up."""

    def __init__(self, share: float, most: float, clock: Clock = time.perf_counter) -> None:
        """``share`` seconds come with a second of audio; ``most`` can be saved, and are at first.

        ``clock`` is in seconds: of the wall, or of this thread on a core.
        """
        self._share = share
        self._most = most
        self._clock = clock
        self.left = most

    def earn(self, seconds: float) -> None:
        """Add what comes with a piece of so much audio, which is never too much to save."""
        more = self._share * seconds
        self.left = min(max(self._most, more), self.left + more)

    @contextmanager
    def spend(self) -> Iterator[None]:
        """Count what the body takes; what is left may fall below 0."""
        began = self._clock()
        try:
            yield
        finally:
            self.left -= self._clock() - began

"""How long to measure: a few seconds, or as long as steady numbers take."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Effort:
    """What one run spends: ``starts`` of a fresh process of each kind, ``seconds`` on each
    measurement that repeats (a slow board repeats less often), ``utterances`` at most, and for
    the memory ``minutes`` of simulated stream, voice only and ``words_minutes`` with words; 0 is
    none."""

    starts: int
    seconds: float
    utterances: int
    minutes: float
    words_minutes: float

    def rounds(self, least: int, most: int) -> Iterator[int]:
        """Yield 0, 1, 2, ... until the time is up, ``least`` times anyway, ``most`` at most."""
        end = time.monotonic() + self.seconds
        for number in range(most):
            if number >= least and time.monotonic() >= end:
                return
            yield number


LONG_MINUTES = 10.0
QUICK = Effort(starts=2, seconds=0.8, utterances=30, minutes=0.0, words_minutes=0.0)
NORMAL = Effort(starts=5, seconds=8.0, utterances=200, minutes=LONG_MINUTES, words_minutes=2.0)


def median(values: Sequence[float]) -> float:
    """Return the middle value: what other programs do in between hardly moves it."""
    return float(np.median(values))

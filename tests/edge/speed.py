"""How fast this machine is now, for tests of what something costs."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

USUAL = 230e-6  # seconds of ``_work`` on the machine of the budgets, when nothing else runs


def best(work: Callable[[], object], times: int = 300) -> float:
    """Return the seconds of the fastest call of many: what it costs where nobody interrupts."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def slowness() -> float:
    """Return how many times slower than usual a fixed work is here and now, at least 1."""
    return max(1.0, best(_work) / USUAL)


def _work() -> None:
    row = np.arange(64, dtype=np.float32)
    for number in range(60):
        row = np.exp(-np.abs(row)) + np.float32(number)
        dict.fromkeys(range(20), float(row.sum()))

"""A stream in real time on a core that is not free: does the voice stay in time, what is lost?

An endless loop shares the one core that this process keeps to; the scheduler gives each half.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from edge.bench import stream
from edge.bench.signals import conversation
from edge.engine import Engine
from edge.features import RATE

SECONDS = 30.0  # of a conversation
LOOP = "while True: pass"


def listen(pack: str | None, words: bool, seconds: float = SECONDS) -> dict[str, Any]:
    """Push a made conversation as a microphone would; return counters and ``metrics``.

    The metrics are percentiles, in ms, from the arrival of the chunk that ends an utterance to its
    final event, with what the stream was behind by then: ``busy_p50_ms`` and ``busy_p95_ms``.
    ``most_behind_ms`` is the furthest that the stream fell behind the sound; a microphone's queue
    holds five seconds. ``statistics`` are the engine's counters.
    """
    with stream.open_engine(pack, words) as engine, _busy():
        finals, behind = _live(engine, seconds)
        statistics = engine.statistics()
    shown = {f"busy_p{p}_ms": float(np.percentile(finals, p)) if finals else None for p in (50, 95)}
    return {
        "seconds": seconds,
        "finals": len(finals),
        "most_behind_ms": round(max(behind), 2),
        "statistics": statistics,
        "metrics": shown,
    }


def _live(engine: Engine, seconds: float) -> tuple[list[float], list[float]]:
    """Return in ms how late each final event was, and how far behind the stream was at chunks."""
    sound = conversation(seconds)
    finals: list[float] = []
    behind: list[float] = []
    engine.reset()
    began = time.perf_counter()
    for first in range(0, len(sound), stream.CHUNK):
        chunk = sound[first : first + stream.CHUNK]
        arrives = began + (first + len(chunk)) / RATE
        time.sleep(max(0.0, arrives - time.perf_counter()))
        behind.append(1e3 * (time.perf_counter() - arrives))
        events = engine.push(chunk.tobytes())
        late = 1e3 * (time.perf_counter() - arrives)
        finals += [late for event in events if event.type == "final"]
    return finals, behind


@contextmanager
def _busy() -> Iterator[None]:
    """Keep this process to one core, where the system can, and let a loop take it."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if before is not None:
        os.sched_setaffinity(0, {max(before)})
    loop = subprocess.Popen([sys.executable, "-c", LOOP])  # it inherits the core
    try:
        yield
    finally:
        loop.kill()
        loop.wait()
        if before is not None:
            os.sched_setaffinity(0, before)

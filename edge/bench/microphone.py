"""A few seconds of a real microphone: whether this machine keeps up, and what was lost."""

from __future__ import annotations

import time
from typing import Any

from edge.audio.microphone import Microphone
from edge.engine import Engine

SECONDS = 5.0
PATIENCE = 3.0  # times the seconds: then the device is too slow


def listen(engine: Engine, device: str, seconds: float = SECONDS) -> dict[str, Any]:
    """Hear a device for so many seconds; return its queue's counters and how busy we were.

    Raises:
        AudioError: there is no such device, or it cannot be opened.
        MissingExtra: PyAudio is not installed.
    """
    engine.reset()
    longest = 0.0
    with Microphone(device) as microphone:
        ends = time.monotonic() + PATIENCE * seconds
        for chunk in microphone:
            before = time.perf_counter()
            engine.push(chunk)
            longest = max(longest, time.perf_counter() - before)
            if engine.seconds >= seconds or time.monotonic() > ends:
                break
        return {
            "device": microphone.device.name,
            "rate": microphone.rate,
            "seconds": engine.seconds,
            "longest_chunk_ms": round(1e3 * longest, 2),
            **microphone.statistics(),
        }

"""What the listening costs, and on what: measured with the standard library."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

MODEL = Path("/proc/device-tree/model")
THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
STATM = Path("/proc/self/statm")


class Load:
    """Shares of this process since the last ``measure``; ``heard`` is told by the listener."""

    def __init__(self) -> None:
        self.board = _text(MODEL).rstrip("\0") or platform.machine()
        self._began = time.monotonic()
        self._wall, self._cpu = self._began, time.process_time()
        self._engine = self._before = (time.thread_time(), 0.0)

    def heard(self, seconds: float) -> None:
        """Note how far the stream is; called in the thread that runs the engine."""
        self._engine = (time.thread_time(), seconds)

    def measure(self) -> dict[str, Any]:
        """Return the numbers of the page, None where this machine does not tell.

        ``cpu`` is the share of one core, ``realtime`` CPU seconds of the engine's thread for a
        second of audio, ``memory_mb`` resident memory, ``uptime`` seconds.
        """
        wall, cpu, engine = time.monotonic(), time.process_time(), self._engine
        spent, audio = (now - then for now, then in zip(engine, self._before, strict=True))
        share = (cpu - self._cpu) / max(wall - self._wall, 1e-6)
        self._wall, self._cpu, self._before = wall, cpu, engine
        return {
            "cpu": round(share, 4),
            "realtime": round(spent / audio, 4) if audio > 0 else None,
            "memory_mb": _memory(),
            "uptime": round(wall - self._began),
            "temperature": _temperature(),
            "cores": os.cpu_count(),
        }


def _memory() -> float | None:
    pages = _text(STATM).split()
    return round(int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1) if len(pages) > 1 else None


def _temperature() -> float | None:
    text = _text(THERMAL).strip()
    return round(int(text) / 1000, 1) if text.lstrip("-").isdigit() else None


def _text(path: Path) -> str:
    """Return the content of a file of the kernel; empty where there is none."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

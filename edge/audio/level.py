"""The level of an input, and what is wrong with it: muted, nearly silent, or clipped."""

from __future__ import annotations

import numpy as np

from edge.features import RATE

FLOOR_DB = -100.0
WINDOW = 3.0  # seconds that a fault must last
QUIET_DB = -75.0  # below the noise of any working microphone
FULL = 32767  # a sample at or beyond this is clipped
CLIPPED = 0.002  # share of clipped samples that spoils the voice
MESSAGES = {
    "muted": "the input is digital silence: is the microphone muted or the wrong one chosen? "
    "see hearten devices, and alsamixer or pavucontrol",
    "quiet": "the input is nearly silent (below -75 dBFS): raise the microphone's gain "
    "(alsamixer, F4), or choose another device",
    "clipped": "the input is clipped: lower the microphone's gain (alsamixer, F4) "
    "or step back; loud voices are misjudged",
}


class Meter:
    """Levels of a stream of S16_LE mono 16 kHz chunks.

    ``rms_db`` and ``peak_db`` are those of the last chunk in dBFS, -100 at least.
    """

    def __init__(self) -> None:
        self.rms_db = self.peak_db = FLOOR_DB
        self._told: set[str] = set()
        self._count = self._peak = self._clipped = 0
        self._loudest = FLOOR_DB

    def push(self, chunk: bytes) -> str | None:
        """Measure a chunk; return the warning it completes. Each warning is given once."""
        samples = np.frombuffer(chunk[: len(chunk) // 2 * 2], "<i2").astype(np.int32)
        if not len(samples):
            return None
        size = np.abs(samples)
        peak, energy = int(size.max()), float(np.square(samples, dtype=np.float64).mean())
        self.peak_db, self.rms_db = _db(peak), _db(energy**0.5)
        self._count += len(samples)
        self._peak = max(self._peak, peak)
        self._loudest = max(self._loudest, self.rms_db)
        self._clipped += int((size >= FULL).sum())
        if self._count < WINDOW * RATE:
            return None
        fault = self._fault()
        self._begin()
        if fault is None or fault in self._told:
            return None
        self._told.add(fault)
        return MESSAGES[fault]

    def _begin(self) -> None:
        self._count = self._peak = self._clipped = 0
        self._loudest = FLOOR_DB

    def _fault(self) -> str | None:
        """Name what was wrong during the whole window, if anything."""
        if self._peak == 0:
            return "muted"
        if self._loudest < QUIET_DB:
            return "quiet"
        return "clipped" if self._clipped > CLIPPED * self._count else None


def _db(value: float) -> float:
    return max(FLOOR_DB, 20.0 * float(np.log10(max(value, 1e-9) / 32768.0)))

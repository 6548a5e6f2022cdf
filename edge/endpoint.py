"""Where speech starts and ends: an energy endpointer that follows the noise floor.

Works on 10 ms frames of int16 samples and needs nothing but numpy. The floor is the minimum of the
smoothed level over the last seconds (minimum statistics, after Martin 2001), so steady noise
closes by itself and short pauses keep an utterance whole.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.features import HOP

SILENCE_DB = -120.0
QUIETEST_DB = -96.0  # the range of 16 bits


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Levels in dB full scale or dB over the noise floor, times in 10 ms frames."""

    onset_db: float = 12.0
    offset_db: float = 7.0
    minimum_db: float = -80.0
    below_peak_db: float = 40.0
    first_floor_db: float = -60.0
    onset_frames: int = 5
    hangover_frames: int = 60
    floor_frames: int = 300
    longest_frames: int = 1000

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's form."""
        return asdict(self)


def levels_db(samples: NDArray[np.int16]) -> list[float]:
    """Return the level of each whole 10 ms frame in dB full scale, never below -120."""
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype(np.float32)
    frames = frames - frames.mean(axis=1, keepdims=True)  # a cheap sound card's DC is no speech
    power = np.einsum("ij,ij->i", frames, frames) / (HOP * 32768.0**2)
    levels: list[float] = (10.0 * np.log10(power + 1e-12)).tolist()
    return levels


class NoiseFloor:
    """The minimum of the smoothed level over a sliding window, in blocks of 25 frames."""

    BLOCK = 25

    def __init__(self, first_db: float, frames: int) -> None:
        blocks = max(1, frames // self.BLOCK)
        self._minima: deque[float] = deque([first_db] * blocks, maxlen=blocks)
        self._smooth = first_db
        self._block = 0.0
        self._count = 0
        self.level = first_db

    def update(self, level: float) -> float:
        """Add a frame's level; return the floor in dB."""
        self._smooth += 0.3 * (level - self._smooth)
        self._block = min(self._block, self._smooth)
        self._count += 1
        self.level = min(self.level, self._smooth)
        if self._count == self.BLOCK:
            self._minima.append(self._block)
            self.level = min(self._minima)
            self._count, self._block = 0, 0.0
        return self.level


class Endpointer:
    """Frame levels in, speech boundaries out; the state of one stream.

    ``speaking`` tells whether an utterance is open; ``last_speech`` is the number of frames, from
    the start of the stream, up to the end of the last frame that held speech.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self.settings = settings
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._floor = NoiseFloor(self.settings.first_floor_db, self.settings.floor_frames)
        self.speaking = False
        self.frame = 0
        self.last_speech = 0
        self.peak = SILENCE_DB
        self._run = 0

    @property
    def snr_db(self) -> float:
        """Peak level of the utterance over the noise floor (at least -96 dBFS), in dB."""
        return max(0.0, self.peak - max(self._floor.level, QUIETEST_DB))

    def update(self, level: float) -> str | None:
        """Add one frame's level (dB); return ``"start"``, ``"end"`` or None."""
        floor = self._floor.update(level)
        self.frame += 1
        return self._inside(level, floor) if self.speaking else self._outside(level, floor)

    def _outside(self, level: float, floor: float) -> str | None:
        settings = self.settings
        threshold = max(floor + settings.onset_db, settings.minimum_db)
        self._run = self._run + 1 if level > threshold else 0
        if self._run < settings.onset_frames:
            return None
        self.speaking, self.peak, self._run = True, level, 0
        self.last_speech = self.frame
        return "start"

    def _inside(self, level: float, floor: float) -> str | None:
        settings = self.settings
        self.peak = max(self.peak, level)
        quiet = max(floor + settings.offset_db, self.peak - settings.below_peak_db)
        if level > max(quiet, settings.minimum_db - 3.0):
            self.last_speech = self.frame
        if self.frame - self.last_speech < settings.hangover_frames:
            return None
        self.speaking = False
        return "end"

    def cut(self) -> None:
        """Close the utterance by force (too long, or the stream is flushed)."""
        self.speaking = False
        self._run = self.settings.onset_frames - 1

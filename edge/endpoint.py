"""Where speech starts and ends: an energy endpointer that follows the noise floor.

Works on 10 ms frames of int16 samples and needs nothing but numpy. The floor is the minimum of the
smoothed level over the last seconds (minimum statistics, after Martin 2001), so steady noise
closes by itself and short pauses keep an utterance whole. Speech that was heard tells how loud
speech is here: what is much softer opens nothing for a while. A stream may begin with noise that
was there before: where ``wary``, what does not vary opens nothing then, and is the floor at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.choices import NEAR
from edge.features import HOP

SILENCE_DB = -120.0
QUIETEST_DB = -96.0  # the range of 16 bits
FULL_SCALE = HOP * 32768.0**2  # squares of a frame
ONES = np.ones(HOP)
# A stream begins with noise where its smoothed level stays in this range for so long: so does 2 %
# of speech that is cut in mid-vowel, all white noise and hum, and nine tenths of pink noise.
STEADY_DB = 2.5
STEADY_FRAMES = 25
# How loud speech is: follows louder frames of utterances within 20 frames, so that a bang does
# little, and is forgotten by 1 dB a second of silence.
FOLLOWS = 0.05
FORGETS_DB = 0.01
# Near: what is softer than that person by so much opens nothing or keeps nothing open.
NEAR_ONLY: Mapping[str, Any] = {
    "below_speech_db": 15.0,
    "open_below_peak_db": 14.0,
    "onset_frames": 8,
}
# What a manifest or a run means that is older than these settings.
EARLIER = {"open_below_peak_db": 40.0, "below_speech_db": 200.0}
AT_ONCE = 10  # frames from the first sound of a stream within which its onset is not an attack


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Levels in dB full scale or dB over the noise floor, times in 10 ms frames.

    ``below_peak_db`` under its peak nothing belongs to an utterance, ``open_below_peak_db`` under
    it nothing keeps it open, and ``below_speech_db`` under the speech of late nothing opens one.
    """

    onset_db: float = 12.0
    offset_db: float = 7.0
    minimum_db: float = -86.0
    below_peak_db: float = 40.0
    open_below_peak_db: float = 22.0
    below_speech_db: float = 25.0
    first_floor_db: float = -52.0
    onset_frames: int = 5
    hangover_frames: int = 60
    floor_frames: int = 600
    longest_frames: int = 1000

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EndpointSettings:
        """Return the settings of a manifest's form; TypeError where a name is unknown."""
        return cls(**completed(values))

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's form."""
        return asdict(self)

    def listening(self, whom: str) -> EndpointSettings:
        """Return the settings for anybody in the "room", or for one person "near"."""
        return EndpointSettings(**{**self.to_dict(), **NEAR_ONLY}) if whom == NEAR else self


def completed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest's settings with those that are younger than it, so that they do nothing."""
    return {**EARLIER, **values}


def levels_db(samples: NDArray[np.int16]) -> list[float]:
    """Return the level of each whole 10 ms frame in dB full scale, never below -120."""
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype(np.float64)
    sums: list[float] = (frames @ ONES).tolist()
    squares: list[float] = np.matmul(frames[:, None], frames[:, :, None]).ravel().tolist()
    # Without the mean: a cheap sound card's DC is no speech. Sums of integers are exact.
    pairs = zip(squares, sums, strict=True)
    return [10.0 * log10(abs(s - m * m / HOP) / FULL_SCALE + 1e-12) for s, m in pairs]


class NoiseFloor:
    """The minimum of the smoothed level over a sliding window, in blocks of 25 frames."""

    BLOCK = 25

    def __init__(self, first_db: float, frames: int) -> None:
        blocks = max(1, frames // self.BLOCK)
        self._minima: deque[float] = deque([first_db] * blocks, maxlen=blocks)
        self._smooth = first_db
        self._block = 0.0
        self._left = self.BLOCK
        self.level = first_db

    def update(self, level: float) -> float:
        """Add a frame's level; return the floor in dB."""
        smooth = self._smooth
        smooth += 0.3 * (level - smooth)
        self._smooth = smooth
        if smooth < self._block:
            self._block = smooth
            self.level = min(self.level, smooth)
        self._left -= 1
        if not self._left:
            self._minima.append(self._block)
            self.level = min(self._minima)
            self._left, self._block = self.BLOCK, 0.0
        return self.level

    def lift(self, level: float) -> None:
        """Take a level for the floor at once; it sinks again with the first quieter moment."""
        self._minima.extend([level] * len(self._minima))
        self._block = self._smooth = self.level = level
        self._left = self.BLOCK


class Onset:
    """The level since a sound began; ``steady`` tells whether it has not varied yet."""

    def __init__(self) -> None:
        self.frames = 0
        self.steady = True
        self._smooth = 0.0
        self._low, self._high = np.inf, -np.inf

    def goes_on(self) -> None:
        """What follows was heard before: it varied already."""
        self.frames, self.steady = 1, False

    def update(self, level: float) -> None:
        """Add a frame's level; the first frame is left out, it may hold silence too."""
        self.frames += 1
        self._smooth = level if self.frames <= 2 else self._smooth + 0.3 * (level - self._smooth)
        if self.frames > 4:
            self._low = min(self._low, self._smooth)
            self._high = max(self._high, self._smooth)
            self.steady = self.steady and self._high - self._low <= STEADY_DB

    @property
    def lowest(self) -> float:
        """The lowest smoothed level in dB."""
        return float(self._low)


class Endpointer:
    """Frame levels in, speech boundaries out; the state of one stream.

    ``speaking`` tells whether an utterance is open; ``onset`` is the number of frames before its
    first loud one, ``last_speech`` up to the end of the last frame that held speech, both from the
    start of the stream.
    """

    def __init__(self, settings: EndpointSettings, wary: bool = False) -> None:
        """Where ``wary``, sound that a stream begins with is told once its level varies, within
        ``STEADY_FRAMES``, or never. Training is not: its recordings begin with speech or silence.
        """
        self.settings = settings
        self._wary = wary
        self._least = settings.minimum_db - 3.0  # of what goes on; onsets are louder
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._floor = NoiseFloor(self.settings.first_floor_db, self.settings.floor_frames)
        self._follow = self._floor.update
        self.speaking = False
        self.frame = 0
        self.onset = self.last_speech = self._held = 0
        self.peak = SILENCE_DB
        self._loudness = SILENCE_DB
        self._run = 0
        self._begun = Onset()
        self._open = False
        self._first = 0

    @property
    def snr_db(self) -> float:
        """Peak level of the utterance over the noise floor (at least -96 dBFS), in dB."""
        return max(0.0, self.peak - max(self._floor.level, QUIETEST_DB))

    def update(self, level: float) -> str | None:
        """Add one frame's level (dB); return ``"start"``, ``"end"`` or None."""
        floor = self._follow(level)
        self.frame += 1
        if self.speaking:
            return self._inside(level, floor)
        if level <= QUIETEST_DB and self._first == self.frame - 1:
            self._first = self.frame
        if not self._open:
            self._outside(level, floor)
        else:
            self._begun.update(level)
            self._inside(level, floor)
        return self._told() if self._open else None

    def _told(self) -> str | None:
        """Tell an utterance when its level varies; drop it where it does not."""
        if not self._begun.steady:
            self.speaking = True
            return "start"
        if self._begun.frames >= STEADY_FRAMES:
            self._open, self._run, self.last_speech = False, 0, 0
            self._floor.lift(self._begun.lowest)
        return None

    def _outside(self, level: float, floor: float) -> None:
        settings = self.settings
        if self._loudness > SILENCE_DB:
            self._loudness -= FORGETS_DB
        if (  # of the three, the first is the usual one
            level <= floor + settings.onset_db
            or level <= settings.minimum_db
            or level <= self._loudness - settings.below_speech_db
        ):
            if self._begun.frames:
                self._run, self._begun = 0, Onset()
            return
        self._run += 1
        self._begun.update(level)
        if self._run >= settings.onset_frames:
            self._open, self.peak, self._run = True, level, 0
            self.last_speech = self._held = self.frame
            self.onset = self.frame - settings.onset_frames
            # Behind digital silence (a gate, an echo canceller) noise begins like a stream.
            at_once = self.onset <= self._first + AT_ONCE or floor <= QUIETEST_DB
            self._begun.steady &= self._wary and at_once

    def _inside(self, level: float, floor: float) -> str | None:
        settings, frame, peak = self.settings, self.frame, self.peak
        if level > floor + settings.offset_db and level > self._least:
            if level > peak:
                peak = self.peak = level
            if level > self._loudness:
                self._loudness += FOLLOWS * (level - self._loudness)
            if level > peak - settings.below_peak_db:
                self.last_speech = frame
                if level > peak - settings.open_below_peak_db:
                    self._held = frame
                    return None
        if frame - self._held < settings.hangover_frames:
            return None
        self.speaking = self._open = False
        self._begun = Onset()
        return "end"

    def cut(self) -> None:
        """Close the utterance by force (too long, or the stream is flushed)."""
        self.speaking = self._open = False
        self._begun = Onset()
        self._begun.goes_on()
        self._run = self.settings.onset_frames - 1

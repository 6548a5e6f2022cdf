"""Variations of a recording in the log-mel domain, so that a model hears more than a studio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.emotion import Floats

NEPER_PER_DB = np.log(10.0) / 10.0  # log-mel values are natural logarithms of power


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How much to vary: standard deviations of gain and tilt in dB (tilt: edge of the band against
    its middle), share of recordings with noise and its SNR range in dB, number and largest width
    of masks in filters and frames, largest cut at the start in frames."""

    gain_db: float = 7.0
    tilt_db: float = 2.0
    noise_share: float = 0.2
    noise_snr_db: tuple[float, float] = (5.0, 30.0)
    masks: int = 2
    mask_filters: int = 6
    mask_frames: int = 12
    cut_frames: int = 12


class Augment:
    """Draws a variation of a recording; the same generator gives the same sequence."""

    def __init__(self, settings: AugmentSettings, noises: Sequence[Floats], floor: float) -> None:
        """``noises`` are log-mel frames; ``floor`` is the smallest mel energy of the features."""
        self._settings, self._noises = settings, noises
        self._lowest = float(np.log(floor))

    def __call__(self, versions: Mapping[float, Floats], rng: np.random.Generator) -> Floats:
        """Return one variation, shape (n, filters), of ``versions`` (speed: frames)."""
        speeds = list(versions)
        frames = versions[speeds[rng.integers(len(speeds))]]
        frames = self._coloured(frames, rng)
        if self._noises and rng.random() < self._settings.noise_share:
            frames = self._noisy(frames, rng)
        frames = np.maximum(frames, self._lowest)
        return self._masked(self._cut(frames, rng), rng).astype(np.float32)

    def _coloured(self, frames: Floats, rng: np.random.Generator) -> Floats:
        slope = np.linspace(-1.0, 1.0, frames.shape[1])
        gain, tilt = rng.normal(size=2) * (self._settings.gain_db, self._settings.tilt_db)
        return np.asarray(frames + (gain + tilt * slope) * NEPER_PER_DB)

    def _noisy(self, frames: Floats, rng: np.random.Generator) -> Floats:
        """Add a piece of noise at a random signal-to-noise ratio of the whole recording."""
        noise = self._noises[rng.integers(len(self._noises))]
        piece = np.resize(np.roll(noise, -int(rng.integers(len(noise))), axis=0), frames.shape)
        snr = rng.uniform(*self._settings.noise_snr_db)
        level = _power(frames) - _power(piece) - snr * NEPER_PER_DB
        return np.asarray(np.logaddexp(frames, piece + level))

    def _cut(self, frames: Floats, rng: np.random.Generator) -> Floats:
        """Drop some frames of the start: the device does not cut where the corpus does."""
        most = min(self._settings.cut_frames, len(frames) // 4)
        return frames[int(rng.integers(most + 1)) :]

    def _masked(self, frames: Floats, rng: np.random.Generator) -> Floats:
        """Replace bands of filters and frames by the recording's mean (after SpecAugment)."""
        frames = frames.copy()
        mean = frames.mean(axis=0)
        for _ in range(self._settings.masks):
            width = int(rng.integers(self._settings.mask_filters + 1))
            first = int(rng.integers(frames.shape[1] - width + 1))
            frames[:, first : first + width] = mean[first : first + width]
            width = min(int(rng.integers(self._settings.mask_frames + 1)), len(frames) // 4)
            first = int(rng.integers(len(frames) - width + 1))
            frames[first : first + width] = mean
        return frames


def _power(frames: Floats) -> float:
    """Return the logarithm of the mean power."""
    return float(np.log(np.exp(frames.astype(np.float64)).mean()))

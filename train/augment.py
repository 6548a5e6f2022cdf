"""Variations of a recording in the log-mel domain, so that a model hears more than a studio.

What is not here did harm, see ``train/voice.md``: masks of filters and frames (SpecAugment), other
speeds of song, a narrow band, utterances that end early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.features import FeatureSettings, mel_filters
from train.conditions import Condition

NEPER_PER_DB = np.log(10.0) / 10.0  # log-mel values are natural logarithms of power


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """How much to vary.

    ``worse_share`` of the recordings are taken as they came through noise, babble or a microphone
    that is too quiet. ``noise_share`` of the others get noise here, at an SNR in the range
    ``noise_snr_db``, and up to ``margin_frames`` of background at both ends, where the device finds
    the ends late; ``gain_share`` of all another level, in the range ``gain_db``; all get the
    response of another microphone: three cosines over the band, each with a standard deviation of
    ``response_db``. Up to ``cut_frames`` are dropped at the start.
    """

    worse_share: float = 0.4
    noise_share: float = 0.2
    noise_snr_db: tuple[float, float] = (0.0, 30.0)
    margin_frames: int = 40
    gain_share: float = 0.4
    gain_db: tuple[float, float] = (-20.0, 20.0)
    response_db: float = 1.0
    cut_frames: int = 12


class Augment:
    """Draws a variation of a recording; the same generator gives the same sequence."""

    def __init__(
        self, settings: AugmentSettings, noises: Sequence[Floats], features: FeatureSettings
    ) -> None:
        """``noises`` are log-mel frames; recordings and noises must not be floored yet."""
        self._settings, self._noises = settings, noises
        self._lowest = float(np.log(features.floor))
        self._flat = flattening(features)

    def __call__(self, versions: Mapping[Condition, Floats], rng: np.random.Generator) -> Floats:
        """Return one variation, shape (n, filters), of ``versions`` (condition: frames)."""
        worse = [c for c in versions if c.kind not in ("clean", "speed")]
        made = bool(worse) and rng.random() < self._settings.worse_share
        found = worse if made else [c for c in versions if c not in worse]
        frames = versions[found[rng.integers(len(found))]]
        if not made and self._noises and rng.random() < self._settings.noise_share:
            frames = self._noisy(frames, rng)
        frames = np.maximum(self._coloured(frames, rng), self._lowest)
        return self._cut(frames, rng).astype(np.float32)

    def _coloured(self, frames: Floats, rng: np.random.Generator) -> Floats:
        settings = self._settings
        place = np.linspace(0.0, np.pi, frames.shape[1])
        curve = sum(rng.normal() * np.cos(order * place) for order in (1, 2, 3))
        gain = rng.uniform(*settings.gain_db) if rng.random() < settings.gain_share else 0.0
        return np.asarray(frames + (gain + settings.response_db * curve) * NEPER_PER_DB)

    def _noisy(self, frames: Floats, rng: np.random.Generator) -> Floats:
        """Add a piece of noise at a random signal-to-noise ratio of the whole recording."""
        wanted = self._power(frames) - rng.uniform(*self._settings.noise_snr_db) * NEPER_PER_DB
        frames = self._widened(frames, rng)
        noise = self._noises[rng.integers(len(self._noises))]
        piece = np.resize(np.roll(noise, -int(rng.integers(len(noise))), axis=0), frames.shape)
        return np.asarray(np.logaddexp(frames, piece + (wanted - self._power(piece))))

    def _widened(self, frames: Floats, rng: np.random.Generator) -> Floats:
        """Put some of the quietest frames before and behind."""
        quiet = frames[np.argsort(frames.mean(axis=1))[: max(1, len(frames) // 10)]]
        ends = [quiet[rng.integers(len(quiet), size=n)] for n in self._margins(rng)]
        return np.concatenate([ends[0], frames, ends[1]])

    def _margins(self, rng: np.random.Generator) -> NDArray[np.int64]:
        return rng.integers(self._settings.margin_frames + 1, size=2)

    def _power(self, frames: Floats) -> float:
        """Return the logarithm of the mean power, as if there were no pre-emphasis."""
        return float(np.log((np.exp(frames.astype(np.float64)) @ self._flat).mean()))

    def _cut(self, frames: Floats, rng: np.random.Generator) -> Floats:
        """Drop some frames of the start: the device does not cut where the corpus does."""
        most = min(self._settings.cut_frames, len(frames) // 4)
        return frames[int(rng.integers(most + 1)) :]


def flattening(features: FeatureSettings) -> NDArray[np.float64]:
    """Return what undoes the gain of the pre-emphasis in each mel filter, shape (filters,).

    Noise is mostly higher than speech: with pre-emphasis it seems 10 dB stronger than it is.
    """
    bank = mel_filters(features)
    angle = np.pi * np.arange(bank.shape[1]) / (bank.shape[1] - 1)
    gain = np.abs(1.0 - features.preemphasis * np.exp(-1j * angle)) ** 2
    return np.asarray(bank.sum(axis=1) / np.maximum(bank @ gain, 1e-3))

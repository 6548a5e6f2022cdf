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

    ``worse_share`` of the recordings are taken as they came through noise, babble, a room or a
    microphone that is too quiet. ``noise_share`` of the others get noise here, at an SNR in the
    range ``noise_snr_db``, and up to ``margin_frames`` of background at both ends, where the device
    finds the ends late; ``gain_share`` of all another level, in the range ``gain_db``; all get the
    response of another microphone: three cosines over the band, each with a standard deviation of
    ``response_db``. Up to ``cut_frames`` are dropped at the start; of what is longer than
    ``longest_frames``, at least half as much is taken, from a random place.
    """

    worse_share: float = 0.5
    noise_share: float = 0.2
    noise_snr_db: tuple[float, float] = (0.0, 30.0)
    margin_frames: int = 40
    gain_share: float = 0.4
    gain_db: tuple[float, float] = (-20.0, 20.0)
    response_db: float = 1.0
    cut_frames: int = 12
    longest_frames: int = 600


@dataclass(frozen=True, slots=True)
class Variation:
    """Frames (n, filters) of a recording under a condition, which begin ``offset`` frames after its
    own (before, if negative)."""

    frames: Floats
    condition: Condition
    offset: int


class Augment:
    """Draws a variation of a recording; the same generator gives the same sequence."""

    def __init__(
        self, settings: AugmentSettings, noises: Sequence[Floats], features: FeatureSettings
    ) -> None:
        """``noises`` are log-mel frames; recordings and noises must not be floored yet."""
        self._settings, self._noises = settings, noises
        self._lowest = float(np.log(features.floor))
        self._flat = flattening(features)

    def __call__(self, versions: Mapping[Condition, Floats], rng: np.random.Generator) -> Variation:
        """Return one variation of ``versions`` (condition: frames)."""
        settings = self._settings
        worse = [c for c in versions if c.kind not in ("clean", "speed")]
        made = bool(worse) and rng.random() < settings.worse_share
        found = worse if made else [c for c in versions if c not in worse]
        condition = found[rng.integers(len(found))]
        frames, before = versions[condition], 0
        if not made and self._noises and rng.random() < settings.noise_share:
            frames, before = self._noisy(frames, rng)
        frames = np.maximum(self._coloured(frames, rng), self._lowest)
        first, last = self._span(len(frames), rng)
        return Variation(frames[first:last].astype(np.float32), condition, first - before)

    def _coloured(self, frames: Floats, rng: np.random.Generator) -> Floats:
        settings = self._settings
        place = np.linspace(0.0, np.pi, frames.shape[1])
        curve = sum(rng.normal() * np.cos(order * place) for order in (1, 2, 3))
        gain = rng.uniform(*settings.gain_db) if rng.random() < settings.gain_share else 0.0
        return np.asarray(frames + (gain + settings.response_db * curve) * NEPER_PER_DB)

    def _noisy(self, frames: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
        """Add a piece of noise at a random signal-to-noise ratio of the whole recording.

        Also returned: how many frames of background were put before it.
        """
        wanted = self._power(frames) - rng.uniform(*self._settings.noise_snr_db) * NEPER_PER_DB
        frames, before = self._widened(frames, rng)
        noise = self._noises[rng.integers(len(self._noises))]
        piece = np.resize(np.roll(noise, -int(rng.integers(len(noise))), axis=0), frames.shape)
        return np.asarray(np.logaddexp(frames, piece + (wanted - self._power(piece)))), before

    def _widened(self, frames: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
        """Put some of the quietest frames before and behind; also return how many before."""
        quiet = frames[np.argsort(frames.mean(axis=1))[: max(1, len(frames) // 10)]]
        margins = rng.integers(self._settings.margin_frames + 1, size=2)
        ends = [quiet[rng.integers(len(quiet), size=n)] for n in margins]
        return np.concatenate([ends[0], frames, ends[1]]), int(margins[0])

    def _power(self, frames: Floats) -> float:
        """Return the logarithm of the mean power, as if there were no pre-emphasis."""
        return float(np.log((np.exp(frames.astype(np.float64)) @ self._flat).mean()))

    def _span(self, count: int, rng: np.random.Generator) -> tuple[int, int]:
        """Return first and last of the frames to keep: the device does not cut where corpora do."""
        longest = self._settings.longest_frames
        if count > longest:
            size = int(rng.integers(longest // 2, longest + 1))
            first = int(rng.integers(count - size + 1))
            return first, first + size
        return int(rng.integers(min(self._settings.cut_frames, count // 4) + 1)), count


def flattening(features: FeatureSettings) -> NDArray[np.float64]:
    """Return what undoes the gain of the pre-emphasis in each mel filter, shape (filters,).

    Noise is mostly higher than speech: with pre-emphasis it seems 10 dB stronger than it is.
    """
    bank = mel_filters(features)
    angle = np.pi * np.arange(bank.shape[1]) / (bank.shape[1] - 1)
    gain = np.abs(1.0 - features.preemphasis * np.exp(-1j * angle)) ** 2
    return np.asarray(bank.sum(axis=1) / np.maximum(bank @ gain, 1e-3))

"""Streaming log-mel and MFCC frames: the incremental twin of python_speech_features, numpy only.

Training and the device both compute their features here. On the frames that lie fully inside the
signal, any chunking gives what ``python_speech_features.logfbank`` / ``mfcc`` give for the whole
(window ``numpy.hamming``, ``appendEnergy=False``), within float32 rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats

RATE = 16000
HOP = 160  # samples, 10 ms
KINDS = ("logmel", "mfcc")


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How frames are made; part of the pack, so that no device can use another front end.

    ``window`` is in samples, ``low`` and ``high`` in Hz. ``floor`` is the smallest mel energy
    (int16 scale): everything below, digital silence included, looks alike. ``reach``: so does, in
    dB, what lies that far below the loudest frame since the start; 0 for no such floor. ``cepstra``
    and ``lifter`` count for ``mfcc`` only. ``relative``: the first coefficient, the level, is
    counted from the quietest frame since the start. With both, the gain of a microphone drops out.

    ``warps``: what the voice would be with a vocal tract that many times as short is heard beside
    it, a further view for each, from the same spectrum: a frame has one after the other (vocal
    tract length perturbation, Jaitly & Hinton 2013, here when listening instead of in training).
    """

    kind: str = "logmel"
    window: int = 400
    fft: int = 512
    filters: int = 40
    low: float = 0.0
    high: float = 8000.0
    preemphasis: float = 0.97
    floor: float = float(np.finfo(float).eps)
    cepstra: int = 20
    lifter: int = 22
    relative: bool = False
    reach: float = 0.0
    warps: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown feature kind {self.kind!r}; known: {', '.join(KINDS)}")
        if self.relative and self.kind != "mfcc":
            raise ValueError("relative level needs 'mfcc', whose first coefficient is the level")
        if not 0.0 <= self.reach <= 200.0:
            raise ValueError(f"reach must be 0 to 200 dB, not {self.reach}")
        if not all(isinstance(w, float) and 0.5 <= w <= 2.0 for w in self.warps):
            raise ValueError(f"warps must be numbers from 0.5 to 2, not {list(self.warps)}")
        object.__setattr__(self, "warps", tuple(self.warps))

    @property
    def size(self) -> int:
        """Values of one view of a frame."""
        return self.filters if self.kind == "logmel" else self.cepstra

    @property
    def views(self) -> int:
        """How often a frame is there: as it is, and once a warp."""
        return 1 + len(self.warps)

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's form; it has warps where there are any."""
        told = asdict(self) | {"warps": list(self.warps)}
        if not self.warps:
            del told["warps"]
        return told


@dataclass(slots=True)
class Heard:
    """What has been heard of a view so far: the energy of the loudest frame, summed over the
    filters, and the first coefficient of the quietest."""

    loudest: float = 0.0
    quietest: float = np.inf


@dataclass(frozen=True, slots=True)
class Compressor:
    """From mel energies to frames; training and the device do it here."""

    settings: FeatureSettings
    _cosine: Floats | None = field(init=False)
    _first: float = field(init=False)  # what a log energy of 1 in all filters adds to the level
    _least: Floats = field(init=False)  # energy, shape (1, 1)
    _ratio: float = field(init=False)  # of the loudest frame's energy, below which all is alike

    def __post_init__(self) -> None:
        cosine = cepstral_matrix(self.settings) if self.settings.kind == "mfcc" else None
        narrow = None if cosine is None else cosine.astype(np.float32)
        object.__setattr__(self, "_cosine", narrow)
        object.__setattr__(self, "_first", 0.0 if cosine is None else float(cosine[:, 0].sum()))
        object.__setattr__(self, "_least", np.array([[self.settings.floor]], np.float32))
        object.__setattr__(self, "_ratio", 10.0 ** (-self.settings.reach / 10.0))

    def __call__(self, energies: Floats, heard: Sequence[Heard]) -> Floats:
        """Return frames (n, views * size) of mel energies (n, views * filters), n > 0; what was
        heard of each view goes on."""
        if len(heard) == 1:
            return self._view(energies, heard[0])
        views = zip(np.split(energies, len(heard), axis=1), heard, strict=True)
        return np.concatenate([self._view(*each) for each in views], axis=1)

    def _view(self, energies: Floats, heard: Heard) -> Floats:
        floor = self._floor(energies, heard)
        frames: Floats = np.log(np.maximum(energies, floor))
        if self._cosine is not None:
            frames = frames @ self._cosine
        if self.settings.relative:
            levels = frames[:, 0]
            levels -= np.maximum(self._quietest(levels, heard), np.log(floor[:, 0]) * self._first)
        return frames

    def _floor(self, energies: Floats, heard: Heard) -> Floats:
        """Return the least energy of every frame, shape (n, 1), or of all, (1, 1)."""
        if not self.settings.reach:
            return self._least
        loudest = np.add.reduce(energies, axis=1)
        if np.maximum.reduce(loudest) <= heard.loudest:  # as nearly always: one for all
            loudest = np.array([heard.loudest], np.float32)
        else:
            np.maximum.accumulate(loudest, out=loudest)
            np.maximum(loudest, heard.loudest, out=loudest)
            heard.loudest = float(loudest[-1])
        loudest *= self._ratio
        floor: Floats = np.maximum(loudest, self.settings.floor, out=loudest)[:, None]
        return floor

    def _quietest(self, levels: Floats, heard: Heard) -> Floats:
        """Return the level of the quietest frame up to each, shape (n,), or to all, (1,)."""
        if np.minimum.reduce(levels) < heard.quietest:
            quietest: Floats = np.minimum(np.minimum.accumulate(levels), heard.quietest)
            heard.quietest = float(quietest[-1])
            return quietest
        return np.array([heard.quietest], np.float32)


class Features:
    """Turns samples into frames as they come; one frame every 10 ms, 25 ms wide."""

    def __init__(self, settings: FeatureSettings) -> None:
        self.settings = settings
        self._window = np.zeros(settings.fft)
        self._window[: settings.window] = np.hamming(settings.window)
        self._tapers = self._window[:0, None]
        self._bands = bands(settings)
        self._padded: NDArray[np.float64] = np.zeros((0, settings.fft))
        self._width = settings.views * settings.filters
        self._compress = Compressor(settings)
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next sample is the first of a signal."""
        self._previous = 0.0
        self._tail: NDArray[np.float64] = np.zeros(0)
        self._heard = [Heard() for _ in range(self.settings.views)]

    def missing(self, frames: int) -> int:
        """Return how many samples complete so many frames, at least 1 of each."""
        return max(1, self.settings.window + (frames - 1) * HOP - len(self._tail))

    def push(self, samples: NDArray[np.int16]) -> Floats:
        """Add int16 samples of any number; return the frames they complete, shape (n, views *
        size)."""
        signal = self._emphasised(samples)
        count = max(0, 1 + (len(signal) - self.settings.window) // HOP)
        self._tail = signal[count * HOP :]
        if not count:
            return np.zeros((0, self.settings.views * self.settings.size), np.float32)
        # What sliding_window_view gives, without what it checks.
        shape, strides = (count, self.settings.window), (HOP * signal.itemsize, signal.itemsize)
        return self._frames(np.ndarray(shape, signal.dtype, signal, 0, strides))

    def _emphasised(self, samples: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return what waited and the samples, pre-emphasised across chunk borders; the very first
        sample passes unchanged."""
        known = len(self._tail)
        signal = np.empty(known + len(samples))
        signal[:known] = self._tail
        if len(samples):
            fresh = signal[known:]
            fresh[:] = samples
            fresh[1:] -= self.settings.preemphasis * fresh[:-1]
            fresh[0] -= self.settings.preemphasis * self._previous
            self._previous = float(samples[-1])
        return signal

    def _frames(self, windows: NDArray[np.float64]) -> Floats:
        count = len(windows)
        if len(self._padded) < count:
            self._padded = np.zeros((count, self.settings.fft))
            self._tapers = np.tile(self._window, (count, 1))  # one for all takes twice the time
        padded = self._padded[:count]
        padded[:, : self.settings.window] = windows
        padded *= self._tapers[:count]
        # The spectrum keeps 16 digits while it is made; 7 are enough to add up its squares.
        squares = np.fft.rfft(padded).view(np.float64).astype(np.float32)
        squares *= squares
        energies = np.empty((count, self._width), np.float32)
        for parts, filters, weights in self._bands:
            np.matmul(squares[:, parts], weights, out=energies[:, filters])
        return self._compress(energies, self._heard)


def bands(settings: FeatureSettings, count: int = 5) -> list[tuple[slice, slice, Floats]]:
    """Return the filters of all views in ``count`` groups a view: which squares of the real and
    imaginary parts of a spectrum, in turn, which filters, and the weights of the ones in the
    others.

    Each group sees only its own part of the spectrum: a filter is zero nearly everywhere.
    """
    views = [mel_filters(settings, warp) for warp in (1.0, *settings.warps)]
    bank = np.concatenate(views) / settings.fft  # of |X|^2 / fft
    found = []
    for group in np.array_split(np.arange(len(bank)), len(views) * min(count, settings.filters)):
        filters = slice(int(group[0]), int(group[-1]) + 1)
        used = np.flatnonzero(bank[filters].any(axis=0))
        first, last = int(used.min(initial=bank.shape[1])), int(used.max(initial=-1)) + 1
        weights = np.repeat(bank[filters, first:last], 2, axis=1).T.astype(np.float32)
        found.append((slice(2 * first, 2 * last), filters, np.ascontiguousarray(weights)))
    return found


def mel_filters(settings: FeatureSettings, warp: float = 1.0) -> NDArray[np.float64]:
    """Return the triangular mel filters, shape (filters, fft // 2 + 1).

    Those of a ``warp`` lie that many times lower: a spectrum passes them as one that is stretched
    as much passes those of none, pre-emphasis included. Beyond the band they are zero.
    """
    mel = np.linspace(_to_mel(settings.low), _to_mel(settings.high), settings.filters + 2)
    hertz = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    edges = np.floor((settings.fft + 1) * hertz / RATE) / warp
    bins = np.arange(settings.fft // 2 + 1)
    bank = np.zeros((settings.filters, len(bins)))
    for row, (left, centre, right) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        rise = (bins >= left) & (bins < centre)
        fall = (bins >= centre) & (bins < right)
        bank[row, rise] = (bins[rise] - left) / max(centre - left, 1.0)
        bank[row, fall] = (right - bins[fall]) / max(right - centre, 1.0)
    return bank if warp == 1.0 else bank * _re_emphasis(settings, warp)


def _re_emphasis(settings: FeatureSettings, warp: float) -> NDArray[np.float64]:
    """Return the power that pre-emphasis gives each bin of a spectrum that is stretched, over what
    it gave it before, shape (fft // 2 + 1,)."""
    angles = np.linspace(0.0, np.pi, settings.fft // 2 + 1)
    factor = settings.preemphasis
    after, before = (
        1.0 + factor**2 - 2.0 * factor * np.cos(a)
        for a in (np.minimum(angles * warp, np.pi), angles)
    )
    return np.asarray(after / np.maximum(before, 1e-9))


def cepstral_matrix(settings: FeatureSettings) -> NDArray[np.float64]:
    """Return the orthonormal DCT-II with liftering, shape (filters, cepstra)."""
    n = settings.filters
    order = np.arange(settings.cepstra)
    angle = np.pi * np.outer(np.arange(n) + 0.5, order) / n
    matrix = np.cos(angle) * np.sqrt(2.0 / n)
    matrix[:, 0] /= np.sqrt(2.0)
    if settings.lifter > 0:
        matrix *= 1 + settings.lifter / 2 * np.sin(np.pi * order / settings.lifter)
    return np.asarray(matrix, np.float64)


def _to_mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))

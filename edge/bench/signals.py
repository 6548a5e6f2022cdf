"""Made sound to measure with: the wheel holds no recordings.

The speech is syllables of vowels (three formants each) and fricatives under a moving pitch. It
means nothing, but costs the word recogniser what synthesised sentences cost, within a fifth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.features import RATE

Samples = NDArray[np.int16]

VOWELS = (
    (730.0, 1090.0, 2440.0),
    (270.0, 2290.0, 3010.0),
    (300.0, 870.0, 2240.0),
    (530.0, 1840.0, 2480.0),
    (570.0, 840.0, 2410.0),
    (660.0, 1720.0, 2410.0),
)  # Hz, after Peterson and Barney 1952
HARMONICS = 30
LOUDEST = 8000.0
ROOM = 8.0  # deviation of a quiet room's noise, about -72 dBFS
PAUSE = 1.2  # seconds: every endpoint lies within


def room(seconds: float, seed: int = 0) -> Samples:
    """Return the noise of a quiet room: int16 at 16 kHz."""
    noise = np.random.default_rng(seed).normal(0.0, ROOM, round(seconds * RATE))
    return np.asarray(np.rint(noise), np.int16)


def speech(seconds: float, seed: int = 0) -> Samples:
    """Return so much made speech without a pause: int16 at 16 kHz, the same for the same seed."""
    rng = np.random.default_rng(seed)
    voiced = _source(round(seconds * RATE))
    out = np.zeros(len(voiced))
    first = 0
    while first < len(out):
        piece = voiced[first : first + int(rng.uniform(0.12, 0.25) * RATE)]
        out[first : first + len(piece)] = _syllable(piece, rng)
        first += len(piece)
    loud = LOUDEST / max(float(np.abs(out).max(initial=0.0)), 1e-9)
    return np.asarray(np.rint(loud * out), np.int16)


def utterance(seconds: float, seed: int = 0) -> tuple[Samples, int]:
    """Return speech between two pauses, and the number of samples up to the end of the speech."""
    before, said, after = room(0.5, seed), speech(seconds, seed), room(PAUSE, seed + 1)
    return np.concatenate([before, said, after]), len(before) + len(said)


def conversation(seconds: float) -> Samples:
    """Return utterances of different lengths with pauses, so much in all."""
    pieces = []
    left = round(seconds * RATE)
    for seed in range(left):
        piece = utterance(1.0 + 0.7 * (seed % 5), seed)[0]
        pieces.append(piece[:left])
        left -= len(pieces[-1])
        if not left:
            break
    return np.concatenate([room(0.0), *pieces])


def _source(count: int) -> NDArray[np.float64]:
    """Return harmonics of a pitch that rises and falls."""
    seconds = np.arange(count) / RATE
    turns = 30.0 * np.sin(2 * np.pi * 0.7 * seconds) + 10.0 * np.sin(2 * np.pi * 2.3 * seconds)
    phase = 2 * np.pi * np.cumsum(120.0 + turns) / RATE
    total = np.zeros(count)
    for k in range(1, HARMONICS):
        total += np.sin(k * phase) / k
    return total


def _syllable(source: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a fricative, a third of the length, and then a vowel."""
    count = len(source)
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    formants = VOWELS[int(rng.integers(len(VOWELS)))]
    gain = np.sum([1.0 / (1.0 + ((hertz - f) / 90.0) ** 2) for f in formants], axis=0)
    vowel = np.fft.irfft(np.fft.rfft(source) * gain, count)
    noise = np.fft.rfft(rng.standard_normal(count)) * (hertz > rng.uniform(1500.0, 4000.0))
    third = count // 3
    shape = np.hanning(count) ** 0.3
    shape[:third] = 0.0
    hiss = np.zeros(count)
    hiss[:third] = np.hanning(third)
    return np.asarray(vowel * shape + 0.15 * hiss * np.fft.irfft(noise, count))

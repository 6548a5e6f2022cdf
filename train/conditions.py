"""What the world does to a recording: noise, babble, rooms, level, band, clipping, microphone.

Pure functions on int16 samples of 16 kHz; what comes out is int16 again, as a device would get it,
clipped where it does not fit. The same generator gives the same result.

SNR: mean power of the recording's 10 ms frames that lie at most ``ACTIVE_DB`` below its loudest
one (a simple active speech level, after ITU-T P.56), over the mean power of the noise added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.audio.resample import Resampler
from edge.endpoint import levels_db
from edge.features import RATE

ACTIVE_DB = 30.0
VOICES = 5  # of babble
SNRS = (20, 10, 5, 0)
ROOMS = (0.3, 0.6, 1.0)  # seconds until a sound has decayed by 60 dB
LEVELS = (-30, -20, -10, 10, 20)
CLIPS = (0.5, 0.1, 0.01)  # shares of the peak
SPEEDS = (0.9, 1.1)

# A room: volume and distance give the ratio of direct to reverberant sound (diffuse field).
VOLUME, DISTANCE = 60.0, 1.5  # cubic metres, metres
FIRST = 0.0025  # seconds from the direct sound to the first reflection

# A cheap capsule behind a small hole: no bass, a Helmholtz resonance near 3 kHz, dull above.
MICROPHONE_HZ = (0, 50, 100, 200, 400, 1000, 2500, 3200, 4500, 6000, 7500, 8000)
MICROPHONE_DB = (-60, -30, -18, -9, -3, 0, 6, 9, 3, -6, -14, -18)
TAPS = 513

Samples = NDArray[np.int16]
Signal = NDArray[np.float64]  # on the scale of int16


@dataclass(frozen=True, slots=True)
class Condition:
    """A kind of harm and how much of it: SNR in dB, RT60 in s, gain in dB, share, or speed."""

    kind: str
    value: float = 0.0


CLEAN = Condition("clean")
KNOWN: Mapping[str, Condition] = {
    "clean": CLEAN,
    **{f"noise-{snr}": Condition("noise", snr) for snr in SNRS},
    **{f"babble-{snr}": Condition("babble", snr) for snr in SNRS},
    **{f"room-{seconds}": Condition("room", seconds) for seconds in ROOMS},
    **{f"level{gain:+d}": Condition("level", gain) for gain in LEVELS},
    "telephone": Condition("telephone", RATE // 2),
    **{f"clip-{share:.0%}": Condition("clip", share) for share in CLIPS},
    "microphone": Condition("microphone"),
    **{f"speed-{speed}": Condition("speed", speed) for speed in SPEEDS},
}


@dataclass(frozen=True, slots=True)
class Sources:
    """What is added: noises, and people who talk, {speaker: recordings}."""

    noises: Sequence[Samples] = ()
    talkers: Mapping[str, Sequence[Samples]] = field(default_factory=dict)


def degrade(
    samples: Samples, condition: Condition, sources: Sources, rng: np.random.Generator
) -> tuple[Samples, float]:
    """Return a recording under a condition, and the share of its samples that clipped.

    Raises:
        ValueError: an unknown kind, or noise that ``sources`` does not have.
    """
    if not len(samples) or condition.kind == "clean":
        return samples, 0.0
    if condition.kind == "speed":
        return at_speed(samples, condition.value), 0.0
    if condition.kind in ("noise", "babble"):
        make = noise if condition.kind == "noise" else babble
        return to_int16(mixed(samples, make(len(samples), sources, rng), condition.value))
    if condition.kind == "room":
        return to_int16(reverberated(samples, condition.value, rng))
    if condition.kind not in PLAIN:
        raise ValueError(f"unknown condition {condition.kind!r}")
    return to_int16(PLAIN[condition.kind](samples, condition.value))


def to_int16(signal: Signal) -> tuple[Samples, float]:
    """Return rounded samples, clipped to 16 bits, and the share that was."""
    rounded = np.rint(signal)
    outside = float(np.mean((rounded < -32768) | (rounded > 32767))) if len(rounded) else 0.0
    return np.clip(rounded, -32768, 32767).astype(np.int16), outside


def speech_power(samples: Samples) -> float:
    """Return the mean power of speech, full scale is 1; never 0 (see the module's text)."""
    power = 10.0 ** (np.array(levels_db(samples) or [-120.0]) / 10.0)
    return float(power[power >= power.max() * 10.0 ** (-ACTIVE_DB / 10.0)].mean())


def mixed(samples: Samples, added: Signal, snr_db: float) -> Signal:
    """Add a noise of the same length at an SNR."""
    power = float(added.var())
    wanted = speech_power(samples) * 32768.0**2 * 10.0 ** (-snr_db / 10.0)
    return np.asarray(samples + (added - added.mean()) * np.sqrt(wanted / max(power, 1e-12)))


def noise(length: int, sources: Sources, rng: np.random.Generator) -> Signal:
    """Return a piece of a noise from a random place, repeated if it is short."""
    if not sources.noises:
        raise ValueError("no noises given")
    piece = np.zeros(length)
    for index in rng.permutation(len(sources.noises)):  # a piece may be all silence: the next
        piece = _from(sources.noises[index], length, rng)
        if piece.var() > 1.0:
            break
    return piece


def babble(length: int, sources: Sources, rng: np.random.Generator) -> Signal:
    """Return ``VOICES`` people who talk at once, equally loud."""
    if len(sources.talkers) < VOICES:
        raise ValueError(f"babble needs {VOICES} talkers, not {len(sources.talkers)}")
    total = np.zeros(length)
    for name in rng.choice(sorted(sources.talkers), VOICES, replace=False):
        of_one = sources.talkers[str(name)]
        voice = of_one[int(rng.integers(len(of_one)))]
        total += _from(voice, length, rng) / np.sqrt(speech_power(voice))
    return total


def reverberated(samples: Samples, seconds: float, rng: np.random.Generator) -> Signal:
    """Return a recording as heard across a room, direct sound first, as loud as before.

    The response is the direct sound and, ``FIRST`` later, Gaussian noise that decays by 60 dB in
    ``seconds``. Direct over reverberant energy is (critical distance / distance)^2, the critical
    distance .057 sqrt(volume / RT60): -5.4, -8.4, -10.6 dB for .3, .6 and 1.0 s.
    """
    from scipy.signal import fftconvolve

    time = np.arange(int(seconds * RATE)) / RATE
    tail = rng.normal(size=len(time)) * 10.0 ** (-3.0 * time / seconds) * (time >= FIRST)
    ratio = 0.057**2 * VOLUME / seconds / DISTANCE**2
    response = tail / np.sqrt(float(tail @ tail) * ratio)
    response[0] = 1.0
    wet = fftconvolve(samples.astype(np.float64), response)[: len(samples)]
    before, after = (speech_power(x) for x in (samples, to_int16(wet)[0]))
    return np.asarray(wet * np.sqrt(before / after))


def at_speed(samples: Samples, speed: float) -> Samples:
    """Play faster or slower, pitch included; a pass-through at 1."""
    if speed == 1.0:
        return samples
    resampler = Resampler(round(RATE * speed), RATE)
    signal = samples.astype(np.float32) / 32768.0
    played = np.concatenate([resampler.push(signal), resampler.flush()])
    return to_int16(played * 32768.0)[0]


def _gain(samples: Samples, gain_db: float) -> Signal:
    return samples * 10.0 ** (gain_db / 20.0)


def _band(samples: Samples, rate: float) -> Signal:
    """Resample to ``rate`` and back: nothing is left above half of it."""
    signal = samples.astype(np.float32)
    for pair in ((RATE, int(rate)), (int(rate), RATE)):
        resampler = Resampler(*pair)
        signal = np.concatenate([resampler.push(signal), resampler.flush()])
    return signal[: len(samples)].astype(np.float64)


def _clipped(samples: Samples, share: float) -> Signal:
    """Limit to a share of the peak, and make it as loud as before: level is another condition."""
    signal = samples.astype(np.float64)
    limited = np.clip(signal, *(sign * share * np.abs(signal).max() for sign in (-1.0, 1.0)))
    return np.asarray(limited * np.sqrt(_power(signal) / _power(limited)))


def _power(signal: Signal) -> float:
    return float(signal @ signal) + 1e-12


def _microphone(samples: Samples, _: float) -> Signal:
    """Filter with the curve above, without delay."""
    from scipy.signal import fftconvolve, firwin2

    gains = 10.0 ** (np.array(MICROPHONE_DB) / 20.0)
    taps = firwin2(TAPS, MICROPHONE_HZ, gains, fs=RATE)
    return np.asarray(fftconvolve(samples.astype(np.float64), taps, mode="same"))


PLAIN: Mapping[str, Any] = {
    "level": _gain,
    "telephone": _band,
    "clip": _clipped,
    "microphone": _microphone,
}


def _from(samples: Samples, length: int, rng: np.random.Generator) -> Signal:
    rolled = np.roll(samples, -int(rng.integers(len(samples))))
    return np.resize(rolled, length).astype(np.float64)

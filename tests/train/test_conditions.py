"""Degradations do what their names say, by measures of our own, and never leave 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="pip install 'hearten[train]'")

from edge.audio.files import read
from edge.features import RATE
from train import backgrounds, conditions
from train.conditions import KNOWN, Condition, Sources, degrade


@pytest.fixture(scope="module")
def voice(samples: Path) -> np.ndarray:
    """A sentence, with a second of near silence around it."""
    quiet = np.random.default_rng(1).normal(0, 2, RATE // 2).astype(np.int16)
    return np.concatenate([quiet, read(samples / "anger_slt.wav"), quiet])


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Noises, one of them mostly silent, and six talkers."""
    rng = np.random.default_rng(0)
    bark = np.zeros(5 * RATE, np.int16)
    bark[:RATE] = rng.normal(0, 6000, RATE)
    hiss = rng.normal(0, 1000, 2 * RATE).astype(np.int16)
    talk = {
        f"t{i}": [(3000 * np.sin(np.arange(3 * RATE) * 0.01 * (i + 2))).astype(np.int16)]
        for i in range(6)
    }
    return Sources([bark, hiss], talk)


def worse(samples: np.ndarray, condition: Condition, sources: Sources, seed: int = 0) -> np.ndarray:
    return degrade(samples, condition, sources, np.random.default_rng(seed))[0]


def tone(hertz: float, level: float = 3000.0) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.int16)


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    """The ratio of two powers, the ends left out."""
    middle = slice(RATE // 10, -RATE // 10)
    power = [float(np.mean(x[middle].astype(float) ** 2)) for x in (one, other)]
    return 10 * np.log10(power[0] / power[1])


@pytest.mark.parametrize("kind", ["noise", "babble"])
@pytest.mark.parametrize("snr", [20, 5, 0])
def test_the_snr_is_the_one_asked_for(
    voice: np.ndarray, sources: Sources, kind: str, snr: int
) -> None:
    added = worse(voice, Condition(kind, snr), sources).astype(float) - voice
    frames = voice[: len(voice) // 160 * 160].reshape(-1, 160).astype(float)
    power = frames.var(axis=1)
    speech = power[power >= power.max() / 1000].mean()
    assert speech > 1.2 * power.mean(), "silence around speech is no speech"
    assert 10 * np.log10(speech / added.var()) == pytest.approx(snr, abs=0.2)


def test_snrs_of_a_recording_share_their_noise(voice: np.ndarray, sources: Sources) -> None:
    soft, loud = (
        worse(voice, Condition("noise", snr), sources).astype(float) - voice for snr in (10, 0)
    )
    assert np.corrcoef(soft, loud)[0, 1] > 0.99


def test_gain_clips_at_16_bits_and_says_so(voice: np.ndarray) -> None:
    softer = worse(voice, Condition("level", -20), Sources())
    assert decibels(softer, voice) == pytest.approx(-20.0, abs=0.05)
    assert np.abs(worse(voice, Condition("level", -30), Sources())).max() < 2000
    louder, share = degrade(voice, Condition("level", 30), Sources(), np.random.default_rng(0))
    assert louder.max() == 32767 and louder.min() == -32768
    assert share == pytest.approx(np.mean(np.abs(voice * 10**1.5) > 32768), abs=1e-3)
    assert share > 0.01
    assert degrade(voice, Condition("level", -10), Sources(), np.random.default_rng(0))[1] == 0.0


def test_a_telephone_has_nothing_above_4_khz() -> None:
    for hertz, low, high in ((500, -0.1, 0.1), (3400, -0.1, 0.1), (4300, -200, -50)):
        heard = worse(tone(hertz), KNOWN["telephone"], Sources()).astype(float)
        assert low <= decibels(heard + 1e-9, tone(hertz)) <= high, hertz


def test_a_cheap_microphone_has_no_bass_and_rings() -> None:
    for hertz, gain in ((100, -18.0), (1000, 0.0), (3200, 9.0), (7500, -14.0)):
        heard = worse(tone(hertz), KNOWN["microphone"], Sources())
        assert decibels(heard, tone(hertz)) == pytest.approx(gain, abs=1.5), hertz


@pytest.mark.parametrize("seconds", conditions.ROOMS)
def test_a_room_decays_as_long_as_asked(seconds: float) -> None:
    click = np.zeros(2 * RATE, np.int16)
    click[0] = 20000
    heard = conditions.reverberated(click, seconds, np.random.default_rng(0))
    heard = heard / heard[0]
    left = np.cumsum(heard[::-1] ** 2)[::-1]  # Schroeder's backward integral
    tail = 10 * np.log10(left[1:] / left[1])
    early, late = (int(np.argmax(tail < level)) for level in (-5, -25))
    assert 3 * (late - early) / RATE == pytest.approx(seconds, rel=0.1)
    critical = 0.057 * np.sqrt(conditions.VOLUME / seconds)
    direct = 20 * np.log10(critical / conditions.DISTANCE)
    assert -10 * np.log10(left[1]) == pytest.approx(direct, abs=0.1)


def test_clipping_flattens_and_keeps_the_loudness(voice: np.ndarray) -> None:
    flat = worse(voice, KNOWN["clip-10%"], Sources())
    assert decibels(flat, voice) == pytest.approx(0.0, abs=0.1)
    crest = [np.abs(x).max() / np.sqrt(np.mean(x.astype(float) ** 2)) for x in (voice, flat)]
    assert crest[1] < 0.5 * crest[0]
    assert np.mean(np.abs(flat) >= np.abs(flat).max() - 1) > 0.05


def test_speed_changes_length_and_pitch() -> None:
    fast = worse(tone(1000), KNOWN["speed-1.1"], Sources())
    assert len(fast) == pytest.approx(RATE / 1.1, abs=2)
    peak = np.abs(np.fft.rfft(fast.astype(float), RATE)).argmax()
    assert peak == pytest.approx(1100, abs=3)


@pytest.mark.parametrize("name", list(KNOWN))
def test_every_condition_is_int16_finite_and_repeats(
    voice: np.ndarray, sources: Sources, name: str
) -> None:
    loud = np.clip(voice.astype(np.int32) * 8, -32768, 32767).astype(np.int16)
    for given in (voice, loud, np.zeros(RATE, np.int16), voice[:300], voice[:0]):
        with np.errstate(all="raise"):
            first = worse(given, KNOWN[name], sources, 7)
        assert first.dtype == np.int16
        assert len(first) == len(given) or KNOWN[name].kind == "speed"
        np.testing.assert_array_equal(first, worse(given, KNOWN[name], sources, 7))
    changed = not np.array_equal(worse(voice, KNOWN[name], sources), voice)
    assert changed == (name != "clean")
    random = KNOWN[name].kind in ("noise", "babble", "room")
    other = worse(voice, KNOWN[name], sources, 8)
    assert np.array_equal(other, worse(voice, KNOWN[name], sources, 7)) != random


def test_what_cannot_be_done_is_said(voice: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no noises"):
        degrade(voice, KNOWN["noise-0"], Sources(), rng)
    with pytest.raises(ValueError, match="5 talkers, not 0"):
        degrade(voice, KNOWN["babble-0"], Sources(), rng)
    with pytest.raises(ValueError, match="unknown condition 'fog'"):
        degrade(voice, Condition("fog"), Sources(), rng)


def test_what_tests_hear_is_not_what_training_may_take(corpora: Path) -> None:
    (clips, talkers), (others, strangers) = (
        backgrounds.chosen(corpora, part) for part in ("train", "test")
    )
    assert len(clips) + len(others) == 80 and len(others) >= 10
    assert not {c.id for c in clips} & {c.id for c in others}
    assert not set(talkers) & set(strangers)
    assert min(len(talkers), len(strangers)) >= conditions.VOICES


def test_made_intruders_are_what_they_are_called() -> None:
    found = backgrounds.made()
    assert {backgrounds.group(name) for name in found} == {"silence", "noise", "hum", "music"}
    assert [name for name, stream in found.items() if not stream.any()] == ["silence digital"]
    white = found["noise white -30 dB"].astype(float)
    assert 20 * np.log10(white.std() / 32768) == pytest.approx(-30, abs=0.1)
    hum = np.abs(np.fft.rfft(found["hum 50 Hz"].astype(float)))
    assert hum.argmax() / backgrounds.SECONDS == pytest.approx(50, abs=0.1)
    for stream in found.values():
        assert stream.dtype == np.int16 and len(stream) == backgrounds.SECONDS * RATE

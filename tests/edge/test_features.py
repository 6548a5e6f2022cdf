"""Streaming features equal python_speech_features, however the samples arrive."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.features import HOP, Features, FeatureSettings, bands, mel_filters

psf = pytest.importorskip("python_speech_features", reason="pip install 'hearten[train]'")


def signal(seconds: float = 1.3) -> np.ndarray:
    rng = np.random.default_rng(3)
    time = np.arange(int(seconds * 16000)) / 16000
    tone = 4000 * np.sin(2 * np.pi * 220 * time) * np.sin(2 * np.pi * 3 * time)
    return (tone + rng.normal(scale=300, size=len(time))).astype(np.int16)


def reference(samples: np.ndarray, kind: str) -> np.ndarray:
    if kind == "mfcc":
        return psf.mfcc(
            samples, 16000, numcep=20, nfilt=40, nfft=512, winfunc=np.hamming, appendEnergy=False
        )
    energies, _ = psf.fbank(samples, 16000, nfilt=40, nfft=512, winfunc=np.hamming)
    return np.log(energies)


@pytest.mark.parametrize("kind", ["logmel", "mfcc"])
@pytest.mark.parametrize("piece", [1, 37, 160, 400, 1600, 10**6])
def test_equals_the_reference_for_every_chunking(kind: str, piece: int) -> None:
    samples = signal(0.2 if piece == 1 else 1.3)
    features = Features(FeatureSettings(kind=kind))
    pieces = [samples[i : i + piece] for i in range(0, len(samples), piece)]
    found = np.concatenate([features.push(p) for p in pieces])
    wanted = reference(samples, kind)[: len(found)]
    assert len(found) == 1 + (len(samples) - 400) // HOP
    # Cepstra add 40 products of up to 70 in single precision, on each processor in another order.
    np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=1e-4 if kind == "mfcc" else 2e-5)


def test_reset_starts_a_new_signal() -> None:
    features = Features(FeatureSettings())
    first = features.push(signal())
    features.reset()
    np.testing.assert_array_equal(features.push(signal()), first)


def test_silence_meets_the_floor_and_nothing_is_infinite() -> None:
    silent = Features(FeatureSettings(floor=1.0)).push(np.zeros(16000, np.int16))
    assert (silent == 0.0).all()
    for loudest in (np.full(16000, -32768, np.int16), np.tile([32767, -32768], 8000)):
        assert np.isfinite(Features(FeatureSettings()).push(loudest.astype(np.int16))).all()


def test_filters_cover_the_band() -> None:
    bank = mel_filters(FeatureSettings())
    assert bank.shape == (40, 257)
    assert (bank.sum(axis=1) > 0).all()


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="plp"):
        FeatureSettings(kind="plp")


def test_relative_level_does_not_know_the_gain() -> None:
    rng = np.random.default_rng(0)
    loud = np.concatenate([rng.normal(scale=s, size=4000) for s in (600, 3000, 400, 5000)])
    settings = FeatureSettings(kind="mfcc", floor=1e-3, relative=True)
    frames = {}
    for gain in (1.0, 0.25):
        features = Features(settings)
        signal = (loud * gain).astype(np.int16)
        pieces = [features.push(signal[i : i + 777]) for i in range(0, len(signal), 777)]
        frames[gain] = np.concatenate(pieces)
    np.testing.assert_allclose(frames[1.0][1:, 0], frames[0.25][1:, 0], atol=0.1)
    assert frames[1.0][0, 0] == 0.0
    assert frames[1.0][:, 0].min() == 0.0
    whole = Features(settings).push(loud.astype(np.int16))
    np.testing.assert_allclose(whole, frames[1.0], atol=1e-4)
    plain = Features(FeatureSettings(kind="mfcc", floor=1e-3)).push(loud.astype(np.int16))
    np.testing.assert_array_equal(whole[:, 1:], plain[:, 1:])
    with pytest.raises(ValueError, match="mfcc"):
        FeatureSettings(kind="logmel", relative=True)


@pytest.mark.parametrize("gain_db", [-30.0, -12.0, -6.0])
def test_reach_and_relative_level_leave_no_gain(gain_db: float) -> None:
    """Silence, breath, speech, silence: with a fixed floor they differ by whole units."""
    rng = np.random.default_rng(0)
    steps = (0, 40, 2000, 6000, 300, 0)
    signal = np.concatenate([rng.normal(scale=s, size=4000) for s in steps])
    worse = np.rint(signal * 10.0 ** (gain_db / 20.0)).astype(np.int16)
    fixed = FeatureSettings(kind="mfcc", floor=1.0, relative=True)
    following = FeatureSettings(kind="mfcc", floor=1e-3, relative=True, reach=35.0)
    lost = [
        np.abs(Features(s).push(worse) - Features(s).push(signal.astype(np.int16))).mean()
        for s in (fixed, following)
    ]
    assert lost[1] < 0.2
    assert lost[1] < 0.2 * lost[0]
    pieces = Features(following)
    found = [pieces.push(worse[i : i + 333]) for i in range(0, len(worse), 333)]
    np.testing.assert_allclose(np.concatenate(found), Features(following).push(worse), atol=1e-4)


def voiced(formants: tuple[float, ...], warp: float = 1.0) -> np.ndarray:
    """Noise with formants in Hz, from a tract that is ``warp`` times as short."""
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.normal(size=32000))
    hertz = np.linspace(0.0, 8000.0, len(spectrum))
    shape = sum(np.exp(-(((hertz / warp - formant) / 300.0) ** 2)) for formant in formants) + 0.01
    sound = np.fft.irfft(spectrum * shape)
    return np.rint(sound * 8000.0 / np.abs(sound).max()).astype(np.int16)


@pytest.mark.parametrize("warp", [0.82, 1.2])
def test_a_warp_hears_another_vocal_tract(warp: float) -> None:
    formants = (600.0, 1700.0, 2600.0)
    both = Features(FeatureSettings(warps=(warp,))).push(voiced(formants)).mean(axis=0)
    plain, warped = both[:40], both[40:]
    wanted = Features(FeatureSettings()).push(voiced(formants, warp)).mean(axis=0)
    heard = slice(3, 36)  # the band ends where a longer tract would go on

    def shape(bands: np.ndarray) -> np.ndarray:
        return bands[heard] - bands[heard].mean()

    assert np.abs(shape(warped) - shape(wanted)).mean() < 0.15
    assert np.abs(shape(plain) - shape(wanted)).mean() > 1.0


def test_views_lie_side_by_side_for_every_chunking() -> None:
    settings = FeatureSettings(
        kind="mfcc", floor=1e-3, relative=True, reach=60.0, warps=(0.82, 1.11)
    )
    assert (settings.size, settings.views) == (20, 3)
    assert FeatureSettings(**settings.to_dict()) == settings
    assert "warps" not in FeatureSettings().to_dict()
    whole = Features(settings).push(signal())
    np.testing.assert_allclose(
        whole[:, :20], Features(replace(settings, warps=())).push(signal()), atol=1e-4
    )
    pieces = Features(settings)
    found = [pieces.push(signal()[i : i + 333]) for i in range(0, len(signal()), 333)]
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-4)


def test_absurd_warps_are_refused() -> None:
    for warp in (0.1, 3.0, float("nan"), "1.1"):
        with pytest.raises(ValueError, match="warps"):
            FeatureSettings(warps=(warp,))


def test_absurd_reach_is_refused() -> None:
    for reach in (-1.0, 300.0, float("nan")):
        with pytest.raises(ValueError, match="reach"):
            FeatureSettings(reach=reach)


def test_groups_of_filters_are_all_of_them() -> None:
    settings = FeatureSettings()
    spectrum = np.random.default_rng(0).normal(size=(3, 257, 2)).astype(np.float32)
    squares = (spectrum**2).reshape(3, -1)
    wanted = (spectrum**2).sum(axis=2) @ mel_filters(settings).T / settings.fft
    for count in (1, 5):
        found = np.full((3, settings.filters), np.nan)
        for parts, filters, weights in bands(settings, count):
            found[:, filters] = squares[:, parts] @ weights
        np.testing.assert_allclose(found, wanted, rtol=1e-5)

"""``python -m train endpoints``: the endpointer and WebRTC's detector by the same rules."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("webrtcvad", reason="pip install 'hearten[train]'")
pytest.importorskip("scipy", reason="pip install 'hearten[train]'")

from edge.audio.files import read
from edge.endpoint import EndpointSettings
from edge.engine import LEAD, TAIL
from edge.features import HOP, RATE
from train import __main__ as command
from train import backgrounds, detectors, endpoints, mixtures

SETTINGS = EndpointSettings()


@pytest.fixture(scope="module")
def stream(samples: Path) -> np.ndarray:
    """Two sentences in a quiet room, with two seconds before, between and after."""
    pause = np.zeros(2 * RATE, np.int16)
    first, second = (read(samples / name) for name in ("joy_kal16.wav", "gift_slt.wav"))
    said = np.concatenate([pause, first, pause, second, pause])
    return said + np.random.default_rng(0).normal(0, 8, len(said)).astype(np.int16)


def test_both_find_the_sentences(stream: np.ndarray) -> None:
    strictest = {"WebRTC": detectors.webrtc(3, SETTINGS)}  # the others call the pauses speech
    known = detectors.curve(SETTINGS) | strictest
    del known[detectors.named(detectors.SHIFTS[0])]  # which calls the pauses speech as well
    ours = known[detectors.OURS](stream)
    assert len(ours) == 2
    for name, detect in known.items():
        for (start, end), (first, last) in zip(ours, detect(stream), strict=True):
            assert abs(start - first) < 25, name
            assert abs(end - last) < 40, name


def test_frames_become_utterances_by_the_rules_of_the_endpointer() -> None:
    said = np.zeros(1000, bool)
    said[100:200] = said[230:300] = said[500:504] = True  # a pause; then too short
    assert detectors.utterances(said, SETTINGS) == [(100, 300)]
    said[900:] = True  # open at the end
    assert detectors.utterances(said, SETTINGS) == [(100, 300), (900, 1000)]
    forever = detectors.utterances(np.ones(2500, bool), replace(SETTINGS, longest_frames=1000))
    # What goes on after a cut begins with the frames that its onset takes.
    assert [end - start for start, end in forever] == [1000, 1000, 508]


def test_the_same_rules_as_the_endpointers_own() -> None:
    """Bursts and pauses of any length: by loud frames, both say the same utterances."""
    rng = np.random.default_rng(1)
    loud = np.concatenate([np.full(rng.integers(1, 120), n % 2 == 1) for n in range(30)])
    noise = rng.normal(0, 1, (len(loud), HOP)) * np.where(loud, 3000, 3)[:, None]
    ours = detectors.endpointer(SETTINGS)(noise.astype(np.int16).ravel())
    assert ours == detectors.utterances(loud, SETTINGS)


def test_single_frames_are_what_utterances_are_made_of(stream: np.ndarray) -> None:
    """Without hang-over there are gaps inside of a sentence, and its ends are the same."""
    said = detectors.frames(SETTINGS)
    for name, detect in {
        **detectors.curve(SETTINGS),
        "WebRTC mode 3": detectors.webrtc(3, SETTINGS),
    }.items():
        flags = said[name](stream)
        for first, end in detect(stream):
            assert flags[end - 1], name
            assert 0.3 < flags[first:end].mean() <= 1.0, name


def test_a_threshold_that_is_lower_hears_more(stream: np.ndarray) -> None:
    found = detectors.curve(SETTINGS)
    covered = [
        detectors.covered(found[detectors.named(shift)](stream), len(stream) // HOP).sum()
        for shift in (-8.0, 0.0, 8.0)
    ]
    assert covered[0] >= covered[1] >= covered[2] > 300


def test_mixtures_know_what_is_speech(samples: Path) -> None:
    hiss = np.random.default_rng(0).normal(0, 1000, 2 * RATE).astype(np.int16)
    noises = {"hiss": [hiss], "rain": [hiss[::-1]]}
    sentence = read(samples / "joy_kal16.wav")
    found = list(mixtures.mixtures([sentence], noises, 5.0))
    assert {mixture.kind for mixture in found} == {"hiss", "rain"}
    pause = int(mixtures.PAUSE * RATE / HOP)
    for mixture in found:
        assert not (mixture.active & mixture.pause).any()
        assert not mixture.active[: pause - 1].any()
        assert mixture.pause[: pause - LEAD].all()
        assert mixture.pause[-(pause - TAIL - 5) :].all()
    soft = next(mixtures.mixtures([sentence], noises, 5.0, -20.0))
    ratio = np.std(found[0].samples.astype(float)) / np.std(soft.samples.astype(float))
    assert ratio == pytest.approx(10.0, rel=0.02)


def test_shares_are_counted_as_named() -> None:
    active, pause = np.zeros(100, bool), np.zeros(100, bool)
    active[40:60], pause[:20], pause[80:] = True, True, True
    mixture = mixtures.Mixture(np.zeros(100 * HOP, np.int16), "hiss", 0, active, pause)
    last = 100 - TAIL  # reaches the end of the stream
    counts = endpoints.count({"half": lambda _: [(50 + LEAD, last)]}, [mixture, mixture])
    row = endpoints.scores(counts.rows["half"], counts.sentences)
    assert (row["missed"]["mean"], row["false"]["mean"], row["found"]) == (0.5, 0.5, 1.0)
    assert row["missed"]["ci95"] == [0.5, 0.5]


def test_the_curve_is_read_where_as_much_is_missed() -> None:
    pairs = zip(detectors.SHIFTS, np.linspace(0.0, 0.7, len(detectors.SHIFTS)), strict=True)
    rows = {
        detectors.named(shift): {"missed": {"mean": x}, "false": {"mean": 1.0 - x}}
        for shift, x in pairs
    }
    assert endpoints.at_equal_missed(rows, 0.25) == pytest.approx(0.75)
    assert endpoints.at_equal_missed(rows, 0.9) == pytest.approx(0.3), "the highest threshold's"


def test_steady_noise_opens_nothing() -> None:
    hiss = np.random.default_rng(0).normal(0, 1000, 8 * RATE).astype(np.int16)
    sounds = {"hiss": hiss, "short": hiss[:RATE]}
    known = detectors.curve(SETTINGS) | detectors.rivals(SETTINGS)
    rows = endpoints.noise_alone(known, sounds)
    assert set(rows) == {"hiss"}
    assert rows["hiss"][detectors.OURS] == 0.0


BOTH = (detectors.OURS, detectors.CLOSE)


def test_a_run_for_real(corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "CONDITIONS", {"5 dB": (5, 0)})
    monkeypatch.setattr(backgrounds, "intruders", lambda _, part: backgrounds.made(part))
    monkeypatch.setattr(endpoints, "SHIFTS", (0.0,))
    monkeypatch.setattr(endpoints, "curve", lambda s: dict.fromkeys(BOTH, detectors.endpointer(s)))
    arguments = ["--part", "train", "--limit", "2", "--results", str(tmp_path)]
    assert command.main(["endpoints", *arguments]) == 0
    result = json.loads((tmp_path / "endpoint-vad.json").read_text())
    assert result["metrics"]["endpointer, 5 dB"]["found"] == 1.0
    rows = result["tables"]["The same, frame decisions"]
    places = ("5 dB", endpoints.TOGETHER)
    assert set(rows) == {f"WebRTC mode {m}, {place}" for m in detectors.MODES for place in places}
    assert all(0.0 < row["false, endpointer"] < 1.0 for row in rows.values())
    quiet = result["tables"]["Sounds without speech: share of time in utterances, after 5 s"]
    assert quiet["noise white -30 dB"]["endpointer"] == 0.0
    assert command.main(["endpoints", "--limit", "1", *arguments[4:]]) == 2

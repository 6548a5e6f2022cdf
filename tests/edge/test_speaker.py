"""Learned voices: evidence, shift, and the engine that uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, PackError
from edge.emotion import Emotion
from edge.pack import open_pack
from edge.profile import Profile
from edge.speaker import Adaptation, Evidence, Running, SpeakerSettings, Trust
from tests.edge.made import read_wav
from tests.edge.voices import learn

ROWS = np.array([[0.5, 0.0, -0.5], [0.1, 0.3, 0.2]], np.float32)  # neutral, angry
TRUST = {
    "neutral": Trust(0.5, 1.0),
    "past": Trust(1.0, 4.0),
    "balanced": Trust(1.0, 2.0),
}
SETTINGS = SpeakerSettings(ROWS, 0, TRUST, most=10)
PAUSE = bytes(2 * 16000)


def evidence(kind: str = "past", count: int = 4, **other: object) -> Evidence:
    values = {"mean": np.array([0.3, 0.3, 0.0], np.float32), "shares": np.array([0.5, 0.5])}
    return Evidence(kind, count, 2.0 * count, **{**values, **other})


@pytest.fixture(scope="module")
def learned(samples: Path) -> Evidence:
    return learn(samples / "gift_slt.wav", samples / "grief_slt.wav")


def test_the_shift_takes_the_speakers_own_away() -> None:
    own = np.array([0.2, -0.1, 0.3], np.float32)
    for kind, expected in (
        ("neutral", ROWS[0]),
        ("past", 0.25 * ROWS[0] + 0.75 * ROWS[1]),
        ("balanced", ROWS.mean(axis=0)),
    ):
        found = evidence(kind, 10**6, mean=expected + own, shares=np.array([0.25, 0.75]))
        shift = SETTINGS.shift(found)
        np.testing.assert_allclose(shift, -TRUST[kind].weight * own, atol=1e-5)


def test_more_utterances_count_more() -> None:
    sizes = [float(np.abs(SETTINGS.shift(evidence(count=n))).max()) for n in (1, 4, 40)]
    full = float(np.abs(SETTINGS.shift(evidence(count=10**9))).max())
    np.testing.assert_allclose(sizes, [full * n / (n + 4.0) for n in (1, 4, 40)], rtol=1e-5)
    assert not SETTINGS.shift().any()


def test_two_pieces_of_the_same_evidence_are_one_of_twice_the_size() -> None:
    one = evidence(count=3)
    both = SETTINGS.shift(one, one)
    np.testing.assert_allclose(both, SETTINGS.shift(one.joined(one)), atol=1e-6)
    assert one.joined(one).seconds == 12.0


def test_running_means_are_means() -> None:
    rng = np.random.default_rng(0)
    rows, running = rng.normal(size=(7, 3)).astype(np.float32), Running("past")
    for row in rows:
        running.add(row, row[:2], 1.5)
    found = running.evidence
    assert (found.count, found.seconds) == (7, pytest.approx(10.5))
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.shares, rows[:, :2].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("most", [1, 10])
def test_a_session_is_bounded_and_goes_on_following(most: int) -> None:
    adaptation = Adaptation(replace(SETTINGS, most=most), adapt=True)
    own = np.array([0.6, 0.0, 0.0], np.float32)
    for _ in range(200):
        adaptation.learn(ROWS[0] + own, np.array([1.0, 0.0]), 2.0)
    np.testing.assert_allclose(adaptation.shift, -own * most / (most + 4.0), atol=1e-4)
    for _ in range(200):
        adaptation.learn(ROWS[0] - own, np.array([1.0, 0.0]), 2.0)
    np.testing.assert_allclose(adaptation.shift, own * most / (most + 4.0), atol=1e-4)


def test_reset_forgets_the_session_and_keeps_the_profile() -> None:
    adaptation = Adaptation(SETTINGS, "Anna", evidence(), adapt=True)
    before = adaptation.shift.copy()
    adaptation.learn(ROWS[1], np.array([0.0, 1.0]), 2.0)
    assert not np.allclose(adaptation.shift, before)
    adaptation.reset()
    np.testing.assert_array_equal(adaptation.shift, before)


def test_without_adapt_and_from_scraps_nothing_is_learned() -> None:
    fixed, following = Adaptation(SETTINGS), Adaptation(SETTINGS, adapt=True)
    fixed.learn(ROWS[1] + 0.5, np.array([0.0, 1.0]), 5.0)
    following.learn(ROWS[1] + 0.5, np.array([0.0, 1.0]), 0.9)
    assert fixed.shift is following.shift is None


def finals(engine: Engine, names: list[Path]) -> list[Emotion]:
    engine.reset()
    events = []
    for name in names:
        events += engine.push(read_wav(name) + PAUSE)
    return [event for event in events + engine.flush() if event.type == "final"]


def test_an_utterance_is_scored_before_it_is_learned_from(samples: Path) -> None:
    names = [samples / "anger_slt.wav", samples / "anger_slt.wav"]
    with Engine.open(words=False) as plain, Engine.open(words=False, adapt=True) as adapting:
        fixed, follows = finals(plain, names), finals(adapting, names)
        again = finals(adapting, names)  # reset lies between
    assert follows[0].probabilities == fixed[0].probabilities
    assert follows[1].probabilities != fixed[1].probabilities
    assert [e.probabilities for e in again] == [e.probabilities for e in follows]
    assert follows[0].speaker is None


def test_a_profile_shifts_partial_and_final_events(samples: Path, learned: Evidence) -> None:
    pack = open_pack()
    known = Profile.of("Anna", learned, pack)
    with Engine.open(words=False) as plain, Engine.open(words=False, speaker=known) as engine:
        pairs = list(zip(plain.stream(samples / "anger_slt.wav"),
                         engine.stream(samples / "anger_slt.wav"), strict=True))  # fmt: skip
    assert {a.type for a, _ in pairs} == {"partial", "final"}
    assert all(a.probabilities != b.probabilities for a, b in pairs)
    for _, event in pairs:
        assert sum(event.probabilities.values()) == pytest.approx(1.0, abs=1e-3)
        assert json.loads(event.to_json())["speaker"] == "Anna"


def test_what_is_learned_does_not_depend_on_what_was_learned(
    samples: Path, learned: Evidence
) -> None:
    known = Profile.of("Anna", learned, open_pack())
    found = []
    for speaker in (None, known):
        with Engine.open(words=False, speaker=speaker, adapt=True) as engine:
            engine.file(samples / "anger_slt.wav")
            found.append(engine.learner._session.evidence)
    np.testing.assert_array_equal(found[0].shares, found[1].shares)
    np.testing.assert_array_equal(found[0].mean, found[1].mean)


def test_a_pack_that_cannot_learn(edit_manifest: Callable[..., Path], learned: Evidence) -> None:
    pack = edit_manifest(lambda m: m.pop("speaker"))
    with Engine.open(pack, words=False):
        pass
    known = Profile.of("Anna", learned, open_pack())
    for options in ({"speaker": known}, {"adapt": True}):
        with pytest.raises(PackError, match="cannot learn voices"):
            Engine.open(pack, words=False, **options)


def test_a_kind_that_a_pack_does_not_trust(
    edit_manifest: Callable[..., Path], learned: Evidence
) -> None:
    pack = edit_manifest(lambda m: m["speaker"]["trust"].pop("balanced"))
    known = Profile.of("Anna", replace(learned, kind="balanced"), open_pack())
    message = "learns nothing from balanced speech: enroll with --kind neutral or past"
    with pytest.raises(PackError, match=message):
        Engine.open(pack, words=False, speaker=known)
    pack = edit_manifest(lambda m: m["speaker"]["trust"]["past"].update(weight=0))
    with pytest.raises(PackError, match="learns nothing from past speech"):
        Engine.open(pack, words=False, adapt=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["reference"].pop("angry"), "must have the pack's labels"),
        (lambda s: s["reference"].update(angry=[0.0] * 3), "rows of one length"),
        (lambda s: s["reference"].update(angry=["x"] * 288), "must be numbers"),
        (lambda s: s["reference"].update(angry=[float("nan")] * 288), "must be finite"),
        (lambda s: [row.pop() for row in s["reference"].values()], r"467 values.*pooled to 468"),
        (lambda s: s.update(most=0), "'most' from 1"),
        (lambda s: s["trust"].pop("past"), "'past' at least"),
        (lambda s: s["trust"].update(loud={}), "'trust' of 'past'"),
        (lambda s: s["trust"]["past"].update(weight=3.0), "weight in 0..2"),
        (lambda s: s["trust"]["past"].update(count=0), "count above 0"),
        (lambda s: s["trust"]["past"].pop("count"), "lacks 'count'"),
    ],
)
def test_wrong_section(edit_manifest: Callable[..., Path], change: Callable, message: str) -> None:
    pack = edit_manifest(lambda m: change(m["speaker"]))
    with pytest.raises(PackError, match=message):
        Engine.open(pack, words=False)

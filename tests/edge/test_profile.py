"""Profiles on disk: whole, private, checked, and never outside their folder."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, HeartenError, profile
from edge.pack import open_pack
from edge.profile import Profile
from edge.speaker import Evidence
from tests.edge.voices import learn


@pytest.fixture(scope="module")
def learned(samples: Path) -> Evidence:
    return learn(samples / "gift_slt.wav", samples / "grief_slt.wav")


@pytest.fixture
def speakers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; returns where profiles lie."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "hearten" / "speakers"


def test_a_profile_survives_the_disk(speakers: Path, learned: Evidence) -> None:
    pack = open_pack()
    made = Profile.of("Zoë O'Hara-2", learned, pack)
    path = made.save()
    assert path == speakers / "Zoë O'Hara-2.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(speakers.stat().st_mode) == 0o700
    assert path.stat().st_size < 6000
    read = profile.load(path)
    read.fit(pack)
    assert read.summary() == made.summary()
    np.testing.assert_allclose(read.evidence.mean, learned.mean, atol=1e-5)
    # The name may be typed with a combining mark.
    assert profile.find("Zoe\u0308 O'Hara-2") == path
    with Engine.open(words=False, speaker="Zoë O'Hara-2") as engine:
        assert engine.learner.name == "Zoë O'Hara-2"
    with Engine.open(words=False, speaker=path) as engine:
        assert engine.learner.shift.any()


def test_a_failed_write_leaves_the_old_profile_and_no_litter(
    speakers: Path, learned: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Profile.of("Anna", learned, open_pack())
    before = made.save().read_bytes()

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace(made, created="2030-01-01").save()
    assert [p.name for p in speakers.iterdir()] == ["Anna.json"]
    assert (speakers / "Anna.json").read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/etc/x", ".x", "x.", "a\0b", "a\nb", "-a", "x" * 41, " "],
)
def test_names_cannot_leave_the_folder(speakers: Path, name: str) -> None:
    with pytest.raises(HeartenError, match="cannot be a speaker's name"):
        profile.place(name)


WRONG = {
    "not JSON": (lambda c: "{", "no speaker profile"),
    "a list": (lambda c: "[]", "not a JSON object"),
    "deep": (lambda c: "[" * 50_000, "no speaker profile"),
    "huge": (lambda c: " " * 70_000, "larger than"),
    "newer": (lambda c: c | {"format": 2}, "format 2 is newer"),
    "no mean": (lambda c: {k: v for k, v in c.items() if k != "mean"}, "lacks 'mean'"),
    "kind": (lambda c: c | {"kind": "angry"}, "unknown kind 'angry'"),
    "count": (lambda c: c | {"utterances": 0}, "out of range"),
    "true": (lambda c: c | {"utterances": True}, "out of range"),
    "seconds": (lambda c: c | {"seconds": float("inf")}, "out of range"),
    "NaN": (lambda c: c | {"mean": [float("nan")] * len(c["mean"])}, "out of range"),
    "far out": (lambda c: c | {"mean": [1e30] * len(c["mean"])}, "out of range"),
    "whole number too large": (lambda c: c | {"mean": [10**400]}, "no speaker profile"),
    "text": (lambda c: c | {"mean": "loud"}, "no speaker profile"),
    "shares": (lambda c: c | {"shares": dict.fromkeys(c["shares"], 0.5)}, "sum to 1"),
    "digest": (lambda c: c | {"voice": "abc"}, "voice, pack or created"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_damaged_profile_is_named(speakers: Path, learned: Evidence, case: str) -> None:
    change, message = WRONG[case]
    path = Profile.of("Anna", learned, open_pack()).save()
    content = change(json.loads(path.read_text()))
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(HeartenError, match=message) as caught:
        Engine.open(words=False, speaker="Anna")
    assert str(path) in str(caught.value)
    assert "enroll again" in str(caught.value)


def test_a_profile_of_another_pack_is_refused(speakers: Path, learned: Evidence) -> None:
    other = replace(Profile.of("Anna", learned, open_pack()), voice="0" * 64, pack="hearten-old")
    other.save()
    with pytest.raises(HeartenError, match=r"hearten-old\): enroll again for hearten-en-1"):
        Engine.open(words=False, speaker="Anna")


def test_an_unknown_speaker_and_near_ones(speakers: Path, learned: Evidence) -> None:
    with pytest.raises(HeartenError, match="make one: hearten enroll"):
        Engine.open(words=False, speaker="Anna")
    Profile.of("Anna", learned, open_pack()).save()
    with pytest.raises(HeartenError, match="did you mean 'Anna'"):
        Engine.open(words=False, speaker="Ana")


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    def homeless(self: Path) -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(HeartenError, match="set XDG_DATA_HOME"):
        profile.names()

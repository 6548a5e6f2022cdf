"""``hearten enroll`` and ``hearten speakers`` as their users meet them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge.pack import open_pack
from edge.profile import Profile, load
from tests.edge.made import read_wav, write_wav
from tests.edge.test_cli import HEARTEN, hearten, refused, strict
from tests.edge.voices import learn

SLT = ("gift_slt.wav", "grief_slt.wav", "meeting_loud.wav")


@pytest.fixture
def data(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty data folder."""
    return {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}


@pytest.fixture
def speakers(data: dict[str, str]) -> Path:
    return Path(data["XDG_DATA_HOME"]) / "hearten" / "speakers"


@pytest.fixture
def enrolled(data: dict, speakers: Path, monkeypatch: pytest.MonkeyPatch, samples: Path) -> Path:
    """Profiles of Anna and Ben."""
    monkeypatch.setenv("XDG_DATA_HOME", data["XDG_DATA_HOME"])
    evidence = learn(samples / SLT[0], kind="neutral")
    for name in ("Anna", "Ben"):
        Profile.of(name, evidence, open_pack()).save()
    return speakers


def test_from_recordings_then_used(data: dict, samples: Path, speakers: Path) -> None:
    paths = [samples / name for name in SLT]
    done = hearten("enroll", "Anna", *paths[:2], env=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Anna: 2 utterances, ")
    assert "past speech" in done.stdout
    refused(hearten("enroll", "Anna", paths[2], env=data), "enrolled already", "--add", "--force")
    (more,) = strict(
        hearten("enroll", "Anna", "--add", "--json", paths[2], env=data).stdout.splitlines()
    )
    assert (more["name"], more["utterances"], more["kind"]) == ("Anna", 3, "past")
    assert Path(more["file"]) == speakers / "Anna.json"
    at_once = hearten("enroll", "All", *paths, env=data)
    assert at_once.returncode == 0
    one, other = (load(speakers / f"{name}.json").evidence for name in ("Anna", "All"))
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-5)
    begun = hearten("enroll", "Anna", "--force", "--kind", "neutral", paths[0], env=data)
    assert "1 utterances" in begun.stdout
    assert "neutral speech" in begun.stdout
    event = strict(
        hearten("file", paths[0], "--json", "--no-words", "--speaker", "Anna", env=data)
        .stdout.splitlines()
    )[0]  # fmt: skip
    plain = strict(hearten("file", paths[0], "--json", "--no-words", env=data).stdout.splitlines())
    assert event["speaker"] == "Anna"
    assert "speaker" not in plain[0]
    assert event["probabilities"] != plain[0]["probabilities"]


def test_from_standard_input(data: dict, samples: Path, speakers: Path) -> None:
    sound = b"".join(read_wav(samples / name) + bytes(32000) for name in SLT)
    command = [*HEARTEN, "enroll", "Anna", "--stdin", "--kind", "neutral", "--json"]
    done = subprocess.run(
        command, input=sound, capture_output=True, env=data, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert (content["utterances"], content["kind"]) == (3, "neutral")
    assert [p.name for p in speakers.iterdir()] == ["Anna.json"]


def test_interrupted_nothing_is_stored(data: dict, samples: Path, speakers: Path) -> None:
    process = subprocess.Popen(
        [*HEARTEN, "enroll", "Anna", "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=data,
        # Tests that run in the background are deaf to SIGINT, and so would be what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    sound = read_wav(samples / SLT[0]) + bytes(64000)
    process.stdin.write(sound * 4)  # more than a pipe holds: it is being heard
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert out == b""
    assert not speakers.exists()


def test_mistakes_are_one_clear_line(data: dict, samples: Path, tmp_path: Path) -> None:
    good = samples / SLT[0]
    quiet = write_wav(tmp_path / "quiet.wav", np.zeros(32000))
    short = write_wav(tmp_path / "short.wav", np.frombuffer(read_wav(good), "<i2")[8000:16000])
    cases = [
        ((), "one of these"),
        ((good, "--stdin"), "one of these"),
        (("--mic", "--stdin"), "one of these"),
        ((tmp_path / "none.wav",), "does not exist"),
        ((good, "--pack", tmp_path), "manifest.json"),
    ]
    for arguments, words in cases:
        refused(hearten("enroll", "Anna", *arguments, env=data, stdin=subprocess.DEVNULL), words)
    refused(hearten("enroll", "../Anna", good, env=data), "cannot be a speaker's name")
    for path in (quiet, short):
        done = hearten("enroll", "Anna", path, env=data)
        *notes, last = done.stderr.splitlines()
        assert done.returncode == 2
        assert path.name in notes[0]
        assert "nothing to learn" in last
    assert not (tmp_path / "data").exists()


def test_a_bad_file_among_good_ones_stores_nothing(
    data: dict, samples: Path, tmp_path: Path, speakers: Path
) -> None:
    (tmp_path / "bad.wav").write_text("no sound")
    done = hearten("enroll", "Anna", samples / SLT[0], tmp_path / "bad.wav", env=data)
    refused(done, "bad.wav")
    assert not speakers.exists()


def test_clipped_recordings_are_told(data: dict, samples: Path, tmp_path: Path) -> None:
    loud = np.clip(np.frombuffer(read_wav(samples / "grief_slt.wav"), "<i2") * 60.0, -32768, 32767)
    path = write_wav(tmp_path / "loud.wav", np.concatenate([loud, loud]))
    done = hearten("enroll", "Anna", path, env=data)
    assert "loud.wav: the input is clipped" in done.stderr


def test_adding_keeps_to_the_kind(enrolled: Path, data: dict, samples: Path) -> None:
    done = hearten("enroll", "Anna", "--add", "--kind", "past", samples / SLT[1], env=data)
    refused(done, "is of neutral speech")
    done = hearten("enroll", "Anna", "--add", samples / SLT[1], env=data)
    assert "2 utterances" in done.stdout
    assert load(enrolled / "Anna.json").evidence.kind == "neutral"


def test_speakers_are_listed(enrolled: Path, data: dict) -> None:
    head, *rows = hearten("speakers", env=data).stdout.splitlines()
    assert head.split() == ["name", "kind", "utterances", "seconds", "created", "pack"]
    assert [row.split()[:3] for row in rows] == [["Anna", "neutral", "1"], ["Ben", "neutral", "1"]]
    listed = strict(hearten("speakers", "list", "--json", env=data).stdout.splitlines())
    assert [one["name"] for one in listed] == ["Anna", "Ben"]
    assert listed[0]["pack"] == open_pack().manifest.name
    (enrolled / "Ben.json").write_text("{")
    done = hearten("speakers", env=data)
    assert done.returncode == 2
    assert "Ben.json is no speaker profile" in done.stderr
    assert "Anna" in done.stdout


def test_nobody_yet(data: dict) -> None:
    done = hearten("speakers", env=data)
    assert (done.returncode, done.stderr) == (0, "")
    assert "hearten enroll" in done.stdout
    assert hearten("speakers", "--json", env=data).stdout == ""


def test_rename_and_delete(enrolled: Path, data: dict) -> None:
    refused(hearten("speakers", "rename", "Anna", "Ben", env=data), "'Ben' already")
    refused(hearten("speakers", "rename", "Anna", "../x", env=data), "cannot be a speaker's name")
    refused(hearten("speakers", "rename", "Ana", "x", env=data), "did you mean 'Anna'?")
    refused(hearten("speakers", "rename", "Anna", env=data), "rename OLD NEW")
    before = (enrolled / "Anna.json").read_bytes()
    assert hearten("speakers", "rename", "Anna", "Änne", env=data).returncode == 0
    assert (enrolled / "Änne.json").read_bytes() == before
    refused(hearten("speakers", "delete", "Ben", "Anna", env=data), "no speaker 'Anna'")
    assert (enrolled / "Ben.json").exists(), "all or none"
    done = hearten("speakers", "delete", "Ben", "Änne", "--json", env=data)
    assert json.loads(done.stdout) == {"deleted": ["Ben", "Änne"]}
    assert list(enrolled.iterdir()) == []


def test_settings_name_the_speaker_and_flags_win(
    enrolled: Path, data: dict, samples: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[engine]\nspeaker = "Anna"\nadapt = true\n')
    command = ("file", "--config", config, "--json", "--no-words", samples / SLT[0])
    for flags, name in (((), "Anna"), (("--speaker", "Ben"), "Ben"), (("--no-speaker",), None)):
        (event,) = strict(hearten(*command, *flags, env=data).stdout.splitlines())
        assert event.get("speaker") == name
    refused(hearten(*command, "--speaker", "Bea", env=data), "did you mean 'Ben'?")

"""The picture of a recording: valid, self-contained, true to the events, refused in time."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from edge.emotion import Emotion, Word
from edge.plot import LEFT, PANEL, RIGHT, TITLE, TOP, Picture
from tests.edge.made import write_wav
from tests.edge.test_cli import hearten, refused, strict

SVG = "{http://www.w3.org/2000/svg}"


def emotion(start: float, end: float, valence: float, **others: object) -> Emotion:
    defaults = {
        "type": "final",
        "category": "happy",
        "confidence": 0.8,
        "probabilities": {"happy": 0.8, "sad": 0.2},
        "arousal": 0.25,
        "dominance": -0.5,
        "voice": {},
        "text": None,
        "words": (),
        "snr_db": 20.0,
        "latency_ms": 1.0,
        "pack": "p",
    }
    return Emotion(start=start, end=end, valence=valence, **{**defaults, **others})


def parse(picture: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg())


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text for element in root.iter(f"{SVG}text")]


def paths(root: ElementTree.Element, kind: str) -> list[str]:
    return [e.get("d") for e in root.iter(f"{SVG}path") if e.get("class").split() == kind.split()]


def test_lanes_lines_bands_and_words_of_two_files(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.svg"
    recordings = [samples / "anger_slt.wav", samples / "gift_slt.wav"]
    done = hearten("file", *recordings, "--json", "--plot", out)
    events = strict(done.stdout.splitlines())
    assert [event["type"] for event in events] == ["final", "final"]  # partials are only drawn
    root = ElementTree.parse(out).getroot()
    shown = texts(root)
    for event, path in zip(events, recordings, strict=True):
        assert path.name in shown
        assert event["category"] in shown
        assert {word["word"] for word in event["words"]} <= set(shown)
        assert any(path.name in t for t in shown)
    assert len(paths(root, "valence thin")) == 2
    assert all(d.count("L") >= 5 for d in paths(root, "valence thin"))


def test_places_are_true_to_time_and_value() -> None:
    picture = Picture("x")
    lane = picture.lane("a")
    lane.add(emotion(2.0, 4.0, 0.5, words=(Word("joy", 3.0, 3.4, 0.9),)))
    lane.seconds = 8.0
    root = parse(picture)
    width = float(root.get("width"))
    scale = (width - LEFT - RIGHT) / 8.0
    top = TOP + TITLE
    for name, value in (("valence", 0.5), ("arousal", 0.25), ("dominance", -0.5)):
        step = [d for d in paths(root, name) if "H" in d]
        x, y, end = map(float, re.fullmatch(r"M(\S+) (\S+)H(\S+)", step[-1]).groups())
        assert x == pytest.approx(LEFT + 2 * scale, abs=0.1)
        assert end == pytest.approx(LEFT + 4 * scale, abs=0.1)
        assert y == pytest.approx(top + PANEL * (1 - value) / 2, abs=0.1)
    (band,) = (e for e in root.iter(f"{SVG}rect") if e.get("class") == "band")
    assert float(band.get("x")) == pytest.approx(LEFT + 2 * scale, abs=0.1)
    assert float(band.get("width")) == pytest.approx(2 * scale, abs=0.1)
    (word,) = (e for e in root.iter(f"{SVG}text") if e.text == "joy")
    assert float(word.get("x")) == pytest.approx(LEFT + 3 * scale, abs=0.1)


def test_text_is_escaped_whatever_the_name() -> None:
    name = '<script>alert("1")</script> & \x00\x1b\ud800 "a" \'b\' ]]>'
    picture = Picture(name)
    picture.lane(name).add(emotion(0, 3, 0.1, category=name, words=(Word(name, 1, 2, 1.0),)))
    root = ElementTree.fromstring(picture.svg().encode())
    assert not list(root.iter(f"{SVG}script"))
    wanted = name.replace("\x00", "�").replace("\x1b", "�").replace("\ud800", "�")
    assert texts(root).count(wanted) >= 3


def test_nothing_is_fetched_and_both_schemes_are_there() -> None:
    picture = Picture("x")
    picture.lane("a").add(emotion(0, 1, 0.1))
    svg = picture.svg()
    assert svg.count("http") == 1  # the name of the SVG namespace
    assert not re.search(r"url\(|@import|href|<script|<image", svg)
    assert "prefers-color-scheme: dark" in svg


def test_an_hour_stays_a_readable_size() -> None:
    picture = Picture("x")
    lane = picture.lane("a")
    for start in range(0, 3600, 4):
        for part in range(1, 12):
            lane.add(emotion(start, start + part / 4, 0.1, type="partial"))
        lane.add(emotion(start, start + 3, np.sin(start / 300), words=(Word("w", start, 1, 1.0),)))
    root = parse(picture)
    assert float(root.get("width")) <= 4000
    assert paths(root, "valence thin") == []
    means = [d for d in paths(root, "valence") if d.count("L") > 100]
    assert len(means) == 1
    assert "nan" not in means[0]
    assert len(picture.svg()) < 1_000_000


def test_silence_is_drawn_as_such(tmp_path: Path) -> None:
    path, out = write_wav(tmp_path / "silence.wav", np.zeros(32000)), tmp_path / "x.svg"
    done = hearten("file", path, "--no-words", "--plot", out)
    assert done.returncode == 0
    assert "no speech found" in texts(ElementTree.parse(out).getroot())


def test_a_strange_file_name(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / 'a <b> & "c".wav'
    shutil.copy(samples / "anger_slt.wav", path)
    assert hearten("file", path, "--no-words", "--plot", tmp_path / "x.svg").returncode == 0
    assert path.name in texts(ElementTree.parse(tmp_path / "x.svg").getroot())


@pytest.mark.parametrize("option", ["--plot", "--csv"])
def test_what_cannot_be_written_is_said_before_the_work(
    samples: Path, tmp_path: Path, option: str
) -> None:
    suffix = {"--plot": "svg", "--csv": "csv"}[option]
    path = samples / "anger_slt.wav"
    (tmp_path / f"folder.{suffix}").mkdir()
    cases = {
        tmp_path / "nowhere" / f"x.{suffix}": "No such file",
        tmp_path / f"folder.{suffix}": "Is a directory",
        Path(f"/proc/x.{suffix}"): "cannot write",
        tmp_path / "x.pdf": f"x.{suffix}",
        tmp_path / "x": f".{suffix}",
    }
    for out, word in cases.items():
        done = hearten("file", path, option, out)
        refused(done, word, str(out))
        assert done.stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == [f"folder.{suffix}"]


def test_a_recording_is_never_overwritten(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "sound.svg"
    shutil.copy(samples / "anger_slt.wav", path)
    before = path.read_bytes()
    refused(hearten("file", path, "--plot", path), "recording itself")
    assert path.read_bytes() == before


def test_an_earlier_picture_survives_a_bad_file(tmp_path: Path) -> None:
    out = tmp_path / "x.svg"
    out.write_text("earlier")
    refused(hearten("file", tmp_path / "missing.wav", "--plot", out), "does not exist")
    assert out.read_text() == "earlier"

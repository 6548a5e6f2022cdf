"""Channels apart, their summaries, and the table: an hour of a call in the memory of a minute."""

from __future__ import annotations

import csv
import os
import pty
import re
import struct
import subprocess
import sys
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from edge.audio.files import blocks, channel_blocks, read
from edge.errors import AudioError
from edge.summary import MovingMean, Summary, Turns
from tests.edge.made import read_wav, write_wav
from tests.edge.test_cli import HEARTEN, hearten, refused, strict
from tests.edge.test_plot import emotion

PAUSE = 12000  # samples of silence after each turn


def make_call(samples: Path, names: Iterable[str]) -> np.ndarray:
    """Two speakers in turns, each on a channel, silence on the other; shape (frames, 2)."""
    turns = []
    for index, name in enumerate(names):
        said = np.frombuffer(read_wav(samples / f"{name}.wav"), "<i2")
        turn = np.zeros((len(said) + PAUSE, 2), np.int16)
        turn[: len(said), index % 2] = said
        turns.append(turn)
    return np.concatenate(turns)


def summaries(done: subprocess.CompletedProcess) -> tuple[list[dict], dict]:
    *events, last = strict(done.stdout.splitlines())
    assert last["type"] == "summary"
    return events, last


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with call.wav and each side of it as a mono file."""
    folder = tmp_path_factory.mktemp("call")
    names = ("anger_slt", "fear_rms", "grief_rms", "joy_awb")
    frames = make_call(Path(__file__).parents[1] / "samples", names)
    write_wav(folder / "call.wav", frames, channels=2)
    for side in (1, 2):
        write_wav(folder / f"side{side}.wav", frames[:, side - 1])
    return folder


def told(events: list[dict]) -> list[dict]:
    """Events without what depends on the machine and the file."""
    return [
        {k: v for k, v in e.items() if k not in ("latency_ms", "file", "channel")} for e in events
    ]


def test_each_side_equals_its_own_mono_file(call: Path) -> None:
    done = hearten("file", call / "call.wav", "--channels", "split", "--json", "--timeline")
    events, summary = summaries(done)
    for side in (1, 2):
        mono = call / f"side{side}.wav"
        alone = strict(hearten("file", mono, "--json", "--timeline").stdout.splitlines())
        mine = [event for event in events if event["channel"] == side]
        assert len([event for event in mine if event["type"] == "final"]) == 2
        assert any(event["words"] for event in mine)
        assert told(mine) == told(alone)
    assert [channel["channel"] for channel in summary["channels"]] == [1, 2]
    assert summary["seconds"] == pytest.approx(read(call / "call.wav").size / 16000, abs=0.02)


def test_a_speaker_is_on_one_side_only(call: Path) -> None:
    done = hearten("file", call / "call.wav", "--channels", "split", "--speaker", "ann")
    assert done.returncode == 2
    assert "so --channels N, or --no-speaker" in done.stderr


def test_one_channel(call: Path) -> None:
    done = hearten("file", call / "call.wav", "--channels", 2, "--json", "--no-words")
    alone = hearten("file", call / "side2.wav", "--json", "--no-words")
    events = strict(done.stdout.splitlines())
    assert {event["channel"] for event in events} == {2}
    assert told(events) == told(strict(alone.stdout.splitlines()))


def test_the_table_holds_the_events(call: Path, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    arguments = ("--channels", "split", "--json", "--csv", table, "--summary")
    events, _ = summaries(hearten("file", call / "call.wav", *arguments))
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(events) == 4
    for row, event in zip(rows, events, strict=True):
        assert row["words"].split() == [word["word"] for word in event["words"]]
        for name in ("file", "channel", "type", "start", "end", "category", "valence"):
            assert row[name] == str(event[name])
        for label, share in event["probabilities"].items():
            assert float(row[f"p_{label}"]) == share


def test_a_readable_summary(call: Path) -> None:
    done = hearten("file", call / "call.wav", "--channels", "split", "--no-words")
    assert "channel 1: 2 utterances" in done.stdout
    assert "channel 2: 2 utterances" in done.stdout
    assert "turning points of valence: none" in done.stdout
    done = hearten("file", call / "side1.wav", "--summary", "--no-words")
    assert "all channels: 2 utterances" in done.stdout
    done = hearten("file", call / "side1.wav", "--summary", "--no-words", "--json")
    _, summary = summaries(done)
    assert "channel" not in summary["channels"][0]
    assert sum(summary["channels"][0]["shares"].values()) == pytest.approx(1, abs=1e-3)


def test_a_silent_channel_has_no_means(call: Path, tmp_path: Path) -> None:
    frames = np.zeros((48000, 2), np.int16)
    frames[:40000, 0] = read(call / "side1.wav")[:40000]
    path = write_wav(tmp_path / "half.wav", frames, channels=2)
    done = hearten("file", path, "--channels", "split", "--json", "--no-words")
    silent = summaries(done)[1]["channels"][1]
    assert (silent["utterances"], silent["shares"], silent["valence"]) == (0, {}, None)
    assert "no speech found" not in done.stderr


@pytest.mark.parametrize("wrong", ["0", "-1", "left", "1.5", ""])
def test_channels_that_make_no_sense(call: Path, wrong: str) -> None:
    refused(hearten("file", call / "call.wav", f"--channels={wrong}"), "mix, split or a number")


def test_channels_that_are_not_there(call: Path, tmp_path: Path) -> None:
    refused(hearten("file", call / "call.wav", "--channels", 3), "no channel 3", "has 2")
    path = write_wav(tmp_path / "many.wav", np.zeros((1000, 12)), channels=12)
    refused(hearten("file", path, "--channels", "split"), "12 channels", "at most 8")


@pytest.mark.parametrize("rate", [16000, 44100])
def test_channels_are_cut_apart_as_mono_files_are(tmp_path: Path, rate: int) -> None:
    frames = np.random.default_rng(rate).integers(-20000, 20000, (rate * 2 + 7, 3))
    path = write_wav(tmp_path / "three.wav", frames, rate=rate, channels=3)
    pieces = list(channel_blocks(path, 0.3))
    assert {len(piece) for piece in pieces} == {3}
    for index in range(3):
        alone = read(write_wav(tmp_path / "one.wav", frames[:, index], rate=rate))
        whole = np.concatenate([piece[index] for piece in pieces])
        assert np.array_equal(whole, alone)
        assert np.array_equal(np.concatenate(list(blocks(path, 0.3, index + 1))), alone)


def test_channels_of_a_flac_and_of_a_damaged_file(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    frames = np.random.default_rng(0).integers(-9000, 9000, (9001, 2)).astype(np.int16)
    soundfile.write(tmp_path / "x.flac", frames, 16000, subtype="PCM_16")
    pieces = list(channel_blocks(tmp_path / "x.flac", 0.1))
    assert np.array_equal(np.concatenate([np.stack(p, 1) for p in pieces]), frames)
    path = write_wav(tmp_path / "x.wav", frames, channels=2)
    path.write_bytes(path.read_bytes()[:-3])  # cut inside the last frame
    assert sum(len(piece[0]) for piece in channel_blocks(path)) == 9000


def test_a_nan_is_named_in_the_channel_that_has_it(tmp_path: Path) -> None:
    frames = np.zeros((8000, 2), "<f4")
    frames[4000, 1] = np.nan
    head = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 2, 16000, 128000, 8, 32)
    data = struct.pack("<4sI", b"data", frames.nbytes) + frames.tobytes()
    path = tmp_path / "nan.wav"
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(head + data), b"WAVE") + head + data)
    with pytest.raises(AudioError, match=r"at 0\.250 s \(frame 4000\)"):
        list(channel_blocks(path))
    assert sum(map(len, blocks(path, channel=1))) == 8000


def test_memory_does_not_grow_with_the_call(call: Path, tmp_path: Path) -> None:
    with wave.open(str(call / "call.wav")) as file:
        seconds, data = file.getnframes() / 16000, file.readframes(file.getnframes())

    def peak(minutes: float) -> int:
        path = tmp_path / "long.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, 16000, 0, "NONE", ""))
            for _ in range(round(minutes * 60 / seconds)):
                file.writeframes(data)
        code = (
            "import resource, sys; from edge.cli import main; code = main(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
        )
        options = ["--channels=split", "--no-words", f"--plot={tmp_path / 'x.svg'}"]
        command = [sys.executable, "-c", code, "file", str(path), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = done.stdout.splitlines()
        assert len(lines) > minutes * 10
        return int(lines[-1])

    growth = peak(10) - peak(0.5)  # kilobytes; ten minutes of samples are 38 400
    assert growth < 8000


def test_shares_and_means_are_weighted_by_duration() -> None:
    summary = Summary(1)
    summary.add(emotion(0.0, 1.0, 0.8))
    summary.add(emotion(1.0, 2.0, 0.9, type="partial"))
    summary.add(emotion(2.0, 5.0, -0.4, category="sad", arousal=0.65))
    content = summary.to_dict()
    assert content["shares"] == {"sad": 0.75, "happy": 0.25}
    assert list(content["shares"]) == ["sad", "happy"]
    assert content["valence"] == pytest.approx((0.8 - 3 * 0.4) / 4)
    assert content["arousal"] == pytest.approx((0.25 + 3 * 0.65) / 4)
    assert (content["utterances"], content["speech_seconds"]) == (2, 4.0)


def test_moving_mean_covers_thirty_seconds() -> None:
    mean = MovingMean()
    assert mean.add(0, 10, 1.0) is None
    assert mean.add(10, 20, 0.0) is None
    assert mean.add(20, 30, -1.0) == pytest.approx(0.0)
    # The window is 15..45: half of the second utterance, all of the third, 5 s of the fourth.
    assert mean.add(40, 45, 1.0) == pytest.approx((5 * 0.0 - 10 + 5) / 20)


def turns(values: Iterable[float]) -> list[float]:
    found = Turns()
    for index, value in enumerate(values):
        found.add(index * 5.0, index * 5.0 + 4.0, value)
    return [point.at for point in found.points]


def test_turning_points() -> None:
    assert turns([0.2] * 40) == []
    assert turns([0.03, -0.03] * 20) == []  # around zero nothing turns
    assert turns([0.6, 0.3] * 20) == []
    assert len(turns([0.2] * 20 + [-0.2] * 20)) == 1  # the sign
    assert len(turns([0.1] * 20 + [0.7] * 20)) == 1  # a rise of more than 0.4
    assert len(turns([0.5] * 20 + [-0.5] * 20 + [0.5] * 20)) == 2  # both at once is one turn
    assert turns([0.9, -0.9]) == []  # not yet thirty seconds


def test_a_turning_point_says_from_where_to_where() -> None:
    found = Turns()
    for index, value in enumerate([0.3] * 20 + [-0.3] * 20):
        found.add(index * 5.0, index * 5.0 + 4.0, value)
    (point,) = found.points
    assert point.before == pytest.approx(0.3)
    assert -0.3 <= point.after < 0
    assert 100 < point.at < 130


def test_progress_and_events_share_a_terminal(call: Path, tmp_path: Path) -> None:
    data = np.tile(read(call / "side1.wav"), 3)
    path = write_wav(tmp_path / "long.wav", np.repeat(data, 2), channels=2)
    screen, terminal = pty.openpty()
    command = [*HEARTEN, "file", str(path), "--channels=split", "--no-words"]
    subprocess.run(command, stdout=terminal, stderr=terminal, check=True)
    shown = os.read(screen, 100_000).decode()
    lines = [line.rsplit("\r\x1b[K", 1)[-1] for line in shown.split("\r\n")]
    events = [line for line in lines if " V " in line and "channel" in line]
    assert len(events) >= 4
    assert all(line.startswith("long.wav  channel ") for line in events)
    assert re.search(r"long\.wav +\d+%", shown)
    assert not any("%" in line.split("  ")[0] for line in lines)

"""Choosing a device, opening it in the first way that works, and a reader that is too slow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edge.audio.capture import HELD, Tape, start
from edge.audio.devices import Device, choose
from edge.errors import AudioError
from tests.edge.pulse import HEARTEN


def test_without_pyaudio_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyaudio.py").write_text("raise ImportError\n")
    path = f"{tmp_path}:{Path.cwd()}"
    command = [*HEARTEN, "devices"]
    done = subprocess.run(
        command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert "pip install 'hearten[mic]'" in line
    assert "--stdin" in line


def test_choose() -> None:
    names = ("USB Microphone", "Webcam: USB Audio", "default")
    devices = [
        Device(number, name, 1, 48000, False, name == "default")
        for number, name in enumerate(names)
    ]
    assert choose(devices, None).name == "default"
    assert choose(devices[:2], None).index == 0
    assert choose(devices, 1) is choose(devices, "1") is choose(devices, "webcam")
    with pytest.raises(AudioError, match=r"fits 2 devices.*0: USB Microphone; 1: Webcam"):
        choose(devices, "usb")
    assert choose([*devices, Device(3, "usb", 1, 16000, True, False)], "USB").index == 3
    with pytest.raises(AudioError, match="no input device found"):
        choose([], None)


class Refusing:
    """A sound system whose device takes stereo at 48 kHz and nothing else."""

    def __init__(self, channels: int) -> None:
        self.asked: list[tuple[int, int]] = []
        self.about = {"maxInputChannels": channels, "defaultSampleRate": 44100.0}

    def get_device_info_by_index(self, _index: int) -> dict:
        return self.about

    def open(self, rate: int, channels: int, *_: object, **__: object) -> str:
        self.asked.append((rate, channels))
        if (rate, channels) != (48000, 2):
            raise OSError(-9998, "Invalid number of channels")
        return "stream"


def test_mono_fails_then_stereo_at_each_rate() -> None:
    audio = Refusing(channels=8)
    opened = start(audio, 8, {"index": 0, "channel": None}, Tape(2))
    assert opened == ("stream", 48000, 2)
    assert audio.asked[:3] == [(16000, 1), (16000, 2), (16000, 8)]
    assert audio.asked[3:] == [(44100, 1), (44100, 2), (44100, 8), (48000, 1), (48000, 2)]
    audio.asked.clear()
    assert start(audio, 8, {"index": 0, "channel": 1}, Tape(2)) == ("stream", 48000, 2)
    assert audio.asked[:3] == [(16000, 2), (16000, 1), (16000, 8)]
    with pytest.raises(OSError, match="number of channels"):
        start(audio, 8, {"index": 0, "channel": 5}, Tape(2))


def test_a_slow_reader_loses_the_oldest() -> None:
    tape = Tape(overflow=2)
    for number in range(HELD + 10):
        tape.callback(bytes([number % 256]), 1, None, 2 if number < 3 else 0)
    assert (tape.dropped, tape.overflows) == (10, 3)
    assert tape.wait() == [bytes([number % 256]) for number in range(10, HELD + 10)]


@pytest.mark.parametrize(("aborts", "expected"), [(1, "no input device found"), (9, "its server")])
def test_a_sound_system_that_aborts_is_tried_once_more(
    tmp_path: Path, aborts: int, expected: str
) -> None:
    """As PortAudio does while a sound server starts or stops."""
    module = f"""
import os, pathlib
count = pathlib.Path({str(tmp_path / "count")!r})
count.write_text(count.read_text() + "x" if count.exists() else "x")
if len(count.read_text()) <= {aborts}:
    os.abort()
paInt16, paContinue = 8, 0
class PyAudio:
    def get_device_count(self): return 0
    def get_host_api_count(self): return 0
    def get_default_input_device_info(self): raise OSError
    def terminate(self): pass
"""
    (tmp_path / "pyaudio.py").write_text(module)
    done = subprocess.run(
        [*HEARTEN, "listen", "--no-words"],
        env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert expected in done.stderr
    assert len((tmp_path / "count").read_text()) == 2

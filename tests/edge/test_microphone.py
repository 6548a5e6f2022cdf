"""The microphone with real parts: recordings played into a sound server, heard through PyAudio."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge import Engine
from edge.audio.capture import HELD, Tape, start
from edge.audio.devices import Device, choose
from edge.audio.level import Meter
from edge.audio.microphone import Microphone
from edge.errors import AudioError
from tests.edge.made import read_wav, write_wav
from tests.edge.pulse import HEARTEN, Sound, missing, wait_for

DIMENSIONS = ("valence", "arousal", "dominance")
NEAR = 0.15  # V/A/D: where frames begin, and resampling, move them a little
PLAYED = ("book_loud.wav", "grief_rms.wav")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    absent = missing()
    if absent:
        pytest.skip(f"needs {absent}")
    sound = Sound(tmp_path_factory.mktemp("sound"))
    yield sound
    sound.stop()


@pytest.fixture
def sound(server: Sound) -> Iterator[Sound]:
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def expected(samples: Path) -> dict[str, object]:
    """What ``hearten file`` says of each recording."""
    with Engine.open(partials=False) as engine:
        return {name: engine.file(samples / name)[0] for name in PLAYED}


def assert_same(event: dict, file: object) -> None:
    """The same category, V/A/D nearby, about the same length."""
    assert event["category"] == file.category
    for name in DIMENSIONS:
        assert event[name] == pytest.approx(getattr(file, name), abs=NEAR), name
    assert event["end"] - event["start"] == pytest.approx(file.end - file.start, abs=0.4)


def run(sound: Sound, *arguments: str) -> subprocess.CompletedProcess:
    command = [*HEARTEN, *arguments]
    return subprocess.run(
        command, env=sound.environment, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.sound
def test_listen_hears_what_file_hears(sound: Sound, samples: Path, expected: dict) -> None:
    with sound.listen() as listener:
        wait_for(sound.recorded, "the recorder")
        sound.play(samples / PLAYED[0])
        time.sleep(0.9)
        sound.play(samples / PLAYED[1])  # the silence that would close it never comes
        events, notes = listener.end(signal.SIGTERM)
    assert notes == []
    for event, name in zip(events, PLAYED, strict=True):
        assert_same(event, expected[name])


@pytest.mark.sound
def test_the_server_dies_and_comes_back(sound: Sound, samples: Path) -> None:
    with sound.listen("--no-words") as listener:
        wait_for(sound.recorded, "the recorder")
        sound.play(samples / PLAYED[0])
        sound.stop()  # before the silence that would end the utterance
        time.sleep(0.3)
        sound.start(rate=44100)
        wait_for(sound.recorded, "the recorder again")
        sound.play(samples / PLAYED[1])
        time.sleep(0.3)
        events, notes = listener.end(signal.SIGINT)
    assert [note.split("; ")[0] for note in notes] == [
        "hearten: default is gone",
        "hearten: default is back",
    ]
    with Engine.open(words=False, partials=False) as engine:
        for event, name in zip(events, PLAYED, strict=True):
            assert_same(event, engine.file(samples / name)[0])


@pytest.mark.sound
def test_a_device_that_refuses_16_khz(
    sound: Sound,
    samples: Path,
    expected: dict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sound.studio() as name, sound.listen("--device", "jack sink") as listener:
        wait_for(lambda: "PortAudio" in sound.jack_ports(), "the recorder")
        sound.play(samples / PLAYED[0], sink="studio")
        tone = record_tone(sound, name, tmp_path, monkeypatch)
        events, notes = listener.end()
    # JACK without real time on a busy machine: counted, told, and no harm.
    assert all("audio was lost" in note for note in notes)
    assert_same(events[0], expected[PLAYED[0]])
    signal_ = np.frombuffer(tone, "<i2").astype(float)
    # A busy machine may lose a piece; a click at each border would be in every half second.
    at_each = range(0, len(signal_) - 8000, 800)
    assert min(tone_residue(signal_[at : at + 8000]) for at in at_each) < -60


def record_tone(sound: Sound, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Play a tone of 1 kHz at 48 kHz; return what the microphone makes of it at 16 kHz."""
    for key, value in sound.environment.items():
        monkeypatch.setenv(key, value)
    time_s = np.arange(int(1.5 * 48000)) / 48000
    path = write_wav(folder / "tone.wav", 12000 * np.sin(2 * np.pi * 1000 * time_s), rate=48000)
    with Microphone(name) as microphone:
        assert microphone.device.name == name
        assert not microphone.device.takes_16k
        assert (microphone.rate, microphone.channels) == (48000, 1)
        player = threading.Thread(target=sound.play, args=(path, "studio"))
        player.start()
        heard = b""
        for chunk in microphone:
            heard += chunk
            if not player.is_alive():
                microphone.stop()
        player.join()
    return heard


def tone_residue(samples: np.ndarray) -> float:
    """What is left without the 1 kHz tone, in dB of it; 0 where there is no tone."""
    phase = 2 * np.pi * 1000 * np.arange(len(samples)) / 16000
    basis = np.stack([np.sin(phase), np.cos(phase), np.ones_like(phase)], axis=1)
    fit = basis @ np.linalg.lstsq(basis, samples, rcond=None)[0]
    if np.std(fit) < 1000:
        return 0.0
    return 20 * np.log10(np.std(samples - fit) / np.std(fit))


@pytest.mark.sound
def test_channels(sound: Sound, samples: Path, tmp_path: Path, expected: dict) -> None:
    voice = np.frombuffer(read_wav(samples / PLAYED[0]), "<i2")
    both = np.stack([np.zeros_like(voice), voice], axis=1).ravel()
    right = write_wav(tmp_path / "right.wav", both, channels=2)
    with (
        sound.listen("--channel", "2") as chosen,
        sound.listen("--channel", "1", "--no-words") as first,
    ):
        wait_for(lambda: recorders(sound) == 2, "two recorders")
        sound.play(right)
        time.sleep(2.5)
        events, notes = chosen.end()
        silent_events, silent_notes = first.end()
    assert_same(events[0], expected[PLAYED[0]])
    assert silent_events == []
    assert any("digital silence" in note for note in silent_notes)
    assert sum("digital silence" in note for note in notes) <= 1


def recorders(sound: Sound) -> int:
    return len(sound.pactl("list", "short", "source-outputs").stdout.splitlines())


@pytest.mark.sound
def test_devices_and_wrong_choices(sound: Sound) -> None:
    shown = run(sound, "devices")
    assert shown.stderr == ""
    assert shown.stdout.count("\n*") == 1
    assert {"pulse", "default"} <= set(shown.stdout.split())
    listed = run(sound, "devices", "--json", "--device", "puls")
    (device,) = (d for d in map(json.loads, listed.stdout.splitlines()) if d["used"])
    assert (device["name"], device["takes_16k"], device["default"]) == ("pulse", True, False)
    for arguments, words in (
        (("--device", "zz"), ("'zz' is no input device", "default", "pulse")),
        (("--device", "u"), ("fits 2 devices", "pulse", "default")),
        (("--device", "99"), ("'99' is no input device",)),
        (("--device", "pulse", "--channel", "33"), ("channels 1 to 32, not 33",)),
    ):
        done = run(sound, "listen", "--no-words", *arguments)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2
        assert all(word in line for word in words), line


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


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ("digital silence", np.zeros(1600)),
        ("nearly silent", np.resize([3, -3], 1600)),
        ("clipped", np.clip(60000 * np.sin(np.arange(1600) / 5), -32768, 32767)),
        (None, 9000 * np.sin(np.arange(1600) / 5)),
    ],
)
def test_a_fault_of_the_input_is_told_once(fault: str | None, made: np.ndarray) -> None:
    meter = Meter()
    chunk = made.astype("<i2").tobytes()
    told = [warning for _ in range(100) if (warning := meter.push(chunk))]
    assert len(told) == (fault is not None)
    assert all(fault in warning for warning in told)


def test_levels_in_dbfs() -> None:
    meter = Meter()
    meter.push((16384 * np.sin(np.arange(16000) / 5)).astype("<i2").tobytes())
    assert meter.peak_db == pytest.approx(-6.02, abs=0.05)
    assert meter.rms_db == pytest.approx(-9.03, abs=0.05)
    meter.push(bytes(320))
    assert meter.rms_db == -100

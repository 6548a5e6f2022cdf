"""The microphone with real parts: recordings played into a sound server, heard through PyAudio."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from edge import Engine
from edge.audio.devices import choose, input_devices
from edge.audio.microphone import Microphone
from edge.errors import AudioError
from tests.edge.made import read_wav, write_wav
from tests.edge.pulse import HEARTEN, Sound, missing, wait_for
from tests.edge.test_cli import refused

DIMENSIONS = ("valence", "arousal", "dominance")
NEAR = 0.15  # V/A/D: where frames begin, and resampling, move them a little
PLAYED = ("market_loud.wav", "gift_slt.wav")  # what neither start nor resampling changes


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


@pytest.fixture(scope="module")
def heard(samples: Path) -> Callable[[str], object]:
    """What ``hearten file --no-words`` says of a recording."""
    with Engine.open(words=False, partials=False) as engine:
        events = {name: engine.file(samples / name)[0] for name in PLAYED}
    return events.__getitem__


def assert_kept(notes: list[str]) -> None:
    """Nothing is told, but what a busy machine lost, and that nobody spoke for seconds."""
    fair = ("audio was lost", "digital silence")
    assert all(any(words in note for words in fair) for note in notes), notes


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


def test_listen_hears_what_file_hears(sound: Sound, samples: Path, expected: dict) -> None:
    with sound.listen() as listener:
        wait_for(sound.recorders, "the recorder")
        sound.play(samples / PLAYED[0])
        wait_for(listener.finals, "the first utterance")
        sound.play(samples / PLAYED[1])  # the silence that would close it never comes
        listener.hears(2, expected[PLAYED[1]].end - expected[PLAYED[1]].start)
        events, notes = listener.end(signal.SIGTERM)
    assert_kept(notes)
    for event, name in zip(events, PLAYED, strict=True):
        assert_same(event, expected[name])


def test_unplugged_and_the_server_killed(sound: Sound, samples: Path, heard: Callable) -> None:
    spoken = (*PLAYED, PLAYED[0])
    with sound.listen("--no-words") as listener:
        for number, name in enumerate(spoken, 1):
            wait_for(sound.recorders, "the recorder")
            sound.play(samples / name)
            # Every end comes before the silence that would close the utterance.
            listener.hears(number, heard(name).end - heard(name).start)
            if number == 1:
                sound.unplug()
                wait_for(lambda: listener.told("gone"), "the loss")
                sound.plug(rate=48000)
            elif number == 2:
                sound.stop()
                sound.start(rate=44100)
        events, notes = listener.end(signal.SIGINT)
    gone, back = "hearten: default is gone", "hearten: default is back"
    assert [note.split("; ")[0] for note in notes if "default is" in note] == [gone, back] * 2
    for event, name in zip(events, spoken, strict=True):
        assert_same(event, heard(name))


def test_48_khz_only_and_stereo_only(
    sound: Sound,
    samples: Path,
    heard: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = beside(samples, tmp_path)
    with (
        sound.studio() as name,
        sound.listen("--no-words", "--device", "jack sink") as first,
        sound.listen("--no-words", "--device", "stereo48", "--channel", "2") as second,
    ):
        for port in ("PortAudio", ":in_001"):
            wait_for(lambda port=port: port in sound.jack_ports(), port)
        sound.play(path, sink="studio")
        tone = record_tone(sound, name, tmp_path, monkeypatch)
        for listener, played in zip((first, second), PLAYED, strict=True):
            wait_for(listener.finals, played)
            events, notes = listener.end()
            assert_kept(notes)
            assert_same(events[0], heard(played))
    signal_ = np.frombuffer(tone, "<i2").astype(float)
    # A busy machine may lose a piece; a click at each border would be in every half second.
    at_each = range(0, len(signal_) - 8000, 800)
    assert min(tone_residue(signal_[at : at + 8000]) for at in at_each) < -60


def record_tone(sound: Sound, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Play a tone of 1 kHz at 48 kHz; return what the microphone makes of it at 16 kHz."""
    enter(sound, monkeypatch)
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


def test_channels(sound: Sound, samples: Path, tmp_path: Path, heard: Callable) -> None:
    path = beside(samples, tmp_path)
    with (
        sound.listen("--channel", "1", "--no-words") as first,
        sound.listen("--channel", "2", "--no-words") as second,
    ):
        wait_for(lambda: sound.recorders() == 2, "two recorders")
        sound.play(path)
        for listener, played in zip((first, second), PLAYED, strict=True):
            wait_for(listener.finals, played)
            events, _ = listener.end()
            assert_same(events[0], heard(played))


def test_bad_levels_are_told(sound: Sound, tmp_path: Path) -> None:
    tone = np.sin(np.arange(30 * 16000) / 5)
    soft = write_wav(tmp_path / "soft.wav", 3 * tone)
    loud = write_wav(tmp_path / "loud.wav", np.clip(60000 * tone, -32768, 32767))
    for sink in ("soft", "loud"):
        sound.plug(sink)
    sound.pactl("set-source-mute", "fake.monitor", "1")
    faults = {"soft": "nearly silent", "loud": "clipped", "fake": "digital silence"}
    with ExitStack() as stack:
        for path, sink in ((soft, "soft"), (loud, "loud"), (loud, "fake")):
            sound.begin(path, sink)
        listeners = {
            fault: stack.enter_context(sound.listen("--no-words", source=f"{sink}.monitor"))
            for sink, fault in faults.items()
        }
        for fault, listener in listeners.items():
            wait_for(lambda who=listener, what=fault: who.told(what), fault)
            _, notes = listener.end()
            assert sum("the input is" in note for note in notes) == 1, notes


def beside(samples: Path, folder: Path) -> Path:
    """Make a recording with the first of ``PLAYED`` on the left, the second on the right."""
    sides = [np.frombuffer(read_wav(samples / name), "<i2") for name in PLAYED]
    both = np.zeros((max(map(len, sides)), 2))
    for channel, side in enumerate(sides):
        both[: len(side), channel] = side
    return write_wav(folder / "both.wav", both.ravel(), channels=2)


def test_devices_and_wrong_choices(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run(sound, "devices")
    assert shown.stderr == ""
    assert shown.stdout.count("\n*") == 1
    assert {"pulse", "default"} <= set(shown.stdout.split())
    listed = run(sound, "devices", "--json", "--device", "puls")
    (device,) = (d for d in map(json.loads, listed.stdout.splitlines()) if d["used"])
    assert (device["name"], device["takes_16k"], device["default"]) == ("pulse", True, False)
    refused(run(sound, "listen", "--device", "zz"), "'zz' is no input device", "default", "pulse")
    enter(sound, monkeypatch)
    with pytest.raises(AudioError, match=r"fits 2 devices.*pulse.*default"):
        choose(input_devices(), "u")
    with pytest.raises(AudioError, match="channels 1 to 32, not 33"):
        Microphone("pulse", 33)


def enter(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process use the sound server."""
    for key, value in sound.environment.items():
        monkeypatch.setenv(key, value)


def test_what_a_busy_reader_has_not_heard_survives_a_stop(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(sound, monkeypatch)
    with Microphone() as microphone:
        next(iter(microphone))
        time.sleep(1.0)
        microphone.stop()
        assert len(b"".join(microphone)) > 0.7 * 32000

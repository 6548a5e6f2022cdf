"""The command line as its users meet it: lines, JSON, exit codes, bad input."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.edge.made import EVERY_WORD, read_wav, write_wav

HEARTEN = [sys.executable, "-m", "edge.cli"]


def hearten(*arguments: object, **options: object) -> subprocess.CompletedProcess:
    command = [*HEARTEN, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, **options
    )


def refused(done: subprocess.CompletedProcess, *parts: str) -> None:
    """One clear line on stderr, exit code 2, no traceback."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done
    assert len(lines) == 1, lines
    assert lines[0].startswith("hearten: ")
    for part in parts:
        assert part in lines[0]


def strict(lines: Sequence[str]) -> list[dict]:
    return [json.loads(line, parse_constant=pytest.fail) for line in lines]


def test_file_prints_a_readable_line_an_utterance(samples: Path) -> None:
    done = hearten("file", samples / "gift_slt.wav", samples / "anger_slt.wav")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert done.stderr == ""
    assert len(lines) == 2
    assert lines[0].startswith("gift_slt.wav  0:0")
    assert "wonderful" in lines[0]
    assert all(f" {name} " in line for line in lines for name in "VAD")


def test_json_and_timeline(samples: Path) -> None:
    path = samples / "grief_rms.wav"
    events = strict(hearten("file", path, "--json", "--timeline").stdout.splitlines())
    assert events[-1]["type"] == "final"
    assert {e["type"] for e in events[:-1]} == {"partial"}
    assert all(e["file"] == str(path) for e in events)


def test_stdin_equals_file(samples: Path) -> None:
    path = samples / "fear_rms.wav"
    command = [*HEARTEN, "listen", "--stdin", "--json", *EVERY_WORD]
    data = read_wav(path) + bytes(1)  # an odd byte at the end is no harm
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=True)
    (live,) = strict(done.stdout.decode().splitlines())
    (file,) = strict(hearten("file", path, "--json").stdout.splitlines())
    for event in (live, file):
        event.pop("latency_ms")
    file.pop("file")
    assert live == file


def test_listen_without_a_source_or_audio() -> None:
    refused(hearten("listen"), "arecord", "--stdin")
    refused(hearten("listen", "--stdin", stdin=subprocess.DEVNULL), "no audio arrived")


def test_pack_show_and_verify() -> None:
    shown = hearten("pack", "show")
    assert "CC BY-NC-SA" in shown.stdout
    assert "voice.tflite" in shown.stdout
    (content,) = strict(hearten("pack", "show", "--json").stdout.splitlines())
    assert content["format"] == 1
    assert "match their hashes" in hearten("pack", "verify").stdout
    (verdict,) = strict(hearten("pack", "verify", "--json").stdout.splitlines())
    assert verdict["valid"] is True


def make_bad(folder: Path) -> dict[str, tuple[Path, str]]:
    """Bad inputs by name, with a word that the message must hold."""
    good = write_wav(folder / "good.wav", np.zeros(16000)).read_bytes()
    contents = {
        "empty": (b"", "empty"),
        "text": (b"Dear diary, this is no audio at all.\n" * 20, "sound"),
        "header": (good[:30], "header"),
        "no samples": (write_wav(folder / "none.wav", np.zeros(0)).read_bytes(), "no samples"),
    }
    made = {}
    for name, (content, word) in contents.items():
        path = folder / f"{name}.wav"
        path.write_bytes(content)
        made[name] = (path, word)
    (folder / "folder.wav").mkdir()
    return made | {
        "folder": (folder / "folder.wav", "is a folder"),
        "missing": (folder / "nowhere.wav", "does not exist"),
    }


def test_bad_files_are_named_and_good_ones_still_done(samples: Path, tmp_path: Path) -> None:
    bad = make_bad(tmp_path)
    done = hearten(
        "file", *(path for path, _ in bad.values()), samples / "gift_slt.wav", "--no-words"
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == len(bad)
    for line, (path, word) in zip(lines, bad.values(), strict=True):
        assert line.startswith("hearten: ")
        assert str(path) in line
        assert word in line.lower()
    assert done.stdout.startswith("gift_slt.wav")


def test_no_speech_is_said(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "silence.wav", np.zeros(32000))
    done = hearten("file", path, "--no-words")
    assert done.returncode == 0
    assert "no speech found" in done.stderr


@pytest.mark.parametrize("rate", [8000, 192000])
def test_odd_rates_and_many_channels(samples: Path, tmp_path: Path, rate: int) -> None:
    signal = np.frombuffer(read_wav(samples / "anger_slt.wav"), "<i2").astype(float)
    time = np.arange(int(len(signal) * rate / 16000)) * 16000 / rate
    played = np.interp(time, np.arange(len(signal)), signal)
    path = write_wav(tmp_path / "odd.wav", np.repeat(played, 12), rate=rate, channels=12)
    (event,) = strict(hearten("file", path, "--json", "--no-words").stdout.splitlines())
    assert abs(event["end"] - event["start"] - len(signal) / 16000) < 0.8


def test_settings_that_make_no_sense(samples: Path, tmp_path: Path) -> None:
    path = samples / "gift_slt.wav"
    refused(hearten("file", path, "--reject", "often"), "balanced", "often")
    refused(hearten("file", path, "--pack", tmp_path / "no.pack"), "no pack at")


def test_full_disk_and_closed_pipe(samples: Path) -> None:
    path = samples / "gift_slt.wav"
    with Path("/dev/full").open("w") as full:
        command = [*HEARTEN, "file", str(path), "--no-words"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    refused(done, "No space left")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    refused(done, "output")


def test_import_needs_the_base_only() -> None:
    code = (
        "import sys, edge; heavy = {'scipy', 'tensorflow', 'pandas', 'librosa', 'torch', "
        "'soundfile', 'pocketsphinx', 'train', 'convert', 'python_speech_features'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_pocketsphinx_voice_only_with_one_notice(samples: Path) -> None:
    code = (
        "import sys; sys.modules['pocketsphinx'] = None\n"
        "from edge.cli import main\n"
        f"raise SystemExit(main(['file', {str(samples / 'gift_slt.wav')!r}, '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (event,) = strict(done.stdout.splitlines())
    assert event["text"] is None
    assert done.stderr.count("hearten[asr]") == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_long_file_shows_its_progress_on_a_terminal(samples: Path, tmp_path: Path) -> None:
    data = np.frombuffer(read_wav(samples / "joy_awb.wav"), "<i2")
    path = write_wav(tmp_path / "long.wav", np.tile(data, 12))
    screen, terminal = pty.openpty()
    command = [*HEARTEN, "file", str(path), "--no-words"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, check=True)
    shown = os.read(screen, 100_000).decode()
    shares = [int(share) for share in re.findall(r"long\.wav +(\d+)%", shown)]
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert len(done.stdout.splitlines()) >= 3

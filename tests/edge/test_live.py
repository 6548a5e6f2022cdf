"""``hearten listen`` in a terminal: what is on the screen, how wide, how often, at what cost."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge import Engine
from edge.audio.level import Meter
from edge.live import Live
from tests.edge.made import EVERY_WORD, read_wav
from tests.edge.pulse import HEARTEN
from tests.edge.speed import slowness

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PARTS = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([\s\S])")
LISTEN = [*HEARTEN, "listen", "--stdin"]
SPEED = 3.0  # how much faster than real time the tests speak
ROWS = 40


class Screen:
    """A terminal that knows what we send; anything else, and a line too long, fails the test."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines = [""] * ROWS
        self.cursor = True
        self.pictures: list[str] = []
        self._row = self._column = 0

    def write(self, text: str) -> None:
        for code, command, sign in PARTS.findall(text):
            if command:
                self._control(code, command)
            elif sign == "\n":
                self._row += 1
            elif sign == "\r":
                self._column = 0
            else:
                line = self.lines[self._row].ljust(self._column)
                self.lines[self._row] = line[: self._column] + sign + line[self._column + 1 :]
                self._column += 1
                assert self._column < self.columns, self.lines[self._row]

    def _control(self, code: str, command: str) -> None:
        if command == "A":
            self.pictures.append("\n".join(self.lines))
            self._row -= int(code)
            assert self._row >= 0
        elif command == "K":
            self.lines[self._row] = self.lines[self._row][: self._column]
        elif command == "J":
            self.lines[self._row :] = [""] * (ROWS - self._row)
        elif command in "hl":
            assert code == "?25"
            self.cursor = command == "h"
        else:
            assert command == "m", command


def speak(process: subprocess.Popen, data: bytes, close: bool) -> None:
    """Write audio at SPEED times real time, as arecord would."""
    for at in range(0, len(data), 3200):
        process.stdin.write(data[at : at + 3200])
        process.stdin.flush()
        time.sleep(0.1 / SPEED)
    if close:
        process.stdin.close()


class Session:
    """``hearten listen`` on a terminal of its own, told something."""

    def __init__(
        self, data: bytes, columns: int = 80, end: bool = True, **environment: str
    ) -> None:
        screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        base = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = {"TERM": "xterm-256color", "PYTHONUTF8": "1", **base, **environment}
        words = EVERY_WORD if "WORDS" in environment else ["--no-words"]
        self.process = subprocess.Popen(
            [*LISTEN, *words],
            stdin=subprocess.PIPE,
            stdout=terminal,
            stderr=terminal,
            env=environment,
        )
        os.close(terminal)
        self.times: list[float] = []
        speaker = threading.Thread(target=speak, args=(self.process, data, end))
        speaker.start()
        if not end:
            threading.Thread(target=self._terminate, args=(speaker,)).start()
        self.text = self._read(screen)
        speaker.join()
        assert self.process.wait(timeout=10) == 0, self.text
        self.screen = Screen(columns)
        self.screen.write(self.text)

    def _terminate(self, speaker: threading.Thread) -> None:
        speaker.join()
        time.sleep(0.5)
        self.process.send_signal(signal.SIGTERM)

    def _read(self, screen: int) -> str:
        shown = b""
        while True:
            try:
                piece = os.read(screen, 1 << 16)
            except OSError:  # the other end is closed
                os.close(screen)
                return shown.decode()
            self.times += [time.monotonic()] * (b"A" in piece)
            shown += piece


@pytest.fixture(scope="module")
def told(samples: Path) -> bytes:
    """A sentence, a silence that ends it, and another that the end of the stream cuts."""
    first, second = (read_wav(samples / f"{name}_slt.wav") for name in ("gift", "anger"))
    return first + bytes(32000) + second


def test_the_picture_moves_and_utterances_stay(told: bytes) -> None:
    session = Session(told, WORDS="1")
    pictures = session.screen.pictures
    # While someone speaks: level, speaking, three bars.
    speaking = [picture for picture in pictures if "speaking: " in picture]
    assert len(speaking) > 5
    for word in ("level", "dB", "valence", "arousal", "dominance", "█", "│"):
        assert word in speaking[-1]
    assert any("quiet" in picture for picture in pictures)
    # It moves; a busy machine draws fewer of its positions.
    assert len({picture.count("█") for picture in speaking}) > 2
    # Afterwards: two utterances with their words, no panel, the cursor.
    left = [line for line in session.screen.lines if line.strip()]
    assert len([line for line in left if re.match(r"0:0\d\.\d-0:0\d\.\d  \w+ .*V [+-]", line)]) == 2
    assert any(re.search(r"words: wonderful \d+%", line) for line in left)
    assert not any("level" in line or "valence" in line for line in left)
    assert session.screen.cursor
    assert COLOURS.search(session.text)

    assert_calm(session)


def assert_calm(session: Session) -> None:
    """No second has more than 10 frames, two results, and what the machine delays."""
    times = np.array(session.times)
    busiest = max(((times >= at) & (times < at + 1)).sum() for at in times)
    assert 4 < busiest <= 13


@pytest.mark.parametrize("columns", [62, 40])
def test_no_colour_narrow_ascii_and_sigterm(told: bytes, columns: int) -> None:
    session = Session(
        told, columns=columns, end=False, NO_COLOR="1", PYTHONUTF8="0", PYTHONIOENCODING="ascii"
    )
    assert not COLOURS.search(session.text)
    assert session.text.isascii()
    picture = session.screen.pictures[-1]
    if columns == 62:
        assert "#" in picture and "valence" in picture
    else:
        assert re.search(r"  V [+-]0\.", picture)
    assert sum(line.startswith("0:0") for line in session.screen.lines) == 2
    assert session.screen.cursor


def test_a_dumb_terminal_and_a_pipe_get_plain_lines(told: bytes) -> None:
    dumb = Session(told, TERM="dumb").text
    command = [*LISTEN, "--no-words"]
    piped = subprocess.run(command, input=told, capture_output=True, check=True).stdout.decode()
    assert "\x1b" not in dumb + piped
    assert dumb.splitlines() == piped.splitlines()
    assert len(piped.splitlines()) == 2
    as_json = subprocess.run([*command, "--json"], input=told, capture_output=True, check=True)
    assert [json.loads(line)["type"] for line in as_json.stdout.splitlines()] == ["final"] * 2


def test_the_picture_costs_less_than_3_percent_of_a_core(samples: Path) -> None:
    with Engine.open(words=False) as engine:
        events = list(engine.stream(samples / "gift_slt.wav"))
    clock = [0.0]
    noise = np.random.default_rng(3).normal(0, 1, (300, 1600))
    chunks = [(1000 * (1 + i % 7) * x).clip(-32768, 32767) for i, x in enumerate(noise)]
    out = io.StringIO()
    live, meter = Live(out, "a device", lambda: clock[0]), Meter()
    began = time.process_time()
    for number, chunk in enumerate(chunks):
        clock[0] = number / 10 + 0.001
        meter.push(chunk.astype("<i2").tobytes())
        live.show(events[number % len(events)])
        live.hear(meter, number / 10)
    share = (time.process_time() - began) / (len(chunks) / 10)
    assert out.getvalue().count("valence") > 200
    assert share < 0.03 * slowness()

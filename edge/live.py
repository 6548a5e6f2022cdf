"""The live picture of ``hearten listen`` in a terminal: a small panel that is drawn in place.

Utterances and notes are ordinary lines above the panel, so they stay when it is gone.
"""

from __future__ import annotations

import os
import shutil
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TextIO

from edge.audio.level import FLOOR_DB, Meter
from edge.emotion import DIMENSIONS, UNKNOWN, Emotion
from edge.lines import clock, line

WIDEST = 80
PAUSE = 0.1  # seconds between two frames: at most 10 a second
BAR = 41  # columns; odd, so that a signed bar has a middle
LABEL = 11
BESIDE, SHORTEST = 40, 7  # columns beside the longest bar row; a shorter bar says nothing
LOWEST_DB = -60.0  # left end of the level bar
HOT_DB = -3.0  # a peak above this is shown as too loud
RED, GREEN, CYAN, DIM, BOLD = "31", "32", "36", "2", "1"
HIDE, SHOW, ERASE_LINE, ERASE_BELOW = "\033[?25l", "\033[?25h", "\033[K", "\033[J"


def suits(out: TextIO) -> bool:
    """Tell whether ``out`` is a terminal in which lines can be drawn in place."""
    return out.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


class Live:
    """The panel: level, whether someone speaks, valence, arousal and dominance."""

    def __init__(self, out: TextIO, title: str, now: Callable[[], float] = time.monotonic) -> None:
        """Draw on ``out``; ``title`` names the source, ``now`` is a clock in seconds."""
        self.title = title
        self._out = out
        self._now = now
        self._colours = not os.environ.get("NO_COLOR")
        self._full, self._empty, self._middle = _signs(out.encoding)
        self._next = 0.0
        self._drawn: list[str] = []
        self._event: Emotion | None = None
        self._level = self._peak = FLOOR_DB
        self._seconds = 0.0

    def __enter__(self) -> Live:
        self._write(HIDE)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self._up() + ERASE_BELOW + SHOW)
        self._drawn = []

    def hear(self, meter: Meter, seconds: float) -> None:
        """Take the level and the seconds heard so far; draw if the last frame is old enough."""
        self._level = max(meter.rms_db, self._level - 3.0)  # falls slowly: calmer, readable
        self._peak = max(meter.peak_db, self._peak - 3.0)
        self._seconds = seconds
        if self._now() >= self._next:
            self._draw([])

    def show(self, emotion: Emotion) -> None:
        """Take an event; a final one becomes a line that stays."""
        self._event = emotion
        if emotion.type != "final":
            return
        width = _width()
        text = line(replace(emotion, words=()))[:width]
        lines = [text.replace(emotion.category, self._paint(BOLD, emotion.category), 1)]
        heard = ", ".join(f"{word.word} {word.confidence:.0%}" for word in emotion.words)
        if heard:
            indent = " " * text.index(emotion.category)
            lines += textwrap.wrap(
                "words: " + heard, width, initial_indent=indent, subsequent_indent=indent
            )
        self._draw(lines)

    def note(self, text: str) -> None:
        """Show a message that stays."""
        self._draw(textwrap.wrap(f"hearten: {text}", _width(), subsequent_indent="  "))

    def _draw(self, lasting: list[str]) -> None:
        """Write lines that stay, then the panel below them; an unchanged panel is left alone."""
        self._next = self._now() + PAUSE
        panel = self._panel()
        if panel == self._drawn and not lasting:
            return
        lines = [text + ERASE_LINE + "\n" for text in lasting + panel]
        self._write(self._up() + "".join(lines))
        self._drawn = panel

    def _up(self) -> str:
        """Return what brings the cursor to the first line of the panel."""
        return f"\r\033[{len(self._drawn)}A" if self._drawn else ""

    def _panel(self) -> list[str]:
        width = _width()
        bar = min(BAR, (width - BESIDE) // 2 * 2 - 1)
        room = max(0, width - 18)
        head = f"{self.title[:room]:<{room}}  {clock(self._seconds):>7}  ^C ends"[:width]
        if bar < SHORTEST:
            return [self._paint(DIM, head), self._compact()[:width]]
        rows = [self._level_row(bar)]
        rows += [self._vad_row(name, bar) for name in DIMENSIONS]
        return [self._paint(DIM, head), *rows]

    def _compact(self) -> str:
        """Return what fits a very narrow terminal."""
        level = f"{self._level:.0f} dB"
        if self._event is None:
            return level
        values = (f"{name[0].upper()} {getattr(self._event, name):+.2f}" for name in DIMENSIONS)
        return f"{level}  {'  '.join(values)}"

    def _level_row(self, bar: int) -> str:
        share = (self._level - LOWEST_DB) / -LOWEST_DB
        filled = round(bar * min(max(share, 0.0), 1.0))
        colour = RED if self._peak > HOT_DB else GREEN
        drawn = self._paint(colour, self._full * filled) + self._empty * (bar - filled)
        return f"{'level':<{LABEL}}{drawn} {self._level:>5.0f} dB  {self._state()}"

    def _state(self) -> str:
        if self._event is None:
            return "listening"
        if self._event.type == "final":
            return "quiet"
        best = max(self._event.probabilities, key=self._event.probabilities.__getitem__)
        return f"speaking: {best if self._event.category == UNKNOWN else self._event.category}"

    def _vad_row(self, name: str, bar: int) -> str:
        """Return a bar from the middle to the right (positive) or to the left (negative)."""
        half = bar // 2
        if self._event is None:
            return f"{name:<{LABEL}}{self._empty * half}{self._middle}{self._empty * half}"
        value = float(getattr(self._event, name))
        filled = round(half * min(abs(value), 1.0))
        rest = self._empty * (half - filled)
        colour = CYAN if name != "valence" else GREEN if value >= 0 else RED
        drawn = self._paint(colour, self._full * filled)
        left, right = (rest + drawn, self._empty * half), (self._empty * half, drawn + rest)
        before, after = left if value < 0 else right
        return f"{name:<{LABEL}}{before}{self._middle}{after} {value:>+5.2f}"

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colours and text else text

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _width() -> int:
    """Return the columns to use; the last of the terminal stays free, so nothing wraps."""
    return min(shutil.get_terminal_size().columns, WIDEST) - 1


def _signs(encoding: str | None) -> tuple[str, str, str]:
    """Return the signs for full, empty and middle that the terminal can show."""
    try:
        "█·│".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#", ".", "|"
    return "█", "·", "│"

"""A recording as a picture: V/A/D over time, categories and words, as one self-contained SVG.

Written by hand: no library, no script, no font and no network. Colours follow the reader's choice
of dark or light; the three lines also differ in their dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from edge.emotion import DIMENSIONS, Emotion, Word
from edge.lines import clock, line
from edge.summary import MovingMean

# Pixels.
LEFT, RIGHT, TOP = 56, 24, 72
TITLE, PANEL, BAND, WORD = 30, 150, 24, 17
WORD_ROWS, AXIS, GAP = 3, 26, 18
LANE = TITLE + PANEL + BAND + WORD_ROWS * WORD + AXIS + GAP
NARROWEST, WIDEST, A_SECOND = 960, 4000, 32
LETTER = 7.0  # about the width of a letter at 12 px
NARROW = 8.0  # a band this wide would lose too much to a border
TICK = 70.0  # at least, between two times on the axis

TRACED = 300.0  # seconds: in a longer picture partial events would only be noise
MEANS = 120.0  # seconds: from here on the moving mean is what one sees
TICKS = (0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Pale fills: dark text on them reads well on a light page and on a dark one.
FILLS = {
    "unknown": "#c3c7cc",
    "neutral": "#d6dbe1",
    "calm": "#b7e0d4",
    "happy": "#ffe08a",
    "sad": "#a9c8f5",
    "angry": "#ffaaa0",
    "fearful": "#d3bbf2",
    "disgust": "#c5d99a",
    "surprised": "#ffc59e",
}
OTHERS = ("#9fdbe8", "#f5b8d8", "#e3cfa8", "#b9c3f0", "#cfe8b0")
STYLE = """
svg { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.big { font-size: 17px; font-weight: 600; } .name { font-size: 13px; font-weight: 600; }
path { fill: none; stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.grid, .zero { stroke-width: 1; }
.thin { stroke-width: 1.1; opacity: .65; } .faint { stroke-width: 1.4; opacity: .35; }
.arousal { stroke-dasharray: 7 4; } .dominance { stroke-dasharray: 1.5 4; }
.word { paint-order: stroke; stroke-width: 4px; stroke-linejoin: round; }
"""
# Plain rules twice over: not every viewer of SVG knows CSS variables.
COLOURS = """
.page { fill: %(page)s; } .band, .word { stroke: %(page)s; }
text { fill: %(ink)s; } .soft { fill: %(soft)s; } .on { fill: #14171b; }
.grid { stroke: %(grid)s; } .zero { stroke: %(soft)s; }
.valence { stroke: %(valence)s; } .arousal { stroke: %(arousal)s; }
.dominance { stroke: %(dominance)s; }
"""
LIGHT = {
    "page": "#ffffff",
    "ink": "#1c1f23",
    "soft": "#5b626b",
    "grid": "#dde1e6",
    "valence": "#0b62c4",
    "arousal": "#b8440a",
    "dominance": "#0a7350",
}
DARK = {
    "page": "#14171b",
    "ink": "#e9ecef",
    "soft": "#a3abb5",
    "grid": "#323940",
    "valence": "#74b6ff",
    "arousal": "#ffa56b",
    "dominance": "#63d6a4",
}

Point = tuple[float, tuple[float, ...]]  # seconds; valence, arousal, dominance


@dataclass(slots=True)
class Utterance:
    """What is drawn of a final event: times in seconds, and V/A/D as it grew (``trace``)."""

    start: float
    end: float
    category: str
    text: str
    vad: tuple[float, ...]
    words: tuple[Word, ...]
    trace: list[Point]


@dataclass(slots=True)
class Lane:
    """One file, or one channel of it."""

    title: str
    seconds: float = 0.0
    utterances: list[Utterance] = field(default_factory=list)
    _trace: list[Point] = field(default_factory=list)

    def add(self, emotion: Emotion) -> None:
        """Take an event; partial events become the thin lines of their utterance."""
        vad = tuple(float(getattr(emotion, name)) for name in DIMENSIONS)
        self.seconds = max(self.seconds, emotion.end)
        if emotion.type != "final":
            if emotion.end < TRACED:  # later ones are never drawn: memory stays small
                self._trace.append((emotion.end, vad))
            return
        self.utterances.append(
            Utterance(
                emotion.start,
                emotion.end,
                emotion.category,
                line(emotion),
                vad,
                emotion.words,
                self._trace,
            )
        )
        self._trace = []


class Picture:
    """Lanes on one time axis, one below the other."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lanes: list[Lane] = []

    def lane(self, title: str) -> Lane:
        """Add a lane and return it; events are added to it."""
        self.lanes.append(Lane(title))
        return self.lanes[-1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width = round(min(max(NARROWEST, self._seconds() * A_SECOND), WIDEST))
        return width, TOP + LANE * len(self.lanes)

    def svg(self) -> str:
        """Return the picture as an SVG document."""
        seconds, (width, height) = self._seconds(), self.size
        draw = _Draw(width, seconds)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img">',
            f"<title>{clean(self.title)}</title>",
            f"<style>{_style()}</style>",
            f'<rect class="page" width="{width}" height="{height}"/>',
            lettering(LEFT, 30, self.title, "big"),
            *_legend(self.lanes, seconds),
        ]
        for index, lane in enumerate(self.lanes):
            parts += draw.lane(lane, TOP + index * LANE)
        return "\n".join([*parts, "</svg>", ""])

    def _seconds(self) -> float:
        return max((lane.seconds for lane in self.lanes), default=0.0) or 1.0


def clean(text: str) -> str:
    """Return text that may stand in XML: escaped, and without what XML cannot hold."""
    return escape(NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text), {'"': "&quot;"})


def _style() -> str:
    dark = f"@media (prefers-color-scheme: dark) {{{COLOURS % DARK}}}"
    return f"{STYLE}{COLOURS % LIGHT}{dark}"


class _Draw:
    """Places things of a picture of ``width`` pixels and ``seconds``."""

    def __init__(self, width: int, seconds: float) -> None:
        self.right = width - RIGHT
        self.seconds = seconds
        self.scale = (self.right - LEFT) / seconds  # pixels a second

    def x(self, seconds: float) -> float:
        return LEFT + seconds * self.scale

    def lane(self, lane: Lane, top: int) -> Iterator[str]:
        """Yield the elements of a lane, from its title down to its time axis."""
        yield f'<g aria-label="{clean(lane.title)}">'
        yield lettering(LEFT, top + 16, lane.title, "name")
        panel = top + TITLE
        yield from self._grid(panel)
        for index, name in enumerate(DIMENSIONS):
            yield from self._lines(lane, panel, index, name)
        yield from self._bands(lane, panel + PANEL + 6)
        yield from self._words(lane, panel + PANEL + 6 + BAND)
        if not lane.utterances:
            yield lettering(LEFT + 12, panel + PANEL / 2 - 8, "no speech found", "soft")
        yield "</g>"

    def _grid(self, top: int) -> Iterator[str]:
        for value in (1, 0, -1):
            y, kind = _y(top, value), "grid" if value else "zero"
            yield f'<path class="{kind}" d="M{LEFT} {y:.1f}H{self.right}"/>'
            yield lettering(LEFT - 8, y + 4, f"{value:+d}" if value else "0", "soft", "end")
        step = next((t for t in TICKS if t * self.scale >= TICK), TICKS[-1])
        bottom = top + PANEL + 6 + BAND + WORD_ROWS * WORD + 16
        for index in range(int(self.seconds / step) + 1):
            x = self.x(index * step)
            yield f'<path class="grid" d="M{x:.1f} {top}V{bottom - 12}"/>'
            yield lettering(x, bottom + 4, _time(index * step, step), "soft", "middle")

    def _lines(self, lane: Lane, top: int, index: int, name: str) -> Iterator[str]:
        """Yield one dimension: a step an utterance, how it grew, and the mean in long pictures."""
        long = self.seconds > MEANS
        steps = [
            f"M{self.x(u.start):.1f} {_y(top, u.vad[index]):.1f}H{self.x(u.end):.1f}"
            for u in lane.utterances
        ]
        traces = []
        for u in lane.utterances if self.seconds <= TRACED else ():
            points = [*u.trace, (u.end, u.vad)]
            traces.append(self._path([(at, vad[index]) for at, vad in points], top))
        means = self._path(list(_means(lane, index)), top) if long else ""
        drawn = (("faint" if long else "", steps), ("thin", traces), ("", [means]))
        for kind, paths in drawn:
            if data := "".join(paths):
                yield f'<path class="{name} {kind}" d="{data}"/>'

    def _path(self, points: list[tuple[float, float]], top: int) -> str:
        if len(points) < 2:
            return ""
        return "M" + "L".join(f"{self.x(at):.1f} {_y(top, value):.1f}" for at, value in points)

    def _bands(self, lane: Lane, top: int) -> Iterator[str]:
        for u in lane.utterances:
            x, wide = self.x(u.start), max(1.0, (u.end - u.start) * self.scale)
            yield f"<g><title>{clean(u.text)}</title>"
            edge = ' class="band" rx="3"' if wide > NARROW else ""
            yield (
                f'<rect{edge} x="{x:.1f}" y="{top}" width="{wide:.1f}" '
                f'height="{BAND - 2}" fill="{_fill(u.category)}"/>'
            )
            if wide > len(u.category) * LETTER + 2:
                yield lettering(x + wide / 2, top + 15, u.category, "on", "middle")
            yield "</g>"

    def _words(self, lane: Lane, top: int) -> Iterator[str]:
        """Yield the words that find room in a row; the others are in their band's tooltip."""
        free = [0.0] * WORD_ROWS
        for word in (word for u in lane.utterances for word in u.words):
            wide = len(word.word) * LETTER
            x = min(self.x(word.start), self.right - wide)
            row = next((r for r, until in enumerate(free) if until <= x), None)
            if row is not None:
                free[row] = x + wide + LETTER
                yield lettering(x, top + 13 + row * WORD, word.word, "word")


def _means(lane: Lane, index: int) -> Iterator[tuple[float, float]]:
    mean = MovingMean()
    for u in lane.utterances:
        if (value := mean.add(u.start, u.end, u.vad[index])) is not None:
            yield u.end, value


def _y(top: int, value: float) -> float:
    return top + PANEL * (1 - min(1.0, max(-1.0, value))) / 2


def _fill(category: str) -> str:
    return FILLS.get(category) or OTHERS[sum(map(ord, category)) % len(OTHERS)]


def _time(seconds: float, step: float) -> str:
    return clock(seconds) if step < 1 else clock(seconds)[:-2]


def _legend(lanes: list[Lane], seconds: float) -> Iterator[str]:
    """Yield what the lines are, and the colours of the categories that occur."""
    x = LEFT
    for name in DIMENSIONS:
        yield f'<path class="{name}" d="M{x} 52h26"/>'
        yield lettering(x + 32, 56, name)
        x += 32 + round(len(name) * LETTER) + 18
    for name in dict.fromkeys(u.category for lane in lanes for u in lane.utterances):
        yield f'<rect x="{x}" y="46" width="12" height="12" rx="3" fill="{_fill(name)}"/>'
        yield lettering(x + 17, 56, name)
        x += 17 + round(len(name) * LETTER) + 12
    if seconds > MEANS:
        yield lettering(x + 8, 56, "bold: the mean of the last 30 s", "soft")


def lettering(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """Return a line of text at a place in pixels; ``kind`` names its classes, if any."""
    kind = f' class="{kind.strip()}"' if kind.strip() else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind} text-anchor="{anchor}">{clean(text)}</text>'

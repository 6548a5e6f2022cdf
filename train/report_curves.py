"""Curves as SVG, in the manner of ``train.report_charts``: numbers over a scale, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.plot import clean, lettering

# Plot area, space around it, and the legend's column.
WIDE, HIGH, LEFT, TOP, BOTTOM, LEGEND = 420, 260, 46, 50, 46, 190
DASHES = ("", "7 4", "2 4", "10 3 2 3")
TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points, with an interval (low, high) at each of them or nowhere.

    ``ours`` is drawn in colour, anything else (what to compare with) in grey.
    """

    name: str
    points: Sequence[Point]
    intervals: Sequence[Point] = ()
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis measures, from where to where; ``ticks`` are its numbers, else five even ones.

    ``low`` may be above ``high``: then the axis runs the other way.
    """

    name: str
    low: float
    high: float
    ticks: Sequence[float] = ()

    @property
    def marks(self) -> Sequence[float]:
        """The numbers that are written beside the axis."""
        span = self.high - self.low
        return self.ticks or [self.low + span * i / TICKS for i in range(TICKS + 1)]

    def share(self, value: float) -> float:
        """Return where a value lies: 0 is the start of the axis, 1 its end."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def chart(curves: Sequence[Curve], across: Axis, up: Axis, title: str) -> str:
    """Return one picture of some curves, without style sheet (see ``report_charts.style``)."""
    width, height = LEFT + WIDE + LEGEND, TOP + HIGH + BOTTOM
    body = [*_frame(across, up)]
    for number, curve in enumerate(curves):
        dash = DASHES[number % len(DASHES)]
        body += _curve(curve, across, up, dash)
        body += _legend(curve, number, dash)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img"><title>{clean(title)}</title>'
        f"{lettering(LEFT, 16, title, 'strong')}{''.join(body)}</svg>"
    )


def drawn(content: Mapping[str, Any]) -> str:
    """Return the picture that a result asks for: ``title``, ``across``, ``up``, ``curves``."""
    curves = [Curve(**curve) for curve in content["curves"]]
    axes = (Axis(**content[name]) for name in ("across", "up"))
    return chart(curves, *axes, content["title"])


def _frame(across: Axis, up: Axis) -> Iterator[str]:
    for mark in up.marks:
        y = TOP + HIGH * (1 - up.share(mark))
        yield f'<path class="grid" d="M{LEFT} {y:.1f}h{WIDE}"/>'
        yield lettering(LEFT - 8, y + 4, f"{mark:g}", "soft small", "end")
    for mark in across.marks:
        x = LEFT + WIDE * across.share(mark)
        yield f'<path class="grid" d="M{x:.1f} {TOP}v{HIGH}"/>'
        yield lettering(x, TOP + HIGH + 16, f"{mark:g}", "soft small", "middle")
    yield lettering(LEFT + WIDE / 2, TOP + HIGH + 36, across.name, "soft small", "middle")
    yield lettering(LEFT, TOP - 10, up.name, "soft small")


def _curve(curve: Curve, across: Axis, up: Axis, dash: str) -> Iterator[str]:
    def place(x: float, y: float) -> Point:
        return LEFT + WIDE * across.share(x), TOP + HIGH * (1 - up.share(y))

    kind = "ours" if curve.ours else "theirs"
    places = [place(x, y) for x, y in curve.points]
    if len(places) > 1:
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield _stroke(kind, path, dash)
    for (x, y), (mark, value) in zip(places, curve.points, strict=True):
        tip = clean(f"{curve.name}: {value:.3f} at {mark:g}")
        size = 4 if len(places) < 15 else 1.5
        yield (
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{size}">'
            f"<title>{tip}</title></circle>"
        )
    for (x, _), (low, high) in zip(places, curve.intervals, strict=False):
        ends = [TOP + HIGH * (1 - up.share(value)) for value in (low, high)]
        yield f'<path class="{kind}" opacity=".5" d="M{x:.1f} {ends[0]:.1f}V{ends[1]:.1f}"/>'


def _legend(curve: Curve, number: int, dash: str) -> Iterator[str]:
    x, y = LEFT + WIDE + 18, TOP + 14 + 22 * number
    yield _stroke("ours" if curve.ours else "theirs", f"M{x} {y - 4}h26", dash)
    yield lettering(x + 34, y, curve.name, "small")


def _stroke(kind: str, path: str, dash: str) -> str:
    # The class fills its shapes: a line must not be one.
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{kind}" style="fill:none" stroke-width="2"{dashes} d="{path}"/>'

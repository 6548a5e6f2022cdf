"""Pictures of results as SVG: confusion matrices, scatters of V/A/D, and rows of numbers.

Written by hand like ``edge.plot``, in its colours: no font, no script, light and dark. Colours
are classes, so that a page can hold many pictures and one style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.plot import DARK, LIGHT, clean, lettering
from train import report_curves

FOLDER = "report"  # below the results: pages and pictures
LETTER = 6.6  # about the width of a letter at 12 px
HOT = 0.6  # a cell above this share needs light text (on a dark page: dark text)

# Confusion matrix: cell, and the space for labels. Scatter: side of a panel.
WIDE, HIGH, LEFT, TOP = 62, 36, 84, 58
SIDE, BETWEEN = 190, 46
# Rows of numbers: label column, plot, numbers, height of a row.
NAMES, PLOT, NUMBERS, ROW = 310, 330, 170, 26

COLOURS = """
.chart text { fill: %(ink)s; } .chart .soft { fill: %(soft)s; }
.chart .grid { stroke: %(grid)s; fill: none; } .chart .axis { stroke: %(soft)s; fill: none; }
.chart .cell, .chart .dot { fill: %(valence)s; } .chart .hot { fill: %(page)s; }
.chart .ours { fill: %(valence)s; stroke: %(valence)s; }
.chart .theirs { fill: %(soft)s; stroke: %(soft)s; }
"""
SHAPES = """
.chart { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.chart .big { font-size: 14px; font-weight: 600; } .chart .small { font-size: 10.5px; }
.chart .strong { font-weight: 600; } .chart .dot { fill-opacity: .35; }
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of ``ranking``: a number, its interval or deviation if any, and whether it is ours."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    ours: bool = False


def style() -> str:
    """Return the style sheet of all pictures, light and dark."""
    dark = f"@media (prefers-color-scheme: dark) {{{COLOURS % DARK}}}"
    return f"{SHAPES}{COLOURS % LIGHT}{dark}"


def standalone(svg: str) -> str:
    """Return a picture as a file of its own: with style sheet and background."""
    first, rest = svg.split(">", 1)
    page = f'<rect width="100%" height="100%" fill="{LIGHT["page"]}" class="page"/>'
    dark = f"@media (prefers-color-scheme: dark) {{ .page {{ fill: {DARK['page']}; }} }}"
    return f"{first}><style>{style()}{dark}</style>{page}{rest}\n"


def write(content: Mapping[str, Any], name: str, folder: Path) -> dict[str, str]:
    """Write the pictures that a result has, and return {file name: SVG for a page}."""
    folder.mkdir(parents=True, exist_ok=True)
    found = of(content, name)
    for file, svg in found.items():
        (folder / file).write_text(standalone(svg), encoding="utf-8")
    return found


def of(content: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return {file name: SVG} of the pictures that a result has."""
    found = {}
    title = ", ".join(str(content[k]) for k in ("corpus", "protocol", "artefact") if k in content)
    if content.get("confusion") and content.get("labels"):
        found[f"{name}-confusion.svg"] = confusion(content["labels"], content["confusion"], title)
    if content.get("curves"):
        found[f"{name}-curves.svg"] = report_curves.drawn(content["curves"])
    if content.get("scatter"):
        found[f"{name}-ccc.svg"] = scatter(content["scatter"], content["metrics"], title)
    return found


def confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]], title: str) -> str:
    """Return a confusion matrix: rows are the reference, shades the share of the row."""
    width = LEFT + WIDE * len(labels) + 14
    height = TOP + HIGH * len(labels) + 14
    return _svg(width, height, f"Confusion matrix: {title}", _cells(labels, matrix))


def _cells(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Iterator[str]:
    yield lettering(LEFT, 16, "rows: what was acted; columns: what was said", "soft small")
    for index, label in enumerate(labels):
        middle = LEFT + WIDE * (index + 0.5)
        yield lettering(middle, TOP - 8, label, "small", "middle")
        yield lettering(LEFT - 8, TOP + HIGH * (index + 0.5) + 4, label, "small", "end")
    for row, counts in enumerate(matrix):
        for column, count in enumerate(counts):
            share = count / max(1, sum(counts))
            x, y = LEFT + WIDE * column, TOP + HIGH * row
            tip = f"{labels[row]} said to be {labels[column]}: {count} ({share:.0%})"
            yield f"<g><title>{clean(tip)}</title>"
            yield (
                f'<rect class="cell" x="{x + 1}" y="{y + 1}" width="{WIDE - 2}" '
                f'height="{HIGH - 2}" rx="3" fill-opacity="{0.05 + 0.95 * share:.2f}"/>'
            )
            kind = ("hot" if share > HOT else "") + (" strong" if row == column else "")
            yield lettering(x + WIDE / 2, y + HIGH / 2 + 4, f"{share:.0%}", kind, "middle") + "</g>"


def scatter(
    points: Mapping[str, Mapping[str, Sequence[float]]], metrics: Mapping[str, Any], title: str
) -> str:
    """Return one panel a dimension: the derived label across, what was said upwards."""
    width = 30 + (SIDE + BETWEEN) * len(points)
    parts: list[str] = []
    for index, (name, sides) in enumerate(points.items()):
        value = metrics.get(f"ccc_{name}", {}).get("mean")
        head = name if value is None else f"{name}: CCC {value:.2f}"
        parts += _panel(40 + index * (SIDE + BETWEEN), 34, head, sides)
    return _svg(width, SIDE + 84, f"CCC scatter: {title}", parts)


def _panel(x: int, y: int, head: str, sides: Mapping[str, Sequence[float]]) -> Iterator[str]:
    yield lettering(x, y - 12, head, "strong")
    yield f'<rect class="grid" x="{x}" y="{y}" width="{SIDE}" height="{SIDE}"/>'
    middle = SIDE / 2
    yield f'<path class="grid" d="M{x} {y + middle}h{SIDE}M{x + middle} {y}v{SIDE}"/>'
    yield f'<path class="axis" stroke-dasharray="4 4" d="M{x} {y + SIDE}L{x + SIDE} {y}"/>'
    for value in (-1, 0, 1):
        at, text = middle * (1 + value), f"{value:+d}" if value else "0"
        yield lettering(x + at, y + SIDE + 16, text, "soft small", "middle")
        yield lettering(x - 6, y + SIDE - at + 4, text, "soft small", "end")
    yield lettering(
        x + middle, y + SIDE + 34, "derived from the emotion word", "soft small", "middle"
    )
    for truth, said in zip(sides["derived"], sides["said"], strict=True):
        across, up = middle * (1 + truth), middle * (1 + max(-1.0, min(1.0, said)))
        yield f'<circle class="dot" cx="{x + across:.1f}" cy="{y + SIDE - up:.1f}" r="2.6"/>'


def ranking(entries: Sequence[Entry], title: str, unit: str) -> str:
    """Return rows of numbers on one axis, best first: ours in colour, published ones in grey."""
    rows = sorted(entries, key=lambda entry: -entry.value)
    ends = [v for e in rows for v in (e.value, e.low, e.high) if v is not None]
    low, high = _nice(min(ends), max(ends))
    width, height = NAMES + PLOT + NUMBERS, 44 + ROW * len(rows) + 12
    return _svg(width, height, title, _rows(rows, low, high, unit))


def _nice(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis in tenths around two values, at least two tenths apart."""
    first, last = int(low * 10), -int(-high * 10 // 1)
    return first / 10, max(last, first + 2) / 10


def _rows(rows: Sequence[Entry], low: float, high: float, unit: str) -> Iterator[str]:
    def x(value: float) -> float:
        return NAMES + PLOT * (value - low) / (high - low)

    bottom = 38 + ROW * len(rows)
    for tenth in range(round(low * 10), round(high * 10) + 1):
        yield f'<path class="grid" d="M{x(tenth / 10):.1f} 30V{bottom}"/>'
        yield lettering(x(tenth / 10), 22, f"{tenth / 10:.1f}", "soft small", "middle")
    yield lettering(NAMES - 12, 22, unit, "soft small", "end")
    for index, entry in enumerate(rows):
        y = 44 + ROW * index
        kind = "ours" if entry.ours else "theirs"
        yield lettering(NAMES - 12, y + 4, entry.name, "strong" if entry.ours else "", "end")
        if entry.low is not None and entry.high is not None:
            path = f"M{x(entry.low):.1f} {y}H{x(entry.high):.1f}"
            yield f'<path class="{kind}" stroke-width="2" d="{path}"/>'
        yield f'<circle class="{kind}" cx="{x(entry.value):.1f}" cy="{y}" r="5"/>'
        yield lettering(
            NAMES + PLOT + 14, y + 4, _number(entry), "strong" if entry.ours else "soft"
        )


def _number(entry: Entry) -> str:
    if entry.low is None or entry.high is None:
        return f"{entry.value:.3f}"
    return f"{entry.value:.3f}  ({entry.low:.3f}-{entry.high:.3f})"


def _svg(width: int, height: int, title: str, parts: Iterator[str] | list[str]) -> str:
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{clean(title)}</title>",
            *parts,
            "</svg>",
        ]
    )

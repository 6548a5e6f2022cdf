"""What a report is made of: headings, text, tables, pictures; and how values read in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from train import report_charts

Result = Mapping[str, Any]
NAMES = {"rtf": "RTF", "rss": "RSS", "ccc": "CCC", "uar": "UAR", "war": "WAR", "ece": "ECE"}
PICTURES = {"confusion": "Confusion matrix", "curves": "Curves", "ccc": "V/A/D said and derived"}
NAMES |= {"f1": "F1", "mb": "(MB)", "s": "(s)"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `backquotes` mean code."""

    text: str
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of strings; the rows whose numbers are in ``strong`` stand out."""

    head: list[str]
    rows: list[list[str]]
    strong: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Fold:
    """A table that a page shows only when asked."""

    text: str
    table: Table


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG without style sheet, the file that holds it beside Markdown, and what it shows."""

    text: str
    file: str
    svg: str


Block = Heading | Text | Table | Fold | Picture


def show(value: Any) -> str:
    """Return a value of a result: a number, a number with its spread, or anything short."""
    if isinstance(value, Mapping):
        return _spread(value)
    if isinstance(value, bool) or value is None:
        return "-" if value is None else str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        size = abs(value)
        if value.is_integer() and size >= 10:
            return f"{value:,.0f}"
        return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 20 else f"{value:.3f}"
    if isinstance(value, list):
        return ", ".join(show(item) for item in value)
    return str(value)


def _spread(value: Mapping[str, Any]) -> str:
    if "mean" not in value:
        return ", ".join(f"{key} {show(item)}" for key, item in value.items())
    text = show(value["mean"])
    if len(value.get("runs", ())) > 1 and "sd" in value:
        text += f" +- {show(value['sd'])}"
    if ends := value.get("ci95"):
        between = " to " if ends[0] < 0 else "-"
        text += f" ({show(ends[0])}{between}{show(ends[1])})"
    return text


def words(name: str) -> str:
    """Return the name of a number as it reads best: ``voice_rtf`` as "voice RTF"."""
    return " ".join(NAMES.get(word, word) for word in name.split("_"))


def pictures(name: str, result: Result) -> Iterator[Picture]:
    """Yield the pictures that a result has; ``name`` is that of its file."""
    about = f"{result.get('corpus')}, {result.get('protocol')}, {result.get('artefact')}"
    for file, svg in report_charts.of(result, name).items():
        what = next(title for end, title in PICTURES.items() if file.endswith(f"{end}.svg"))
        yield Picture(f"{what}: {about}", file, svg)

"""Two reports side by side: a ratio a figure, and a mark where this one is worse."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bench import table
from edge.bench.figures import GROUPS, SIDES, Figure
from edge.bench.measure import FORMAT
from edge.bench.table import NOTHING, show
from edge.errors import HeartenError

TOLERANCE = 0.1  # runs of one quiet machine differ by less
COLUMN = 11  # characters
SECTIONS = ("metrics", "machine", "pack", "condition", "parity")
WORSE, BETTER = "worse", "better"
# What has to be the same for a fair comparison: section, key and name.
SAME = (
    ("machine", "board", "board"),
    ("machine", "cpu", "processor"),
    ("machine", "architecture", "architecture"),
    ("machine", "governor", "governor"),
    ("machine", "python", "Python"),
    ("machine", "interpreter", "interpreter"),
    ("pack", "voice_sha256", "voice model"),
    ("pack", "name", "pack"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure in two reports; ``ratio`` is here / there, None where one of them lacks it."""

    name: str
    here: str
    there: str
    unit: str
    ratio: float | None
    mark: str


def read(path: Path) -> dict[str, Any]:
    """Return a stored report.

    Raises:
        HeartenError: it cannot be read, or is none that this version knows.
    """
    try:
        report = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise HeartenError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise HeartenError(f"{path} is not JSON: {error}") from error
    if not isinstance(report, dict) or report.get("task") != "bench":
        raise HeartenError(f"{path} is not a result of hearten bench --json")
    if report.get("format") != FORMAT:
        raise HeartenError(
            f"{path} has format {report.get('format')!r}, this hearten reads {FORMAT}: "
            "measure again with hearten bench --json"
        )
    for name in SECTIONS:
        if not isinstance(report.get(name), dict):
            raise HeartenError(f"{path} lacks the section {name!r}: measure again")
    for key, value in report["metrics"].items():
        if value is not None and not _number(value):
            raise HeartenError(f"{path}: {key} is {value!r:.40}, not a number")
    try:
        table.text(report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HeartenError(f"{path} is incomplete or was changed by hand: {error}") from error
    return report


def differences(
    here: Mapping[str, Any], there: Mapping[str, Any], tolerance: float = TOLERANCE
) -> list[Difference]:
    """Return every figure that both reports have, or one of them; less is better in all."""
    found = []
    for group in GROUPS:
        for figure in group.figures:
            for side, key in zip(SIDES, figure.keys, strict=False):
                values = [report["metrics"].get(key) for report in (here, there)]
                if any(value is not None for value in values):
                    which = f", {side}" if len(figure.keys) > 1 else ""
                    name = f"{group.title}: {figure.label.strip()}{which}"
                    found.append(_difference(name, figure, values, tolerance))
    return found


def text(
    here: Mapping[str, Any], there: Mapping[str, Any], name: str, tolerance: float = TOLERANCE
) -> str:
    """Return the comparison as a table; ``name`` is what the other report is called."""
    rows = differences(here, there, tolerance)
    worse = sum(row.mark == WORSE for row in rows)
    width = max((len(row.name) for row in rows), default=0) + 1
    lines = [*warnings(here, there, name)]
    lines.append(f"{'':<{width}}{'here':>{COLUMN}}{'there':>{COLUMN}}       ratio")
    for row in rows:
        ratio = NOTHING if row.ratio is None else f"{row.ratio:.2f}"
        line = f"{row.name:<{width}}{row.here:>{COLUMN}}{row.there:>{COLUMN}} {row.unit:<4}"
        lines.append(f"{line}{ratio:>7}  {row.mark}".rstrip())
    lines.append(f"{worse} of {len(rows)} figures are worse by more than {tolerance:.0%}")
    return "\n".join(lines)


def warnings(here: Mapping[str, Any], there: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield what makes the comparison unfair, a line each."""
    for section, key, what in SAME:
        mine, theirs = here[section].get(key), there[section].get(key)
        if mine != theirs:
            yield f"not the same {what}: {mine!s:.60} here, {theirs!s:.60} in {name}"
    for report, where in ((here, "here"), (there, f"in {name}")):
        if report.get("notes"):
            yield f"{where}: {report['notes']}"


def _difference(
    name: str, figure: Figure, values: list[float | None], tolerance: float
) -> Difference:
    here, there = values
    ratio, mark = None, ""
    if here is not None and there is not None:
        ratio = here / there if there > 0 else None
        if abs(here - there) > max(figure.least, tolerance * abs(there)):
            mark = WORSE if here > there else BETTER
    return Difference(name, show(here, figure), show(there, figure), figure.unit, ratio, mark)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

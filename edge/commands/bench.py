"""Measure speed, latency, memory, size and parity on this machine, about two minutes.

The table names every unit. docs/boards.md says what each figure means, and how to send yours in.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.bench import busy, compare, table
from edge.bench.effort import LONG_MINUTES, NORMAL, QUICK, Effort
from edge.bench.measure import measure
from edge.commands import native_notes_off
from edge.errors import HeartenError

MOST_MINUTES = 24 * 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten bench``."""
    parser.add_argument("--pack", help="folder or .zip; the built-in pack by default")
    parser.add_argument("--quick", action="store_true", help="ten seconds, rougher numbers")
    parser.add_argument(
        "--long",
        action="store_true",
        help=f"memory after {LONG_MINUTES:g} minutes of stream with words too (default: "
        f"{NORMAL.words_minutes:g}); simulated, so faster than that",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="memory after N minutes of stream, 0 for none"
    )
    parser.add_argument(
        "--busy",
        action="store_true",
        help=f"also listen for {busy.SECONDS:g} s on a core that another program takes, and count "
        "what is late and lost",
    )
    parser.add_argument(
        "--device", metavar="NAME|N", help="also hear a microphone for 5 s, and count what is lost"
    )
    parser.add_argument(
        "--compare", metavar="OTHER.json", type=Path, help="a ratio a figure against a stored run"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=100.0 * compare.TOLERANCE,
        metavar="PERCENT",
        help="what may be worse without a mark (default: %(default)g)",
    )
    parser.add_argument(
        "--show", metavar="RUN.json", type=Path, help="a stored run instead of measuring"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object")
    output.add_argument("--row", action="store_true", help="a line for docs/boards.md")


def run(args: argparse.Namespace) -> int:
    """Measure, or read a stored run; print a table, a comparison, or JSON."""
    tolerance, effort = _tolerance(args.tolerance), _effort(args)
    measuring = args.quick or args.long or args.busy or args.minutes is not None or args.device
    if args.show and measuring:
        raise HeartenError("--show measures nothing: leave out the options that say how to measure")
    other = compare.read(args.compare) if args.compare else None
    report = compare.read(args.show) if args.show else _measured(args, effort)
    if args.json:
        print(json.dumps(report | _compared(report, other, tolerance), ensure_ascii=False))
        return 0
    print(table.row(report) if args.row else table.text(report))
    if other:
        print()
        print(compare.text(report, other, args.compare.name, tolerance))
    return 0


def _effort(args: argparse.Namespace) -> Effort:
    """Return how long to measure; raises HeartenError for options that make no sense."""
    effort = QUICK if args.quick else NORMAL
    if args.long:
        effort = replace(effort, minutes=LONG_MINUTES, words_minutes=LONG_MINUTES)
    if args.minutes is not None:
        if not 0.0 <= args.minutes <= MOST_MINUTES:
            raise HeartenError(f"--minutes lies in 0..{MOST_MINUTES:g}, not {args.minutes:g}")
        effort = replace(effort, minutes=args.minutes, words_minutes=args.minutes)
    return effort


def _tolerance(percent: float) -> float:
    if not 0.0 <= percent <= 1000.0:
        raise HeartenError(f"--tolerance lies in 0..1000 percent, not {percent:g}")
    return percent / 100.0


def _measured(args: argparse.Namespace, effort: Effort) -> dict[str, Any]:
    with _progress() as note, native_notes_off():
        report = measure(args.pack, effort, args.device, note, args.busy)
    given = sys.argv[2:] if sys.argv[1:2] == ["bench"] else []
    return {"command": " ".join(["hearten bench", *given]), **report}


def _compared(
    report: dict[str, Any], other: dict[str, Any] | None, tolerance: float
) -> dict[str, Any]:
    """Return the section of JSON that holds a comparison, if there is one."""
    if other is None:
        return {}
    rows = compare.differences(report, other, tolerance)
    return {
        "comparison": {
            "warnings": list(compare.warnings(report, other, "the other")),
            "figures": [
                {"figure": row.name, "ratio": row.ratio, "mark": row.mark or None} for row in rows
            ],
        }
    }


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows on a terminal what is measured, on a descriptor of its own."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1) as screen:
        try:
            yield lambda step: print(
                f"\r\x1b[Kmeasuring {step} ...", end="", file=screen, flush=True
            )
        finally:
            print("\r\x1b[K", end="", file=screen, flush=True)

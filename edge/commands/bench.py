"""Measure speed, memory, cold start and parity on this machine."""

from __future__ import annotations

import argparse
import json

from edge.bench import measure
from edge.commands import native_notes_off


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten bench``."""
    parser.add_argument("--pack", help="folder or .zip; the built-in pack by default")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Measure and print a table, or JSON."""
    with native_notes_off():
        report = measure(args.pack)
    if args.json:
        print(json.dumps(report))
        return 0
    for name, value in report.items():
        print(f"{name.replace('_', ' '):<34}{value}")
    return 0

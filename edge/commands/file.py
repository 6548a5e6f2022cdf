"""Emotions in recordings: a line, or a JSON object, for each utterance."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edge.audio.files import duration
from edge.commands import engine_options, open_engine, show
from edge.engine import Engine
from edge.errors import HeartenError

LONG = 20.0  # seconds of audio from which progress is worth showing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten file``."""
    parser.add_argument("paths", nargs="+", metavar="AUDIO", help="WAV; FLAC, MP3 with [audio]")
    engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the emotions of each file; a bad file is reported, the others are still done."""
    code = 0
    with open_engine(args) as engine:
        for path in args.paths:
            try:
                _one(engine, path, args.json)
            except HeartenError as error:
                print(f"hearten: {error}", file=sys.stderr)
                code = 2
    return code


def _one(engine: Engine, path: str, as_json: bool) -> None:
    count = 0
    for emotion in engine.stream(path, _progress(path)):
        show(replace(emotion, file=path), as_json)
        count += emotion.type == "final"
    if not count:
        print(f"hearten: {path}: no speech found", file=sys.stderr)


def _progress(path: str) -> Callable[[float], None] | None:
    """Return what shows progress on a terminal, or None where nobody waits or looks."""
    total = duration(path) if Path(path).is_file() else None
    if not total or total < LONG or not sys.stderr.isatty():
        return None
    name = Path(path).name

    def display(seconds: float) -> None:
        share = min(seconds / total, 1.0)
        end = "" if share < 1.0 else "\r\033[K"
        print(f"\r\033[K{name} {share:4.0%} {end}", end="", file=sys.stderr, flush=True)

    return display

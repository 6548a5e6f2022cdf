"""Emotions in a live stream, a line for each utterance."""

from __future__ import annotations

import argparse
import os
import sys

from edge.commands import engine_options, open_engine, show
from edge.errors import HeartenError

PIECE = 3200  # bytes: 100 ms


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten listen``."""
    parser.add_argument("--stdin", action="store_true", help="raw S16_LE mono 16 kHz on stdin")
    engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the emotions of standard input until it ends or the user interrupts."""
    if not args.stdin:
        raise HeartenError(
            "choose a source: arecord -q -f S16_LE -r 16000 -c 1 -t raw | hearten listen --stdin"
        )
    with open_engine(args) as engine:
        try:
            while chunk := os.read(sys.stdin.fileno(), PIECE):
                for emotion in engine.push(chunk):
                    show(emotion, args.json)
        except KeyboardInterrupt:
            pass
        for emotion in engine.flush():
            show(emotion, args.json)
        if not engine.seconds:
            raise HeartenError("no audio arrived on standard input")
    return 0

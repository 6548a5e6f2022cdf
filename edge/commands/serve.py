"""Emotions of a live stream on a web page, and of recordings that are dropped onto it.

Nothing is printed but the address of the page and notices; --json also prints the results. Where
there is no microphone, or with --files-only, the page only hears recordings.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack

from edge.audio.devices import input_devices
from edge.commands import engine_options
from edge.commands.listen import (
    LOOK,
    Lines,
    Note,
    Source,
    attend,
    open_source,
    source_options,
)
from edge.emotion import Emotion
from edge.errors import AudioError, HeartenError, MissingExtra
from edge.web import DEFAULT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten serve``."""
    parser.add_argument(
        "--web",
        default=DEFAULT,
        metavar="HOST:PORT",
        help=f"where the page is (default: {DEFAULT}, which only this machine can open)",
    )
    source_options(parser)
    parser.add_argument(
        "--files-only", action="store_true", help="no live stream: hear dropped recordings only"
    )
    engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Serve the page until the stream ends or it is interrupted."""
    if args.files_only and args.stdin:
        raise HeartenError("--stdin and --files-only exclude each other")
    view = Lines(True, args.timeline) if args.json else Quiet()
    args.timeline = True
    attend(args, view, _source)
    return 0


class Quiet(Lines):
    """Prints notices only; the page shows the rest."""

    def __init__(self) -> None:
        super().__init__(as_json=False, partials=False)

    def show(self, emotion: Emotion) -> None:
        """Events are not printed."""


class Nothing:
    """A source without sound, until ``stop`` is called."""

    def __init__(self) -> None:
        self._stopped = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._stopped:
            time.sleep(LOOK)
        yield from ()

    def stop(self) -> None:
        """End the iteration soon; safe in a signal handler."""
        self._stopped = True


def _source(args: argparse.Namespace, note: Note, stack: ExitStack) -> Source:
    """Return the stream; where no microphone exists and none was named, there is none."""
    if args.files_only:
        return Nothing()
    try:
        return open_source(args, note, stack)
    except (AudioError, MissingExtra) as error:
        if args.device is not None or args.channel is not None or _microphones():
            raise
        note(f"recordings only, no live stream: {error}")
        return Nothing()


def _microphones() -> bool:
    """Tell whether there is any input device."""
    try:
        return bool(input_devices())
    except MissingExtra:
        return False

"""Emotions in a live stream, a line for each utterance."""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from edge.audio.level import Meter
from edge.audio.microphone import Microphone
from edge.commands import engine_options, open_engine, show
from edge.emotion import Emotion
from edge.engine import Engine
from edge.errors import HeartenError
from edge.live import Live, suits

LOG = logging.getLogger(__name__)

PIECE = 3200  # bytes: 100 ms
LOOK = 0.25  # seconds between looks at whether to stop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten listen``."""
    parser.add_argument(
        "--device", metavar="NAME|N", help="number or part of the name; see hearten devices"
    )
    parser.add_argument(
        "--channel", type=int, metavar="N", help="channel of the device, from 1 (default: mono)"
    )
    parser.add_argument("--stdin", action="store_true", help="raw S16_LE mono 16 kHz on stdin")
    engine_options(parser)


def run(args: argparse.Namespace) -> int:
    """Print the emotions of a microphone or of standard input until it ends or is interrupted."""
    live = not args.json and suits(sys.stdout)
    args.timeline |= live  # the picture moves while someone speaks
    view: Live | Lines = Live(sys.stdout, "standard input") if live else Lines(args.json)
    with open_engine(args) as engine, ExitStack() as stack:
        source: Microphone | StandardInput = StandardInput()
        if not args.stdin:
            source = stack.enter_context(Microphone(args.device, args.channel, view.note))
            view.title = _title(source)
        stack.enter_context(view)
        stack.enter_context(stopped_by_signals(source))
        _listen(engine, source, view)
    if args.stdin and not engine.seconds:
        raise HeartenError("no audio arrived on standard input")
    return 0


class Lines:
    """The output without a terminal: a line, or a JSON object, for each event."""

    def __init__(self, as_json: bool) -> None:
        self.title = ""
        self._json = as_json

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def hear(self, meter: Meter, seconds: float) -> None:
        """Levels are not printed."""

    def show(self, emotion: Emotion) -> None:
        """Print an event."""
        show(emotion, self._json)

    def note(self, text: str) -> None:
        """Say something about the source on standard error."""
        LOG.warning(text)


class StandardInput:
    """Chunks of standard input until it ends or ``stop`` is called."""

    def __init__(self) -> None:
        self._stopped = False

    def __iter__(self) -> Iterator[bytes]:
        descriptor = sys.stdin.fileno()
        while not self._stopped:
            if not select.select([descriptor], [], [], LOOK)[0]:
                continue
            chunk = os.read(descriptor, PIECE)
            if not chunk:
                return
            yield chunk

    def stop(self) -> None:
        """End the iteration soon; safe in a signal handler."""
        self._stopped = True


@contextmanager
def stopped_by_signals(source: Microphone | StandardInput) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the source, so that the last utterance is finished.

    A second one acts as usual, should the first not be enough.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {int(number): signal.getsignal(number) for number in numbers}

    def stop(number: int, _frame: FrameType | None) -> None:
        source.stop()
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(engine: Engine, source: Microphone | StandardInput, view: Live | Lines) -> None:
    """Push every chunk, show every event, finish the last utterance."""
    meter = Meter()
    for chunk in source:
        # An empty chunk: the device is gone for now.
        events = engine.push(chunk) if chunk else engine.flush()
        warning = meter.push(chunk)
        for emotion in events:
            view.show(emotion)
        if warning and isinstance(source, Microphone):
            view.note(warning)
        view.hear(meter, engine.seconds)
    for emotion in engine.flush():
        view.show(emotion)
    if isinstance(source, Microphone) and (source.overflows or source.dropped):
        view.note(
            f"audio was lost: {source.overflows} overflows of the device, "
            f"{source.dropped} pieces of 0.1 s because this machine was busy"
        )


def _title(microphone: Microphone) -> str:
    """Return the line that says what is heard."""
    rate = f"{microphone.rate / 1000:g} kHz"
    channel = "" if microphone.channels == 1 else f", channel {microphone.channel or 1}"
    return f"{microphone.device.name} ({rate}{channel})"

"""Emotions in a live stream, a line for each utterance; with --web on a page as well."""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from edge.audio.level import Meter
from edge.audio.microphone import Microphone
from edge.commands import engine_options, open_engine, show
from edge.emotion import Emotion
from edge.engine import Engine
from edge.errors import HeartenError
from edge.live import Live, suits
from edge.web import DEFAULT

if TYPE_CHECKING:
    from edge.web.view import Page

LOG = logging.getLogger(__name__)

PIECE = 3200  # bytes: 100 ms
LOOK = 0.25  # seconds between looks at whether to stop


class View(Protocol):
    """What shows a live stream: a terminal, lines, the page."""

    title: str

    def hear(self, meter: Meter, seconds: float) -> None:
        """Take the level of the last chunk and the seconds heard so far."""

    def show(self, emotion: Emotion) -> None:
        """Take an event."""

    def note(self, text: str) -> None:
        """Take a message about the source."""


class Source(Protocol):
    """Chunks, S16_LE mono 16 kHz; an empty one says that the utterance in progress is over."""

    def __iter__(self) -> Iterator[bytes]: ...

    def stop(self) -> None:
        """End the iteration soon; safe in a signal handler."""


Note = Callable[[str], None]
Choose = Callable[[argparse.Namespace, Note, ExitStack], Source]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten listen``."""
    source_options(parser)
    parser.add_argument(
        "--web",
        nargs="?",
        const=DEFAULT,
        metavar="HOST:PORT",
        help=f"also show it on a web page, at {DEFAULT} if nothing else is given",
    )
    engine_options(parser)


def source_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what is heard."""
    parser.add_argument(
        "--device", metavar="NAME|N", help="number or part of the name; see hearten devices"
    )
    parser.add_argument(
        "--channel", type=int, metavar="N", help="channel of the device, from 1 (default: mono)"
    )
    parser.add_argument("--stdin", action="store_true", help="raw S16_LE mono 16 kHz on stdin")


def run(args: argparse.Namespace) -> int:
    """Print the emotions of a microphone or of standard input until it ends or is interrupted."""
    live = not args.json and suits(sys.stdout)
    view = Live(sys.stdout, "standard input") if live else Lines(args.json, args.timeline)
    args.timeline |= live or args.web is not None  # both move while someone speaks
    attend(args, view, open_source)
    return 0


def attend(args: argparse.Namespace, view: Live | Lines, choose: Choose) -> None:
    """Hear what the options name until it ends, in ``view`` and, if asked for, on the page.

    Raises:
        HeartenError: the pack, the page's address or the source (from ``choose``) is wrong.
    """
    with open_engine(args) as engine, ExitStack() as stack:
        page = _page(engine, args, stack)
        everywhere: View = Views(view, page) if page else view
        source = choose(args, everywhere.note, stack)
        everywhere.title = _title(source) + (f", speaker {args.speaker}" if args.speaker else "")
        if page and isinstance(source, Microphone):
            page.losses = source
        stack.enter_context(stopped_by_signals(source))
        stack.enter_context(view)
        if page:
            seen = "" if page.address.private else "; anyone on this network can open it"
            view.note(f"the page is at {page.address.url}{seen}")
        _listen(engine, source, everywhere)
    if args.stdin and not engine.seconds:
        raise HeartenError("no audio arrived on standard input")


def open_source(args: argparse.Namespace, note: Note, stack: ExitStack) -> Source:
    """Return what the options name; raises AudioError where it cannot be opened."""
    if args.stdin:
        return StandardInput()
    return stack.enter_context(Microphone(args.device, args.channel, note))


def _page(engine: Engine, args: argparse.Namespace, stack: ExitStack) -> Page | None:
    """Serve the page for as long as ``stack`` is open, if ``--web`` asks for it."""
    if args.web is None:
        return None
    from edge.web import address
    from edge.web.view import Page

    return stack.enter_context(Page(engine, address.parse(args.web), args))


class Views:
    """Several views as one."""

    def __init__(self, *views: View) -> None:
        self._views = views
        self._title = ""

    @property
    def title(self) -> str:
        """What is heard."""
        return self._title

    @title.setter
    def title(self, text: str) -> None:
        self._title = text
        for view in self._views:
            view.title = text

    def hear(self, meter: Meter, seconds: float) -> None:
        """Tell each the level."""
        for view in self._views:
            view.hear(meter, seconds)

    def show(self, emotion: Emotion) -> None:
        """Show an event in each."""
        for view in self._views:
            view.show(emotion)

    def note(self, text: str) -> None:
        """Show a message in each."""
        for view in self._views:
            view.note(text)


class Lines:
    """The output without a terminal: a line, or a JSON object, for each event."""

    def __init__(self, as_json: bool, partials: bool) -> None:
        """``partials``: whether they are printed as well."""
        self.title = ""
        self._json = as_json
        self._partials = partials

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def hear(self, meter: Meter, seconds: float) -> None:
        """Levels are not printed."""

    def show(self, emotion: Emotion) -> None:
        """Print an event."""
        if self._partials or emotion.type == "final":
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
def stopped_by_signals(source: Source) -> Iterator[None]:
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


def _listen(engine: Engine, source: Source, view: View) -> None:
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


def _title(source: Source) -> str:
    """Return the line that says what is heard."""
    if not isinstance(source, Microphone):
        return "standard input" if isinstance(source, StandardInput) else "recordings only"
    rate = f"{source.rate / 1000:g} kHz"
    channel = "" if source.channels == 1 else f", channel {source.channel or 1}"
    return f"{source.device.name} ({rate}{channel})"

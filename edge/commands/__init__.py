"""The commands of ``hearten``, one module each, and what several of them share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.choices import ENDPOINTERS, ROOM, EngineSettings
from edge.emotion import Emotion
from edge.engine import Engine
from edge.lines import line


def engine_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of every command that opens an engine."""
    parser.add_argument("--pack", help="folder or .zip; the built-in pack by default")
    parser.add_argument("--no-words", action="store_true", help="voice only")
    parser.add_argument("--timeline", action="store_true", help="also print partial events")
    parser.add_argument(
        "--reject",
        default="balanced",
        help='say "unknown" below this confidence: balanced, cautious, or a number in 0..1',
    )
    parser.add_argument(
        "--speaker", metavar="NAME", help="whose voice it is; see hearten enroll, hearten speakers"
    )
    parser.add_argument(
        "--no-speaker",
        dest="speaker",
        action="store_const",
        const=None,
        help="nobody's in particular",
    )
    parser.add_argument(
        "--adapt",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="follow the voice that is heard, in each recording or stream anew",
    )
    parser.add_argument(
        "--endpointer",
        choices=ENDPOINTERS,
        default=ROOM,
        help="whom to listen to: anybody in the room (default), or one person near the microphone "
        "only, with fewer noises taken for speech",
    )
    parser.add_argument(
        "--words-budget",
        type=share,
        default=1.0,
        metavar="SHARE",
        help="share of a core, up to 1, that words may cost in a live stream; what is more is "
        "dropped (default: 1, so that they never delay the voice; none: wait for every word)",
    )
    parser.add_argument(
        "--add-words",
        metavar="FILE",
        help='your own words, a line each: "zonked Z AA NG K T = tired", or = V A D in -1..1',
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def share(text: str) -> float | str:
    """Return a share of a core, or "none"; ValueError where it is neither."""
    return text if text == "none" else float(text)


def open_engine(args: argparse.Namespace, recording: bool = False) -> Engine:
    """Open the engine that the options ask for; a recording waits for its words."""
    budget = None if args.words_budget == "none" else args.words_budget
    EngineSettings(words_budget=budget).check()  # also where it will not count
    with native_notes_off():
        engine = Engine.open(
            args.pack,
            words=not args.no_words,
            partials=args.timeline,
            reject=args.reject,
            speaker=args.speaker,
            adapt=args.adapt,
            words_budget=None if recording else budget,
            endpointer=args.endpointer,
            explain=getattr(args, "explain", False),  # not every command has it
        )
    if args.add_words and engine.words:  # without words there is nothing to add to
        engine.words.add_file(Path(args.add_words))
    return engine


def show(emotion: Emotion, as_json: bool) -> None:
    """Print one event, as a readable line or as JSON."""
    name = "" if emotion.file is None else f"{Path(emotion.file).name}  "
    print(emotion.to_json() if as_json else name + line(emotion), flush=True)


@contextmanager
def native_notes_off() -> Iterator[None]:
    """Keep what the interpreter's C++ writes to descriptor 2 while loading off the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)

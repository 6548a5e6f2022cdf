"""The command ``hearten``: a readable line for people, ``--json`` for machines.

Exit codes: 0 done, 2 a user's mistake (one line on stderr), 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edge import __version__, bench
from edge.audio.files import duration
from edge.emotion import Emotion
from edge.engine import Engine
from edge.errors import HeartenError
from edge.lines import line
from edge.pack import Pack, open_pack

LONG = 20.0  # seconds of audio from which progress is worth showing
PIECE = 3200  # bytes: 100 ms

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    # A descriptor of its own: notices still show while the interpreter's are kept off.
    notices = os.fdopen(os.dup(2), "w", buffering=1)
    logging.basicConfig(stream=notices, format="hearten: %(message)s", level=logging.WARNING)
    args = _parser().parse_args(arguments)
    try:
        command: Command = args.command
        code = command(args)
        sys.stdout.flush()
        return code
    except HeartenError as error:
        return _fail(str(error))
    except BrokenPipeError:
        return _fail("the reader of the output went away", broken=True)
    except OSError as error:
        return _fail(f"cannot write the result: {error.strerror}", broken=True)
    except KeyboardInterrupt:
        return 130


def _fail(message: str, broken: bool = False) -> int:
    """Say what is wrong in one line; a broken stdout is replaced so that exit stays quiet."""
    if broken:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"hearten: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hearten",
        description="Emotion from voice and words, on the device. Nothing is kept, nothing leaves.",
    )
    parser.add_argument("--version", action="version", version=f"hearten {__version__}")
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    file = commands.add_parser("file", help="emotions in recordings")
    file.add_argument("paths", nargs="+", metavar="AUDIO", help="WAV; FLAC, OGG, MP3 with [audio]")
    file.add_argument("--timeline", action="store_true", help="also print partial events")
    _engine_options(file)
    file.set_defaults(command=_file)
    listen = commands.add_parser("listen", help="emotions in a live stream")
    listen.add_argument("--stdin", action="store_true", help="raw S16_LE mono 16 kHz on stdin")
    listen.add_argument("--timeline", action="store_true", help="also print partial events")
    _engine_options(listen)
    listen.set_defaults(command=_listen)
    pack = commands.add_parser("pack", help="look into a pack, or verify it")
    pack.add_argument("action", choices=["show", "verify"])
    pack.add_argument("pack", nargs="?", help="folder or .zip; the built-in pack by default")
    pack.add_argument("--json", action="store_true", help="one JSON object")
    pack.set_defaults(command=_pack)
    measure = commands.add_parser("bench", help="measure speed, memory and parity here")
    measure.add_argument("--pack", help="folder or .zip; the built-in pack by default")
    measure.add_argument("--json", action="store_true", help="one JSON object")
    measure.set_defaults(command=bench.run)
    return parser


def _engine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", help="folder or .zip; the built-in pack by default")
    parser.add_argument("--no-words", action="store_true", help="voice only")
    parser.add_argument(
        "--reject",
        default="balanced",
        help='say "unknown" below this confidence: balanced, cautious, or a number in 0..1',
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _open(args: argparse.Namespace) -> Engine:
    with _native_notes_off():
        return Engine.open(
            args.pack, words=not args.no_words, partials=args.timeline, reject=args.reject
        )


@contextmanager
def _native_notes_off() -> Iterator[None]:
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


def _file(args: argparse.Namespace) -> int:
    """Print the emotions of each file; a bad file is reported, the others are still done."""
    code = 0
    with _open(args) as engine:
        for path in args.paths:
            try:
                count = 0
                for emotion in engine.stream(path, _progress(path)):
                    _show(replace(emotion, file=path), args.json)
                    count += emotion.type == "final"
                if not count:
                    print(f"hearten: {path}: no speech found", file=sys.stderr)
            except HeartenError as error:
                code = _fail(str(error))
    return code


def _progress(path: str) -> Callable[[float], None] | None:
    """Return what shows progress on a terminal, or None where nobody waits or looks."""
    total = duration(path) if Path(path).is_file() else None
    if not total or total < LONG or not sys.stderr.isatty():
        return None
    name = Path(path).name

    def show(seconds: float) -> None:
        share = min(seconds / total, 1.0)
        end = "" if share < 1.0 else "\r\033[K"
        print(f"\r\033[K{name} {share:4.0%} {end}", end="", file=sys.stderr, flush=True)

    return show


def _listen(args: argparse.Namespace) -> int:
    """Print the emotions of standard input until it ends."""
    if not args.stdin:
        raise HeartenError(
            "choose a source: arecord -q -f S16_LE -r 16000 -c 1 -t raw | hearten listen --stdin"
        )
    with _open(args) as engine:
        try:
            while chunk := os.read(sys.stdin.fileno(), PIECE):
                _show_all(engine.push(chunk), args.json)
        except KeyboardInterrupt:
            pass
        _show_all(engine.flush(), args.json)
        if not engine.seconds:
            raise HeartenError("no audio arrived on standard input")
    return 0


def _show_all(emotions: Sequence[Emotion], as_json: bool) -> None:
    for emotion in emotions:
        _show(emotion, as_json)


def _show(emotion: Emotion, as_json: bool) -> None:
    name = "" if emotion.file is None else f"{Path(emotion.file).name}  "
    print(emotion.to_json() if as_json else name + line(emotion), flush=True)


def _pack(args: argparse.Namespace) -> int:
    """Show what a pack holds, or load every part of it to see that it works."""
    pack = open_pack(args.pack)
    if args.action == "verify":
        return _verify(pack, args.json)
    raw = pack.manifest.raw
    if args.json:
        print(json.dumps({**raw, "sizes": pack.sizes}, ensure_ascii=False))
        return 0
    print(f"{raw['name']} {raw['version']} ({raw['language']}), {raw['licence']}")
    print(f"labels: {', '.join(raw['labels'])}")
    print("files:")
    for name, size in pack.sizes.items():
        print(f"  {name:<22}{size:>10,} bytes")
    for name, value in raw.get("training", {}).items():
        print(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")
    return 0


def _verify(pack: Pack, as_json: bool) -> int:
    with _native_notes_off():
        report = bench.parity(pack)
    if as_json:
        print(json.dumps({"pack": pack.manifest.name, "valid": True, **report}))
    else:
        print(
            f"{pack.manifest.name}: {len(pack.sizes)} files match their hashes, "
            f"reference outputs differ by {report['difference']:.4f} at most"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

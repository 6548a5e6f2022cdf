"""The command ``hearten``: a readable line for people, ``--json`` for machines.

Exit codes: 0 done, 2 a user's mistake (one line on stderr), 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from edge import __version__
from edge.errors import HeartenError
from edge.settings import Settings, choose

# One module of edge.commands each; it declares its options and runs.
COMMANDS = {
    "file": "emotions in recordings",
    "listen": "emotions in a live stream",
    "serve": "emotions of a live stream on a web page",
    "devices": "input devices and their rates",
    "enroll": "learn a speaker's voice",
    "speakers": "list, rename or delete learned speakers",
    "pack": "look into a pack, or verify it",
    "bench": "measure speed, memory and parity here",
    "config": "settings and where they come from",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    # A descriptor of its own: notices still show while the interpreter's are kept off.
    notices = os.fdopen(os.dup(2), "w", buffering=1)
    logging.basicConfig(stream=notices, format="hearten: %(message)s", level=logging.WARNING)
    try:
        given = sys.argv[1:] if arguments is None else arguments
        args = _parser(given, choose(given)).parse_args(given)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except HeartenError as error:
        return fail(str(error))
    except BrokenPipeError:
        return fail("the reader of the output went away", broken=True)
    except OSError as error:
        return fail(f"cannot write the result: {error.strerror}", broken=True)
    except KeyboardInterrupt:
        return 130


def fail(message: str, broken: bool = False) -> int:
    """Say what is wrong in one line and return 2; a broken stdout is replaced, so exit is quiet."""
    if broken:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"hearten: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _parser(given: Sequence[str], settings: Settings) -> argparse.ArgumentParser:
    """Return the parser; only the rooms that ``given`` names are imported: start-up counts."""
    parser = argparse.ArgumentParser(
        prog="hearten",
        description="Emotion from voice and words, on the device. Sound is never kept, nothing "
        "leaves; only enroll keeps something: averages of a voice.",
    )
    parser.add_argument("--version", action="version", version=f"hearten {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        own = commands.add_parser(name, help=text)
        if name not in given:
            continue
        room = importlib.import_module(f"edge.commands.{name}")
        own.description = room.__doc__
        room.add_arguments(own)
        own.set_defaults(run=room.run)
        settings.adopt(own, name)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

"""Which published data the words of a pack come from, and what may be left out.

``--without`` leaves data out; ``--commercial`` refuses what is left where its licence forbids
commercial use. The vocabulary writes down what it was made from, and the text model adds its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.errors import HeartenError
from train import licence, text_data, text_sentences
from train.corpora import warriner

SOURCES = (*text_data.CORPORA, "glove", "warriner")
OPTIONAL = ("isear", "warriner")
ENCODER = "sentence-encoder"  # the teacher's
FILE = "sources.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options on data."""
    parser.add_argument(
        "--without", nargs="+", choices=OPTIONAL, default=[], metavar="NAME", help="isear, warriner"
    )
    parser.add_argument(
        "--commercial", action="store_true", help="refuse data that forbid commercial use"
    )


def chosen(args: argparse.Namespace, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the data to use, and ``more`` that went into what they meet.

    Raises:
        HeartenError: ``--commercial``, and one of them forbids it.
    """
    used = {*(name for name in SOURCES if name not in args.without), *more}
    names = tuple(name for name in (*SOURCES, ENCODER, text_sentences.SOURCE) if name in used)
    if args.commercial:
        try:
            licence.demand_commercial(names)
        except HeartenError as error:
            fix = f"give --without {' '.join(OPTIONAL)} to train vocabulary and to train text"
            raise HeartenError(f"{error}; {fix}, and no --teacher that learnt from them") from None
    return names


def taught(teacher: Mapping[str, object]) -> tuple[str, ...]:
    """Return the data behind what a teacher says; none without a teacher."""
    if not teacher:
        return ()
    more = (text_sentences.SOURCE,) if text_sentences.NAME in teacher else ()
    return (*text_data.CORPORA, ENCODER, *more)


def corpora(names: Sequence[str]) -> tuple[str, ...]:
    """Return those of the data that are texts with labels, in the order of ``text_data``."""
    return tuple(name for name in text_data.CORPORA if name in names)


def norms(folder: Path, names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Return Warriner's norms, none where they are left out; raises as ``warriner.norms``."""
    return warriner.norms(folder) if "warriner" in names else {}


def write(folder: Path, names: Sequence[str]) -> None:
    """Write down what the keywords in a folder were chosen from."""
    content = {"sources": list(names), "command": f"python -m train {' '.join(sys.argv[1:])}"}
    (folder / FILE).write_text(json.dumps(content) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[str, ...]:
    """Return what the keywords in a folder were chosen from: all, where nothing is written.

    Raises:
        HeartenError: the file cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return SOURCES
    try:
        return tuple(str(name) for name in json.loads(path.read_text(encoding="utf-8"))["sources"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HeartenError(f"{path} cannot be read ({error}): python -m train vocabulary") from None

"""``python -m train table``: the seed's tables again, and ours beside them.

``ravdess``: the networks of Atmaja (TENCON 2020) on 386 functionals, with utterances drawn at
random as in the paper and with actors apart. ``lld-hsf``: descriptors against their statistics, on
RAVDESS or a corpus under licence. ``text``, ``late-fusion``, ``mtl``, ``usomse``: the tables that
need a licence (IEMOCAP, MSP-IMPROV, USOMS-e); the published numbers are printed without it too.
Every model, fold and seed is a job (``train.jobs``): what is done is not done again, whatever
options a later run has.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from edge.errors import HeartenError
from train.evaluate import RESULTS
from train.seed_models import EPOCHS

RATED = ("leave-one-session-out", "speaker-dependent")  # protocols of corpora with V/A/D
TABLES = {
    "ravdess": ("table_ravdess", ("emobox", "luna-jimenez")),
    "lld-hsf": ("table_lld", ("emobox", "luna-jimenez")),
    "text": ("table_text", RATED),
    "late-fusion": ("table_late_fusion", RATED),
    "mtl": ("table_mtl", RATED),
    "usomse": ("table_usomse", ("official",)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("table", choices=TABLES)
    parser.add_argument(
        "--protocol",
        metavar="NAME",
        help="ravdess, lld-hsf: emobox or luna-jimenez, actors apart; text, late-fusion, mtl: "
        f"{RATED[0]} (the default) or {RATED[1]}",
    )
    parser.add_argument("--models", nargs="+", metavar="NAME", help="rows (all but conv1d)")
    parser.add_argument(
        "--features", nargs="+", metavar="NAME", help="of lld-hsf: sets of descriptors (all)"
    )
    parser.add_argument(
        "--corpus",
        metavar="NAME",
        help="of lld-hsf (ravdess-speech); of text, late-fusion, mtl (iemocap): msp-improv, mspin, "
        "or the path of a CSV",
    )
    _add_words(parser)
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        help="ravdess: the MLP with actors apart has all, others the first; late-fusion and the "
        "like: 0 to 4",
    )
    parser.add_argument(
        "--epochs", type=int, help=f"of networks (ravdess: {EPOCHS}, lld-hsf: 40, others: 50)"
    )
    parser.add_argument("--smoke", action="store_true", help="a handful of recordings, 2 epochs")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="at a time (all cores)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster: tcp://host:port")
    parser.add_argument("--out", type=Path, default=Path("runs/table"))
    parser.add_argument(
        "--results", type=Path, help=f"folder ({RESULTS}; of a smoke run, one in --out)"
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def _add_words(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the tables with words."""
    parser.add_argument(
        "--vectors",
        nargs="+",
        metavar="NAME=FILE",
        help="of words: learned, glove, or files (GloVe, FastText, word2vec)",
    )
    parser.add_argument(
        "--text-model", choices=["lstm", "bag"], default="lstm", help="of words (lstm)"
    )
    parser.add_argument(
        "--every-session", action="store_true", help="test each in turn, not the last alone"
    )


def run(args: argparse.Namespace) -> int:
    """Run what is missing of a table, store and print it; 1 if a job failed.

    Raises:
        HeartenError: options that cannot be, a corpus that is not here, or no scheduler.
    """
    if args.jobs < 1:
        raise HeartenError(f"--jobs must be at least 1, not {args.jobs}")
    if args.epochs is not None and args.epochs < 1:
        raise HeartenError(f"--epochs must be at least 1, not {args.epochs}")
    args.results = args.results or (args.out / "results" if args.smoke else RESULTS)
    room, protocols = TABLES[args.table]
    if args.protocol:
        demand([args.protocol], protocols, "protocol")
    if protocols == RATED:
        args.corpus, args.protocol = args.corpus or "iemocap", args.protocol or RATED[0]
        args.seeds = args.seeds or [0, 1, 2, 3, 4]
        args.epochs = 2 if args.smoke else args.epochs or 50
    args.corpus = args.corpus or "ravdess-speech"
    return int(importlib.import_module(f"train.{room}").run(args))


def demand(names: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """Return the names; HeartenError where one is not known."""
    if strange := [name for name in names if name not in known]:
        raise HeartenError(f"unknown {what} {strange[0]!r}; known: {', '.join(known)}")
    return list(names)

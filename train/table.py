"""``python -m train table``: the seed's tables again, and ours beside them.

``ravdess``: the networks of Atmaja (TENCON 2020) on 386 functionals, with utterances drawn at
random as in the paper and with actors apart. ``lld-hsf``: descriptors against their statistics, on
RAVDESS or a corpus under licence. Every model, fold and seed is a job (``train.jobs``): what is
done is not done again, whatever options a later run has.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from edge.errors import HeartenError
from train.evaluate import RESULTS
from train.seed_models import EPOCHS

TABLES = ("ravdess", "lld-hsf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("table", choices=TABLES)
    parser.add_argument(
        "--protocol",
        choices=["emobox", "luna-jimenez"],
        help="of RAVDESS with actors apart (ravdess: emobox, lld-hsf: luna-jimenez)",
    )
    parser.add_argument("--models", nargs="+", metavar="NAME", help="rows (all but conv1d)")
    parser.add_argument(
        "--features", nargs="+", metavar="NAME", help="of lld-hsf: sets of descriptors (all)"
    )
    parser.add_argument(
        "--corpus", default="ravdess-speech", metavar="NAME", help="of lld-hsf (ravdess-speech)"
    )
    parser.add_argument(
        "--seeds", type=int, nargs="+", help="the MLP with actors apart has all, others the first"
    )
    parser.add_argument("--epochs", type=int, help=f"of networks (ravdess: {EPOCHS}, lld-hsf: 40)")
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
    if args.table == "ravdess":
        from train import table_ravdess

        return table_ravdess.run(args)
    from train import table_lld

    return table_lld.run(args)


def demand(names: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """Return the names; HeartenError where one is not known."""
    if strange := [name for name in names if name not in known]:
        raise HeartenError(f"unknown {what} {strange[0]!r}; known: {', '.join(known)}")
    return list(names)

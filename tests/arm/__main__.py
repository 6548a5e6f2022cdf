"""``python -m tests.arm``: hearten on emulated Arm systems, installed, compared with x86, counted.

Everything in one go without arguments (``make arm``); ``--only compare`` and the like for a part.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge.errors import HeartenError
from tests.arm import compare, cost, installing
from tests.arm.trees import TREES, Tree, build
from tests.arm.wheelhouse import MissingError

STEPS: dict[str, Callable[[Tree, argparse.Namespace], str]] = {
    "install": lambda tree, _: installing.check(tree),
    "compare": lambda tree, args: compare.check(tree, args.samples, args.packs),
    "count": lambda tree, args: cost.check(tree, args.store),
}


def main() -> int:
    """Do the steps in every tree; print one line each; 1 where one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.arm", description=__doc__)
    parser.add_argument("--only", choices=STEPS, help="this step in place of all")
    parser.add_argument("--tree", choices=TREES, help="this system in place of all")
    parser.add_argument("--samples", type=int, default=8, help="recordings to compare")
    parser.add_argument(
        "--packs",
        type=Path,
        nargs="*",
        default=[],
        help="compare these packs too, voice only (python -m convert --quantize Q --out PACK)",
    )
    parser.add_argument("--store", action="store_true", help="keep the counts in results/")
    args = parser.parse_args()
    names = [args.tree] if args.tree else list(TREES)
    failures = sum(not _tree(TREES[name], args) for name in names)
    print(f"{len(names) - failures} passed, {failures} failed")
    return int(failures > 0)


def _tree(tree: Tree, args: argparse.Namespace) -> bool:
    """Build one system and do the steps; tell whether all went well."""
    steps = [args.only] if args.only else list(STEPS)
    if not tree.venv.exists() and "install" not in steps:
        steps.insert(0, "install")
    try:
        _timed(tree, "build", lambda: build(tree, [] if args.store else cost.pins(tree)) or "ready")
        good = [_step(tree, name, args) for name in steps]
    except (HeartenError, MissingError) as error:
        print(f"{tree.name:<15} FAILED   {error}", flush=True)
        return False
    return all(good)


def _step(tree: Tree, name: str, args: argparse.Namespace) -> bool:
    try:
        _timed(tree, name, lambda: STEPS[name](tree, args))
    except AssertionError as error:
        print(f"{tree.name:<15} {name:<8} FAILED\n{error}", flush=True)
        return False
    return True


def _timed(tree: Tree, name: str, work: Callable[[], str]) -> None:
    begun = time.perf_counter()
    said = work()
    print(f"{tree.name:<15} {name:<8} {time.perf_counter() - begun:4.0f} s  {said}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.arm``: hearten on emulated Arm systems, installed, compared with x86, counted.

Everything in one go without arguments (``make arm``), some of everything with ``--quick`` (CI);
``--only compare`` and the like for a part.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.errors import HeartenError
from tests.arm import compare, cost, inside, installing
from tests.arm.trees import TREES, Tree, build, prepare
from tests.arm.wheelhouse import MissingError

QUICK_SAMPLES = 3
STEPS: dict[str, Callable[[Tree, argparse.Namespace], str]] = {
    "install": lambda tree, _: installing.check(tree),
    "compare": lambda tree, args: compare.check(tree, args.samples, args.packs),
    "test": lambda tree, args: inside.check(tree, args.quick),
    "count": lambda tree, args: cost.check(tree, args.store, args.quick),
}


def main() -> int:
    """Do the steps in every tree; print one line each; 1 where one of them failed."""
    args = _parser().parse_args()
    if args.quick:
        args.samples = min(args.samples, QUICK_SAMPLES)
    names = [args.tree] if args.tree else list(TREES)
    begun = time.perf_counter()
    try:
        prepare()
    except (HeartenError, MissingError) as error:
        print(f"arm: {error}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(args.jobs) as pool:
        good = list(pool.map(lambda name: _tree(TREES[name], args), names))
    taken, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{sum(good)} systems passed, {len(good) - sum(good)} failed, in {taken:.0f} s "
        f"({used.ru_utime + used.ru_stime:.0f} s of processor)"
    )
    return int(not all(good))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.arm", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some of everything, for CI")
    parser.add_argument("--only", choices=STEPS, help="this step in place of all")
    parser.add_argument("--tree", choices=TREES, help="this system in place of all")
    parser.add_argument("--jobs", type=int, default=2, help="systems side by side")
    parser.add_argument("--samples", type=int, default=8, help="recordings to compare")
    parser.add_argument(
        "--packs",
        type=Path,
        nargs="*",
        default=[],
        help="compare these packs too, voice only (python -m convert --quantize Q --out PACK)",
    )
    parser.add_argument("--store", action="store_true", help="keep the counts in results/")
    return parser


def _tree(tree: Tree, args: argparse.Namespace) -> bool:
    """Build one system and do the steps; tell whether all went well."""
    steps = [args.only] if args.only else list(STEPS)
    try:
        _timed(tree, "build", lambda: build(tree, [] if args.store else cost.pins(tree)) or "ready")
        if "install" not in steps:
            _timed(tree, "renew", lambda: installing.renew(tree))
        failed = [name for name in steps if not _step(tree, name, args)]
        return not failed
    except (HeartenError, MissingError) as error:
        print(f"{tree.name:<15} FAILED   {error}", flush=True)
        return False


def _step(tree: Tree, name: str, args: argparse.Namespace) -> bool:
    try:
        _timed(tree, name, lambda: STEPS[name](tree, args))
    except (AssertionError, HeartenError) as error:
        print(f"{tree.name:<15} {name:<8} FAILED\n{error}", flush=True)
        return False
    return True


def _timed(tree: Tree, name: str, work: Callable[[], str]) -> None:
    begun = time.perf_counter()
    said = work()
    print(f"{tree.name:<15} {name:<8} {time.perf_counter() - begun:4.0f} s  {said}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""The runtime's own tests, run by an emulated system on what is installed there."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from tests.arm.emulator import run
from tests.arm.trees import CACHE, Tree
from tests.arm.wheelhouse import download

ROOT = Path(__file__).parents[2]
TESTS = ("features", "pooling", "decision", "fusion", "pack", "gate", "endpoint", "summary")
NEEDED = ("conftest.py", "edge/conftest.py", "edge/made.py", "edge/speed.py")
QUICK = ("features", "pooling", "decision", "fusion", "gate", "endpoint")
TIMED = "costs_microseconds"  # a clock means nothing under emulation
# The features' reference needs scipy, which has no wheel for 32 bit.
SCIPY = "scipy>=1.11,<2"
HERE = "import sys, edge, pytest; print(edge.__file__); sys.exit(pytest.main(sys.argv[1:]))"


def check(tree: Tree, quick: bool) -> str:
    """Run the tests, or those of them that are quick. Raises HeartenError where one fails."""
    names = [f"edge/test_{name}.py" for name in (QUICK if quick else TESTS)]
    place = _copy(tree, [*NEEDED, *names])
    paths = [CACHE / "tests"]
    if tree.architecture == "armhf":
        names.remove("edge/test_features.py")
    else:
        paths.append(_scipy(tree))
    # numpy looks for subnormals, which Arm's interpreters flush to zero.
    options = ["-p", "no:cacheprovider", "-W", "ignore:The value of the smallest subnormal"]
    options += ["--durations=3", "--rootdir", str(place), "-k", f"not {TIMED}"]
    extra = {"PYTHONPATH": ":".join(map(str, paths)), "HEARTEN_NO_SKIP": "1"}
    tests = [str(place / "tests" / name) for name in names]
    said = run(tree, "-c", HERE, *options, *tests, extra=extra).stdout.strip().splitlines()
    assert said[0].startswith(str(tree.venv)), f"not what is installed was tested: {said[0]}"
    assert "passed" in said[-1], f"no test ran: {said[-1]}"
    return said[-1]


def _copy(tree: Tree, names: list[str]) -> Path:
    """Copy tests and what they import, without the package ``edge``, which is installed."""
    place = CACHE / f"{tree.name}.inside"
    shutil.rmtree(place, ignore_errors=True)
    plain = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "train" / "corpora", place / "train" / "corpora", ignore=plain)
    shutil.copytree(ROOT / "tests" / "samples", place / "tests" / "samples", ignore=plain)
    (place / "tests" / "edge").mkdir()
    for name in names:
        shutil.copy(ROOT / "tests" / name, place / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def _scipy(tree: Tree) -> Path:
    """Return a folder with scipy, unpacked from its wheel."""
    place = CACHE / f"{tree.name}.scipy"
    stamp = place / ".unpacked"
    if not stamp.is_file():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        wheel = download(SCIPY, place, tree.machine, tree.python)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
        wheel.unlink()
        stamp.touch()
    return place

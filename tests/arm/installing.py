"""Installing as an owner of a Pi does: an old version, a speaker, settings, then the upgrade.

pip is the tree's own and offline, with the wheels of ``make wheelhouse`` and no compiler.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.arm.emulator import run
from tests.arm.trees import CACHE, Tree, python, wheels
from tests.arm.wheelhouse import build

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*_slt.wav"))
OLD = "0.0.1"
SETTINGS = "[engine]\nreject = 0.9\n"
# hearten on a system whose pip gave no interpreter.
WITHOUT = """
import sys
sys.modules |= dict.fromkeys(["ai_edge_litert", "tflite_runtime", "tensorflow"])
from edge.cli import main
sys.exit(0 if main(["file", sys.argv[1]]) == 2 else 1)
"""
ADVICE = {"3.11": "pip install tflite-runtime 'numpy<2'", "3.13": "pip install ai-edge-litert"}


def check(tree: Tree) -> str:
    """Install, enroll, upgrade, list. Raises AssertionError where something is lost."""
    _stamp(tree).unlink(missing_ok=True)
    _pip(tree, str(_old(tree)), fresh=True)
    assert _version(tree) == OLD
    shutil.rmtree(tree.home, ignore_errors=True)
    settings = tree.home / ".config" / "hearten" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS)
    hearten(tree, "enroll", "ann", *map(str, SAMPLES))
    _pip(tree, "--upgrade", tree.wanted)
    assert _version(tree) != OLD, "the upgrade changed nothing"
    _kept(tree)
    settings.unlink()
    said = run(tree, "-c", WITHOUT, str(SAMPLES[0])).stderr
    assert ADVICE[tree.python] in said, f"what helps without an interpreter is not said: {said}"
    _stamp(tree).write_text(_state(tree))
    return f"{OLD} to {_version(tree)} with {tree.wanted}, speaker and settings kept"


def renew(tree: Tree) -> str:
    """Make the venv hold what the wheelhouse has; only our own wheel anew where that will do."""
    before = _stamp(tree).read_text().splitlines() if _stamp(tree).is_file() else []
    now = _state(tree).splitlines()
    if before[:-1] != now[:-1]:
        return check(tree)
    if before != now:
        _stamp(tree).unlink()
        _pip(tree, "--force-reinstall", "--no-deps", "hearten")
        _stamp(tree).write_text(_state(tree))
    return f"{_version(tree)} is installed"


def hearten(tree: Tree, *arguments: str) -> str:
    """Run the installed command and return what it prints."""
    return run(tree, str(tree.venv / "bin" / "hearten"), *arguments).stdout


def _stamp(tree: Tree) -> Path:
    return tree.venv / ".ready"


def _state(tree: Tree) -> str:
    return "\n".join(wheels(tree))


def _old(tree: Tree) -> Path:
    """Return our wheel under an old version."""
    place = CACHE / f"{tree.name}.old"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    return build(place, OLD)


def _kept(tree: Tree) -> None:
    """Raise AssertionError where the upgrade lost the speaker or the settings."""
    listed = hearten(tree, "speakers", "--json")
    assert '"ann"' in listed, f"the speaker is lost: {listed}"
    shown = hearten(tree, "config", "show")
    assert "0.9" in shown, f"the settings are lost: {shown}"
    event = json.loads(hearten(tree, "file", str(SAMPLES[0]), "--json", "--speaker", "ann"))
    assert event["speaker"] == "ann", event


def _pip(tree: Tree, *arguments: str, fresh: bool = False) -> None:
    """Run the tree's own pip in its venv, offline and without a compiler."""
    if fresh:
        shutil.rmtree(tree.venv, ignore_errors=True)
        system = ["--system-site-packages"] if tree.architecture == "armhf" else []
        run(tree, "-m", "venv", "--without-pip", *system, str(tree.venv), python=python(tree))
    (installer,) = CACHE.glob("pip-*.whl")
    # Byte code that nobody runs takes an emulated processor minutes.
    quick = ["--no-cache-dir", "--no-compile", "--quiet"]
    offline = ["--no-index", "--find-links", str(tree.house)]
    run(tree, f"{installer}/pip", "install", *offline, *quick, *arguments)


def _version(tree: Tree) -> str:
    code = "from importlib.metadata import version; print(version('hearten'))"
    return run(tree, "-c", code).stdout.strip()

"""Installing as an owner of a Pi does: an old version, a speaker, settings, then the upgrade.

pip is the tree's own and offline, with the wheels of ``make wheelhouse`` and no compiler.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.arm.trees import CACHE, Tree, install, run
from tests.arm.wheelhouse import build

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("*_slt.wav"))
OLD = "0.0.1"
SETTINGS = "[engine]\nreject = 0.9\n"


def check(tree: Tree) -> str:
    """Install, enroll, upgrade, list. Raises AssertionError where something is lost."""
    old = CACHE / f"{tree.name}.old"
    old.mkdir(exist_ok=True)
    for stale in old.iterdir():
        stale.unlink()
    install(tree, str(build(old, OLD)), fresh=True)
    assert _version(tree) == OLD
    home = CACHE / f"{tree.name}.home"
    _forget(home)
    settings = home / ".config" / "hearten" / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(SETTINGS)
    hearten(tree, "enroll", "ann", *map(str, SAMPLES))
    wanted = f"hearten[{','.join(tree.extras)}]" if tree.extras else "hearten"
    install(tree, "--upgrade", wanted)
    assert _version(tree) != OLD, "the upgrade changed nothing"
    listed = hearten(tree, "speakers", "--json")
    assert '"ann"' in listed, f"the speaker is lost: {listed}"
    shown = hearten(tree, "config", "show")
    assert "0.9" in shown, f"the settings are lost: {shown}"
    event = json.loads(hearten(tree, "file", str(SAMPLES[0]), "--json", "--speaker", "ann"))
    assert event["speaker"] == "ann", event
    settings.unlink()
    return f"{OLD} to {_version(tree)} with {wanted}, speaker and settings kept"


def hearten(tree: Tree, *arguments: str) -> str:
    """Run the installed command and return what it prints."""
    return run(tree, str(tree.venv / "bin" / "hearten"), *arguments).stdout


def _version(tree: Tree) -> str:
    code = "from importlib.metadata import version; print(version('hearten'))"
    return run(tree, "-c", code).stdout.strip()


def _forget(home: Path) -> None:
    for profile in home.glob(".local/share/hearten/speakers/*.json"):
        profile.unlink()

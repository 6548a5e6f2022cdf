"""What an emulated system says of recordings, beside what this machine says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.arm.installing import hearten
from tests.arm.trees import Tree

ROOT = Path(__file__).parents[2]
NEAR = 0.02  # of V/A/D
DIMENSIONS = ("valence", "arousal", "dominance")

Events = list[dict[str, Any]]


def check(tree: Tree, count: int, packs: Sequence[Path]) -> str:
    """Compare the built-in pack, with words where the tree has them, and ``packs`` without.

    ``count`` recordings of ``tests/samples``.

    Raises AssertionError that lists what differs.
    """
    files = [str(path) for path in sorted((ROOT / "tests" / "samples").glob("*.wav"))]
    files = files[:: max(1, len(files) // count)][:count]
    runs = [([] if tree.extras else ["--no-words"])]
    runs += [["--no-words", "--pack", str(pack.resolve())] for pack in packs]
    said = []
    for options in runs:
        arguments = ["file", *files, "--json", *options]
        there, here = _events(hearten(tree, *arguments)), _events(_here(arguments))
        name = Path(options[-1]).name if "--pack" in options else "built-in"
        furthest, different = differences(there, here)
        assert not different, f"{name} on {tree.name}:\n" + "\n".join(different)
        heard = sum(len(event["words"]) for event in there)
        assert heard or "--no-words" in options, f"{name} on {tree.name}: no word was heard"
        said.append(f"{name}: {len(there)} events, {heard} words, V/A/D within {furthest:.4f}")
    return "; ".join(said)


def _here(arguments: Sequence[str]) -> str:
    command = [sys.executable, "-m", "edge.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this machine: {done.stderr.strip()[-300:]}"
    return done.stdout


def _events(printed: str) -> Events:
    return [json.loads(line) for line in printed.splitlines()]


def differences(there: Events, here: Events) -> tuple[float, list[str]]:
    """Return the furthest V/A/D, and a line for each event that is not the same."""
    assert len(there) == len(here) > 0, f"{len(there)} events, {len(here)} on this machine"
    furthest, lines = 0.0, []
    for mine, other in zip(there, here, strict=True):
        distances = [abs(mine[name] - other[name]) for name in DIMENSIONS]
        furthest = max(furthest, *distances)
        near = all(distance <= NEAR for distance in distances)  # NaN is not
        if mine["category"] != other["category"] or not near:
            lines.append(f"{_told(mine)}; this machine: {_told(other)}")
    return furthest, lines


def _told(event: dict[str, Any]) -> str:
    numbers = " ".join(f"{event[name]:+.3f}" for name in DIMENSIONS)
    words = ",".join(word["word"] for word in event["words"])
    name = Path(event["file"]).name
    return f"{name} {event['category']} {event['confidence']:.3f} {numbers} {words}"

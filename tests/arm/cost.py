"""Instructions a 10 ms frame, everything Python does included, beside the stored ones.

Emulated seconds mean nothing; counts repeat to the thousandth on any machine. Each count is that
of 20 seconds in the middle of a stream, so start-up is not in it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.errors import HeartenError
from tests.arm.emulator import run
from tests.arm.trees import Tree
from train.provenance import origin

ROOT = Path(__file__).parents[2]
STORED = ROOT / "results" / "arm-instructions.json"
PROGRAM = Path(__file__).with_name("stream.py")
CPUS = ("cortex-a53", "cortex-a72", "cortex-a76")
PARTS = ("speech", "silence")
WORSE = 1.05
SPOKEN = 0.9  # of the frames of speech are inside an utterance, or the count tells too little
COMMAND = "python -m tests.arm --only count --store"
LOCK = threading.Lock()  # systems are counted side by side, and stored in one file

Count = dict[str, Any]


def check(tree: Tree, store: bool, quick: bool) -> str:
    """Count on each processor, or on the tree's own where it has to be ``quick``.

    Raises AssertionError where one is more than 5 % worse than stored.
    """
    if tree.architecture == "armhf":
        return "not counted: the 64-bit systems are"
    counts, failed = _counted(tree, (tree.cpu,) if quick else CPUS)
    if store and counts:
        with LOCK:
            _store(tree.name, counts)
    assert not failed, "\n".join(failed)
    said = [f"{cpu} {n['speech']:,} speech, {n['silence']:,} silence" for cpu, n in counts.items()]
    if not store:
        compare(tree.name, counts)
        if any(row["voice"] != _stored()["systems"][tree.name]["voice"] for row in counts.values()):
            said.append(f"(stored ones are of another voice: {COMMAND})")
    return "  ".join(said)


def _counted(tree: Tree, cpus: Sequence[str]) -> tuple[dict[str, Count], list[str]]:
    """Return the counts, and why there are none of the other processors."""
    counts, failed = {}, []
    for cpu in cpus:
        try:
            counts[cpu] = measure(tree, cpu)
        except HeartenError as error:
            failed.append(f"{cpu}: {error}")
    return counts, failed


def measure(tree: Tree, cpu: str) -> Count:
    """Return instructions a frame in ``speech`` and ``silence``, and what was run."""
    samples = sorted(map(str, (ROOT / "tests" / "samples").glob("*.wav")))
    done = run(tree, str(PROGRAM), *samples, cpu=cpu, counted=True)
    about = json.loads(done.stdout)
    marks = marked(done.stderr)
    assert len(marks) == 5, f"{len(marks)} marks of the counter: {done.stderr[-300:]}"
    assert about["inside"]["silence"] == 0 and about["inside"]["speech"] > SPOKEN, about
    return {
        "speech": round((marks[3] - marks[2]) / about["frames"]),
        "silence": round((marks[1] - marks[0]) / about["frames"]),
        **about,
    }


def marked(said: str) -> list[int]:
    """Return the counts that the counter printed, at each mark and at the end."""
    return [int(line.split()[1]) for line in said.splitlines() if line.startswith("insns ")]


def compare(system: str, counts: Mapping[str, Count]) -> None:
    """Raise AssertionError that names what is more than 5 % worse than stored, or not stored."""
    known = _stored()["metrics"]
    lines = []
    for cpu, now in counts.items():
        before = known.get(_row(system, cpu))
        if before is None:
            lines.append(f"{system}, {cpu} is not stored: {COMMAND}")
            continue
        lines += [
            f"{cpu} {part}: {now[part]:,} instructions a frame, {before[part]:,} stored; if that "
            f"is meant: {COMMAND}"
            for part in PARTS
            if now[part] > WORSE * before[part]
        ]
    assert not lines, "\n".join(lines)


def pins(tree: Tree) -> Sequence[str]:
    """Return the versions that were counted, so that a new release of another is no change here."""
    versions = _stored()["systems"].get(tree.name, {}).get("versions", {})
    return sorted(f"{name}=={at}" for name, at in versions.items())


def _row(system: str, cpu: str) -> str:
    return f"{system}, {cpu}"


def _stored() -> dict[str, Any]:
    if not STORED.exists():
        return {"metrics": {}, "systems": {}}
    stored: dict[str, Any] = json.loads(STORED.read_text())
    return stored


def _store(system: str, counts: Mapping[str, Count]) -> None:
    before = _stored()
    rows = {_row(system, cpu): {k: row[k] for k in PARTS} for cpu, row in counts.items()}
    any_of = next(iter(counts.values()))
    about = {
        "task": "arm-instructions",
        "protocol": "instructions a 10 ms frame, voice only, pieces of 100 ms, 20 s of samples",
        "artefact": any_of["pack"],
        **origin(COMMAND),
        "notes": "QEMU TCG counter; Engine.push with everything Python does, start-up is not in "
        "it. Counts, not time: processors differ in instructions a cycle",
        "metrics": before["metrics"] | rows,
        "systems": before["systems"] | {system: {k: any_of[k] for k in ("versions", "voice")}},
    }
    STORED.write_text(json.dumps(about, indent=1) + "\n")

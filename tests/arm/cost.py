"""Instructions a 10 ms frame, everything Python does included, beside the stored ones.

Emulated seconds mean nothing; counts repeat to the thousandth on any machine. Each count is that
of 20 seconds in the middle of a stream, so start-up is not in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.arm.trees import Tree, run
from train.provenance import commit

ROOT = Path(__file__).parents[2]
STORED = ROOT / "results" / "arm-instructions.json"
PROGRAM = Path(__file__).with_name("stream.py")
CPUS = ("cortex-a53", "cortex-a72", "cortex-a76")
WORSE = 1.05
COMMAND = "python -m tests.arm --only count --store"


def check(tree: Tree, store: bool) -> str:
    """Count on each processor. Raises AssertionError where one is more than 5 % worse."""
    if tree.architecture == "armhf":
        return "not counted: the 64-bit systems are"
    counts = {cpu: measure(tree, cpu) for cpu in CPUS}
    known = _stored()["systems"].get(tree.name, {})
    if store:
        _store(tree.name, counts)
    else:
        assert known, f"no counts of {tree.name} are stored: {COMMAND}"
        worse = [line for cpu in CPUS for line in _worse(cpu, counts[cpu], known[cpu])]
        assert not worse, "\n".join(worse)
    return "  ".join(
        f"{cpu} {row['speech']:,} speech, {row['silence']:,} silence" for cpu, row in counts.items()
    )


def measure(tree: Tree, cpu: str) -> dict[str, Any]:
    """Return instructions a frame in ``speech`` and ``silence``, and from start to first frame."""
    samples = sorted(map(str, (ROOT / "tests" / "samples").glob("*.wav")))
    done = run(tree, str(PROGRAM), *samples, cpu=cpu, counted=True)
    about = json.loads(done.stdout)
    marks = [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("insns ")]
    assert len(marks) == 5, f"{len(marks)} marks of the counter: {done.stderr[-300:]}"
    assert about["inside"]["silence"] == 0 < about["inside"]["speech"], about
    return {
        "speech": round((marks[3] - marks[2]) / about["frames"]),
        "silence": round((marks[1] - marks[0]) / about["frames"]),
        "start": marks[0],
        **about,
    }


def pins(tree: Tree) -> list[str]:
    """Return the versions that were counted, so that a new release of another is no change here."""
    rows = _stored()["systems"].get(tree.name, {}).values()
    return sorted({f"{name}=={at}" for row in rows for name, at in row["versions"].items()})


def _worse(cpu: str, now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    return [
        f"{cpu} {part}: {now[part]:,} instructions a frame, {before[part]:,} stored; if that is "
        f"meant: {COMMAND}"
        for part in ("speech", "silence")
        if now[part] > WORSE * before[part]
    ]


def _stored() -> dict[str, Any]:
    if not STORED.exists():
        return {"systems": {}}
    stored: dict[str, Any] = json.loads(STORED.read_text())
    return stored


def _store(name: str, counts: dict[str, Any]) -> None:
    about = {
        "task": "instructions of Arm processors a 10 ms frame, voice only, 100 ms pieces",
        "command": COMMAND,
        "commit": commit(),
        "notes": "QEMU TCG counter; Engine.push with everything Python does; start is what runs "
        "before the first mark, imports and four seconds of silence included",
    }
    systems = {**_stored()["systems"], name: counts}
    STORED.write_text(json.dumps({**about, "systems": systems}, indent=1) + "\n")

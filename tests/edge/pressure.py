"""Speech in real time on a core that is not free: ``python -m tests.edge.pressure [--busy N]``.

Prints, as JSON, how long after its chunk each final event came, how far the stream fell behind,
and what became of the words. ``--busy`` starts so many endless loops that share this process's
one core; ``--nice`` is how much less urgent than they this process is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from edge import Engine
from tests.edge.made import read_wav

SAMPLES = Path(__file__).parents[1] / "samples"
CHUNK = 0.1  # seconds
LOOP = "while True: pass"


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--no-words", action="store_true")
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with Engine.open(words=not args.no_words, words_budget=args.budget) as engine:
        loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(args.busy)]
        try:
            os.nice(args.nice)
            report = listen(engine, args.seconds)
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
    print(json.dumps(report))
    return 0


def listen(engine: Engine, seconds: float) -> dict[str, object]:
    """Push the recordings for so many seconds as a microphone would; times are in ms."""
    pause = bytes(32000)
    data = b"".join(read_wav(path) + pause for path in sorted(SAMPLES.glob("*.wav")))
    size = int(CHUNK * 32000)
    finals: list[float] = []
    behind: list[float] = []
    notes: list[str] = []
    began = time.perf_counter()
    for number in range(min(int(seconds / CHUNK), len(data) // size)):
        due = began + (number + 1) * CHUNK
        time.sleep(max(0.0, due - time.perf_counter()))
        events = engine.push(data[number * size : (number + 1) * size])
        behind.append(1e3 * (time.perf_counter() - due))
        ended = [event for event in events if event.type == "final"]
        finals += behind[-1:] * len(ended)
        notes += [note for event in ended for note in event.notes]
    return {
        "finals": len(finals),
        "final_median_ms": round(float(np.median(finals)), 1),
        "final_p95_ms": round(float(np.percentile(finals, 95)), 1),
        "final_max_ms": round(max(finals), 1),
        "behind_p95_ms": round(float(np.percentile(behind, 95)), 1),
        "behind_max_ms": round(max(behind), 1),
        "notes": {note: notes.count(note) for note in sorted(set(notes))},
        "statistics": engine.statistics(),
    }


if __name__ == "__main__":
    raise SystemExit(main())

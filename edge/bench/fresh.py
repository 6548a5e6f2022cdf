"""A process of its own that opens the engine and hears a little: what a start costs.

Run as a script by ``edge.bench.start``, with a pack (or ""), 1 or 0 for words, and minutes of
stream; audio comes on standard input. Prints a JSON object: moments on the monotonic clock, which
all processes share, seconds on the processor, and memory. It imports nothing that a user's
program would not.
"""

from __future__ import annotations

import time

BORN = time.monotonic()

import json  # noqa: E402
import sys  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

if TYPE_CHECKING:
    from edge import Engine

CHUNK = 3200  # bytes, 100 ms
STEADY = 0.5  # of the stream: what is in use then is what goes on


def status_mb(name: str) -> float | None:
    """Return a line of /proc/self/status in MB: VmRSS is in use, VmHWM the most so far."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123  # pathlib is not there yet
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))
    except (OSError, StopIteration, ValueError):
        return None


def main() -> None:
    """Open, hear, and print what it took."""
    pack, words, minutes = sys.argv[1] or None, sys.argv[2] == "1", float(sys.argv[3])
    moments = {"born": BORN}
    import edge

    moments["package"] = time.monotonic()
    import numpy  # noqa: F401  # apart: most of what an engine imports

    moments["numpy"] = time.monotonic()
    make = edge.Engine.open
    moments["imported"] = time.monotonic()
    engine = make(pack, words=words)
    moments["loaded"] = time.monotonic()
    memory = {"rss": status_mb("VmRSS")}
    audio = sys.stdin.buffer.read()
    events = engine.push(audio[: 15 * CHUNK]) + engine.flush()
    moments["result"], core = time.monotonic(), time.process_time()
    if minutes:
        memory |= stream(engine, audio, 60.0 * minutes)
    memory["peak"] = status_mb("VmHWM")
    report = {
        "moments": moments,
        "core": core,
        "memory": memory,
        "events": len(events),
        "statistics": engine.statistics(),
    }
    print(json.dumps(report))


def stream(engine: Engine, audio: bytes, seconds: float) -> dict[str, float | None]:
    """Push the audio again and again, for so many of its seconds; return the memory in use."""
    engine.reset()
    half = None
    for number in range(int(seconds * 10)):
        place = number * CHUNK % (len(audio) // CHUNK * CHUNK)
        engine.push(audio[place : place + CHUNK])
        if half is None and number >= STEADY * seconds * 10:
            half = status_mb("VmRSS")
    return {"half": half, "after": status_mb("VmRSS")}


if __name__ == "__main__":
    main()

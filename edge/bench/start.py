"""Starts of a fresh process: how long until the first result, and how much memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import edge
from edge.bench import fresh
from edge.bench.effort import Effort, median
from edge.bench.signals import conversation
from edge.errors import HeartenError

SECONDS = 20.0  # of audio, which a longer stream repeats
SLOWEST = 300.0  # seconds that a start may take, and a minute of stream: then it hangs


def starts(pack: str | None, words: bool, effort: Effort) -> dict[str, float | None]:
    """Return seconds of a start and memory in MB: medians over fresh processes."""
    runs = [run(pack, words) for _ in range(effort.starts)]
    named = {
        "package_s": ("born", "package"),
        "numpy_s": ("package", "numpy"),
        "import_s": ("born", "imported"),
        "load_s": ("imported", "loaded"),
        "cold_start_s": ("started", "result"),
    }
    found: dict[str, float | None] = {
        name: median([r["moments"][last] - r["moments"][first] for r in runs])
        for name, (first, last) in named.items()
    }
    found["start_core_s"] = median([r["core"] for r in runs])
    for key in ("rss", "peak"):
        values = [r["memory"][key] for r in runs if r["memory"][key] is not None]
        found[f"{key}_mb"] = median(values) if values else None
    return found


def endurance(pack: str | None, words: bool, minutes: float) -> dict[str, Any]:
    """Return memory in MB after so many minutes of simulated stream, and the engine's counters.

    ``growth_mb`` is that of the second half.
    """
    ran = run(pack, words, minutes)
    half, after = ran["memory"]["half"], ran["memory"]["after"]
    return {
        "stream_mb": after,
        "growth_mb": None if half is None or after is None else after - half,
        "statistics": ran["statistics"],
    }


def run(pack: str | None, words: bool, minutes: float = 0.0) -> dict[str, Any]:
    """Start one process and return what it printed, with the moment of its start.

    Raises:
        HeartenError: it failed or hung; the message has its last line.
    """
    audio = conversation(SECONDS).tobytes()
    command = [sys.executable, "-P", fresh.__file__, pack or "", str(int(words)), str(minutes)]
    home = str(Path(edge.__file__).parents[1])
    paths = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            input=audio,
            capture_output=True,
            check=True,
            env=environment,
            timeout=SLOWEST * (1.0 + minutes),
        )
        report: dict[str, Any] = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
        raise HeartenError(f"a fresh process failed: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise HeartenError(f"a fresh process took more than {error.timeout:.0f} s") from error
    report["moments"]["started"] = started
    return report

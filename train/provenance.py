"""Where a result comes from."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def origin(command: str = "") -> dict[str, str]:
    """Return command, commit and date of a result; the command is ``python -m train``'s own."""
    return {
        "command": command or f"python -m train {shlex.join(sys.argv[1:])}",
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def store(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result; raises ValueError where a number in it is not finite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def commit() -> str:
    """Return the short hash of the checkout's commit, or "unknown" outside of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"

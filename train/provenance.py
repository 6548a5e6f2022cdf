"""Where a result comes from."""

from __future__ import annotations

import subprocess


def commit() -> str:
    """Return the short hash of the checkout's commit, or "unknown" outside of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"

"""Arrays that take long to compute, kept on disk between runs: one file for each recording."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.emotion import Floats


def kept(folder: Path, key: object, path: Path, compute: Callable[[Path], Floats]) -> Floats:
    """Return ``compute(path)`` as float32: from ``folder`` if it was computed before.

    ``key`` (JSON) says how it is computed. A recording is known by its content: a copy is not
    computed again, a changed one is.
    """
    told = json.dumps([key, path.name, content(path)])
    place = folder / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.npy"
    if place.exists():
        return np.asarray(np.load(place), np.float32)
    array = np.asarray(compute(path), np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    # A run that is cut short leaves no half file, and runs side by side do not collide.
    partial = place.with_suffix(f".{os.getpid()}.part.npy")
    np.save(partial, array)
    partial.rename(place)
    return array


def content(path: Path) -> str:
    """Return the sha256 of a file."""
    status = path.stat()
    return _content(path.resolve(), status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1 << 16)
def _content(path: Path, _size: int, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

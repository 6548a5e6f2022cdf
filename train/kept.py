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

    ``key`` (JSON) says how it is computed. A recording is known by its name and its content: a copy
    elsewhere is not computed again, a changed one is.
    """
    status = path.stat()
    content = _content(path.resolve(), status.st_size, status.st_mtime_ns)
    told = json.dumps([key, path.name, content])
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


@functools.lru_cache(maxsize=1 << 16)
def _content(path: Path, _size: int, _changed: int) -> str:
    """Return the sha256 of a file, which is read once for each size and time."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""What hearten takes on the disk: the pack, the installed package, and the wheel it makes."""

from __future__ import annotations

import zlib
from pathlib import Path

import edge
from edge.pack import Pack

MB = 1e6  # as disks and downloads count


def sizes(pack: Pack) -> dict[str, float]:
    """Return megabytes: the pack and its models, the package as installed, and compressed.

    A wheel is a zip of the package: ``wheel_mb`` is what its files take in one, without the few
    kilobytes of metadata.
    """
    files = pack.sizes
    package = [path.read_bytes() for path in _files(Path(edge.__file__).parent)]
    return {
        "pack_mb": sum(files.values()) / MB,
        "models_mb": sum(n for name, n in files.items() if name.endswith(".tflite")) / MB,
        "installed_mb": sum(map(len, package)) / MB,
        "wheel_mb": sum(len(zlib.compress(content)) for content in package) / MB,
    }


def _files(folder: Path) -> list[Path]:
    """Return what a wheel holds: no byte code."""
    return [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]

"""Writes a pack: the files, their hashes, and the manifest that the device checks."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convert import reference
from edge.errors import HeartenError


def write(place: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    """Write a pack to the folder ``place``, verified before it replaces what was there.

    Raises:
        HeartenError: the folder cannot be written, or holds something that is no pack.
    """
    if place.exists() and not (place / "manifest.json").exists() and any(place.iterdir()):
        raise HeartenError(f"{place} exists and is not a pack; choose another --out")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            made = Path(folder) / place.name
            _fill(made, files, manifest)
            if place.exists():
                shutil.rmtree(place)
            made.rename(place)
    except OSError as error:
        raise HeartenError(f"cannot write the pack to {place}: {error.strerror}") from error


def _fill(made: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    _manifest(made, {**manifest, "files": digests})
    reference.add(made)


def _manifest(made: Path, content: Mapping[str, Any]) -> None:
    (made / "manifest.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")

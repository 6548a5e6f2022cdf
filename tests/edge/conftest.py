"""Packs for the tests of the device."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.pack import open_pack

Edit = Callable[[dict], None]


@pytest.fixture
def pack_copy(tmp_path: Path) -> Path:
    """A copy of the built-in pack that a test may break."""
    place = tmp_path / "copy.pack"
    shutil.copytree(open_pack().place, place)
    return place


@pytest.fixture
def edit_manifest(pack_copy: Path) -> Callable[[Edit], Path]:
    """Change the manifest of the copy; ``rehash`` renews the hashes of changed files."""

    def edit(change: Edit) -> Path:
        path = pack_copy / "manifest.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
        return pack_copy

    return edit

"""Writing a pack: complete or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convert import pack
from edge import Engine, HeartenError, PackError
from edge.pack import open_pack


@pytest.fixture
def parts() -> tuple[dict[str, bytes], dict]:
    """The files and the manifest of the built-in pack."""
    builtin = open_pack()
    manifest = {k: v for k, v in builtin.manifest.raw.items() if k not in ("files", "reference")}
    files = {name: (builtin.place / name).read_bytes() for name in builtin.sizes}
    return files, manifest


def test_a_written_pack_opens(parts: tuple, tmp_path: Path, samples: Path) -> None:
    pack.write(tmp_path / "mine", *parts)
    with Engine.open(tmp_path / "mine") as engine:
        assert engine.file(samples / "joy_awb.wav")
    written = json.loads((tmp_path / "mine" / "manifest.json").read_text())
    stored = open_pack().manifest.raw["reference"]["voice"]
    # Interpreters differ a little from each other.
    assert written["reference"]["voice"] == pytest.approx(stored, abs=0.05)


def test_a_broken_pack_never_replaces_a_good_one(parts: tuple, tmp_path: Path) -> None:
    files, manifest = parts
    place = tmp_path / "mine"
    pack.write(place, files, manifest)
    before = (place / "manifest.json").read_bytes()
    with pytest.raises(PackError):
        pack.write(place, files, {**manifest, "labels": ["one"]})
    assert (place / "manifest.json").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine"]


def test_other_folders_are_left_alone(parts: tuple, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear all")
    with pytest.raises(HeartenError, match="is not a pack"):
        pack.write(tmp_path / "letters", *parts)
    with pytest.raises(HeartenError, match="cannot write the pack"):
        pack.write(Path("/proc/hearten/pack"), *parts)

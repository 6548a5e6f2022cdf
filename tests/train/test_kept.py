"""Arrays kept on disk are those of the recording as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from train.kept import kept


def test_a_copy_is_not_computed_again_and_a_changed_recording_is(tmp_path: Path) -> None:
    computed: list[Path] = []

    def size(path: Path) -> np.ndarray:
        computed.append(path)
        return np.array([path.stat().st_size], np.float32)

    (tmp_path / "there").mkdir()
    here, there = tmp_path / "a.wav", tmp_path / "there" / "a.wav"
    here.write_bytes(b"four")
    folder = tmp_path / "kept"
    assert kept(folder, ["size"], here, size) == 4
    shutil.copy(here, there)  # at another time, in another place
    assert kept(folder, ["size"], there, size) == 4
    assert computed == [here]
    there.write_bytes(b"longer")
    assert kept(folder, ["size"], there, size) == 6
    assert kept(folder, ["other"], here, size) == 4
    assert computed == [here, there, here]

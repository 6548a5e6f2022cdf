"""Reference outputs: stored with a pack, found to be the same or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convert import reference as convert
from edge.bench import reference
from edge.errors import PackError
from edge.pack import open_pack


def test_outputs_are_those_of_every_part() -> None:
    pack = open_pack()
    found = reference.outputs(pack)
    assert set(found) == {"voice", "text", "fused"}
    labels = len(pack.manifest.labels)
    assert {part: len(row) for part, row in found.items()} == {
        "voice": 3 + labels,
        "text": 3 + len(pack.manifest.text["labels"]),
        "fused": 3 + labels,
    }
    assert not np.allclose(found["voice"], found["fused"], atol=0.01), "words must matter"
    for row in found.values():
        assert row[3:].sum() == pytest.approx(1.0, abs=1e-3)


def test_added_outputs_are_checked(pack_copy: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert.main([str(pack_copy)]) == 0
    assert "voice, text, fused" in capsys.readouterr().out
    parity = reference.parity(open_pack(pack_copy))
    assert set(parity["parts"]) == {"voice", "text", "fused"}
    assert parity["difference"] <= 1e-5
    before = (pack_copy / "manifest.json").read_bytes()
    convert.add(pack_copy)
    assert (pack_copy / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("part", ["voice", "text", "fused"])
def test_a_part_that_differs_is_named(pack_copy: Path, part: str) -> None:
    convert.add(pack_copy)
    path = pack_copy / "manifest.json"
    content = json.loads(path.read_text())
    content["reference"][part][1] += 0.2
    path.write_text(json.dumps(content))
    with pytest.raises(PackError, match=rf"reference outputs differ by 0\.200 \({part}\)"):
        reference.parity(open_pack(pack_copy))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, "lacks reference outputs: python -m convert.reference"),
        ([], "'reference' must be an object"),
        ({"voice": [1.0]}, "reference of 'voice' must be 11 numbers"),
        ({"voice": "no"}, "reference of 'voice' must be 11 numbers"),
        ({"smell": [1.0]}, "reference of 'smell', which this pack has not"),
    ],
)
def test_wrong_sections(edit_manifest: Callable[..., Path], section: object, message: str) -> None:
    pack = edit_manifest(lambda m: m.update(reference=section))
    with pytest.raises(PackError, match=message):
        reference.parity(open_pack(pack))


def test_only_folders_take_references(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert.main([str(tmp_path / "pack.zip")]) == 2
    assert "is no folder" in capsys.readouterr().err

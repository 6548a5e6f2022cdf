"""The section on learned voices goes from a run into a pack, and into its card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convert import __main__ as convert
from edge.pack import open_pack
from train.corpora import LABELS


def test_the_section_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert convert._speaker(tmp_path, LABELS) == {}
    assert "python -m train speaker" in capsys.readouterr().err
    section = open_pack().manifest.raw["speaker"]
    (tmp_path / "speaker.json").write_text(json.dumps({"speaker": section, "command": "x"}))
    assert convert._speaker(tmp_path, LABELS) == {"speaker": section}
    assert capsys.readouterr().err == ""
    some = convert._speaker(tmp_path, LABELS[2:4])["speaker"]
    assert some == section | {"reference": {k: section["reference"][k] for k in ("happy", "sad")}}


def test_the_card_says_what_was_measured() -> None:
    rows = json.loads(Path("results/voice-speaker-luna-jimenez.json").read_text())["metrics"]
    card = (open_pack().place / "CARD.md").read_text()
    for name in ("without", "neutral-4", "past", "neutral-4-of-another"):
        assert f"{rows[name]['uar']['mean']:.3f}" in card

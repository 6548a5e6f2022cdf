"""The card of a pack, written again when results came after it."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from convert.__main__ import main
from edge.pack import open_pack

RESULT = "voice-ravdess-song-emobox-streaming"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the built-in pack."""
    return Path(shutil.copytree(open_pack().place, tmp_path / "mine"))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder with one result."""
    folder = tmp_path / "results"
    folder.mkdir()
    content = {
        "corpus": "ravdess-song",
        "protocol": "emobox",
        "model": {"parameters": 99_484},
        "seeds": [0],
        "metrics": {"uar": {"mean": 0.8125, "sd": 0.0, "ci95": [0.7, 0.9]}},
        "command": "python -m train evaluate voice",
        "date": "2026-11-23",
        "notes": "",
    }
    (folder / f"{RESULT}.json").write_text(json.dumps(content))
    return folder


def test_a_card_tells_of_results_that_came_later(place: Path, results: Path) -> None:
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    assert main(["--card", "--out", str(place), "--results", str(results)]) == 0
    after = {path.name: path.read_bytes() for path in place.iterdir()}
    changed = {name for name in after if after[name] != before.get(name)}
    assert after.keys() == before.keys()
    assert "CARD.md" in changed
    assert changed <= {"CARD.md", "manifest.json"}
    assert "| ravdess-song, EmoBox, 6 folds | 0.812 | one seed | 0.700-0.900 |" in (
        place / "CARD.md"
    ).read_text(encoding="utf-8")
    manifest = open_pack(place).manifest.raw  # its hashes fit
    old = json.loads(before["manifest.json"])
    for section in old.keys() - {"files", "reference"}:
        assert manifest[section] == old[section], section


def test_the_licence_stays_without_the_recogniser(
    place: Path, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("convert.sources.distribution", missing)
    before = (place / "LICENSE").read_bytes()
    assert main(["--card", "--out", str(place), "--results", str(results)]) == 0
    assert (place / "LICENSE").read_bytes() == before


def test_the_built_in_card_is_that_of_its_manifest(place: Path, results: Path) -> None:
    def parts(text: str) -> list[str]:
        return [part for part in text.split("\n## ") if not part.startswith("Quality")]

    before = (place / "CARD.md").read_text(encoding="utf-8")
    main(["--card", "--out", str(place), "--results", str(results)])
    assert parts((place / "CARD.md").read_text(encoding="utf-8")) == parts(before)


@pytest.mark.parametrize("missing", ["manifest.json", "CARD.md"])
def test_what_is_no_pack_is_refused(
    place: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / missing).unlink()
    assert main(["--card", "--out", str(place)]) == 2
    told = capsys.readouterr().err
    assert f"no pack at {place}: {place / missing}: No such file or directory" in told


def test_a_pack_that_does_not_name_its_data_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    del manifest["training"]["data"]
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    card = (place / "CARD.md").read_bytes()
    assert main(["--card", "--out", str(place)]) == 2
    assert "python -m convert" in capsys.readouterr().err
    assert (place / "CARD.md").read_bytes() == card

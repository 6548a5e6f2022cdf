"""The wheel holds the device package with its pack, and nothing else of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 6_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the sources, so that no build folder is left here."""
    source = tmp_path_factory.mktemp("source")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("edge", "train", "convert", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-q", "-w", out, source], check=True, capture_output=True)
    (made,) = out.iterdir()
    return made


def test_contents_and_size(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"edge", "hearten-0.1.0.dist-info"}
    for wanted in ("manifest.json", "voice.tflite", "words.lm.bin", "CARD.md", "LICENSE"):
        assert f"edge/packs/hearten-en-1/{wanted}" in names
    assert {"edge/py.typed", "edge/web/page/index.html"} <= set(names)
    assert wheel.stat().st_size <= LARGEST


def test_it_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    sample = ROOT / "tests" / "samples" / "joy_awb.wav"
    code = "import edge; print(edge.__file__); edge.Engine.open().file(__import__('sys').argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, sample],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "site") in done.stdout

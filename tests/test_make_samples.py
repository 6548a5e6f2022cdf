"""The sample recordings are what the script beside them makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge.audio.files import read
from tests.samples import make_samples

MISSING = [tool for tool in make_samples.TOOLS if shutil.which(tool) is None]


def test_the_listing_and_the_size(samples: Path) -> None:
    listed = json.loads((samples / "samples.json").read_text())
    assert {row["file"] for row in listed} == {path.name for path in samples.glob("*.wav")}
    assert len(listed) >= 20
    assert sum(path.stat().st_size for path in samples.glob("*.wav")) < 2_000_000


@pytest.mark.skipif(bool(MISSING), reason=f"apt install flite festival espeak-ng: {MISSING}")
@pytest.mark.parametrize("sample", make_samples.SAMPLES[::4], ids=lambda sample: sample.name)
def test_the_script_makes_them_again(
    sample: make_samples.Sample, samples: Path, tmp_path: Path
) -> None:
    """Other versions of the synthesisers may differ in the last samples, not in length."""
    made = make_samples.speak(sample, tmp_path)
    kept = read(samples / f"{sample.name}.wav")
    assert len(made) == pytest.approx(len(kept), rel=0.1)

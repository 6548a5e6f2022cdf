"""``python -m train cost``: rivals that do what they say, and ratios that are paired."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("opensmile", reason="pip install 'hearten[train]'")
pytest.importorskip("pyopen_wakeword", reason="pip install 'hearten[train]'")

from edge.audio.files import read
from edge.errors import HeartenError
from edge.pack import open_pack
from train import __main__ as command
from train import cost


@pytest.fixture(scope="module")
def speech(samples: Path) -> np.ndarray:
    return read(samples / "joy_kal16.wav")


# A process of its own: the library shares its symbols with everything that is loaded after it.
THEIRS = """
import sys
import numpy as np
from pyopen_wakeword import OpenWakeWordFeatures
front, samples = OpenWakeWordFeatures.from_builtin(), np.load(sys.argv[1])
chunks = np.split(samples, range(1280, len(samples), 1280))[:-1]
rows = [[row.ravel() for row in front.process_streaming(chunk.tobytes())][-1] for chunk in chunks]
np.save(sys.argv[1], np.array(rows))
"""


def test_the_front_end_of_openwakeword_is_the_real_one(samples: Path, tmp_path: Path) -> None:
    """The package's own library gives nearly the same embeddings; its windows lie 90 ms back."""
    speech = np.concatenate([read(samples / "joy_kal16.wav"), read(samples / "gift_slt.wav")])
    ours = np.array(cost.wake_word()(speech)).reshape(-1, 96)
    place = tmp_path / "rows.npy"
    np.save(place, speech[1440:])
    subprocess.run([sys.executable, "-c", THEIRS, str(place)], check=True, timeout=120)
    theirs = np.load(place)
    settled = slice(20, len(theirs))  # both have forgotten how they began
    assert len(ours[settled]) > 40
    assert np.corrcoef(ours[settled].ravel(), theirs[settled].ravel())[0, 1] > 0.99
    later = slice(21, len(theirs))
    assert np.corrcoef(ours[later].ravel(), theirs[20:-1].ravel())[0, 1] < 0.95, "a step apart"


def test_the_paths_hear_the_recording(speech: np.ndarray) -> None:
    paths = cost.paths(open_pack())
    pooled = paths[cost.PATH](speech)
    assert np.array_equal(pooled, paths[cost.PATH](speech)), "nothing is left of the first time"
    assert pooled.shape == (open_pack().voice().size,)
    (final,) = [event for event in paths[cost.ENGINE](speech) if event.type == "final"]
    assert final.end > 2.0
    assert np.ravel(paths[cost.EGEMAPS](speech)).shape == (88,)


def test_ratios_are_those_of_a_round() -> None:
    """A machine that slows down in the second round slows both, and the ratio stays."""
    rounds = {cost.PATH: [10.0, 30.0, 10.0], cost.EGEMAPS: [160.0, 480.0, 160.0]}
    rows = cost.metrics(rounds | {cost.WAKE: [40.0, 120.0, 40.0]})
    assert rows[cost.EGEMAPS]["ratio"] == {"median": 16.0, "p5": 16.0, "p95": 16.0}
    assert rows[cost.EGEMAPS]["met"]
    assert (rows[cost.WAKE]["ratio"]["median"], rows[cost.WAKE]["met"]) == (4.0, False)
    assert rows[cost.PATH]["us_a_frame"]["median"] == 10.0
    assert "missed" in "\n".join(cost.lines(rows))


def test_paths_take_turns(speech: np.ndarray) -> None:
    heard: list[str] = []
    paths = {name: (lambda _, n=name: heard.append(n)) for name in "abc"}
    rounds = cost.measure(paths, [speech, speech], rounds=2)
    assert heard == list("aabbcc" + "bbccaa" + "ccaabb")
    assert all(len(found) == 2 for found in rounds.values()), "the first round warms up"


def test_a_run_for_real(samples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    (folder / "one.wav").symlink_to(samples / "joy_kal16.wav")
    args = ["cost", "--rounds", "2", "--samples", str(folder), "--results", str(tmp_path)]
    assert command.main(args) in (0, 1)
    (path,) = tmp_path.glob("cost-*.json")
    result = json.loads(path.read_text())
    rows = result["metrics"]
    assert rows[cost.EGEMAPS]["ratio"]["median"] > 3
    assert rows[cost.WAKE]["ratio"]["median"] > 2
    assert rows[cost.PATH]["us_a_frame"]["median"] < rows[cost.ENGINE]["us_a_frame"]["median"]
    assert result["task"] == "cost"


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    assert command.main(["cost", "--rounds", "1", "--results", str(tmp_path)]) == 2
    with pytest.raises(HeartenError, match="no recordings"):
        cost._recordings(tmp_path)

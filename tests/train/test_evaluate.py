"""What an evaluation stores: means over folds, intervals over speakers, nothing made up."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from train import evaluate


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return parser.parse_args(["voice", *given])


def scored(fold: int, right: float) -> dict:
    """A fold of two speakers with 40 utterances each, of which a share is right."""
    truth = np.tile(np.arange(8), 10)
    wrong = np.arange(80) >= round(right * 80)
    said = np.where(wrong, (truth + 1) % 8, truth)
    people = np.repeat([f"{fold}a", f"{fold}b"], 40)
    return {
        "parameters": 1000,
        "bytes": 2000,
        "speakers": people.tolist(),
        "truth": truth.tolist(),
        "classes": {"float": truth.tolist(), "streaming": said.tolist()},
    }


def test_jobs_that_are_done_are_not_done_again_and_results_are_stored(tmp_path: Path) -> None:
    shares = (0.5, 0.6, 0.7, 0.8, 0.9)
    for seed in (0, 1):
        for fold, share in enumerate(shares):
            place = tmp_path / f"luna-jimenez-{fold}-seed-{seed}"
            place.mkdir()
            done = json.dumps(scored(fold, share - 0.1 * seed))
            (place / "scored-int8-dynamic.json").write_text(done)
    results = tmp_path / "results"
    args = options("--seeds", "0", "1", "--out", str(tmp_path), "--results", str(results))
    assert evaluate.run(args) == 0
    name = "voice-ravdess-speech-luna-jimenez-streaming.json"
    content = json.loads((results / name).read_text())
    row = content["metrics"]["uar"]
    assert row["runs"] == pytest.approx([0.7, 0.6])
    assert row["mean"] == pytest.approx(0.65)
    assert row["sd"] == pytest.approx(0.05)
    assert row["ci95"][0] < 0.65 < row["ci95"][1]
    assert content["artefact"] == "int8-dynamic streaming"
    assert np.array(content["confusion"]).sum() == 2 * 5 * 80
    perfect = json.loads((results / name.replace("streaming", "float")).read_text())
    assert perfect["metrics"]["uar"]["ci95"] == [1.0, 1.0]


def test_intervals_are_over_speakers() -> None:
    """Two people, one always right and one never: the interval must reach from 0 to 1."""
    truth = np.tile(np.arange(8), 20)
    people = np.repeat(["a", "b"], 80)
    said = np.where(people == "a", truth, (truth + 1) % 8)
    assert evaluate.bootstrap(truth, said, people) == [0.0, 1.0]

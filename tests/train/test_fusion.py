"""Fitting fusion and calibration on made predictions whose answer is known."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import HeartenError
from train import fusion, pairs
from train.corpora import LABELS

TEXTS = ("angry", "disgust", "fearful", "happy", "sad", "surprised", "neutral")


def logits(classes: np.ndarray, sure: float, rng: np.random.Generator, size: int) -> np.ndarray:
    return (sure * np.eye(size)[classes] + rng.normal(size=(len(classes), size))).astype(np.float32)


def made_voice(folder: Path, rng: np.random.Generator, over: float = 3.0) -> None:
    """A voice model that is right often, and surer than it should be by a factor."""
    rows: dict[str, np.ndarray] = {}
    for part in ("dev", "test"):
        classes = rng.integers(8, size=400)
        truth = np.stack([np.cos(classes), np.sin(classes), np.cos(2 * classes)], axis=1) * 0.6
        rows |= {
            f"{part}/ids": np.array([f"03-01-{i}" for i in range(400)]),
            f"{part}/classes": classes,
            f"{part}/logits": over * logits(classes, 1.5, rng, 8),
            f"{part}/truth": truth.astype(np.float32),
            f"{part}/vad": (truth * [0.1, 0.9, 0.9] + rng.normal(scale=0.1, size=(400, 3))),
        }
    np.savez(folder / "predictions.npz", **rows)
    (folder / "model.json").write_text(json.dumps({"corpora": ["crema-d"]}))


def made_text(folder: Path, rng: np.random.Generator) -> None:
    """A text model that knows classes and valence, and little of the rest."""
    rows: dict[str, np.ndarray] = {}
    for part in ("dev", "test"):
        for corpus in ("emobank", "goemotions", "isear"):
            classes = rng.integers(7, size=300)
            values = logits(classes, 2.0, rng, 7)
            shares = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
            truth = rng.uniform(-0.4, 0.4, size=(300, 3))
            said = truth * [0.9, 0.1, 0.1] + rng.normal(scale=0.02, size=(300, 3))
            rows |= {
                f"{corpus}/{part}/targets": truth if corpus == "emobank" else np.eye(7)[classes],
                f"{corpus}/{part}/third/vad": said,
                f"{corpus}/{part}/third/probabilities": shares,
                f"{corpus}/{part}/third/evidence": rng.integers(0, 4, size=300).astype(float),
            }
    np.savez(folder / "predictions.npz", **rows)
    (folder / "model.json").write_text(json.dumps({"labels": TEXTS}))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> dict:
    tmp_path = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(4)
    for name, make in (("voice", made_voice), ("text", made_text)):
        (tmp_path / name).mkdir()
        make(tmp_path / name, rng)
    parser = argparse.ArgumentParser()
    fusion.add_arguments(parser)
    options = [
        x
        for name in ("voice", "text", "out", "results")
        for x in (f"--{name}", str(tmp_path / name))
    ]
    assert fusion.run(parser.parse_args(options)) == 0
    stored = json.loads((tmp_path / "results" / fusion.RESULT).read_text())
    assert "constructed" in stored["notes"]
    assert stored["corpus"] == "crema-d with emobank, goemotions, isear (constructed pairs)"
    with pytest.raises(HeartenError, match="isear"):  # the texts forbid it
        fusion.run(parser.parse_args([*options, "--commercial"]))
    return json.loads((tmp_path / "out" / "fusion.json").read_text())


def test_temperature_undoes_overconfidence(fitted: dict) -> None:
    assert fitted["calibration"]["temperature"] == pytest.approx(2.0, abs=1.0)
    assert fitted["metrics"]["test"]["voice_ece"] < 0.06


def test_fusion_beats_the_voice_and_takes_valence_from_the_words(fitted: dict) -> None:
    test = fitted["metrics"]["test"]
    assert test["fused_macro_f1"] > test["voice_macro_f1"] + 0.05
    assert test["fused_ece"] < 0.1
    assert test["fused_ccc_valence"] > test["voice_ccc_valence"] + 0.1
    shares = fitted["fusion"]["vad_weight"]
    assert shares[0] > 0.3 > max(shares[1:])


def test_thresholds_are_ordered_and_calm_is_neutral_in_words(fitted: dict) -> None:
    reject = fitted["calibration"]["reject"]
    assert 0 < reject["balanced"] <= reject["cautious"] <= 1
    assert fitted["fusion"]["classes"]["calm"] == "neutral"
    assert list(fitted["fusion"]["classes"]) == list(LABELS)


def test_missing_predictions_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(HeartenError, match="python -m train voice"):
        pairs.load_voices(tmp_path, "dev")

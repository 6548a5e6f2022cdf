"""Trials of trained folds, end to end: a model of chance, real recordings, the whole device."""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")
pytest.importorskip("joblib", reason="pip install 'hearten[train]'")

from convert import __main__ as convert
from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import FeatureSettings
from train import (
    backgrounds,
    plain,
    recordings,
    report_tables,
    robustness,
    streaming,
    trained,
    trials,
    unknown,
)
from train import gate as gate_command
from train.__main__ import main as train_main
from train.corpora import LABELS
from train.corpora import plain as plain_corpus
from train.gate_sounds import Rows
from train.partition import named
from train.report_blocks import Table

SHAPES = {
    "conv/kernel": (7, 20, 8),
    "norm/gamma": (8,),
    "norm/beta": (8,),
    "norm/moving_mean": (8,),
    "gru/kernel": (8, 48),
    "gru/recurrent_kernel": (16, 48),
    "gru/bias": (2, 48),
    "attention/kernel": (16, 1),
    "attention/bias": (1,),
    "hidden/kernel": (48, 8),
    "hidden/bias": (8,),
    "logits/kernel": (8, 8),
    "logits/bias": (8,),
    "vad/kernel": (8, 3),
    "vad/bias": (3,),
    "functional_hidden/kernel": (180, 8),
    "functional_hidden/bias": (8,),
    "functional_logits/kernel": (8, 8),
    "functional_logits/bias": (8,),
    "functional_vad/kernel": (8, 3),
    "functional_vad/bias": (3,),
    "scale/gamma": (180,),
    "scale/beta": (180,),
    "scale/moving_mean": (180,),
}


@pytest.fixture(scope="module")
def runs(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one fold whose weights are drawn at random, as training would leave it."""
    folder = tmp_path_factory.mktemp("runs") / "luna-jimenez-0-seed-0"
    folder.mkdir()
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(0, 0.6, shape) for name, shape in SHAPES.items()}
    arrays |= {"norm/moving_variance": np.ones(8), "scale/moving_variance": np.ones(180)}
    np.savez(folder / "model.npz", **{k: v.astype(np.float32) for k, v in arrays.items()})
    partition = named("luna-jimenez:0")
    items = recordings.load(corpora, ["ravdess-speech"])
    saved: dict[str, Any] = {}
    for name, part in zip(("train", "dev", "test"), partition.split(items), strict=True):
        classes = np.array([LABELS.index(u.label) for u in part])
        saved |= {
            f"{name}/ids": np.array([u.id for u in part]),
            f"{name}/classes": classes,
            f"{name}/truth": np.array([[u.valence, u.arousal, u.dominance] for u in part]),
            f"{name}/logits": 2 * np.eye(8)[classes] + rng.normal(size=(len(part), 8)),
            f"{name}/vad": rng.uniform(-1, 1, (len(part), 3)),
        }
    np.savez(folder / "predictions.npz", **saved)
    about = {
        "labels": LABELS,
        "features": FeatureSettings(kind="mfcc", floor=1.0).to_dict(),
        "endpoint": EndpointSettings().to_dict(),
        "mean": [40.0] + [-10.0] * 19,
        "std": [20.0] * 20,
        "model": {"size": 20, "units": 16, "stride": 4, "kernel": 7, "lags": [1, 2, 5, 10, 25]},
        "corpora": ["ravdess-speech"],
        "partition": asdict(partition),
    }
    (folder / "model.json").write_text(json.dumps(about))
    return folder.parent


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Do jobs in this process, where TensorFlow is loaded once; return the names of those done."""
    done: list[str] = []

    def run_all(jobs: Any, *_: Any) -> dict[str, str]:
        for job in jobs:
            place = Path(job.result)
            if place.exists():
                continue
            module, _, name = job.function.partition(":")
            found = getattr(importlib.import_module(module), name)(**job.arguments)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(found))
            done.append(job.name)
        return {}

    monkeypatch.setattr(trials, "run_all", run_all)
    return done


def start(command: Any, runs: Path, out: Path, *given: str) -> dict[str, Any]:
    """Run a command on fold 0, a handful of recordings, and return what it stored."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = ("--runs", str(runs), "--out", str(out), "--folds", "0", "--smoke", *given)
    assert command.run(parser.parse_args(options)) == 0
    (path,) = (out / "results").glob("*.json")
    return json.loads(path.read_text())


def in_the_report(result: dict[str, Any]) -> None:
    blocks = report_tables.blocks({"robustness-x": result}, [])
    titles = [getattr(block, "text", "") for block in blocks]
    assert "Voice, in the real world" in titles
    assert any("UAR by SNR" in title for title in titles)
    table = next(block for block in blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == list(result["metrics"])


def test_robustness(
    runs: Path, tmp_path: Path, here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("noise-10", "level-30", "level-20", "speed-1.1")
    result = start(robustness, runs, tmp_path, "--conditions", *names, "--json")
    assert json.loads(capsys.readouterr().out) == result
    assert list(result["metrics"]) == ["clean", *names]
    assert result["metrics"]["clean"]["points_lost"] == {"mean": 0.0, "ci95": [0.0, 0.0]}
    assert "SMOKE RUN" in result["notes"] and "only folds 0" in result["notes"]
    for row in result["metrics"].values():
        assert 0 <= row["uar"]["ci95"][0] <= row["uar"]["ci95"][1] <= 1
        assert {"war", "ece", "ccc_valence", "unheard", "clipped"} <= set(row)
    clean, noisy = (result["metrics"][n]["uar"]["mean"] for n in ("clean", "noise-10"))
    lost = result["metrics"]["noise-10"]["points_lost"]["mean"]
    assert lost == pytest.approx(100 * (clean - noisy), abs=0.02)
    assert (tmp_path / "results/report/robustness-ravdess-speech-luna-jimenez-snr.svg").is_file()
    assert here == ["luna-jimenez:0 seed 0"]
    in_the_report(result)
    again = start(robustness, runs, tmp_path, "--conditions", *names)
    assert again["metrics"] == result["metrics"] and len(here) == 1, "done once"
    assert "noise-10" in capsys.readouterr().out


def test_another_model_is_scored_anew(
    runs: Path, tmp_path: Path, here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    odds = {"probabilities": [[1.0] + 7 * [0.0]], "vad": [[0, 0, 0]]}
    row = {"said": {"clean": {**odds, "heard": [True], "clipped": [0.0]}}}
    facts = {"ids": ["03-01-x"], "speakers": ["02"], "truth": [0], "vad": [[0, 0, 0]]}
    monkeypatch.setattr(robustness, "job", lambda **_: row | facts)
    place = runs / "luna-jimenez-0-seed-0" / "model.json"
    kept = place.read_text()
    try:
        for text in (kept, kept, kept + "\n"):
            place.write_text(text)
            start(robustness, runs, tmp_path, "--conditions", "clean")
    finally:
        place.write_text(kept)
    assert len(here) == 2


def test_zero_shot_needs_another_corpus(runs: Path, tmp_path: Path, here: list[str]) -> None:
    result = start(robustness, runs, tmp_path, "--conditions", "clean", "--on", "emodb")
    assert result["corpus"] == "emodb" and "zero-shot" in result["notes"]
    with pytest.raises(HeartenError, match=r"trained on ravdess-speech.*--training"):
        start(robustness, runs, tmp_path / "b", "--on", "ravdess-speech")


def test_what_is_not_heard_is_wrong() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 16000).astype(np.int16)
    assert robustness.heard(noise, EndpointSettings()) is None
    loud = np.concatenate([noise, 2000 * noise, noise])
    assert 16000 < len(robustness.heard(loud, EndpointSettings())) < len(loud)
    truth = [0, 3, 7]
    odds = [[0.5, 0.5, 0, 0, 0, 0, 0, 0], None, None]
    filled = np.array(robustness.trained.with_silence(odds, truth))
    assert filled[0].tolist() == odds[0]
    assert (filled[1:, truth].argmax(axis=1) == [2, 0]).all(), "a class that occurs, and wrong"
    assert filled.max(axis=1)[1:] == pytest.approx(1 / 8, abs=1e-3)


def test_unknown(
    runs: Path, tmp_path: Path, here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    result = start(unknown, runs, tmp_path, "--no-words", "--reject", "balanced", "0.99", "0")
    refused, false, folds = result["tables"].values()
    assert refused["0"]["coverage"] == 1.0
    assert refused["balanced"]["coverage"] >= refused["0.99"]["coverage"]
    assert result["risk_coverage"][-1][0] == 1.0
    assert sum(row["count"] for row in result["reliability"]["after"]) == 16
    assert false["silence digital"]["final"] == 0
    assert false["all"]["final"] >= false["all"]["balanced"] >= false["all"]["0.99"]
    assert false["all"]["0"] == false["all"]["final"]
    assert false["all"]["minutes"] == pytest.approx(30 * 6 / 60, abs=0.3), "two parts of ESC"
    assert folds["all"] == folds["all, new to the gate"]
    assert folds["all"]["minutes"] == false["all, new to the gate"]["minutes"]
    assert "music chords" not in folds, "a kind that gates learn from"
    text = capsys.readouterr().out
    assert "risk" in text and "music chords" in text
    with pytest.raises(HeartenError, match="--reject bold: give balanced, cautious"):
        start(unknown, runs, tmp_path, "--reject", "bold")


def test_plain_speech(
    runs: Path, tmp_path: Path, here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    result = start(plain, runs, tmp_path, "--smoke", "--folds", "0")
    assert set(result["metrics"]) == {"read", "ordered", "synthetic"}
    for row in result["metrics"].values():
        parts = [row[name]["mean"] for name in ("plain", "unknown", "emotion")]
        assert sum(parts) == pytest.approx(1.0, abs=1e-3)
        assert row["sure"]["mean"] <= row["emotion"]["mean"]
        assert row["count"] >= row["speakers"] > 0
    blocks = report_tables.blocks({"plain-x": result}, [])
    table = next(block for block in blocks if isinstance(block, Table))
    assert [row[0] for row in table.rows] == ["read", "ordered", "synthetic"]
    assert "synthetic" in capsys.readouterr().out


def test_shares_of_plain_speech() -> None:
    said = [("neutral", 0.9), ("angry", 0.8), ("angry", 0.5), ("unknown", 0.9)]
    rows = [
        ("read", f"s{n}", category, sure, [0.5, 0, 0]) for n, (category, sure) in enumerate(said)
    ]
    found = plain.summary(rows)
    shares = {name: found[name]["mean"] for name in ("plain", "unknown", "emotion", "sure")}
    assert shares == {"plain": 0.25, "unknown": 0.25, "emotion": 0.5, "sure": 0.25}
    assert found["valence"] == {"mean": 0.5, "sd": 0.0}
    low, high = found["emotion"]["ci95"]
    assert low < 0.5 < high
    assert next(iter(plain.shares(rows).items())) == ("angry", 0.5)


def test_plain_speech_is_parted_by_reader(corpora: Path) -> None:
    parts = [plain_corpus.load(corpora, part) for part in ("train", "test")]
    people, ids = ([{getattr(u, of) for u in part} for part in parts] for of in ("speaker", "id"))
    assert not people[0] & people[1] and not ids[0] & ids[1]
    assert {u.label for part in parts for u in part} == {"neutral"}
    assert all("assumed" in u.sources["label"] for part in parts for u in part)
    talkers = backgrounds.chosen(corpora, "train")[1]
    assert {u.speaker for u in parts[0] if u.text} == set(talkers), "as of the babble"


def test_gate(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs / "luna-jimenez-0-seed-0", folder)
    assert trained.gate_of(folder) == {} == convert._gate(folder)
    assert "python -m train gate" in capsys.readouterr().err
    assert train_main(["gate", "--voice", str(folder), "--smoke", "--json"]) == 0
    kept, sounds = json.loads(capsys.readouterr().out)["tables"].values()
    assert {
        "speech, clean",
        "speech, first 0.5 s",
        "coffee, noise-10",
        "LibriSpeech, telephone",
    } <= {*kept}
    assert {*sounds} == {"noise", "hum", "music"}
    assert sounds["noise"]["share"] < 0.5 < kept["speech, clean"]["share"]
    gate = trained.load(folder, "int8-dynamic").pack.manifest.gate
    assert gate is not None and len(gate.weights) == 48 + 180
    assert trained.load(folder, "int8-dynamic", gate=False).pack.manifest.gate is None
    assert convert._gate(folder)["gate"]["bias"] == gate.bias
    with pytest.raises(HeartenError, match="no run in nowhere: python -m train evaluate voice"):
        gate_command.run(argparse.Namespace(voice=Path("nowhere"), runs=None))


def test_a_gate_keeps_the_speech_of_development_speakers() -> None:
    rng = np.random.default_rng(0)
    speech, dev, sounds = rng.normal(size=(3, 3000, 6)).astype(np.float32) * 3 + 7
    sounds[:, 2] += 12
    found = gate_command.learned(speech, sounds, dev)
    names = np.array(["a", "b"] * 1500)
    shares = [gate_command.passed(found, Rows(x, names)) for x in (dev, sounds)]
    assert np.mean([row["share"] for row in shares[0].values()]) == pytest.approx(0.99, abs=0.001)
    assert all(row["share"] < 0.2 and row["count"] == 1500 for row in shares[1].values())


def test_a_gate_is_measured_on_what_it_has_not_heard(corpora: Path) -> None:
    about = {
        "corpora": list(recordings.CORPORA),
        "partition": asdict(named("luna-jimenez:0")),
    }
    parts = gate_command.divided(about)
    heard = {u.speaker for u in parts.train} | {u.speaker for u in parts.dev}
    assert {*parts.test} == {"speech", "song", "EmoDB", "LibriSpeech", "coffee"}
    for name, items in parts.test.items():
        assert items and (name == "coffee" or heard.isdisjoint(u.speaker for u in items))
    assert {u.speaker for u in parts.train}.isdisjoint(u.speaker for u in parts.dev)
    for one, other in (backgrounds.PARTS, backgrounds.PARTS[::-1]):
        assert set(backgrounds.kinds(one)).isdisjoint(backgrounds.kinds(other))
    assert len(backgrounds.kinds("train") + backgrounds.kinds("test")) == len(backgrounds.MADE)


def test_calibration_and_selection_of_known_answers() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 8))
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # calibrated as they are
    answers = unknown.Answers(
        3.0 * logits,  # three times as sure as right
        truth,
        np.array(["a", "b"] * 10000),
        np.full(20000, 3.0),
        {"balanced": np.full(20000, 0.5)},
        np.zeros(20000, bool),
    )
    found = unknown.calibration(answers)
    assert found["after scaling"]["ece"] < 0.02
    assert found["before scaling"]["ece"] > 0.1
    kept = odds.max(axis=1) >= 0.5
    row = unknown.selected(answers, "balanced")
    assert row["coverage"] == pytest.approx(kept.mean(), abs=1e-3)
    wrong = (odds.argmax(axis=1) != truth)[kept].mean()
    assert row["risk"] == pytest.approx(wrong, abs=1e-3)
    curve = np.array(unknown.risk_coverage(answers.after, truth))
    assert (np.diff(curve[:, 0]) > 0).all() and curve[0, 1] < curve[-1, 1]
    assert unknown.selected(answers, "1")["risk"] is None
    half = replace(answers, refused=np.arange(20000) % 2 == 0)
    assert unknown.selected(half, "0")["coverage"] == 0.5


def test_streaming(
    runs: Path, tmp_path: Path, here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    result = start(streaming, runs, tmp_path)
    assert list(result["metrics"]) == ["0.5 s", "1 s", "2 s", "end"]
    steady, pieces = result["tables"].values()
    for row in pieces.values():
        if row is not pieces["float"]:
            assert row["decisions_unlike_100_ms"] == 0.0
            assert row["largest_vad_from_100_ms"] < 1e-4
    assert sum(result["utterances"].values()) == 16
    assert steady["likeliest category"]["seconds"] > 10
    assert "changes a second" in capsys.readouterr().out


def event(kind: str, category: str, start: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(type=kind, category=category, start=start)


def test_what_was_said_by_a_time_and_how_often_it_changed() -> None:
    names = ["sad", "sad", "angry", "sad"]
    events = [(1.5 + 0.25 * i, event("partial", name)) for i, name in enumerate(names)]
    one = streaming.Followed(1.2, [*events, (3.0, event("final", "happy"))], 1)
    assert one.after(0.2) is None
    assert one.after(0.85).category == "angry" and one.after(9).category == "happy"
    assert one.final.category == "happy" and len(one.partials) == 4
    assert streaming.changes(names) == 2
    assert streaming.changes(["unknown", "sad", "unknown", "angry"], "unknown") == 1
    rows = [[time, e.category, "unknown", 0.5] for time, e in one.partials]
    found = streaming.flicker([{"speakers": ["a"], "partials": [rows]}])
    assert found["likeliest category"]["changes_a_second"]["mean"] == pytest.approx(2 / 0.75, 0.01)
    assert found['as told, with "unknown"']["changes_a_second"]["mean"] == 0.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--conditions", "fog"), "unknown condition 'fog'; known: clean"),
        (("--share", "0"), "--share must be above 0"),
        (("--seeds", "5"), r"no .*luna-jimenez-0-seed-5.*: python -m train evaluate voice"),
        (("--folds", "9"), "folds 0 to 4, not 9"),
        (("--jobs", "0"), "--jobs must be at least 1"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, given: tuple[str, ...], message: str) -> None:
    with pytest.raises(HeartenError, match=message):
        start(robustness, tmp_path, tmp_path, *given)

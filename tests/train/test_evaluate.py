"""What an evaluation stores: means over folds, intervals over speakers, nothing made up."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("joblib", reason="pip install 'hearten[train]'")

from edge.errors import HeartenError
from train import evaluate, intervals, scored
from train.corpora import LABELS
from train.jobs import Job, run_all
from train.metrics import ccc, uar
from train.partition import FOLDS


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    return parser.parse_args(["voice", *given])


def said(fold: int, right: float, kinds: tuple[str, ...] = ("03-01",)) -> dict:
    """A fold of two speakers; a share of what the device says is right, of the float model all.

    Song has six emotions, but the model here always thinks "disgust" likely.
    """
    rng = np.random.default_rng(fold)
    ids, truth, people = [], [], []
    for kind in kinds:
        classes = range(8 if kind == "03-01" else 6)
        for index, label in enumerate([c for c in classes for _ in range(10)]):
            ids.append(f"{kind}-{fold}-{index}")
            truth.append(label)
            people.append(f"{fold}{'ab'[index % 2]}")
    wrong = np.arange(len(truth)) % 10 >= round(right * 10)
    guess = np.where(wrong, (np.array(truth) + 1) % 8, truth)
    odds = np.eye(8)[guess] + 0.1 * np.eye(8)[6]
    vad = rng.uniform(-1, 1, (len(truth), 3)).round(4)
    perfect = {"probabilities": np.eye(8)[truth].tolist(), "vad": vad.tolist()}
    heard = {"probabilities": odds.tolist(), "vad": (0.5 * vad).round(4).tolist()}
    return {
        "parameters": 1000,
        "bytes": 2000,
        "ids": ids,
        "speakers": people,
        "truth": truth,
        "vad": vad.tolist(),
        "said": {"float": perfect, "quantised": heard, "streaming": heard},
    }


def place(args: argparse.Namespace, seed: int, fold: int, content: dict) -> Path:
    result = Path(evaluate.job_of(args, fold, seed).result)
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(content))
    return result


def test_jobs_that_are_done_are_not_done_again_and_results_are_stored(tmp_path: Path) -> None:
    shares = (0.5, 0.6, 0.7, 0.8, 0.9)
    results = tmp_path / "results"
    args = options("--seeds", "0", "1", "--out", str(tmp_path), "--results", str(results))
    for seed in (0, 1):
        for fold, share in enumerate(shares):
            place(args, seed, fold, said(fold, share - 0.1 * seed))
    assert evaluate.run(args) == 0
    name = "voice-ravdess-speech-luna-jimenez-streaming"
    content = json.loads((results / f"{name}.json").read_text())
    row = content["metrics"]["uar"]
    assert row["runs"] == pytest.approx([0.7, 0.6])
    assert row["folds"] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.5, 0.6, 0.7, 0.8])
    assert row["mean"] == pytest.approx(0.65)
    assert row["sd"] == pytest.approx(0.05)
    assert row["ci95"][0] < 0.65 < row["ci95"][1]
    assert content["artefact"] == "float16 streaming"
    assert content["folds"] == [list(fold) for fold in FOLDS["luna-jimenez"]]
    assert np.array(content["confusion"]).sum() == 2 * 5 * 80
    for metric in ("war", "recall_calm", "ccc_valence", "ccc_arousal", "ccc_dominance"):
        low, high = content["metrics"][metric]["ci95"]
        assert low <= content["metrics"][metric]["mean"] <= high
    assert "derived" in content["metrics"]["ccc_valence"]["labels"]
    assert len(content["scatter"]["arousal"]["said"]) == 400  # the first seed
    perfect = json.loads((results / f"{name}.json".replace("streaming", "float")).read_text())
    assert perfect["metrics"]["uar"]["ci95"] == [1.0, 1.0]
    assert perfect["metrics"]["ccc_arousal"]["mean"] == pytest.approx(1.0, abs=1e-3)
    assert content["metrics"]["ccc_arousal"]["mean"] == pytest.approx(0.8, abs=0.02)
    for what in ("confusion", "ccc"):
        assert (results / "report" / f"{name}-{what}.svg").read_text().startswith("<svg")


def test_song_is_a_table_of_its_own_with_its_six_classes(tmp_path: Path) -> None:
    results = tmp_path / "results"
    given = ("--protocol", "emobox", "--out", str(tmp_path), "--results", str(results))
    args = options(*given)
    for fold in range(6):
        content = said(fold, 1.0, ("03-01", "03-02"))
        # All of song is said to be disgust, which nobody sings; next comes what it is.
        for index, name in enumerate(content["ids"]):
            if name.startswith("03-02"):
                content["said"]["streaming"]["probabilities"][index][6] = 2.0
        place(args, 0, fold, content)
    assert evaluate.run(args) == 0
    song = json.loads((results / "voice-ravdess-song-emobox-streaming.json").read_text())
    assert song["labels"] == list(LABELS[:6]) and np.array(song["confusion"]).shape == (6, 6)
    assert song["metrics"]["uar"]["mean"] == 1.0
    assert "6 classes" in song["notes"]
    speech = json.loads((results / "voice-ravdess-speech-emobox-streaming.json").read_text())
    assert speech["labels"] == list(LABELS)
    for path in results.glob("*song*"):
        path.unlink()
    assert evaluate.run(options(*given, "--kind", "speech")) == 0
    assert not list(results.glob("*song*.json"))


def test_results_of_other_options_are_not_taken_for_these(tmp_path: Path) -> None:
    given = ("--out", str(tmp_path))
    places = {
        evaluate.job_of(options(*given, *more), 0, 0).result
        for more in ((), ("--epochs", "3"), ("--smoke",), ("--training=--kind logmel",))
    }
    assert len(places) == 4
    folder = {Path(name).parent for name in places}
    assert folder == {tmp_path / "luna-jimenez-0-seed-0"}


def test_failed_job_writes_no_result_and_says_why(tmp_path: Path, capfd) -> None:
    results = tmp_path / "results"
    args = options("--out", str(tmp_path), "--results", str(results), "--jobs", "1")
    kept = [place(args, 0, fold, said(fold, 0.5)) for fold in range(1, 5)]
    Path(evaluate.job_of(args, 0, 0).result).parent.write_text("in the way")
    assert evaluate.run(args) == 1
    told = capfd.readouterr().err
    assert "failed: luna-jimenez:0 seed 0: File exists: " in told
    assert "1 of 5 jobs failed" in told and "same command again" in told
    assert not results.exists() and all(path.exists() for path in kept)


def test_impossible_options() -> None:
    with pytest.raises(HeartenError, match="--jobs must be at least 1"):
        evaluate.run(options("--jobs", "0"))


def test_smoke_run_leaves_the_published_numbers_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    args = options("--smoke", "--out", "runs")
    for fold in range(5):
        place(args, 0, fold, said(fold, 0.5))
    assert evaluate.run(args) == 0
    assert not Path("results").exists() and len(list(Path("runs/results").glob("*.json"))) == 3


def test_mistake_in_training_options_is_told_before_any_job(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        evaluate.run(options("--training=--nonsense 1", "--out", str(tmp_path / "out")))
    assert ended.value.code == 2 and "--nonsense" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_kind_that_was_not_tested(tmp_path: Path) -> None:
    args = options("--out", str(tmp_path), "--results", str(tmp_path / "r"), "--kind", "song")
    for fold in range(5):
        place(args, 0, fold, said(fold, 0.5))
    with pytest.raises(HeartenError, match=r"only speech"):
        evaluate.run(args)


def test_intervals_are_over_speakers() -> None:
    """Two people, one always right and one never: the interval must reach from 0 to 1."""
    truth = np.tile(np.arange(8), 20)
    people = np.repeat(["a", "b"], 80)
    guess = np.where(people == "a", truth, (truth + 1) % 8)
    assert intervals.bootstrap(truth, guess, people) == [0.0, 1.0]


def test_intervals_equal_those_of_resampled_utterances() -> None:
    """The sums over speakers must give what drawing all their utterances gives."""
    rng = np.random.default_rng(1)
    people = rng.integers(7, size=300).astype(str)
    truth = rng.integers(5, size=300)
    guess = np.where(rng.random(300) < 0.6, truth, rng.integers(5, size=300))
    x, y = rng.normal(size=300), rng.normal(size=300) + people.astype(float)
    rows = [np.flatnonzero(people == name) for name in np.unique(people)]
    rng = np.random.default_rng(0)
    values, cccs = [], []
    for drawn in rng.integers(7, size=(intervals.RESAMPLES, 7)):
        chosen = np.concatenate([rows[i] for i in drawn])
        values.append(uar(truth[chosen], guess[chosen]))
        cccs.append(ccc(x[chosen], y[chosen]))
    assert intervals.bootstrap(truth, guess, people) == intervals.interval(np.array(values))
    np.testing.assert_allclose(intervals.Speakers(people).ccc(x, y), cccs, atol=1e-9)


def test_constant_and_absent_give_no_nan() -> None:
    drawn = intervals.Speakers(["a", "a", "b"])
    assert np.all(drawn.ccc([0.1, 0.1, 0.1], [0.3, 0.2, 0.1]) == 0.0)
    assert intervals.bootstrap(np.array([0, 0, 2]), np.array([0, 1, 2]), np.array(list("aab"))) == [
        0.5,
        1.0,
    ]


def test_stored_numbers_are_readable_lines() -> None:
    content = {"a": [[1, 2], [3, 4]], "b": "[x", "c": {"d": [0.5]}, "e": "y]\n"}
    text = evaluate.compact(content)
    assert json.loads(text) == content
    assert "[ 1, 2 ]" in text and "[ 0.5 ]" in text


def test_real_smoke_job_scores_every_artefact(corpora: Path, tmp_path: Path) -> None:
    """Train, convert and score one fold for real, in a process of its own."""
    pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")
    args = options("--smoke", "--out", str(tmp_path), "--results", str(tmp_path / "results"))
    job = evaluate.job_of(args, 0, 3)
    assert isinstance(job, Job) and run_all([job], 1) == {}
    content = json.loads(Path(job.result).read_text())
    assert set(content["speakers"]) <= set(FOLDS["luna-jimenez"][0])
    assert {scored.kind_of(name) for name in content["ids"]} == {"speech", "song"}
    odds = {name: np.array(row["probabilities"]) for name, row in content["said"].items()}
    for shares in odds.values():
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-3)
    assert np.abs(odds["quantised"] - odds["streaming"]).max() < 0.01
    assert 0 < np.abs(odds["float"] - odds["streaming"]).max() < 0.1
    command = json.loads((Path(job.result).parent / "model.json").read_text())["command"]
    assert command.startswith("python -m train voice --fold luna-jimenez:0 --seed 3")
    evaluate.write(args, [(0, 3)], [content])
    assert (
        "SMOKE" in (tmp_path / "results/voice-ravdess-song-luna-jimenez-streaming.json").read_text()
    )

"""Silence removed, kept, used as a feature: what is cut, what is compared, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("joblib", reason="pip install 'hearten[train]'")
pytest.importorskip("librosa", reason="pip install 'hearten[train]'")

from edge.errors import HeartenError
from tests.edge.made import write_wav
from train import hsf, recordings, silence
from train.__main__ import main
from train.corpora import EMOTION_VAD, LABELS, Utterance
from train.lld_models import Part
from train.report_tables import blocks
from train.table_cells import Cell

RATE = 16000


def made_up(path: Path | None = None) -> list[Utterance]:
    """Twenty-four actors say every emotion once."""
    vad = {label: dict(zip(("valence", "arousal", "dominance"), EMOTION_VAD[label], strict=True))
           for label in LABELS}  # fmt: skip
    return [
        Utterance(id=f"{a:02}-{c}", path=path, speaker=f"{a:02}", label=label, **vad[label])
        for a in range(1, 25)
        for c, label in enumerate(LABELS)
    ]


def test_quiet_frames_are_removed(tmp_path: Path) -> None:
    tone = 8000 * np.sin(np.arange(RATE) * 0.3)
    quiet = 40 * np.random.default_rng(0).normal(size=RATE)
    path = write_wav(tmp_path / "x.wav", np.concatenate([quiet, tone, quiet, quiet]))
    level = silence.rms(path)
    assert level.shape == (126,) and level.max() == pytest.approx(8000 / 32768 / 2**0.5, rel=0.05)
    frames = np.arange(400)[:, None] * 0.01  # each holds its time in seconds
    left = silence.loud(frames, level)[:, 0]
    assert abs(len(left) - 100) < 20 and left.min() > 0.9 and left.max() < 2.1
    ratio = hsf.silence(path)[0]
    assert 1.0 - len(left) / len(frames) == pytest.approx(ratio, abs=0.02)


def test_a_recording_of_silence_alone_is_kept_whole() -> None:
    frames = np.ones((50, 3))
    assert silence.loud(frames, np.zeros(17)).shape == (50, 3)


def test_the_ways_differ_in_what_they_see(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(hsf, "CACHE", tmp_path / "kept")
    frames = np.concatenate([np.zeros((100, 23)), np.ones((100, 23)), np.zeros((200, 23))])
    monkeypatch.setattr(hsf, "llds", lambda items, name, folder=None: [frames])
    tone = 8000 * np.sin(np.arange(RATE) * 0.3)
    path = write_wav(tmp_path / "x.wav", np.concatenate([0 * tone, tone, 0 * tone, 0 * tone]))
    items = [Utterance(id="x", path=path)]
    found = {way: silence.features(items, way)[0] for way in silence.WAYS}
    assert {way: len(row) for way, row in found.items()} == {
        "removed": 46, "kept": 46, "used": 47, "ratio": 1,
    }  # fmt: skip
    assert found["kept"][0] == pytest.approx(0.25) and found["removed"][0] > 0.85
    np.testing.assert_array_equal(found["used"][:46], found["kept"])
    assert found["used"][46] == found["ratio"][0] == pytest.approx(0.75, abs=0.05)


def test_the_network_learns() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 8, 240)
    vad = np.array([EMOTION_VAD[LABELS[c]] for c in classes])
    table = (np.eye(8)[classes] * 3 + rng.normal(0, 0.5, (240, 8)))[:, None]
    parts = [Part(list(table[a:b]), classes[a:b], vad[a:b])
             for a, b in ((0, 140), (140, 180), (180, 240))]  # fmt: skip
    said, dimensions = silence.mlp(tuple(parts), epochs=25, seed=0)
    assert np.mean(said == classes[180:]) > 0.9
    assert np.corrcoef(dimensions[:, 0], vad[180:, 0])[0, 1] > 0.8
    again = silence.mlp(tuple(parts), epochs=25, seed=0)
    np.testing.assert_array_equal(said, again[0])


def test_gains_are_of_the_same_resampled_speakers() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 8, 400)
    vad = rng.uniform(-1, 1, (400, 3))
    people = [str(n % 10) for n in range(400)]

    def answer(right: float) -> dict:
        guess = np.where(rng.random(400) < right, truth, (truth + 1) % 8)
        said = vad + rng.normal(0, 1 - right, vad.shape)
        return {"speakers": people, "truth": truth, "said": guess, "vad": vad, "said_vad": said}

    cells = [Cell("svm", "x", 0, 0)]
    found = {f"svm, silence {way}": (cells, [answer(right)])
             for way, right in (("removed", 0.8), ("kept", 0.5))}  # fmt: skip
    metrics = {name: silence.judged(*both) for name, both in found.items()}
    told = silence.with_gains(metrics, found)
    gain = told["svm, silence removed"]["gain_uar"]
    low, high = gain["ci95"]
    assert 0.1 < low < gain["mean"] < high < 0.5 and gain["mean"] == pytest.approx(0.3, abs=0.08)
    assert not any(key.startswith("gain") for key in told["svm, silence kept"])
    assert "gain_ccc_valence" in told["svm, silence removed"]
    assert any(line.startswith("svm, silence removed") and "+0." in line
               for line in silence.lines(told))  # fmt: skip


def test_the_command(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(recordings, "load", lambda folder, names: made_up())
    rng = np.random.default_rng(0)
    table = np.repeat(np.eye(8)[None], 24, 0).reshape(192, 8) + rng.normal(0, 0.4, (192, 8))
    monkeypatch.setattr(silence, "features", lambda items, way: table * (way != "ratio"))
    given = ["silence", "--seeds", "0", "1", "--folds", "0", "--epochs", "8"]
    assert main([*given, "--results", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    (place,) = tmp_path.glob("*.json")
    content = json.loads(place.read_text())
    assert place.stem == "silence-ravdess-speech-luna-jimenez"
    assert (
        content["folds"] == [["02", "05", "14", "15", "16"]] and "only folds 0" in content["notes"]
    )
    assert len(content["metrics"]) == len(silence.MODELS) * len(silence.WAYS)
    used = content["metrics"]["mlp, silence used"]
    assert len(used["uar"]["runs"]) == 2 and used["uar"]["mean"] > 0.5
    assert used["gain_uar"]["mean"] == 0.0, "the same features gain nothing"
    assert "derived" in used["ccc_valence"]["labels"] and "svm, silence ratio alone" in printed
    shown = blocks({place.stem: content}, [])
    assert any("mlp, silence used" in str(block) for block in shown), "a report has it"


def test_without_the_corpus(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HEARTEN_CORPORA", str(tmp_path))
    assert main(["silence"]) == 2
    assert "ravdess" in capsys.readouterr().err
    with pytest.raises(HeartenError):
        recordings.load(tmp_path, [silence.CORPUS])

"""Training the voice on a handful of recordings: runs, resumes, keeps speakers apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")

from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import FeatureSettings
from train import recordings
from train.augment import Augment, AugmentSettings
from train.corpora import LABELS
from train.partition import ACTORS, FOLDS, named
from train.recordings import at_speed
from train.voice_data import Part, VoiceData


def train(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "train", "voice", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


def test_smoke_run_trains_saves_and_resumes(corpora: Path, tmp_path: Path) -> None:
    first = train("--smoke", "--out", tmp_path)
    assert first.returncode == 0, first.stderr
    assert "epoch 2/2" in first.stderr
    about = json.loads((tmp_path / "model.json").read_text())
    assert about["metrics"]["parameters"] <= 100_000
    with np.load(tmp_path / "model.npz") as saved:
        before = {name: saved[name] for name in saved.files}
    assert all(np.isfinite(array).all() for array in before.values())
    again = train("--smoke", "--out", tmp_path)
    assert "resuming at epoch 2" in again.stderr
    with np.load(tmp_path / "model.npz") as saved:
        for name, array in before.items():
            np.testing.assert_array_equal(saved[name], array)


@pytest.mark.parametrize("protocol", list(FOLDS))
def test_every_actor_is_tested_once_and_nobody_is_in_two_parts(protocol: str) -> None:
    partitions = [named(f"{protocol}:{fold}") for fold in range(len(FOLDS[protocol]))]
    tested = [actor for partition in partitions for actor in partition.test]
    assert len(tested) == len(set(tested)) == (91 if protocol == "crema-d" else len(ACTORS))
    for partition in partitions:
        assert not set(partition.test) & set(partition.dev)
        if protocol != "crema-d":
            assert set(partition.test) < set(ACTORS)
            assert len({int(actor) % 2 for actor in partition.dev}) == 2, "women and men"


def test_no_speaker_crosses_on_the_real_corpora(corpora: Path) -> None:
    items = recordings.load(corpora, recordings.CORPORA)
    parts = named("luna-jimenez:3").split(items)
    people = [{item.speaker for item in part} for part in parts]
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    assert sum(len(part) for part in parts) == len(items)
    assert {"emodb-03", "03"} <= people[0] | people[1] | people[2], "two people, two names"


@pytest.mark.parametrize("fold", ["luna-jimenez:5", "emobox", "random:0", "emobox:-1"])
def test_unknown_fold(fold: str) -> None:
    with pytest.raises(HeartenError, match="unknown fold"):
        named(fold)


def test_augmentation_varies_and_keeps_bounds() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(8, 2, size=(120, 40)).astype(np.float32)
    noise = rng.normal(6, 1, size=(50, 40)).astype(np.float32)
    augment = Augment(AugmentSettings(noise_share=1.0), [noise], floor=1.0)
    drawn = [augment({1.0: frames}, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert drawn[0].shape != drawn[2].shape or not np.allclose(drawn[0], drawn[2])
    for one in drawn:
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        assert one.min() >= 0.0
        assert 90 <= len(one) <= 120


def test_batches_hold_every_utterance_once_and_like_lengths_together() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(len(LABELS), size=300)
    frames = [rng.normal(8, 2, size=(n, 40)).astype(np.float32) for n in rng.integers(60, 600, 300)]
    numbers = np.arange(300, dtype=np.float32) / 300  # names an utterance: its valence
    vad = np.stack([numbers] * 3, axis=1)
    part = Part([None] * 300, [{1.0: one} for one in frames], classes, vad)  # type: ignore[list-item]
    data = VoiceData({"train": part}, FeatureSettings(kind="mfcc"), EndpointSettings(), [])
    data._mix = lambda *batch: batch[:3]  # type: ignore[method-assign] # a mixture has no name
    seen, spans = [], []
    for batch, targets, said in data.batches(np.random.default_rng(1), 32):
        rows = np.rint(said[:, 0] * 300).astype(int)
        np.testing.assert_array_equal(targets.argmax(axis=1), classes[rows])
        seen += rows.tolist()
        spans.append(max(map(len, batch)) - min(map(len, batch)))
    assert sorted(seen) == list(range(300))
    assert np.mean(spans) < 150, "of 540"
    assert seen != sorted(seen, key=lambda row: len(frames[row])), "batches in random order"


def test_speed_changes_length_and_pitch() -> None:
    tone = (8000 * np.sin(2 * np.pi * 400 * np.arange(16000) / 16000)).astype(np.int16)
    fast = at_speed(tone, 1.1)
    assert abs(len(fast) - 16000 / 1.1) <= 2
    spectrum = np.abs(np.fft.rfft(fast[1000:13000].astype(float)))
    assert spectrum.argmax() * 16000 / 12000 == pytest.approx(440, abs=2)
    assert at_speed(tone, 1.0) is tone

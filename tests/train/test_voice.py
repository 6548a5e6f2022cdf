"""Training the voice on a handful of recordings: runs, resumes, keeps speakers apart."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")

from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import Features, FeatureSettings
from train import recordings, voice
from train.augment import Augment, AugmentSettings
from train.conditions import CLEAN, at_speed
from train.corpora import LABELS, Utterance
from train.partition import ACTORS, FOLDS, named
from train.voice import DESIGN
from train.voice_data import UNFLOORED, Part, VoiceData
from train.voice_guide import Guide
from train.voice_model import VoiceNet, sizes

MFCC = FeatureSettings(kind="mfcc", floor=1.0)


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
    with np.load(tmp_path / "checkpoint.npz") as saved:  # one of another design is not resumed
        assert json.loads(str(saved["key"]))[0] == DESIGN


@pytest.mark.parametrize(
    ("kind", "cepstra", "seen"), [("mfcc", 20, 20), ("mfcc", 40, 20), ("logmel", 20, 40)]
)
def test_more_cepstra_stay_in_the_limit_and_out_of_the_gru(
    kind: str, cepstra: int, seen: int
) -> None:
    settings = sizes(FeatureSettings(kind=kind, cepstra=cepstra))
    assert settings.seen == seen
    net = VoiceNet(settings)
    net.build_now()
    count = sum(int(np.prod(v.shape)) for v in net.trainable_variables)
    assert kind == "logmel" or count <= 100_000
    frames = np.random.default_rng(0).normal(size=(1, 48, settings.size)).astype(np.float32)
    states = net.states(frames, training=False).numpy()
    for column in (0, settings.size - 1):
        moved = frames.copy()
        moved[:, :, column] += 1.0
        same = np.array_equal(net.states(moved, training=False).numpy(), states)
        assert same == (column >= seen)


@pytest.mark.parametrize("protocol", list(FOLDS))
def test_every_actor_is_tested_once_and_nobody_is_in_two_parts(protocol: str) -> None:
    partitions = [named(f"{protocol}:{fold}") for fold in range(len(FOLDS[protocol]))]
    tested = [actor for partition in partitions for actor in partition.test]
    people = {"crema-d": 91, "emodb": 10}.get(protocol, len(ACTORS))
    assert len(tested) == len(set(tested)) == people
    for partition in partitions:
        assert not set(partition.test) & set(partition.dev)
        if people == len(ACTORS):
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


def test_absurd_warps_are_told(corpora: Path) -> None:
    parser = argparse.ArgumentParser()
    voice.add_arguments(parser)
    args = parser.parse_args(["--corpora", "emodb", "--fold", "emodb:0", "--warps", "3"])
    with pytest.raises(HeartenError, match=r"warps must be numbers from 0\.5 to 2"):
        voice.prepare(args)


def test_augmentation_varies_and_keeps_bounds() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(8, 2, size=(120, 40)).astype(np.float32)
    noise = rng.normal(6, 1, size=(50, 40)).astype(np.float32)
    augment = Augment(AugmentSettings(noise_share=1.0), [noise], MFCC)
    drawn = [augment({CLEAN: frames}, np.random.default_rng(seed)).frames for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert drawn[0].shape != drawn[2].shape or not np.allclose(drawn[0], drawn[2])
    for one in drawn:
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        assert one.min() >= 0.0
        assert 90 <= len(one) <= 200


def test_a_variation_knows_where_it_begins_and_of_what_is_long_it_takes_a_part() -> None:
    rng = np.random.default_rng(0)
    frames = np.arange(120 * 40, dtype=np.float32).reshape(120, 40) / 500  # a row tells its place
    plain = AugmentSettings(noise_share=0.0, gain_share=0.0, response_db=0.0)
    noisy = replace(plain, noise_share=1.0, noise_snr_db=(90.0, 90.0))
    for settings in (plain, noisy):
        augment = Augment(settings, [np.zeros((50, 40), np.float32)], MFCC)
        for _ in range(20):
            found = augment({CLEAN: frames}, rng)
            row = 60 - found.offset
            np.testing.assert_allclose(found.frames[row], frames[60], atol=0.03)
    long = np.resize(frames, (1500, 40))
    lengths = {len(Augment(plain, [], MFCC)({CLEAN: long}, rng).frames) for _ in range(30)}
    assert 300 <= min(lengths) < max(lengths) <= 600


def test_augmentation_hears_quiet_speech() -> None:
    frames = np.full((200, 40), 12.0, np.float32)
    quiet = Augment(AugmentSettings(gain_share=1.0, gain_db=(-30.0, -30.0)), [], MFCC)
    means = [quiet({CLEAN: frames}, np.random.default_rng(n)).frames.mean() for n in range(40)]
    assert np.median(means) == pytest.approx(12.0 - 6.9, abs=0.2)
    lost = Augment(AugmentSettings(gain_share=1.0, gain_db=(-80.0, -80.0)), [], MFCC)
    assert (lost({CLEAN: frames}, np.random.default_rng(0)).frames == 0.0).all(), "at the floor"


def test_a_teacher_softens_labels_and_must_know_everybody(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    soft = rng.dirichlet(np.ones(len(LABELS)), 3).astype(np.float32)
    vectors = rng.normal(size=(3, 4)).astype(np.float32)
    path = tmp_path / "fold.npz"
    frames = np.arange(12, dtype=np.float16)[:, None] * np.ones(2, np.float16)
    kept = {"ids": ["a", "b", "b"], "speeds": [1.0, 1.0, 0.9], "starts": [0, 4, 4, 12]}
    rows = {"apart": soft, "everyone": soft[::-1], "vectors": vectors, "frames": frames}
    np.savez(path, **kept, **rows)
    guide = Guide.load(path, everyone=False)
    hard = np.eye(len(LABELS), dtype=np.float32)[[3, 3]]
    found = guide.soften(hard, [("b", 0.9), ("a", 1.0)])
    np.testing.assert_allclose(found, 0.3 * hard + 0.7 * soft[[2, 0]], rtol=1e-6)
    np.testing.assert_array_equal(guide.of([("b", 1.0)]), vectors[1:2])
    # A step of 8 frames that ends at frame 12: with 4 frames of delay, 0 to 8, the first two.
    said = guide.during(("b", 0.9), np.array([4, 12, 20, 400]), stride=8)
    np.testing.assert_array_equal(said[:, 0], [4.0, 4.5, 6.5, 11.0])
    np.testing.assert_array_equal(Guide.load(path, everyone=True).soft, soft[::-1])
    with pytest.raises(HeartenError, match="says nothing of d"):
        guide.of([("a", 1.0), ("d", 1.0)])
    with pytest.raises(HeartenError, match=r"of a at speed 0\.9"):
        guide.of([("a", 0.9)])
    with pytest.raises(HeartenError, match="python -m train voice_teacher"):
        Guide.load(tmp_path / "none.npz", everyone=False)
    np.savez(path, **kept, **(rows | {"apart": soft * np.nan}))
    with pytest.raises(HeartenError, match="not finite"):
        Guide.load(path, everyone=False)


def test_a_sibling_lends_its_development_speakers(corpora: Path, tmp_path: Path) -> None:
    apart, both = tmp_path / "apart", tmp_path / "both"
    assert train("--smoke", "--epochs", 1, "--out", apart).returncode == 0
    done = train("--smoke", "--sibling", apart, "--out", both)
    assert done.returncode == 0, done.stderr
    with np.load(apart / "predictions.npz") as first, np.load(both / "predictions.npz") as second:
        np.testing.assert_array_equal(first["dev/logits"], second["dev/logits"])
        assert not np.array_equal(first["test/logits"], second["test/logits"])
        assert second["heard/logits"].shape == first["dev/logits"].shape
    parser = argparse.ArgumentParser()
    voice.add_arguments(parser)
    for given, folder in ((["--fold", "emobox:1"], apart), ([], both)):
        with pytest.raises(HeartenError, match="is no sibling"):
            voice.Sibling.load(folder, parser.parse_args(given))


def test_batches_hold_every_utterance_once_and_like_lengths_together() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(len(LABELS), size=300)
    frames = [rng.normal(8, 2, size=(n, 40)).astype(np.float32) for n in rng.integers(60, 600, 300)]
    numbers = np.arange(300, dtype=np.float32) / 300  # names an utterance: its valence
    vad = np.stack([numbers] * 3, axis=1)
    items = [Utterance(id=str(number)) for number in range(300)]
    part = Part(items, [{CLEAN: one} for one in frames], classes, vad)
    data = VoiceData({"train": part}, FeatureSettings(kind="mfcc"), EndpointSettings(), [])
    seen, spans = [], []
    for batch in data.batches(np.random.default_rng(1), 32):
        rows = np.rint(batch.vad[:, 0] * 300).astype(int)
        np.testing.assert_array_equal(batch.targets.argmax(axis=1), classes[rows])
        seen += rows.tolist()
        lengths = [len(frames[row]) for row in rows]
        spans.append(max(lengths) - min(lengths))
    assert sorted(seen) == list(range(300))
    assert np.mean(spans) < 150, "of 540"
    assert seen != sorted(seen, key=lambda row: len(frames[row])), "batches in random order"


def test_training_hears_each_view_as_the_device_does() -> None:
    samples = np.random.default_rng(0).normal(0, 900, 16000).astype(np.int16)
    viewed = FeatureSettings(kind="mfcc", relative=True, reach=60.0, warps=(0.8, 1.2))
    energies = replace(viewed, kind="logmel", relative=False, reach=0.0, floor=UNFLOORED)
    logs = Features(energies).push(samples)
    items, versions = [Utterance(id="a")], [{CLEAN: logs}]
    one = [{CLEAN: logs[:, : viewed.filters]}]
    told = np.zeros(1, np.int64), np.zeros((1, 3), np.float32)
    parts = {"train": Part(items, one, *told), "dev": Part(items, versions, *told)}
    data = VoiceData(parts, viewed, EndpointSettings(), [])
    heard = Features(viewed).push(samples).reshape(len(logs), 3, viewed.size)
    expected = ((heard - data.mean) / data.std).reshape(len(logs), -1)
    np.testing.assert_allclose(data.plain("dev")[0], expected, atol=2e-3)


def test_speed_changes_length_and_pitch() -> None:
    tone = (8000 * np.sin(2 * np.pi * 400 * np.arange(16000) / 16000)).astype(np.int16)
    fast = at_speed(tone, 1.1)
    assert abs(len(fast) - 16000 / 1.1) <= 2
    spectrum = np.abs(np.fft.rfft(fast[1000:13000].astype(float)))
    assert spectrum.argmax() * 16000 / 12000 == pytest.approx(440, abs=2)
    assert at_speed(tone, 1.0) is tone


@pytest.mark.parametrize("snr", [0.0, 20.0])
def test_noise_in_the_mel_domain_is_as_strong_as_in_the_signal(snr: float) -> None:
    rng = np.random.default_rng(0)
    logmel = FeatureSettings(floor=1e-4)
    voice = np.cumsum(rng.normal(size=32000))  # as steep a spectrum as speech has
    voice = 3000.0 * (voice - np.convolve(voice, np.ones(400) / 400, "same"))
    voice *= 2000.0 / voice.std()
    hiss = rng.normal(size=32000) * 2000.0 * 10.0 ** (-snr / 20.0)
    clean, noise, both = (
        Features(logmel).push(np.rint(x).astype(np.int16)) for x in (voice, hiss, voice + hiss)
    )
    settings = AugmentSettings(0.0, 1.0, (snr, snr), 0, gain_share=0.0, response_db=0, cut_frames=0)
    mixed = Augment(settings, [noise + 3.0], logmel)({CLEAN: clean}, rng).frames
    assert np.abs(mixed.mean(axis=0) - both.mean(axis=0)).max() < 0.6

"""The seed's tables: features, networks, folds, commands from end to end, and what they print."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("joblib", reason="pip install 'hearten[train]'")

from edge.errors import HeartenError
from tests.train.test_licensed_corpora import iemocap_tree
from train import (
    evaluate,
    hsf,
    jobs,
    recordings,
    report_seed,
    report_tables,
    seed_models,
    table,
    table_cells,
    table_lld,
    table_ravdess,
)
from train.__main__ import main
from train.corpora import LABELS, Utterance
from train.partition import APART, DEPENDENT, TENTHS, UTTERANCES, chosen, tenths
from train.report_blocks import Table

SAMPLES = Path(__file__).parents[1] / "samples"


def needs(*names: str) -> None:
    for name in names:
        pytest.importorskip(name, reason="pip install 'hearten[train]'")


def recording() -> Path:
    return sorted(SAMPLES.glob("*.wav"))[0]


def here(monkeypatch, features: Path) -> None:
    """Run jobs in this process, and keep features where the next test finds them."""

    def run_all(found, count, scheduler=None):
        for job in found:
            if not Path(job.result).exists():
                Path(job.result).parent.mkdir(parents=True, exist_ok=True)
                jobs._work(job)
        return {}

    monkeypatch.setattr(table_cells, "run_all", run_all)
    monkeypatch.setattr(hsf, "CACHE", features)


@pytest.fixture(scope="session")
def features(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("features")


def test_functionals_of_the_seed_are_librosas(tmp_path) -> None:
    needs("librosa")
    import librosa

    signal, rate = librosa.load(recording())
    assert rate == hsf.SEED_RATE
    found = hsf.seed_functionals(recording())
    assert found.shape == (386,)
    mfcc = librosa.feature.mfcc(y=signal, n_mfcc=40)
    np.testing.assert_allclose(found[:40], mfcc.mean(axis=1), rtol=1e-3, atol=1e-2)
    np.testing.assert_allclose(found[193:233], mfcc.std(axis=1), rtol=1e-3, atol=1e-2)
    mel = librosa.feature.melspectrogram(y=signal)  # power, not decibels
    np.testing.assert_allclose(found[52:180], mel.mean(axis=1), rtol=1e-2, atol=1e-5)


def test_descriptors_have_their_sizes_and_are_kept(tmp_path, monkeypatch) -> None:
    needs("librosa", "opensmile", "pyAudioAnalysis")
    item = Utterance(id="x", path=recording())
    sizes = {"mfcc": 40, "logmel": 128, "gemaps": 23, "paa": 34, "paa-deltas": 68}
    found = {name: hsf.llds([item], name, tmp_path)[0] for name in sizes}
    assert {name: array.shape[1] for name, array in found.items()} == sizes
    seconds = len(hsf.read(recording())) / 16000
    for array in found.values():
        assert abs(len(array) - 100 * seconds) < 8 and np.isfinite(array).all()
    np.testing.assert_array_equal(found["paa"], found["paa-deltas"][:, :34])
    np.testing.assert_allclose(
        found["paa-deltas"][1:, 34:], np.diff(found["paa"], axis=0), rtol=1e-3, atol=1e-4
    )
    monkeypatch.setitem(hsf.COMPUTED, "gemaps", (None, 1))  # cannot be computed again
    np.testing.assert_array_equal(hsf.llds([item], "gemaps", tmp_path)[0], found["gemaps"])
    pauses = hsf.hsf([item], "gemaps", True, tmp_path)
    assert pauses.shape == (1, 47) and hsf.hsf([item], "gemaps", False, tmp_path).shape == (1, 46)
    np.testing.assert_allclose(pauses[0, 23:46], found["gemaps"].std(axis=0), rtol=1e-4)


def test_silence_ratio_counts_quiet_frames(monkeypatch) -> None:
    needs("librosa")
    signal = np.concatenate([np.zeros(16000), np.sin(np.arange(16000))]).astype(np.float32)
    monkeypatch.setattr(hsf, "_signal", lambda path: signal)
    assert hsf.silence(Path("x"))[0] == pytest.approx(0.5, abs=0.05)


def test_too_short_a_recording_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(hsf, "read", lambda path: np.zeros(100, np.int16))
    with pytest.raises(HeartenError, match=r"100 samples are too few"):
        hsf.each([Utterance(id="x", path=recording())], "mfcc", tmp_path)


def test_networks_have_the_parameters_that_the_paper_prints() -> None:
    needs("tensorflow")
    printed = {"mlp": 234e3, "lstm": 1.71e6, "gru": 1.29e6, "conv1d": 2.06e6}
    for name, count in printed.items():
        assert seed_models.parameters(name, 8) == pytest.approx(count, rel=3e-3)


@pytest.mark.parametrize("name", ["mlp", "gru", "svm"])
def test_models_learn(name: str) -> None:
    needs("tensorflow")
    rng = np.random.default_rng(0)
    truth = np.arange(70) % 3  # the last batch is smaller
    data = (rng.normal(size=(70, 386)) + 2.0 * np.eye(3).repeat(129, 1)[truth][:, :386]).astype("f")
    said = seed_models.predict(name, data[:55], truth[:55], data[55:], epochs=20)
    assert np.mean(said == truth[55:]) > 0.9


def test_recurrent_kernels_have_no_gradient_at_one_step() -> None:
    needs("tensorflow")
    import tensorflow as tf

    for name in ("gru", "lstm"):
        net = seed_models.network(name, 386, 8)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(net(tf.ones((4, 1, 386)), training=True)[:, 0])
        values = net.trainable_variables
        for value, slope in zip(values, tape.gradient(loss, values), strict=True):
            if "recurrent_kernel" in value.name:
                assert not np.any(slope)


def made_up(count: int) -> list[Utterance]:
    return [
        Utterance(id=f"03-0{kind}-{i}", label=LABELS[i % 4], speaker=f"{i % 5}")
        for kind in (1, 2)
        for i in range(count)
    ] + [Utterance(id="other", label="happy", speaker="emodb-03")]


def test_tenths_test_every_utterance_once_and_say_that_they_keep_nobody_apart() -> None:
    every = made_up(60)
    tested: list[str] = []
    for fold in range(TENTHS):
        partition = chosen(f"{UTTERANCES}:{fold}", every)
        train, dev, test = partition.split(every)
        assert len(train) + len(dev) + len(test) == len(every) and every[-1] in train
        assert {u.speaker for u in test} & {u.speaker for u in train}
        assert len(test) == len(dev) == 12
        tested += [u.id for u in test]
    assert sorted(tested) == sorted(u.id for u in every[:-1])
    with pytest.raises(HeartenError, match=r"unknown fold 'utterances:10'; known: utterances:0..9"):
        chosen("utterances:10", every)
    with pytest.raises(HeartenError, match="fewer than 10 utterances"):
        tenths(every[:20])


def test_voice_results_on_tenths_say_speaker_dependent() -> None:
    parser = argparse.ArgumentParser()
    evaluate.add_arguments(parser)
    for protocol, words in ((UTTERANCES, DEPENDENT), ("emobox", APART)):
        args = parser.parse_args(["voice", "--protocol", protocol])
        notes = evaluate._notes(args, 8)
        assert notes.startswith(words) and ("actors" in notes) == (protocol != UTTERANCES)


def test_ravdess_command(tmp_path, monkeypatch, corpora, features, capsys) -> None:
    needs("librosa", "tensorflow")
    here(monkeypatch, features)
    given = ["table", "ravdess", "--smoke", "--out", str(tmp_path), "--seeds", "0", "--models"]
    assert main([*given, "mlp"]) == 0
    printed = capsys.readouterr().out
    assert main([*given, "svm", "--json"]) == 0  # the row of the MLP stays
    assert [len(c["metrics"]) for c in json.loads(capsys.readouterr().out)] == [2, 2, 2, 2]
    assert re.search(r"MLP +234,256 +0\.\d+ +0\.729", printed)
    for kind, classes in (("speech", 8), ("song", 6)):
        for column in (UTTERANCES, "emobox"):
            place = tmp_path / f"results/table-ravdess-{kind}-{column}.json"
            content = json.loads(place.read_text())
            assert [*content["metrics"]] == ["mlp", "svm"] and "SMOKE" in content["notes"]
            assert (DEPENDENT in content["notes"]) == (column == UTTERANCES)
            for row in content["metrics"].values():
                assert ("ci95" in row["uar"]) == (column != UTTERANCES)
                assert ("uar_split" in row) == (column == UTTERANCES)
            assert np.array(content["confusion"]["svm"]).sum() == classes
    assert not (tmp_path / "results/table-ravdess-speech-luna-jimenez.json").exists()


def test_lld_command(tmp_path, monkeypatch, corpora, features, capsys) -> None:
    needs("librosa", "tensorflow")
    here(monkeypatch, features)
    given = ["table", "lld-hsf", "--smoke", "--features", "mfcc", "--out", str(tmp_path)]
    assert main(given) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines() if " HSF" in line]
    assert rows == [["mfcc", f, m] for f in ("HSF1", "HSF2") for m in ("MLP", "SVM")]
    (place,) = (tmp_path / "results").glob("*.json")
    content = json.loads(place.read_text())
    assert next(iter(content["metrics"])) == "mfcc/LLD/gru" and len(content["metrics"]) == 5
    assert "derived" in content["metrics"]["mfcc/LLD/gru"]["ccc_valence"]["labels"]
    whole = report_tables.blocks({place.stem: content}, [])
    assert any(isinstance(block, Table) and "CCC mean" in block.head for block in whole)


def spoken_iemocap(folder: Path) -> None:
    """Write a tree of IEMOCAP in which five sessions speak, with one of our own recordings."""
    sound = recording().read_bytes()
    for session in range(1, 6):
        dialog = f"Ses0{session}F_impro01"
        home = folder / "iemocap" / f"Session{session}"
        turns = []
        for n, (code, v) in enumerate((("neu", 2.5), ("ang", 1.5), ("hap", 4.5), ("sad", 2.0))):
            name = f"{dialog}_{'FM'[n % 2]}00{n}"
            turns.append(f"[{n}.0 - {n}.9]\t{name}\t{code}\t[{v}, {v + n / 4}, {3 - n / 4}]\n\n")
            place = home / "sentences" / "wav" / dialog / f"{name}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(sound)
        notes = home / "dialog" / "EmoEvaluation" / f"{dialog}.txt"
        notes.parent.mkdir(parents=True)
        notes.write_text(
            "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "".join(turns)
        )


def test_lld_command_runs_on_iemocap_unchanged(tmp_path, monkeypatch, capsys) -> None:
    needs("librosa")
    spoken_iemocap(tmp_path)
    monkeypatch.setenv("HEARTEN_CORPORA", str(tmp_path))
    here(monkeypatch, tmp_path / "features")
    out = tmp_path / "out"
    given = ["table", "lld-hsf", "--corpus", "iemocap", "--features", "mfcc", "--models", "svm"]
    assert main([*given, "--out", str(out), "--results", str(out)]) == 0
    content = json.loads((out / f"table-lld-hsf-iemocap-{table_lld.LOSO}.json").read_text())
    assert content["folds"] == [[f"session {n}"] for n in range(1, 6)]
    assert np.array(content["confusion"]["mfcc/HSF1/svm"]).sum() == 20
    assert "published" in content["metrics"]["mfcc/HSF2/svm"]["ccc_arousal"]["labels"]
    assert report_seed.lld(content).head[-1] == "CCC mean, batches of 32"
    items = table_lld.load("iemocap")
    for fold in range(5):
        parts = table_lld.split(items, table_lld.LOSO, fold)
        people = [{u.speaker for u in part} for part in parts]
        assert not people[0] & people[1] and not people[2] & (people[0] | people[1])


def test_corpus_under_licence_that_is_not_here(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HEARTEN_CORPORA", str(tmp_path))
    for corpus in ("iemocap", "mspin"):
        assert main(["table", "lld-hsf", "--corpus", corpus]) == 2
        told = capsys.readouterr().err
        assert f"needs licence: {corpus} (signed agreement, research only): no" in told
        assert "train/corpora/README.md" in told
    iemocap_tree(tmp_path / "iemocap")  # here, but of two sessions
    assert main(["table", "lld-hsf", "--corpus", "iemocap"]) == 2
    assert "needs licence" not in capsys.readouterr().err


def test_impossible_options(capsys) -> None:
    for given, words in (
        (["ravdess", "--models", "vgg"], "unknown model 'vgg'; known: mlp, lstm"),
        (["lld-hsf", "--features", "x"], "unknown features 'x'; known: mfcc"),
        (["lld-hsf", "--corpus", "emodb", "--protocol", "emobox"], "is of RAVDESS, not of emodb"),
        (["ravdess", "--epochs", "0"], "--epochs must be at least 1"),
        (["ravdess", "--protocol", "official"], "unknown protocol 'official'; known: emobox"),
        (["mtl", "--protocol", "emobox"], "unknown protocol 'emobox'; known: leave-one-session"),
        (["mtl", "--corpus", "ravdess"], "unknown corpus 'ravdess'; known: iemocap, msp-improv"),
        (["text", "--vectors", "x.vec"], "--vectors x.vec: use learned, glove, or a file"),
        (["ravdess", "--jobs", "0"], "--jobs must be at least 1"),
    ):
        assert main(["table", *given]) == 2
        assert words in capsys.readouterr().err


def test_our_row_and_the_published_numbers_stand_beside() -> None:
    voice = {"task": "voice", "model": {"parameters": 75052}}
    rows = {
        UTTERANCES: {"uar": {"mean": 0.8, "ci95": [0.7, 0.9]}, "war": {"mean": 0.81}},
        "emobox": {"uar": {"mean": 0.6, "ci95": [0.5, 0.7]}, "war": {"mean": 0.61}},
    }
    results = {
        f"voice-ravdess-speech-{name}-streaming": voice | {"protocol": name, "metrics": metrics}
        for name, metrics in rows.items()
    }
    found = report_seed.seed(results, "speech", "emobox")
    ours = [report_seed.OURS, "75,052", "0.810", "-", "0.800", "-", "-"]
    assert found.rows[-1] == [*ours, "0.610", "0.600 (0.500-0.700)"]
    gru = found.rows[2]
    assert (gru[0], gru[3], gru[6]) == ("GRU", "0.785", "0.764")
    text = table_cells.text("x", found)
    assert "speaker-dependent" in text and "actors apart (emobox)" in text
    # Our speaker-dependent number stands nowhere else in a report.
    whole = report_tables.blocks(results, [])
    shown = [row for block in whole if isinstance(block, Table) for row in block.rows]
    assert not any("0.800" in cell for row in shown for cell in row)


def test_smoke_recordings_allow_every_column(corpora) -> None:
    for kind, classes in (("speech", 8), ("song", 6)):
        for protocol in ("emobox", "luna-jimenez"):
            every = table_ravdess.items(kind, protocol)
            assert len(every) == 2 * classes < len(recordings.load(corpora, [f"ravdess-{kind}"]))
            for column in (UTTERANCES, table_ravdess.SPLIT, protocol):
                train, test = table_ravdess.parts(every, column, 0, table_ravdess.SMOKE_ACTORS)
                assert len(test) == classes and not set(train) & set(test)
    assert [*table.TABLES][:2] == ["ravdess", "lld-hsf"]

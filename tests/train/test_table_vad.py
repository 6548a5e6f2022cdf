"""The seed's tables of V/A/D and USOMS-e: from small trees of licensed corpora to printed rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("joblib", reason="pip install 'hearten[train]'")

from edge.errors import HeartenError
from edge.text import tokenise
from tests.train.test_licensed_corpora import USOMS, improv_tree, put
from tests.train.test_table import SAMPLES, here, needs
from train import table_late_fusion, table_vad, vad_data, vad_networks
from train.__main__ import main
from train.corpora import iemocap, usoms
from train.metrics import ccc, ccc_batches

GOOD, BAD = ("What a wonderful gift.", "I love it."), ("I hate this.", "A terrible funeral.")
FAST = ["--smoke", "--text-model", "bag", "--seeds", "0"]


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(autouse=True)
def eager(request: pytest.FixtureRequest) -> Iterator[None]:
    """Small networks take longer to compile than to run."""
    needs("librosa", "opensmile", "tensorflow", "sklearn")
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def sounds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(SAMPLES.glob("*.wav"))]


def spoken(folder: Path) -> Path:
    """Write IEMOCAP in its layout: five sessions of two people, four turns with words each."""
    recordings = sounds()
    for session in range(1, 6):
        dialog, home = f"Ses0{session}F_impro01", folder / "iemocap" / f"Session{session}"
        turns, texts = [], []
        for n, code in enumerate(("hap", "ang", "exc", "sad")):
            name = f"{dialog}_{'FM'[n // 2]}00{n}"
            v, a, d = 4.5 - 3 * (n % 2) + session / 10, 2.0 + n / 2, 3.5 - n / 4 + session / 20
            turns.append(f"[{n}.0 - {n}.9]\t{name}\t{code}\t[{v}, {a}, {d}]\n\n")
            words = (GOOD, BAD)[n % 2][n // 2] if session != 2 or n else ""
            texts.append(f"{name} [00{n}.0-00{n}.9]: {words}\n")
            sound = recordings[(4 * session + n) % len(recordings)]
            put(home / "sentences" / "wav" / dialog / f"{name}.wav", sound)
        head = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        put(home / "dialog" / "EmoEvaluation" / f"{dialog}.txt", head + "".join(turns))
        put(home / "dialog" / "transcriptions" / f"{dialog}.txt", "".join(texts))
    return folder


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: Path) -> Path:
    """A folder of corpora in which jobs run in this process."""
    monkeypatch.setenv("HEARTEN_CORPORA", str(tmp_path / "corpora"))
    here(monkeypatch, features)
    vectors = tmp_path / "own.vec"
    known = sorted({word for text in (*GOOD, *BAD) for word in tokenise(text)})
    rows = [f"{word} {' '.join(map(str, np.eye(3)[n % 3]))}" for n, word in enumerate(known)]
    put(vectors, "\n".join([f"{len(known)} 3", *rows]))
    return tmp_path / "corpora"


def ran(out: Path, *given: str) -> dict:
    assert main(["table", *given, *FAST, "--out", str(out)]) == 0
    (place,) = (out / "results").glob(f"table-{given[0]}-*.json")
    return json.loads(place.read_text())


def test_late_fusion_from_iemocap_to_a_row(corpus: Path, tmp_path: Path, capsys) -> None:
    spoken(corpus)
    own = f"own={tmp_path / 'own.vec'}"
    content = ran(tmp_path, "late-fusion", "--vectors", own)
    rows = ["voice", "text (own)", "late fusion, SVR (own)", "late fusion, ridge (own)"]
    restored = [name.replace(" (own)", "") + ", deviation restored" for name in rows]
    restored = [name + " (own)" * (not name.startswith("voice")) for name in restored]
    assert [*content["metrics"]] == [*rows, *restored]
    assert content["folds"] == [["session 5"]] and "SMOKE" in content["notes"]
    printed = capsys.readouterr().out
    assert "LOSO, HSF2 + GloVe" in printed and "0.532" in printed
    assert "one CCC over the test set" in printed and "late fusion, SVR (own)" in printed
    # The numbers are those of what the job said, over the four turns of session 5.
    (said,) = (tmp_path / "late-fusion").glob("*/said-*.json")
    job = json.loads(said.read_text())
    assert job["speakers"] == ["Ses05F"] * 2 + ["Ses05M"] * 2 and len(job["dev"]["truth"]) == 3
    truth, voice = np.array(job["test"]["truth"]), np.array(job["test"]["voice"])
    row = content["metrics"]["voice"]
    assert row["ccc_arousal"]["mean"] == pytest.approx(ccc(truth[:, 1], voice[:, 1]), abs=1e-4)
    assert "ci95" not in row["ccc_arousal"], "two speakers have no interval"
    fused = table_late_fusion.answers(job)["late fusion, SVR"]
    found = content["metrics"]["late fusion, SVR (own)"]["ccc_valence"]["mean"]
    assert found == pytest.approx(ccc(truth[:, 0], fused[:, 0]), abs=1e-4)


def test_late_fusion_joins_what_sides_know() -> None:
    """Each side knows a part of valence; without words the voice stays."""
    rng = np.random.default_rng(0)

    def part(n: int) -> dict:
        truth = rng.uniform(-1, 1, (n, 3))
        sides = {name: truth * 0.5 + rng.normal(0, 0.4, (n, 3)) for name in ("voice", "text")}
        words = np.arange(n) % 5
        found = {"truth": truth.tolist(), "words": words.tolist()}
        return found | {name: side.tolist() for name, side in sides.items()}

    job = {"dev": part(300), "test": part(300)}
    said = table_late_fusion.answers(job)
    truth = np.array(job["test"]["truth"])
    scores = {name: vad_networks.agreement(truth, row) for name, row in said.items()}
    for kind in ("SVR", "ridge"):
        fused = scores[f"late fusion, {kind}, deviation restored"]
        assert fused > scores["voice, deviation restored"] + 0.05
        assert fused > scores["text, deviation restored"] + 0.05
    silent = np.array(job["test"]["words"]) == 0
    voice = np.array(job["test"]["voice"])
    assert said["late fusion, SVR"][silent] == pytest.approx(voice[silent])


def test_multitask_totals(corpus: Path, tmp_path: Path, capsys) -> None:
    spoken(corpus)
    own = str(tmp_path / "own.vec")
    content = ran(tmp_path, "mtl", "--vectors", own)
    assert [*content["metrics"]] == ["no parameter", "two parameters", "three parameters"]
    assert set(content["metrics"]["two parameters"]) >= {"ccc_batch32_mean", "ccc_mean"}
    printed = capsys.readouterr().out
    assert ".7 V + .2 A + .1 D" in printed and "0.508" in printed and "batches of 32" in printed


def test_text_rows(corpus: Path, tmp_path: Path, capsys) -> None:
    spoken(corpus)
    given = ["--vectors", "learned", f"mine={tmp_path / 'own.vec'}", "--every-session"]
    content = ran(tmp_path, "text", *given)
    assert [*content["metrics"]] == ["learned", "mine"] and len(content["folds"]) == 5
    assert len(content["metrics"]["mine"]["ccc_valence"]["ci95"]) == 2, "ten speakers have one"
    printed = capsys.readouterr().out
    assert "word2vec" in printed and "EmoBank" in printed


def test_msp_improv_runs_by_the_same_command(corpus: Path, tmp_path: Path) -> None:
    lines, recordings = [], sounds()
    for session in range(1, 7):
        for n, label in enumerate("HSA"):
            sex = "FM"[n % 2]
            lines.append(
                f"UTD-IMPROV-S01A-{sex}0{session}-S-FM0{n}.avi; {label}; "
                f"A:{2 + n}.000000; V:{4 - n}.500000; D:3.{session}00000 ; N:4.000000;"
            )
    home = improv_tree(corpus / "msp-improv", lines)
    told = ["id,text"]
    for n, path in enumerate(sorted(home.rglob("MSP-*.wav"))):
        path.write_bytes(recordings[n % len(recordings)])
        told.append(f"{path.stem},{(*GOOD, *BAD)[n % 4]}")
    put(home / "transcripts.csv", "\n".join(told) + "\n")
    vectors = str(tmp_path / "own.vec")
    content = ran(tmp_path, "late-fusion", "--corpus", "mspin", "--vectors", vectors)
    assert content["folds"] == [["session 6"]] and len(content["metrics"]) == 8


def test_usoms_from_stories_to_rows(corpus: Path, tmp_path: Path, capsys) -> None:
    head, recordings = USOMS.splitlines()[0], sounds()
    rows, texts = [head], ["id,text"]
    for n, part in enumerate(["train"] * 6 + ["devel"] * 6 + ["test"] * 3):
        story, level = f"ID{part}{n}_st1", n % 3
        for piece in range(2):
            name = f"{part}_{n}{piece}"
            rows.append(f"{name}.wav,{story},{part},{'LMH'[level]},{level},{'HML'[level]},{level}")
            place = corpus / "usoms-e" / "wav" / f"{name}.wav"
            put(place, recordings[(3 * level + piece) % len(recordings)])
        texts.append(f"{story},{('traurig allein', 'gewöhnlich', 'froh und munter')[level]}")
    put(corpus / "usoms-e" / "lab" / "labels.csv", "\n".join(rows) + "\n")
    put(corpus / "usoms-e" / "transcripts.csv", "\n".join(texts) + "\n")
    content = ran(tmp_path, "usomse")
    assert [*content["metrics"]] == ["voice", "text", "voice and text, concatenated"]
    for row in content["metrics"].values():  # the level decides sound and words alike
        assert row["test_valence"]["mean"] == 1.0 and row["dev_arousal"]["mean"] == 1.0
    assert content["metrics"]["text"]["test_arousal"]["ci95"] == [1.0, 1.0]
    assert "ResNet50 + BLAtt" in capsys.readouterr().out
    hidden = "\n".join(rows).replace("L,0,H,0", "?,?,?,?").replace("M,1,M,1", "?,?,?,?")
    labels = "\n".join(
        shown if row.startswith(("train", "devel")) else row
        for row, shown in zip(hidden.splitlines(), rows, strict=True)
    )
    put(corpus / "usoms-e" / "lab" / "labels.csv", labels + "\n")
    content = ran(tmp_path, "usomse")
    assert [*content["metrics"]["voice"]] == ["dev_valence", "dev_arousal"]
    assert "hidden" in capsys.readouterr().out
    assert len(usoms.load(corpus)) == 30


@pytest.mark.parametrize("name", ["text", "late-fusion", "mtl", "usomse"])
def test_without_the_licence(corpus: Path, name: str, capsys) -> None:
    assert main(["table", name]) == 0
    printed = capsys.readouterr().out
    wanted = "usoms-e" if name == "usomse" else "iemocap"
    assert f"Ours: needs licence: {wanted} (" in printed and "README.md" in printed
    assert "published" in printed and "Seed: " in printed
    assert main(["table", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ours"] is None


def test_a_corpus_that_is_here_and_unusable_is_told(corpus: Path, tmp_path: Path, capsys) -> None:
    spoken(corpus)
    for path in (corpus / "iemocap").rglob("transcriptions/*.txt"):
        path.unlink()
    assert main(["table", "mtl"]) == 2
    assert "iemocap has no transcripts: add transcripts.csv" in capsys.readouterr().err
    own = put(tmp_path / "my.csv", "path,speaker,text,label\nx.wav,ann,hello,happy\n")
    put(tmp_path / "x.wav", sounds()[0])
    assert main(["table", "late-fusion", "--corpus", str(own), "--vectors", "learned"]) == 2
    assert "no session" in capsys.readouterr().err


def test_parts_keep_speakers_of_the_test_apart(corpus: Path) -> None:
    items = iemocap.load(spoken(corpus))
    train, dev, test = vad_data.split(items, vad_data.LOSO, "5", seed=0)
    assert {u.session for u in test} == {"5"} and len(train) + len(dev) + len(test) == 20
    assert not {u.speaker for u in test} & {u.speaker for u in (*train, *dev)}
    assert len(vad_data.split(items, vad_data.DEPENDENT, "", seed=0)[2]) == 4
    with pytest.raises(HeartenError, match="no session '7' beside others: 1, 2"):
        vad_data.split(items, vad_data.LOSO, "7", seed=0)


def test_scores_are_global_and_in_batches() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, (80, 3))
    job = {"test": {"truth": truth.tolist()}, "speakers": [str(n % 5) for n in range(80)]}
    said = [truth + rng.normal(0, 0.3, truth.shape) for _ in range(2)]
    found = table_vad.scores([(0, job, said[0]), (1, job, said[1])])
    runs = [vad_networks.agreement(truth, one) for one in said]
    assert found["ccc_mean"]["runs"] == pytest.approx(runs, abs=1e-4)
    batched = [ccc_batches(truth[:, 2], one[:, 2]) for one in said]
    assert found["ccc_batch32_dominance"]["mean"] == pytest.approx(np.mean(batched), abs=1e-4)
    low, high = found["ccc_mean"]["ci95"]
    assert low < found["ccc_mean"]["mean"] < high

"""Fitting the fusion that is shipped on made voices and small corpora, as the command does."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edge
from edge import fusion as device
from edge.emotion import Scores
from edge.errors import HeartenError
from train import fusion, mishearing, pairs
from train.corpora import LABELS
from train.fusion_late import Product
from train.modalities import Rows, Side
from train.text_data import CATEGORIES

PACK = Path(edge.__file__).parent / "packs" / "hearten-en-1"
TELLING = {"happy": "wonderful", "sad": "horrible", "neutral": "table"}
VAD = {"happy": (0.6, 0.3, 0.5), "sad": (-0.6, -0.3, 0.1), "neutral": (0.0, 0.0, -0.4)}
RATES = mishearing.Rates(0.8, 0.1, (0.5, 0.9), (0.1, 0.5))


def made_voice(folder: Path, rng: np.random.Generator, over: float = 3.0) -> None:
    """A voice model that is right often, and surer than it should be by a factor."""
    rows: dict[str, np.ndarray] = {}
    for part in ("dev", "test"):
        classes = rng.choice([LABELS.index(name) for name in TELLING], size=300)
        truth = np.array([VAD.get(LABELS[c]) for c in classes]) * rng.uniform(0.8, 1, (300, 1))
        noisy = 1.2 * np.eye(8)[classes] + rng.normal(size=(300, 8))
        rows |= {
            f"{part}/ids": np.array([f"03-01-{i}" for i in range(300)]),
            f"{part}/classes": classes,
            f"{part}/logits": (over * noisy).astype(np.float32),
            f"{part}/truth": truth.astype(np.float32),
            f"{part}/vad": truth * [0.1, 0.9, 0.9] + rng.normal(scale=0.1, size=(300, 3)),
        }
    folder.mkdir()
    np.savez(folder / "predictions.npz", **rows)
    (folder / "model.json").write_text(json.dumps({"corpora": ["crema-d"]}))


def made_text(folder: Path) -> None:
    """A text model of words that each stand for a category; "lovely" and the like know none."""
    words = ["lovely", "great", "misery", "despair", *TELLING.values()]
    width = 8
    table = np.zeros((len(words) + 1, width))
    for row, name in enumerate(TELLING, start=5):
        table[row, CATEGORIES.index(name)] = 1.0
    table[1:3, 3] = table[3:5, 4] = 1.0
    head = np.eye(width)
    arrays = {
        "table": table, "rows": np.arange(len(words) + 1), "negates": np.zeros(len(words) + 1),
        "turn": np.ones(width), "turn_bias": np.zeros(width), "salience": np.zeros(width),
        "vad_hidden": head, "vad_hidden_bias": np.zeros(width),
        "vad": np.eye(width, 3, -3) * 0.3 - np.eye(width, 3, -4) * 0.3, "vad_bias": np.zeros(3),
        "category_hidden": head, "category_hidden_bias": np.zeros(width),
        "category": 4 * np.eye(width, 7), "category_bias": np.zeros(7),
    }  # fmt: skip
    folder.mkdir()
    np.savez(folder / "model.npz", **{k: v.astype(np.float32) for k, v in arrays.items()})
    about = {"vocabulary": "keywords.txt", "slots": 40, "smoothing": 0.5, "salience_limit": 4.0}
    (folder / "model.json").write_text(json.dumps({**about, "labels": CATEGORIES}))
    (folder / "keywords.txt").write_text("\n".join(words) + "\n")


def made_language(folder: Path) -> None:
    """The dictionary and language model of the built-in pack."""
    folder.mkdir()
    for name in ("words.lm.bin", "words.dict"):
        (folder / name).symlink_to(PACK / name)
    (folder / "language.json").write_text('{"options": {}}')
    (folder / "confidence.json").write_text('{"min_confidence": 0.2}')


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, small: Path) -> list[str]:
    """The options of the command over made models; corpora are the small ones."""
    place = tmp_path_factory.mktemp("runs")
    made_voice(place / "voice", np.random.default_rng(4))
    made_text(place / "text")
    made_language(place / "language")
    rates = {"recall": RATES.recall, "inserted": RATES.inserted}
    rates |= {"right": RATES.right, "wrong": RATES.wrong}
    (place / "mishearing").write_text(json.dumps({"rates": rates}))
    names = ("voice", "text", "language", "mishearing", "out", "results")
    return [x for name in names for x in (f"--{name}", str(place / name))]


def parsed(options: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    fusion.add_arguments(parser)
    return parser.parse_args(options)


@pytest.fixture(scope="module")
def fitted(options: list[str], small: Path) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTEN_CORPORA", str(small))
        args = parsed(options)
        assert fusion.run(args) == 0
        stored = json.loads((args.results / fusion.RESULT).read_text())
        assert "constructed" in stored["notes"]
        assert "80%" in stored["notes"]
        assert stored["corpus"] == "crema-d with emobank, goemotions, isear (constructed pairs)"
        with pytest.raises(HeartenError, match="isear"):  # the texts forbid it
            fusion.run(parsed([*options, "--commercial"]))
    return json.loads((args.out / "fusion.json").read_text())


def test_temperature_undoes_overconfidence(fitted: dict) -> None:
    assert fitted["calibration"]["temperature"] == pytest.approx(2.5, abs=1.0)
    assert fitted["metrics"]["test"]["voice_ece"] < 0.12


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


def test_device_joins_as_it_was_fitted() -> None:
    rng = np.random.default_rng(0)
    voice, text = rng.dirichlet(np.ones(8), 200), rng.dirichlet(np.ones(7), 200)
    vad, said = rng.uniform(-1, 1, (200, 3)), rng.uniform(-0.2, 0.2, (200, 3))
    evidence = rng.choice([0.0, 0.3, 2.0, 9.0], 200)
    sides = Side(None, voice, vad), Side(None, text, said)
    truth = np.clip(vad + 2 * said, -1, 1)
    rows = Rows.of(*sides, voice.argmax(axis=1), truth, evidence)
    rows = replace(rows, novelty=rng.uniform(0.5, 2.0, 200))
    product = fusion.fit(rows, CATEGORIES)
    product.middle, product.slope, product.novel = 1.2, 8.0, np.array([0.9, 0.2, 0.5])
    assert product.weight >= 0 and product.share.max() > 0
    section = json.loads(json.dumps(fusion.manifest_section(product)))
    shipped, fused = device.build(section, LABELS, CATEGORIES), product.predict(rows)
    for i, strength in enumerate(evidence):
        mine = Scores(vad[i].astype(np.float32), voice[i].astype(np.float32))
        theirs = Scores(said[i].astype(np.float32), text[i].astype(np.float32))
        joined = shipped(mine, theirs, float(strength), float(rows.unlike[i]))
        np.testing.assert_allclose(joined.probabilities, fused.probabilities[i], atol=2e-4)
        np.testing.assert_allclose(joined.vad, fused.vad[i], atol=2e-4)


def test_trust_falls_where_plain_speech_is_and_acted_speech_is_not() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(7, size=600)
    said = 0.4 * np.eye(7)[truth] + 0.6 / 7
    words = Side(None, said, np.eye(7)[truth, :3] - 0.5)
    right, wrong = (0.8 * np.eye(8)[x] + 0.2 / 8 for x in (truth, rng.integers(7, size=600)))

    def rows(shares: np.ndarray, vad: np.ndarray, novelty: tuple[float, float]) -> Rows:
        one = Rows.of(Side(None, shares, vad), words, truth, words.vad, np.full(600, 2.0))
        return replace(one, novelty=rng.uniform(*novelty, 600))

    acted = rows(right, words.vad + rng.normal(scale=0.1, size=(600, 3)), (0.8, 1.2))
    plain = rows(wrong, rng.normal(scale=0.3, size=(600, 3)), (1.4, 2.0))
    product = Product([*range(7), 0]).fit(acted)
    before = [product.predict(one).probabilities for one in (acted, plain)]
    product.fit_novel(acted, plain)
    after = [product.predict(one).probabilities for one in (acted, plain)]
    assert product.trust(acted).min() > 0.8 and product.trust(plain).mean() < 0.3
    hits = [(p.argmax(axis=1) == truth).mean() for p in (*before, *after)]
    assert hits[2] >= hits[0] - 0.005 and hits[3] > hits[1] + 0.3
    assert product.novel[0] > product.share[0]
    assert (product.novel[1:] == product.share[1:]).all(), "arousal and dominance are the voice's"


def test_other_classes_of_the_text_must_be_named() -> None:
    shares = np.full((4, 8), 1 / 8)
    rows = Rows.of(Side(None, shares), Side(None, np.full((4, 7), 1 / 7)), np.arange(4))
    with pytest.raises(HeartenError, match="say which class of the text"):
        Product().fit(rows)


def test_missing_predictions_and_measurements_name_the_command(
    tmp_path: Path, options: list[str], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HeartenError, match="python -m train voice"):
        pairs.load_voices(tmp_path, "dev")
    monkeypatch.setenv("HEARTEN_CORPORA", str(small))
    with pytest.raises(HeartenError, match="python -m train mishearing"):
        fusion.run(parsed([*options, "--mishearing", str(tmp_path / "none.json")]))

"""Bags and the training of the text model, on small made-up corpora."""

import argparse
import json

import numpy as np
import pytest

from edge.errors import HeartenError
from edge.text import SLOTS
from tests.train.small import BAD, GOOD, PLAIN
from train import text_damage, text_data, word_vectors
from train.corpora import Utterance
from train.text_model import STARTS, initial_table
from train.text_training import Settings

COUNTS = np.arange(9, dtype=np.float64)


def test_categories_are_shared_and_unknown_labels_left_out():
    shares = text_data.category_targets(
        [
            Utterance("a", labels=("happy",)),
            Utterance("b", labels=("happy", "sad")),
            Utterance("c", labels=("calm",)),
            Utterance("d"),
        ]
    )
    happy, sad = (text_data.CATEGORIES.index(name) for name in ("happy", "sad"))
    assert shares[0, happy] == 1.0
    assert shares[1, [happy, sad]].tolist() == [0.5, 0.5]
    assert not shares[2:].any()


def test_every_corpus_label_maps_to_a_category_of_the_model():
    for mapping in text_data.category_mapping().values():
        assert set(mapping.values()) <= set(text_data.CATEGORIES)


def test_masks_are_not_words():
    assert text_data.words_of(Utterance("a", text="[NAME] isn't [RELIGION]!")) == ["isn't"]


def test_encode_keeps_order_repeats_and_the_first_slots():
    bags = text_data.encode([["b", "x", "a", "b"], [], ["a"] * 30], ("a", "b"), slots=3)
    assert bags.ids.tolist() == [[2, 1, 2], [0, 0, 0], [1, 1, 1]]
    assert bags.weights.tolist() == [[1, 1, 1], [0, 0, 0], [1, 1, 1]]


def test_a_third_of_the_words_remains():
    bags = text_data.encode([["a"] * SLOTS] * 500, ("a",))
    kept = text_data.keep_share(bags, 1 / 3, np.random.default_rng(0))
    assert (kept.ids > 0).mean() == pytest.approx(1 / 3, abs=0.02)
    assert ((kept.ids > 0) == (kept.weights > 0)).all()


def test_damage_drops_weakens_and_invents_words_in_half_of_the_utterances():
    bags = text_data.encode([["a", "b", "c", "d", "e"]] * 2000, tuple("abcdefgh"))
    heard = text_data.as_heard(bags, COUNTS, np.random.default_rng(0))
    same = (heard.ids == bags.ids).all(axis=1) & (heard.weights == bags.weights).all(axis=1)
    assert 0.45 < same.mean() < 0.55
    rough = ~same
    assert (heard.ids[rough, :5] == 0).mean() > 0.2
    invented = np.where(heard.ids[rough] > 5, heard.weights[rough], 0.0)
    assert 0.05 < (invented > 0).sum(axis=1).mean() < 0.3
    assert invented.max() <= 0.7
    assert ((heard.ids > 0) == (heard.weights > 0)).all()
    assert heard.ids.min() >= 0
    assert heard.ids.max() < len(COUNTS)


def test_what_is_not_heard_leaves_no_gap():
    bags = text_data.encode([["a", "b", "c"], ["c", "a", "b"]], ("a", "b", "c"), slots=4)
    bags.ids[0, 1] = bags.ids[1, 0] = 0
    bags.weights[:] = [[0.5, 0.0, 0.7, 0.0], [0.0, 0.4, 0.6, 0.0]]
    closed = text_data.without_gaps(bags)
    assert closed.ids.tolist() == [[1, 3, 0, 0], [1, 2, 0, 0]]
    np.testing.assert_allclose(closed.weights, [[0.5, 0.7, 0, 0], [0.4, 0.6, 0, 0]], rtol=1e-6)


def test_the_words_are_damaged_as_is_asked_for(tmp_path):
    """Clean, roughly, or as was measured: with what the recogniser listens for, and its errors."""
    forms = ("bad", "dull", "good", "the")
    bags = text_data.encode([["the", "good", "bad"]] * 400, forms)
    measured = {"kept": 1.0, "wrong": 0.0, "sure": [0.5, 0.5], "unsure": [0.2, 0.2]}
    place = tmp_path / "errors.json"
    place.write_text(json.dumps({"clean": measured | {"words": {"dull": 3}}}))
    rng = np.random.default_rng(0)
    found = {
        name: text_damage.way(name, bags, forms, ("bad", "dull", "good"), place)(bags, rng)
        for name in text_damage.WAYS
    }
    assert found["clean"] is bags
    assert 0.3 < (found["rough"].weights == bags.weights).all(axis=1).mean() < 0.7
    heard = found["measured"]
    same = (heard.ids == bags.ids).all(axis=1)
    assert 0.4 < same.mean() < 0.6
    assert (heard.ids[~same, :3] == [3, 1, 0]).all()
    assert (heard.weights[~same, :2] == 0.5).all()
    with pytest.raises(HeartenError, match="python -m train recognition"):
        text_damage.way("measured", bags, forms, forms, tmp_path / "none.json")


def test_respondents_never_cross_splits(small):
    parts = text_data.load(small)["isear"]
    people = {name: {u.speaker for u in found} for name, found in parts.items()}
    assert all(people.values())
    assert not people["train"] & people["test"]
    assert not people["train"] & people["dev"]
    assert not people["dev"] & people["test"]


def arguments(**given) -> argparse.Namespace:
    from train import text

    parser = argparse.ArgumentParser()
    text.add_arguments(parser)
    parser.set_defaults(**given)
    return parser.parse_args([])


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    """A model trained for eight epochs, and the same one interrupted after three."""
    pytest.importorskip("tensorflow")
    from train import text

    runs = [tmp_path_factory.mktemp(name) for name in ("whole", "resumed")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTEN_CORPORA", str(small))
        for out in runs:
            words = sorted([*GOOD, *BAD, *PLAIN, "not", "woe"])
            (out / "keywords.txt").write_text("\n".join(words))
            (out / "shared.txt").write_text("woe\tgrief\n")
        assert text.run(arguments(out=runs[0], epochs=8)) == 0
        assert text.run(arguments(out=runs[1], epochs=3)) == 0
        assert text.run(arguments(out=runs[1], epochs=8, resume=True)) == 0
    return runs


def test_training_learns_what_decides(trained):
    found = json.loads((trained[0] / "metrics.json").read_text())["test"]
    assert found["clean"]["emobank"]["r_valence"] > 0.7
    assert found["clean"]["isear"]["macro_f1"] > 0.8
    assert found["clean"]["goemotions"]["uar"] > 0.6
    assert 0.2 < found["third"]["emobank"]["r_valence"] < found["clean"]["emobank"]["r_valence"]


def test_a_resumed_run_equals_an_unbroken_one(trained):
    whole, resumed = (np.load(out / "model.npz") for out in trained)
    for name in whole.files:
        np.testing.assert_allclose(whole[name], resumed[name], atol=1e-5)


def test_the_model_file_says_what_a_graph_needs(trained):
    described = json.loads((trained[0] / "model.json").read_text())
    content = np.load(trained[0] / "model.npz")
    words = (trained[0] / described["vocabulary"]).read_text().split()
    assert content["table"].shape == (len(words), described["width"])  # two words share a row
    assert content["rows"].shape == content["negates"].shape == (len(words) + 1,)
    assert content["rows"][1 + words.index("woe")] == content["rows"][1 + words.index("grief")]
    assert content["negates"].nonzero()[0].tolist() == [1 + words.index("not")]
    assert not content["table"][0].any()
    assert described["labels"] == list(text_data.CATEGORIES)
    assert sum(described["label_prior"]) == pytest.approx(1.0, abs=1e-3)
    assert described["category_mapping"]["goemotions"]["remorse"] == "sad"
    assert min(described["vad_dev"]["reference_sd"]) >= 0.0


def test_the_predictions_serve_fusion(trained):
    found = np.load(trained[0] / "predictions.npz")
    for corpus, part in (("emobank", "dev"), ("goemotions", "test")):
        ids = found[f"{corpus}/{part}/ids"]
        for condition in ("clean", "third"):
            shares = found[f"{corpus}/{part}/{condition}/probabilities"]
            assert shares.shape == (len(ids), 7)
            np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
            assert np.abs(found[f"{corpus}/{part}/{condition}/vad"]).max() <= 1.0


def test_the_saved_arrays_give_the_saved_predictions(trained, small):
    from convert.text import load, reference

    weights = load(trained[0])
    parts = text_data.load(small)["emobank"]["test"]
    bags = text_data.encode([text_data.words_of(u) for u in parts], weights.keywords)
    vad, shares = reference(weights, bags.ids, bags.weights)
    saved = np.load(trained[0] / "predictions.npz")
    np.testing.assert_allclose(vad, saved["emobank/test/clean/vad"], atol=1e-5)
    np.testing.assert_allclose(shares, saved["emobank/test/clean/probabilities"], atol=1e-5)


def test_a_teacher_is_learnt_from_and_must_know_the_sentences(small, tmp_path, monkeypatch):
    """A teacher that says the contrary of the labels pulls the model to its side."""
    from train import text

    monkeypatch.setenv("HEARTEN_CORPORA", str(small))
    (tmp_path / "keywords.txt").write_text("\n".join(sorted([*GOOD, *BAD, *PLAIN])))
    said = {}
    for corpus, parts in text_data.load(small).items():
        for part, found in parts.items():
            even = np.full((len(found), 7), 1 / 7, np.float32)
            truth = text_data.vad_targets(found) if corpus == "emobank" else even[:, :3]
            said |= {f"{corpus}/{part}/vad": -truth, f"{corpus}/{part}/probabilities": even}
    np.savez(tmp_path / "teacher.npz", **said)
    with pytest.raises(HeartenError, match="no vectors of words"):
        text.run(arguments(out=tmp_path, teacher=tmp_path / "teacher.npz"))
    said |= {"words": np.array([*GOOD, "zonk"]), "word_vectors": np.eye(6, 5, dtype=np.float16)}
    np.savez(tmp_path / "teacher.npz", **said)
    monkeypatch.setattr(text, "Settings", lambda: Settings(teacher_weight=20.0))
    assert text.run(arguments(out=tmp_path, epochs=8, teacher=tmp_path / "teacher.npz")) == 0
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["teacher"]
    assert found["dev"]["clean"]["emobank"]["r_valence"] < -0.3
    np.savez(tmp_path / "teacher.npz", **{"emobank/train/vad": np.zeros((3, 3))})
    with pytest.raises(HeartenError, match="does not know emobank/train"):
        text.run(arguments(out=tmp_path, teacher=tmp_path / "teacher.npz"))
    with pytest.raises(HeartenError, match="python -m train teacher"):
        text.run(arguments(out=tmp_path, teacher=tmp_path / "none.npz"))


def test_vectors_stand_side_by_side():
    one = ["a", "b"], np.array([[3.0, 4.0], [0.0, 5.0]], np.float32)
    other = ["b", "c"], np.array([[2.0], [0.0]], np.float16)
    words, vectors = word_vectors.beside(one, other)
    assert words == ["a", "b", "c"]
    np.testing.assert_allclose(
        vectors, [[0.6, 0.8, 0.0], [0.0, 1.0, np.sqrt(2.0)], [0.0, 0.0, 0.0]], rtol=1e-6
    )


def test_components_keep_what_tells_words_apart():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(400, 2))
    vectors = hidden @ rng.normal(size=(2, 20)) + 0.01 * rng.normal(size=(400, 20))
    found = word_vectors.components(vectors.astype(np.float16), 2).astype(np.float64)
    assert found.shape == (400, 2)
    assert np.square(found).sum(axis=1).mean() == pytest.approx(1.0, abs=0.01)
    inputs = np.column_stack([found, np.ones(400)])
    left = hidden - inputs @ np.linalg.lstsq(inputs, hidden, rcond=None)[0]
    assert left.var() < 0.01 * hidden.var()


@pytest.mark.parametrize("start", STARTS)
def test_the_table_starts_from_what_is_named(start):
    glove = (["joy", "grief"], np.eye(2, 50, dtype=np.float32))
    norms = {"joy": (0.8, 0.3, 0.2), "grief": (-0.8, 0.3, -0.2)}
    one = initial_table(["joy", "grief"], glove, norms, 8, start)
    other = initial_table(["joy", "grief"], glove, norms, 8, start, seed=1)
    assert one.shape == (3, 8)
    assert not one[0].any()
    # Two words have two components; the norms follow. What is not named is noise.
    assert np.array_equal(one[:, :2], other[:, :2]) is ("glove" in start)
    assert np.array_equal(one[:, 2:5], other[:, 2:5]) is ("norms" in start)


def test_mistakes_are_named(small, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    from train import text

    monkeypatch.setenv("HEARTEN_CORPORA", str(small))
    with pytest.raises(HeartenError, match="python -m train vocabulary"):
        text.run(arguments(out=tmp_path))
    (tmp_path / "keywords.txt").write_text("table\n")
    with pytest.raises(HeartenError, match="nothing to resume"):
        text.run(arguments(out=tmp_path, resume=True))

"""Keywords, bags and the training of the text model, on small made-up corpora."""

import argparse
import json

import numpy as np
import pytest

from edge.errors import HeartenError
from train import text_data, vocabulary
from train.corpora import Utterance, goemotions

GOOD = ["wonderful", "lovely", "delight", "happiness", "great"]
BAD = ["horrible", "misery", "grief", "despair", "awful"]
PLAIN = ["table", "window", "paper", "garden", "number", "chair", "morning", "street"]
COUNTS = np.arange(9, dtype=np.float64)


def sentences(rng: np.random.Generator, n: int) -> list[tuple[str, int]]:
    found = []
    for _ in range(n):
        side = int(rng.integers(-1, 2))
        told = {1: GOOD, -1: BAD, 0: PLAIN}[side]
        words = [*rng.choice(told, 2), *rng.choice(PLAIN, 3)]
        found.append((" ".join(rng.permutation(words)), side))
    return found


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Corpora in the published formats, in which good and bad words decide everything."""
    folder = tmp_path_factory.mktemp("corpora")
    rng = np.random.default_rng(0)
    (folder / "goemotions").mkdir()
    parts = {"train": 1400, "dev": 80, "test": 80}
    rated = ["id,split,V,A,D,text"]
    for part, n in parts.items():
        rated += [f"{part}{i},{part},{3 + s},{3 + s / 2},3.1,{t}"
                  for i, (t, s) in enumerate(sentences(rng, n))]  # fmt: skip
        numbers = {s: goemotions.EMOTIONS.index(e) for s, e in
                   ((1, "joy"), (-1, "sadness"), (0, "neutral"))}  # fmt: skip
        lines = [f"{t} [NAME]\t{numbers[s]}\tg{i}" for i, (t, s) in enumerate(sentences(rng, n))]
        (folder / "goemotions" / f"{part}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "emobank.csv").write_text("\n".join(rated) + "\n")
    head = ["c"] * 43
    head[36], head[40] = "Field1", "SIT"
    told = ["|".join(head)]
    for i, (sentence, side) in enumerate(s for s in sentences(rng, 400) if s[1]):
        row = ["1"] * 43
        row[0], row[36], row[39], row[40] = (
            str(i),
            "joy" if side > 0 else "sadness",
            f"i{i}",
            sentence,
        )
        told.append("|".join(row))
    (folder / "isear.csv").write_text("\n".join(told) + "\n")
    norms = ["Word,V.Mean.Sum,A.Mean.Sum,D.Mean.Sum"]
    norms += [f"{w},{v},5,5" for words, v in ((GOOD, 8), (BAD, 2), (PLAIN, 5)) for w in words]
    (folder / "warriner_norms.csv").write_text("\n".join([*norms, "loathe,1.5,7,4"]) + "\n")
    words = np.array(["the", *GOOD, *BAD, *PLAIN])
    np.savez(folder / "glove6b50d_top50k_f16.npz", words=words,
             vectors=rng.normal(size=(len(words), 50)).astype(np.float16))  # fmt: skip
    return folder


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
    bags = text_data.encode([["a"] * 24] * 500, ("a",))
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
    invented = heard.ids[rough, 5:8]
    assert 0.03 < (invented > 0).mean() < 0.09
    assert heard.weights[rough, 5:8].max() <= 0.7
    assert ((heard.ids > 0) == (heard.weights > 0)).all()
    assert heard.ids.min() >= 0
    assert heard.ids.max() < len(COUNTS)


def test_respondents_never_cross_splits(small):
    parts = text_data.load(small)["isear"]
    people = {name: {u.speaker for u in found} for name, found in parts.items()}
    assert all(people.values())
    assert not people["train"] & people["test"]
    assert not people["train"] & people["dev"]
    assert not people["dev"] & people["test"]


def test_pronunciations_skip_variants(tmp_path):
    path = tmp_path / "some.dict"
    path.write_text("a AH\na(2) EY\njoy JH OY\ndon't D OW N T\n")
    assert vocabulary.pronunciations(path) == {"a": 1, "joy": 2, "don't": 4}


@pytest.mark.parametrize(
    ("word", "heard"),
    [("joy", True), ("the", False), ("table", True), ("no", True), ("zzz", False), ("t.v.", False)],
)
def test_short_words_enter_only_when_strong_or_negations(word, heard):
    phones = {"joy": 2, "the": 2, "table": 4, "no": 2, "t.v.": 4}
    norms = {"joy": (0.8, 0.2, 0.1), "the": (0.0, 0.0, 0.0)}
    assert vocabulary.can_be_heard(word, phones, norms) is heard


def test_explained_variance_finds_the_words_that_matter():
    rng = np.random.default_rng(0)
    texts = [[str(w) for w in rng.choice(["good", "bad", "and", "or"], 2)] for _ in range(500)]
    targets = np.array([[("good" in words) - ("bad" in words)] for words in texts], float)
    found = vocabulary.explained(texts, targets, ["and", "bad", "good", "never", "or"])
    assert min(found[1], found[2]) > 10 * max(found[0], found[4])
    assert found[3] == 0.0


def test_choose_is_deterministic_and_always_has_the_negations():
    candidates = ["alpha", "beta", "gamma", "never", "not"]
    chosen = vocabulary.choose(np.array([1.0, 5.0, 1.0, 0.0, 0.0]), candidates, 4)
    assert chosen == ["alpha", "beta", "never", "not"]


def test_the_vocabulary_of_small_corpora(small):
    pytest.importorskip("pocketsphinx")
    keywords = vocabulary.build(small, 60)
    assert keywords == sorted(set(keywords))
    assert keywords == vocabulary.build(small, 60)
    assert {*GOOD, *BAD, "loathe", "not", "never", "don't", "can't", "no"} <= set(keywords)
    assert not {"the", "name", "zzz"} & set(keywords)


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
            (out / "keywords.txt").write_text("\n".join(sorted([*GOOD, *BAD, *PLAIN, "not"])))
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
    assert content["table"].shape == (len(words) + 1, described["width"])
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


def test_mistakes_are_named(small, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    from train import text

    monkeypatch.setenv("HEARTEN_CORPORA", str(small))
    with pytest.raises(HeartenError, match="python -m train vocabulary"):
        text.run(arguments(out=tmp_path))
    (tmp_path / "keywords.txt").write_text("table\n")
    with pytest.raises(HeartenError, match="nothing to resume"):
        text.run(arguments(out=tmp_path, resume=True))

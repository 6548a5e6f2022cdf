"""The linear half of the text model, and the sentences with and without a negation."""

from dataclasses import replace

import numpy as np
import pytest

from convert.text import TextWeights, reference
from train import text_data, text_lexicon, text_negation
from train.text_data import Bags
from train.text_lexicon import Lexicon

WORDS = ("bad", "fine", "good", "mild", "not", "stone", "vile")
NEGATES = np.array([0, 0, 0, 0, 0, 1, 0, 0], np.float32)


def encode(*sentences: str) -> Bags:
    return text_data.encode([s.split() for s in sentences], WORDS, slots=6)


def test_by_hand():
    table = np.zeros((8, 3), np.float32)
    table[3] = (0.6, 0.2, 0.0)
    table[6] = (-0.2, 0.0, 0.4)
    lexicon = Lexicon(table, np.array([0.1, 0.0, 0.0], np.float32), NEGATES, 0.0)
    bags = encode("good stone", "not good stone", "")
    bags.weights[0, 1] = 0.5
    vad = lexicon.predict(bags)
    np.testing.assert_allclose(
        vad[0], np.array([0.5, 0.2, 0.2]) / 2.5**0.5 + [0.1, 0, 0], rtol=1e-5
    )
    np.testing.assert_allclose(vad[1], [0.1, 0.0, 0.0], atol=1e-7)  # both stand behind the "not"
    np.testing.assert_allclose(vad[2], [0.1, 0.0, 0.0], atol=1e-7)
    bags.weights[1, 0] = 0.5
    assert lexicon.predict(bags)[1, 0] == pytest.approx(0.1 + 0.5 * 0.4 / 3.5**0.5)
    bags.weights[1, 0] = 1.0
    turning = replace(lexicon, turn=-0.5)
    assert turning.predict(bags)[1, 0] == pytest.approx(0.1 - 0.5 * 0.4 / 4**0.5, abs=1e-6)
    saved = turning.arrays() | {"negates": NEGATES}
    assert Lexicon.of(saved).turn == -0.5
    assert Lexicon.of({k: v for k, v in saved.items() if k != "lexicon_turn"}).turn == 0.0


@pytest.fixture(scope="module")
def fitted():
    """Ratings that "good" raises and "bad" lowers; "fine" and "vile" are never said."""
    rng = np.random.default_rng(0)
    said = [rng.choice(["good", "bad", "stone", "mild"], 3).tolist() for _ in range(600)]
    value = {"good": 0.6, "bad": -0.6, "stone": 0.0, "mild": 0.1}
    rated = np.array([[np.mean([value[w] for w in words]), 0.0, 0.1] for words in said], "f4")
    norms = {"good": (0.7, 0, 0), "bad": (-0.7, 0, 0), "fine": (0.6, 0, 0), "vile": (-0.8, 0, 0)}
    norms["mild"] = (0.1, 0, 0)
    vectors = (list(WORDS), rng.normal(size=(len(WORDS), 4)).astype(np.float32))

    def fit(start: str) -> Lexicon:
        known = text_lexicon.facts(WORDS, vectors, norms, start)
        bags = text_data.encode(said, WORDS, slots=6)
        heard = text_data.keep_share(bags, 0.7, np.random.default_rng(1))
        return text_lexicon.fit([(bags, rated, 1.0), (heard, rated, 1.0)], known, NEGATES)

    return fit


def test_it_finds_what_the_words_add(fitted):
    lexicon = fitted("norms")
    vad = lexicon.predict(encode("good good stone", "stone stone stone", "bad bad stone"))
    assert vad[0, 0] > 0.15 > vad[1, 0] > -0.15 > vad[2, 0]
    np.testing.assert_allclose(vad[:, 1], 0.0, atol=0.01)
    np.testing.assert_allclose(vad[:, 2], 0.1, atol=0.01)
    assert not lexicon.table[0].any()


def test_a_word_that_was_never_said_gets_its_value_from_the_norms(fitted):
    of = {word: i for i, word in enumerate(WORDS, start=1)}
    norms = fitted("norms").table[:, 0]
    assert norms[of["fine"]] > norms[of["vile"]] + 0.01
    alone = fitted("random").table[:, 0]
    assert alone[of["fine"]] == alone[of["vile"]] == pytest.approx(0.0, abs=1e-6)


def test_the_pairs_hold_out_what_was_negated_in_training():
    norms = {"good": (0.7, 0, 0), "bad": (-0.7, 0, 0), "mild": (0.1, 0, 0), "vile": (-0.8, 0, 0)}
    texts = [["it", "is", word] for word in ("good", "bad", "mild") for _ in range(3)]
    texts += [["not", "so", "very", "good"], ["is", "vile"], ["vile"], ["so", "vile"]]
    texts += [["not", "at", "all", "that", "bad"]]  # out of reach
    assert text_negation.chosen(texts, norms, WORDS) == ["bad"]
    texts += [["very", "vile"]]
    assert text_negation.chosen(texts, norms, WORDS) == ["bad", "vile"]
    made = text_negation.pairs(["bad"])
    assert ("i am bad", "i am not bad") in made
    assert len(made) == len(text_negation.FRAMES)


def weights(turn: float) -> TextWeights:
    """A network of one column whose sign is the valence, and whose negation multiplies by turn."""
    rows = np.arange(len(WORDS) + 1, dtype=np.int32)
    table = np.array([[0], [-1], [1], [1], [0], [-1], [0], [-1]], np.float32)
    one, zero = np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    arrays = {
        "table": table, "turn": np.array([turn], np.float32), "turn_bias": zero,
        "negates": NEGATES, "salience": zero,
        "vad_hidden": np.array([[1.0, -1.0]], np.float32), "vad_hidden_bias": np.zeros(2, "f4"),
        "vad": np.array([[1, 0, 0], [-1, 0, 0]], np.float32), "vad_bias": np.zeros(3, "f4"),
        "category_hidden": one, "category_hidden_bias": zero,
        "category": one, "category_bias": zero,
    }  # fmt: skip
    return TextWeights(arrays, rows, 6, 0.5, 4.0, ("a",), WORDS)


def test_a_negation_that_turns_is_told_from_one_that_only_lowers():
    norms = {"good": (0.7, 0, 0), "fine": (0.6, 0, 0), "bad": (-0.7, 0, 0), "vile": (-0.8, 0, 0)}
    model = weights(-1.0)
    words = sorted(norms)

    def turned(bags: Bags):
        return reference(model, bags.ids, bags.weights)[0]

    found = text_negation.score(turned, words, norms, WORDS)
    assert found["pairs"] == 16
    assert found["told_right"] == 1.0
    # "never", "aren't" and "don't" are no keywords here: a quarter of the pairs is negated.
    assert found["right_way"] == found["right_way_good"] == found["right_way_bad"] == 0.25
    plain = text_negation.score(text_negation.as_any_word(model), words, norms, WORDS)
    assert plain["right_way_good"] == 0.25
    assert plain["right_way_bad"] < found["right_way_bad"]
    assert plain["shift"] < found["shift"]

"""The text branch on the device, with a small graph whose weights make the outcome plain."""

import dataclasses
import time

import numpy as np
import pytest

from edge.emotion import Word
from edge.errors import HeartenError, PackError
from edge.interpreter import Graph
from edge.text import SLOTS, TextModel, tokenise

WORDS = ("awful", "don't", "great", "table")
LABELS = ("sad", "happy")


@pytest.fixture(scope="module")
def weights():
    """A model of one column: great is +1, awful -1, and V/A/D and the categories follow it."""
    pytest.importorskip("tensorflow")
    from convert.text import TextWeights

    table = np.array([[0.0], [-1.0], [-0.3], [1.0], [0.0]], np.float32)
    arrays = {
        "table": table,
        "turn": np.array([-0.5], np.float32),
        "turn_bias": np.zeros(1, np.float32),
        "negates": np.array([0, 0, 1, 0, 0], np.float32),
        "salience": np.zeros(1, np.float32),
        "vad_hidden": np.array([[1.0, -1.0]], np.float32),
        "vad_hidden_bias": np.zeros(2, np.float32),
        "category_hidden": np.array([[1.0, -1.0]], np.float32),
        "category_hidden_bias": np.zeros(2, np.float32),
        "vad": np.array([[1.0, 0.5, 0.2], [-1.0, 0.5, -0.2]], np.float32),
        "vad_bias": np.zeros(3, np.float32),
        "category": np.array([[-2.0, 2.0], [2.0, -2.0]], np.float32),
        "category_bias": np.zeros(2, np.float32),
    }
    return TextWeights(arrays, np.arange(5, dtype=np.int32), SLOTS, 0.5, 4.0, LABELS, WORDS)


@pytest.fixture(scope="module")
def content(weights) -> bytes:
    from convert.text import graph_of

    return graph_of(weights)


@pytest.fixture(scope="module")
def model(content) -> TextModel:
    return TextModel(Graph(content, "text.tflite"), WORDS, LABELS)


def heard(word: str, confidence: float = 1.0) -> Word:
    return Word(word, 0.0, 0.1, confidence)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't KNOW!", ["i", "don't", "know"]),
        ("don\u2019t 'quote' rock'n'roll", ["don't", "quote", "rock'n'roll"]),
        ("", []),
        ("12 :-) \U0001f600 _ --", []),
        ("Größe 東京 привет", ["größe", "東京", "привет"]),
        ("a1b\x00c", ["a", "b", "c"]),
    ],
)
def test_tokenise(text, words):
    assert tokenise(text) == words


def test_tokenise_takes_a_megabyte_in_linear_time():
    began = time.process_time()
    assert len(tokenise("don't stop " * 100_000)) == 200_000
    assert tokenise("a'" * 500_000)[0].startswith("a'a")
    assert time.process_time() - began < 3.0


def test_good_words_are_good_and_bad_words_are_bad(model):
    good, bad = model.score([heard("great")]), model.score([heard("awful")])
    assert good.vad[0] > 0.4 > -0.4 > bad.vad[0]
    assert good.probabilities.argmax() == 1
    assert bad.probabilities.argmax() == 0
    assert good.vad.dtype == good.probabilities.dtype == np.float32
    assert good.vad.shape == (3,)
    assert good.probabilities.sum() == pytest.approx(1.0, abs=1e-5)


def test_an_unsure_word_says_less(model):
    values = [model.score([heard("great", c)]).vad[0] for c in (0.05, 0.3, 0.7, 1.0)]
    assert values == sorted(values)
    assert values[0] < 0.15
    assert values[-1] > 0.5


def test_the_surer_of_two_words_wins(model):
    assert model.score([heard("great", 0.9), heard("awful", 0.2)]).vad[0] > 0.1
    assert model.score([heard("great", 0.2), heard("awful", 0.9)]).vad[0] < -0.1


def test_no_keyword_gives_none(model):
    assert model.score([]) is None
    assert model.score([heard("xylophone"), heard("")]) is None
    assert model.from_transcript("") is None
    assert model.from_transcript("東京 12") is None


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), -3.0, 7.0])
def test_an_odd_confidence_still_gives_numbers(model, confidence):
    scores = model.score([heard("great", confidence), heard("table", 0.5)])
    assert np.isfinite(scores.vad).all()
    assert np.isfinite(scores.probabilities).all()
    assert np.abs(scores.vad).max() <= 1.0


def test_of_too_many_words_the_most_certain_count(model):
    unsure = [heard("awful", 0.3)] * SLOTS
    sure = [heard("great", 0.9)] * SLOTS
    alone = model.score(sure)
    for words in (unsure + sure, sure + unsure):
        assert np.array_equal(model.score(words).vad, alone.vad)
    first = [heard("great")] * SLOTS + [heard("awful")]
    assert np.array_equal(model.score(first).vad, model.score(first[:SLOTS]).vad)


def test_a_transcript_equals_its_words(model):
    scores = model.from_transcript("Great\u2026 I DON\u2019T think so: great!")
    same = model.score([heard("great"), heard("don't"), heard("great")])
    assert np.array_equal(scores.vad, same.vad)
    assert model.from_transcript("great " * 150_000).vad[0] > 0.4


def test_the_device_equals_the_float_model(model, weights):
    from convert.text import reference

    ids = np.zeros((1, SLOTS), np.int32)
    confidences = np.zeros((1, SLOTS), np.float32)
    ids[0, :3], confidences[0, :3] = (3, 2, 4), (0.8, 0.4, 1.0)
    vad, shares = reference(weights, ids, confidences)
    scores = model.score([heard("great", 0.8), heard("don't", 0.4), heard("table")])
    np.testing.assert_allclose(scores.vad, vad[0], atol=2e-3)
    np.testing.assert_allclose(scores.probabilities, shares[0], atol=2e-3)


def test_words_and_labels_that_do_not_fit_are_refused(content):
    graph = Graph(content, "text.tflite")
    with pytest.raises(PackError, match="fewer rows"):
        TextModel(graph, (*WORDS, "extra"), LABELS)
    with pytest.raises(PackError, match="probabilities has shape"):
        TextModel(graph, WORDS, (*LABELS, "angry"))
    with pytest.raises(PackError, match="twice"):
        TextModel(graph, ("great", "great"), LABELS)


def test_a_negation_turns_the_three_words_behind_it(model):
    def said(*words):
        return model.score([heard(word) for word in words]).vad[0]

    assert said("great", "table") > 0.2 > said("don't", "great", "table")
    assert said("don't", "table", "table", "great") < said("table", "great", "don't", "table")
    late = [model.score([heard(w) for w in ("don't", *["table"] * n, "great")]) for n in (2, 3)]
    assert late[0].vad[0] < 0 < late[1].vad[0]


@pytest.fixture
def learning(content) -> TextModel:
    """A model of its own for a test that teaches it words."""
    return TextModel(Graph(content, "text.tflite"), WORDS, LABELS)


def test_an_added_word_means_what_it_is_like(learning):
    before = learning.score([heard("great", 0.7)])
    learning.add_word("ace", like="great")
    learning.add_word("meh", like=["great", "awful"])
    assert np.array_equal(learning.score([heard("ace", 0.7)]).vad, before.vad)
    assert learning.weight("ace") == learning.weight("great")
    assert abs(learning.score([heard("meh")]).vad[0]) < 1e-6
    assert learning.from_transcript("Ace!").vad[0] > 0.5


def test_an_added_word_stands_where_its_vad_is(content):
    learning = TextModel(Graph(content, "text.tflite"), WORDS, LABELS)
    learning.add_word("ace", vad=(0.9, 0.4, 0.2))
    learning.add_word("bleak", vad=(-0.9, 0.4, -0.2))
    assert learning.score([heard("ace")]).vad[0] > 0.1
    assert learning.score([heard("bleak")]).vad[0] < -0.1


@pytest.mark.parametrize(
    ("word", "given", "message"),
    [
        ("ace", {"like": "graet"}, "did you mean 'great'"),
        ("ace", {"like": "xyzzy"}, "which is no keyword$"),
        ("ace", {"like": []}, "say which keyword"),
        ("ace", {}, "say which keyword"),
        ("ace", {"like": "great", "vad": (0, 0, 0)}, "say which keyword"),
        ("ace", {"vad": (0.0, 1.5, 0.0)}, "three numbers in -1..1"),
        ("ace", {"vad": (0.0, float("nan"), 0.0)}, "three numbers in -1..1"),
        ("ace", {"vad": (0.0, 0.0)}, "three numbers in -1..1"),
        ("great", {"like": "awful"}, "keyword already"),
        ("Ace", {"like": "great"}, "not one word"),
        ("two words", {"like": "great"}, "not one word"),
        ("", {"like": "great"}, "not one word"),
    ],
)
def test_a_wrong_word_is_refused_and_changes_nothing(learning, word, given, message):
    with pytest.raises(HeartenError, match=message):
        learning.add_word(word, **given)
    assert learning.score([heard("ace")]) is None
    assert learning.score([heard("great")]).vad[0] > 0.4


def test_an_added_word_can_be_removed_but_no_keyword(learning):
    learning.add_word("ace", like="great")
    learning.remove_word("ace")
    learning.remove_word("great")
    assert learning.score([heard("ace")]) is None
    assert learning.score([heard("great")]) is not None


def test_two_models_do_not_disturb_each_other(content, weights):
    from convert.text import graph_of

    turned = {**weights.arrays, "table": -weights.arrays["table"]}
    other = graph_of(dataclasses.replace(weights, arrays=turned))
    one = TextModel(Graph(content, "one"), WORDS, LABELS)
    two = TextModel(Graph(other, "two"), WORDS, LABELS)
    before = one.score([heard("great")])
    assert two.score([heard("great")]).vad[0] < -0.4
    assert np.array_equal(one.score([heard("great")]).vad, before.vad)

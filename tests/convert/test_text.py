"""The text graph: names, size, error against the float model, and refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest

from edge.errors import HeartenError
from edge.interpreter import Graph

pytest.importorskip("tensorflow")

from convert import text
from train.text_data import Bags
from train.text_lexicon import Lexicon

LABELS = ["angry", "happy", "neutral"]
ROWS, WORDS, WIDTH, HIDDEN, SLOTS = 400, 700, 20, 16, 24


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    """Random weights whose rows differ a thousandfold in size, as plain files."""
    folder = tmp_path_factory.mktemp("text")
    rng = np.random.default_rng(5)
    table = rng.normal(size=(ROWS + 1, WIDTH)) * rng.uniform(0.003, 3.0, (ROWS + 1, 1))
    table[0] = 0.0
    shapes = {
        "turn": (WIDTH,), "turn_bias": (WIDTH,), "salience": (WIDTH,),
        "vad_hidden": (WIDTH, HIDDEN), "vad_hidden_bias": (HIDDEN,),
        "category_hidden": (WIDTH, HIDDEN), "category_hidden_bias": (HIDDEN,),
        "vad": (HIDDEN, 3), "vad_bias": (3,),
        "category": (HIDDEN, len(LABELS)), "category_bias": (len(LABELS),),
        "lexicon": (WORDS + 1, 3), "lexicon_bias": (3,),
    }  # fmt: skip
    arrays = {name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()}
    arrays["negates"] = (np.arange(WORDS + 1) % 9 == 8).astype(float)
    arrays["lexicon_turn"] = np.array(-0.5)
    content = {k: v.astype(np.float32) for k, v in {"table": table, **arrays}.items()}
    content["rows"] = np.concatenate([[0], np.arange(WORDS) % ROWS + 1]).astype(np.int32)
    np.savez(folder / "model.npz", **content)
    (folder / "keywords.txt").write_text("".join(f"w{i}\n" for i in range(WORDS)))
    described = {"vocabulary": "keywords.txt", "slots": SLOTS, "smoothing": 0.5}
    described |= {"salience_limit": 4.0, "labels": LABELS}
    (folder / "model.json").write_text(json.dumps(described))
    return folder


@pytest.fixture(scope="module")
def graph(model_dir) -> bytes:
    return text.build(model_dir)


def some_bags(n: int = 300):
    rng = np.random.default_rng(7)
    ids = rng.integers(1, WORDS + 1, (n, SLOTS)).astype(np.int32)
    ids[np.arange(SLOTS) >= rng.integers(1, SLOTS + 1, (n, 1))] = 0
    return ids, np.where(ids > 0, rng.uniform(0.05, 1.0, ids.shape), 0.0).astype(np.float32)


def test_tensors_have_the_names_and_shapes_of_the_contract(graph):
    loaded = Graph(graph, "text.tflite")
    assert set(loaded.inputs) == {"ids", "weights"}
    assert set(loaded.outputs) == {"vad", "probabilities"}
    assert loaded.shape("ids") == loaded.shape("weights") == (1, SLOTS)
    assert loaded.shape("vad") == (1, 3)
    assert loaded.shape("probabilities") == (1, len(LABELS))
    assert loaded.inputs["ids"]["dtype"] is np.int32


def test_the_table_is_stored_as_int8(graph):
    assert ROWS * WIDTH < len(graph) < 2 * ROWS * WIDTH + 16_000


def test_the_graph_is_close_to_the_float_model(model_dir, graph):
    found = text.parity(text.load(model_dir), graph, *some_bags())
    found.check()
    assert found.items == 300
    assert found.vad_error < 0.005
    assert found.bytes == len(graph)


def test_the_lexicon_is_the_other_half_of_vad(model_dir, graph):
    """Without it, the graph says what the network says; with it, the mean of both."""
    weights = text.load(model_dir)
    network = {name: x for name, x in weights.arrays.items() if not name.startswith("lexicon")}
    alone = replace(weights, arrays=network)
    bags = some_bags(20)
    text.parity(alone, text.graph_of(alone), *bags).check()
    words = Lexicon.of(weights.arrays)
    said = (text.reference(alone, *bags)[0] + words.predict(Bags(*bags))) / 2
    loaded = Graph(graph, "text.tflite")
    for i, (ids, sure) in enumerate(zip(*bags, strict=True)):
        found = loaded.run(ids=ids[None], weights=sure[None])["vad"][0]
        np.testing.assert_allclose(found, said[i], atol=0.02)


def test_words_without_a_row_count_in_the_lexicon_only(model_dir):
    """The last words have row 0: the network does not see them, the lexicon does."""
    weights = text.load(model_dir)
    rows = np.where(np.arange(WORDS + 1) > 300, 0, weights.rows).astype(np.int32)
    negates = np.where(rows > 0, weights.arrays["negates"], 0.0).astype(np.float32)
    weights = replace(weights, rows=rows, arrays=weights.arrays | {"negates": negates})
    content = text.graph_of(weights)
    assert len(content) <= len(text.build(model_dir)) - 2 * 300, "no place is kept for them"
    ids, sure = some_bags(100)
    text.parity(weights, content, ids, sure).check()
    graph = Graph(content, "text.tflite")
    one, two = (np.zeros((1, SLOTS), x) for x in (np.int32, np.float32))
    one[0, :2], two[0, :2] = (5, 650), (1.0, 0.5)
    both = graph.run(ids=one, weights=two)
    one[0, 1] = two[0, 1] = 0
    alone = graph.run(ids=one, weights=two)
    np.testing.assert_array_equal(both["probabilities"], alone["probabilities"])
    assert np.abs(both["vad"] - alone["vad"]).max() > 0.001


def test_a_wrong_graph_is_refused(model_dir, graph):
    weights = text.load(model_dir)
    weights.arrays["vad"] = -weights.arrays["vad"]
    with pytest.raises(HeartenError, match="differs"):
        text.parity(weights, graph, *some_bags(50)).check()
    with pytest.raises(HeartenError, match="bytes"):
        text.Parity(0.0, 0.0, 1.0, 1, text.MAX_BYTES + 1).check()


def test_rows_keep_their_own_precision_and_zero_stays_zero():
    table = np.array([[0, 0, 0], [1e-4, -5e-5, 2e-5], [30, -10, 0.5]], np.float32)
    quantised, scales = text.quantise_rows(table)
    assert quantised.dtype == np.int8
    assert not quantised[0].any()
    bound = np.abs(table).max(axis=1, keepdims=True) / 254 * 1.001
    assert (np.abs(quantised * scales - table) <= bound).all()


def test_reference_by_hand():
    arrays = {
        "table": np.array([[0.0], [2.0], [0.0]], np.float32),
        "turn": np.array([-1.0], np.float32),
        "turn_bias": np.array([0.5], np.float32),
        "negates": np.array([0, 0, 1], np.float32),
        "salience": np.array([0.5], np.float32),
        "vad_hidden": np.array([[1.0]], np.float32),
        "vad_hidden_bias": np.array([0.1], np.float32),
        "category_hidden": np.array([[1.0]], np.float32),
        "category_hidden_bias": np.array([0.1], np.float32),
        "vad": np.array([[1.0, 0.0, -1.0]], np.float32),
        "vad_bias": np.zeros(3, np.float32),
        "category": np.array([[1.0, 0.0]], np.float32),
        "category_bias": np.zeros(2, np.float32),
    }
    rows = np.array([0, 1, 2], np.int32)
    weights = text.TextWeights(arrays, rows, 2, 0.5, 4.0, ("a", "b"), ("x", "not"))
    ids = np.array([[1, 0], [2, 1]])
    vad, shares = text.reference(weights, ids, np.array([[0.6, 0.0], [0.5, 1.0]], np.float32))
    share = 0.6 * np.e
    hidden = share * 2.0 / (share + 0.5) + 0.1
    np.testing.assert_allclose(vad[0], np.tanh([hidden, 0.0, -hidden]), rtol=1e-5)
    assert shares[0, 0] == pytest.approx(1 / (1 + np.exp(-hidden)), rel=1e-5)
    # Half a "not" before x: half of the factor -1 and of the shift 0.5 is a row of 0.25.
    pull = np.exp(0.25 * 0.5)
    hidden = pull * 0.25 / (0.5 + pull + 0.5) + 0.1
    assert vad[1, 0] == pytest.approx(np.tanh(hidden), rel=1e-5)


def test_a_missing_or_unequal_model_is_named(tmp_path, model_dir):
    with pytest.raises(HeartenError, match="python -m train text"):
        text.load(tmp_path)
    for name in ("model.npz", "model.json"):
        (tmp_path / name).write_bytes((model_dir / name).read_bytes())
    (tmp_path / "keywords.txt").write_text("one\ntwo\n")
    with pytest.raises(HeartenError, match=r"701 places for 2 keywords"):
        text.load(tmp_path)

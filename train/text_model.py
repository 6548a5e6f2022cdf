"""The network of the text model: a weighted embedding bag with two small heads.

For words ``i`` with rows ``r_i``, recogniser confidences ``w_i``, and ``n_i``, the confidence of
the surest negation among the three words before, or 0::

    e_i  = r_i (1 + n_i (turn - 1)) + n_i shift      "not happy": turned, not merely less
    a_i  = w_i exp(clip(e_i . q, -4, 4))             how much a word counts: learned, times heard
    bag  = sum(a_i e_i) / (sum(a_i) + smoothing)     one unsure word alone gives a small bag
    vad           = tanh(relu(bag W + b) V + v)
    probabilities = softmax(relu(bag X + d) C + c)

A row of the table is a keyword; its inflections, and rare words much like it, point at the same
row. V/A/D are averaged with a linear model of all forms (``train.text_lexicon``). The table starts
from GloVe, reduced by principal components, with Warriner's norms as three more columns; training
moves all of it, and neither is stored as it was.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.text_data import CATEGORIES

Array = NDArray[np.float32]

LIMIT = 4.0
"""Bound of the exponent of a word's weight: no word counts more than e^8 times another."""

REACH = 3
"""How many words behind it a negation turns."""

STARTS = ("glove+norms", "glove", "norms", "random")
"""What the table may start from."""

LAYERS = ("table", "turn", "salience", "vad_hidden", "vad", "category_hidden", "category")


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network: table columns, hidden units of each head, and the bag's smoothing."""

    width: int = 40
    hidden: int = 32
    smoothing: float = 0.5


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a word id is: ``rows`` its row of the table (ids,), ``negates`` 1 for a negation.

    Id 0 is no word, and row 0 holds zeros: a word of row 0 counts in the linear half only.
    """

    rows: NDArray[np.int32]
    negates: Array


def initial_table(
    keywords: Sequence[str],
    glove: tuple[Sequence[str], Array],
    norms: Mapping[str, Sequence[float]],
    width: int,
    start: str = STARTS[0],
    seed: int = 0,
) -> Array:
    """Return the starting table, shape (keywords + 1, width): row 0 is padding and zero.

    ``width - 3`` columns are principal components of the keywords' GloVe vectors, three are
    Warriner's norms. A keyword that a source lacks gets zeros there, and a source that ``start``
    does not name is noise, drawn from ``seed``.
    """
    rng = np.random.default_rng(seed)
    place = {word: i for i, word in enumerate(glove[0])}
    vectors = np.zeros((len(keywords), glove[1].shape[1]), np.float32)
    rated = np.zeros((len(keywords), 3), np.float32)
    for i, word in enumerate(keywords):
        if word in place:
            vectors[i] = glove[1][place[word]]
        rated[i] = norms.get(word, (0.0, 0.0, 0.0))
    vectors -= vectors.mean(axis=0)
    components = np.linalg.svd(vectors, full_matrices=False)[2][: width - 3]
    parts = [
        x / max(float(x.std()), 1e-6) if source in start else rng.normal(size=x.shape)
        for source, x in (("glove", vectors @ components.T), ("norms", rated))
    ]
    table = np.zeros((len(keywords) + 1, width), np.float32)
    joined = 0.3 * np.concatenate(parts, axis=1)
    table[1:, : joined.shape[1]] = joined
    return table


def dropout_layer(rate: float, seed: int) -> Any:
    """Return a dropout layer whose random state belongs to the checkpoint.

    Keras's own loses it, so that a resumed run would differ from an unbroken one.
    """
    import tensorflow as tf

    class Dropout(tf.keras.layers.Layer):  # type: ignore[misc]
        """Zero a share of the columns while training, and scale the others up."""

        def __init__(self) -> None:
            super().__init__()
            self.source = tf.random.Generator.from_seed(seed)

        def call(self, inputs: Any, training: bool | None = None) -> Any:
            """Return the inputs, damaged if ``training``."""
            if not training:
                return inputs
            keep = self.source.uniform(tf.shape(inputs)) >= rate
            return tf.where(keep, inputs / (1.0 - rate), 0.0)

    return Dropout()


def turn_layer() -> Any:
    """Return the layer that turns the rows of negated words: [rows, how negated] -> rows."""
    import tensorflow as tf

    class Turn(tf.keras.layers.Layer):  # type: ignore[misc]
        """Scale and shift each column, as far as the word is negated."""

        def build(self, shapes: Any) -> None:
            """Make a factor and a shift for each column; they start without effect."""
            width = shapes[0][-1]
            self.factor = self.add_weight(name="factor", shape=(width,), initializer="ones")
            self.shift = self.add_weight(name="shift", shape=(width,), initializer="zeros")

        def call(self, inputs: Any) -> Any:
            """Return the rows, turned."""
            rows, negated = inputs
            return rows * (1.0 + negated * (self.factor - 1.0)) + negated * self.shift

    return Turn(name="turn")


def negated(sure: Any) -> Any:
    """Return how surely a negation stands among the ``REACH`` words before, shape as given.

    ``sure`` (n, slots) is the confidence of each word that is a negation, 0 at all others.
    """
    import tensorflow as tf

    before = [tf.pad(sure, [[0, 0], [k, 0]])[:, :-k] for k in range(1, REACH + 1)]
    return functools.reduce(tf.maximum, before)


def network(shape: Shape, table: Array, lookup: Lookup, dropout: float, seed: int) -> Any:
    """Return the Keras model: [ids (n, slots) int32, weights (n, slots)] -> [vad, logits]."""
    import tensorflow as tf

    layers = tf.keras.layers
    ids = tf.keras.Input((None,), dtype="int32", name="ids")
    weights = tf.keras.Input((None,), name="weights")
    start = tf.keras.initializers.Constant(table)
    places = tf.gather(tf.constant(lookup.rows), ids)
    words = layers.Embedding(*table.shape, embeddings_initializer=start, name="table")(places)
    negations = negated(weights * tf.gather(tf.constant(lookup.negates), ids))
    words = turn_layer()([words, negations[..., None]])
    appeal = layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="salience")(words)
    heard = weights * tf.cast(places > 0, weights.dtype)
    share = heard * tf.exp(tf.clip_by_value(appeal[..., 0], -LIMIT, LIMIT))
    total = tf.reduce_sum(share, axis=1, keepdims=True)
    bag = tf.reduce_sum(words * share[..., None], axis=1) / (total + shape.smoothing)
    outputs: list[Any] = []
    for name, size, form in (("vad", 3, "tanh"), ("category", len(CATEGORIES), None)):
        first, second = (dropout_layer(dropout, seed + 2 * len(outputs) + i) for i in (0, 1))
        hidden = layers.Dense(shape.hidden, "relu", name=f"{name}_hidden")(first(bag))
        hidden = second(hidden)
        outputs.append(layers.Dense(size, form, name=name)(hidden))
    return tf.keras.Model([ids, weights], outputs)


def arrays(model: Any, lookup: Lookup) -> dict[str, NDArray[Any]]:
    """Return the weights of a Keras model from ``network`` as plain arrays by name."""
    found: dict[str, NDArray[Any]] = {"rows": lookup.rows, "negates": lookup.negates}
    for name in LAYERS:
        for suffix, value in zip(("", "_bias"), model.get_layer(name).get_weights(), strict=False):
            found[name + suffix] = value.astype(np.float32)
    found["table"][0] = 0.0
    found["salience"] = found["salience"][:, 0]
    return found

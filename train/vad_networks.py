"""The seed's networks for V/A/D (Atmaja & Akagi 2020): voice, text, and both concatenated.

Voice: statistics of descriptors as one time step, batch normalisation, three LSTM layers of 256.
Text: word vectors, three LSTM layers of 256 and a dense one of 64, or a bag (their mean) before
the same dense layer. Both: a dense layer of 64 on both ends, then 32. All learn V, A and D at once
with a weighted sum of 1 - CCC; the epoch with the best mean CCC on development counts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from train.losses import Weights, multitask
from train.metrics import ccc

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

NETWORKS = ("voice", "text", "both")
TEXT_MODELS = ("lstm", "bag")
UNITS, TEXT_UNITS, JOINT = 256, 64, (64, 32)
DROPOUT, RATE, BATCH = 0.3, 1e-3, 32
EPOCHS, PATIENCE = 50, 10

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What networks are given of n utterances: statistics (n, size), words (n, length), V/A/D."""

    voice: Floats
    words: NDArray[np.int32]
    truth: Values

    def of(self, network: str, rows: NDArray[np.int64] | slice = slice(None)) -> list[Any]:
        """Return the arrays that a network takes, of some rows."""
        sides = {"voice": [self.voice[rows]], "text": [self.words[rows]]}
        return sides.get(network, [self.voice[rows], self.words[rows]])


@dataclass(frozen=True, slots=True)
class Setting:
    """How a network is made and trained; ``vectors`` has a row for each word."""

    network: str
    vectors: Floats
    weights: Weights
    seed: int = 0
    epochs: int = EPOCHS
    units: int = UNITS
    text_model: str = "lstm"
    rate: float = RATE


def predict(setting: Setting, parts: Sequence[Inputs]) -> list[Values]:
    """Train on the first of ``parts``; return what is said of the others, dev first.

    The statistics are standardised by the training part.
    """
    import tensorflow as tf

    tf.keras.utils.set_random_seed(setting.seed)
    parts = _standardised(parts)
    net = network(setting, parts[0].voice.shape[1])
    step, infer = _functions(net, setting)
    rng = np.random.default_rng(setting.seed)
    best, weights, waited = -np.inf, net.get_weights(), 0
    for _ in range(setting.epochs):
        order = rng.permutation(len(parts[0].truth))
        for at in range(0, len(order), BATCH):
            rows = order[at : at + BATCH]
            step(parts[0].of(setting.network, rows), parts[0].truth[rows].astype(np.float32))
        score = agreement(parts[1].truth, _said(infer, parts[1], setting.network))
        waited = waited + 1 if score <= best else 0
        if score > best:
            best, weights = score, net.get_weights()
        if waited >= PATIENCE:
            break
    net.set_weights(weights)
    return [_said(infer, part, setting.network) for part in parts[1:]]


def agreement(truth: Values, said: Values) -> float:
    """Return the mean CCC of V, A and D."""
    return float(np.mean([ccc(truth[:, d], said[:, d]) for d in range(3)]))


def network(setting: Setting, size: int) -> Any:
    """Return a Keras model of one of ``NETWORKS``; ``size`` is that of the statistics."""
    import tensorflow as tf

    layers = tf.keras.layers
    sides = []
    if setting.network != "text":
        sides.append(_voice(layers, size, setting.units))
    if setting.network != "voice":
        sides.append(_text(layers, setting))
    heard, top = [side[0] for side in sides], sides[0][1]
    if len(sides) > 1:
        top = layers.Concatenate()([side[1] for side in sides])
        for units in JOINT:
            top = layers.Dense(units, activation="relu")(top)
    top = layers.Dropout(DROPOUT)(top)
    return tf.keras.Model(heard, layers.Dense(3)(top))


def _voice(layers: Any, size: int, units: int) -> tuple[Any, Any]:
    heard = layers.Input((size,))
    states = layers.Reshape((1, size))(layers.BatchNormalization()(heard))
    for _ in range(3):
        # Keras's own kernels for sequences cost more than the one step that there is.
        cell = layers.LSTMCell(units)
        states = layers.RNN(cell, return_sequences=True, unroll=True)(states)
    return heard, layers.Flatten()(states)


def _text(layers: Any, setting: Setting) -> tuple[Any, Any]:
    import tensorflow as tf

    words = layers.Input((None,), dtype="int32")
    start = tf.keras.initializers.Constant(setting.vectors)
    embedded = layers.Embedding(*setting.vectors.shape, start, mask_zero=True)(words)
    if setting.text_model == "bag":
        # Not Keras's own mean: it divides by 0 where there is no word.
        said = tf.cast(words != 0, tf.float32)[..., None]
        counted = tf.maximum(tf.reduce_sum(said, axis=1), 1.0)
        top = tf.reduce_sum(embedded * said, axis=1) / counted
    else:
        top = embedded
        for last in (False, False, True):
            top = layers.LSTM(setting.units, return_sequences=not last)(top)
    return words, layers.Dense(TEXT_UNITS, activation="relu")(top)


def _functions(net: Any, setting: Setting) -> tuple[Any, Any]:
    """Return one step of training and inference, each one graph for all batches."""
    import tensorflow as tf

    loss = multitask(setting.weights)
    optimizer = tf.keras.optimizers.Adam(setting.rate, clipnorm=1.0)
    heard = [tf.TensorSpec(x.shape, x.dtype) for x in net.inputs]

    @tf.function(input_signature=[heard, tf.TensorSpec((None, 3))])
    def step(given: Any, truth: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(truth, net(given, training=True))
        values = net.trainable_variables
        slopes = tape.gradient(value, values)
        optimizer.apply_gradients(zip(slopes, values, strict=True))

    @tf.function(input_signature=[heard])
    def infer(given: Any) -> Any:
        return net(given, training=False)

    return step, infer


def _said(infer: Any, part: Inputs, network: str) -> Values:
    starts = range(0, len(part.truth), 8 * BATCH)
    rows = [infer(part.of(network, slice(at, at + 8 * BATCH))).numpy() for at in starts]
    return np.concatenate(rows).astype(np.float64)


def _standardised(parts: Sequence[Inputs]) -> list[Inputs]:
    mean, std = parts[0].voice.mean(axis=0), parts[0].voice.std(axis=0) + 1e-6
    return [Inputs(((p.voice - mean) / std).astype(np.float32), p.words, p.truth) for p in parts]

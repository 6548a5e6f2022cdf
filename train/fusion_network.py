"""Network concatenation: a branch for each side, joined where both have become small."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from edge.errors import HeartenError
from train.modalities import Fused, Rows, Values, demand

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BRANCH, JOINED, DROPOUT = 64, (64, 32), 0.3
RATE, BATCH, EPOCHS = 1e-3, 64, 30


@dataclass
class Network:
    """A small Keras model: batch normalisation and 64 units a side, then 64, 32, V/A/D, classes.

    As the seed's (which has LSTM layers where there is one time step), with its CCC loss, and
    cross-entropy beside it. What has no target of a kind does not count in that loss.
    """

    seed: int = 0
    epochs: int = EPOCHS
    wants: str = "features"
    _model: Any = None
    _rated: bool = False
    _labelled: bool = False

    def fit(self, rows: Rows) -> Self:
        """Train for a fixed number of epochs: nothing is chosen.

        Raises:
            HeartenError: there are no features, or no targets.
        """
        import tensorflow as tf

        self._rated, self._labelled = bool(rows.rated.any()), bool(rows.labelled.any())
        if not (self._rated or self._labelled):
            raise HeartenError("fusion: neither classes nor V/A/D to train on")
        tf.keras.utils.set_random_seed(self.seed)
        sides = _sides(rows)
        self._model = _network([side.shape[1] for side in sides], max(rows.size, 1))
        for layer, side in zip(("voice_scale", "text_scale"), sides, strict=True):
            self._model.get_layer(layer).adapt(side)
        step, targets = _step(self._model), [tf.constant(x) for x in _targets(rows)]
        rng = np.random.default_rng(self.seed)
        for _ in range(self.epochs):
            order = rng.permutation(len(rows))
            # Batches of one size: another would be compiled anew.
            for batch in np.resize(order, (max(1, len(rows) // BATCH), BATCH)):
                step(*(tf.gather(x, batch) for x in targets))
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return both, or what there were targets for."""
        vad, logits = (x.numpy() for x in self._model(_sides(rows), training=False))
        powers = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
        shares = powers / powers.sum(axis=1, keepdims=True)
        return Fused(shares if self._labelled else None, vad if self._rated else None)


def _sides(rows: Rows) -> list[Any]:
    return [
        demand(rows.voice.features, "features of the voice").astype(np.float32),
        demand(rows.text.features, "features of the text").astype(np.float32),
    ]


def _targets(rows: Rows) -> list[Values]:
    """Return both sides, V/A/D with 0 for NaN, where they are, classes, and where those are."""
    known = [rows.rated, np.nan_to_num(rows.truth), rows.labelled, np.maximum(rows.classes, 0)]
    kinds = (np.float32, np.float32, np.float32, np.int32)
    return [*_sides(rows), *(x.astype(k) for x, k in zip(known, kinds, strict=True))]


def _network(sizes: list[int], classes: int) -> Any:
    import tensorflow as tf

    layers = tf.keras.layers
    inputs = [tf.keras.Input((size,)) for size in sizes]
    branches = []
    for side, name in zip(inputs, ("voice_scale", "text_scale"), strict=True):
        scaled = layers.Dropout(DROPOUT)(layers.Normalization(name=name)(side))
        branches.append(layers.BatchNormalization()(layers.Dense(BRANCH, "relu")(scaled)))
    both = layers.Concatenate()(branches)
    for units in JOINED:
        both = layers.Dense(units, "relu")(layers.Dropout(DROPOUT)(both))
    return tf.keras.Model(inputs, [layers.Dense(3, "tanh")(both), layers.Dense(classes)(both)])


def _step(model: Any) -> Any:
    """Return one step of training, compiled."""
    import tensorflow as tf

    from train.losses import ccc_loss

    optimizer = tf.keras.optimizers.legacy.Adam(RATE)
    entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")

    @tf.function
    def step(voice: Any, text: Any, rated: Any, vad: Any, labelled: Any, classes: Any) -> None:
        with tf.GradientTape() as tape:
            said, logits = model([voice, text], training=True)
            some = rated > 0
            loss = tf.reduce_sum(entropy(classes, logits) * labelled)
            loss /= tf.maximum(tf.reduce_sum(labelled), 1.0)
            if tf.reduce_any(some):
                loss += ccc_loss(tf.boolean_mask(vad, some), tf.boolean_mask(said, some))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    return step

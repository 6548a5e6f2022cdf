"""The heads of the voice model in Keras: small perceptrons on what is pooled."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

layers = tf.keras.layers
UNTRAINED = -20.0  # log-odds that somebody sings


class Head:
    """A small perceptron on one half of what is pooled."""

    def __init__(self, hidden: int, labels: int, dropout: float, prefix: str = "") -> None:
        self.hidden = layers.Dense(hidden, activation="relu", name=f"{prefix}hidden")
        self.logits = layers.Dense(labels, name=f"{prefix}logits")
        self.vad = layers.Dense(3, name=f"{prefix}vad")
        self.drop = layers.Dropout(dropout)

    def layers(self) -> list[Any]:
        """Return what Keras must know of."""
        return [self.hidden, self.logits, self.vad, self.drop]

    def __call__(self, pooled: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return logits, V/A/D before tanh, and the hidden layer."""
        dropped = self.drop(pooled, training=training)
        hidden = self.drop(self.hidden(dropped), training=training)
        return self.logits(hidden), self.vad(hidden), hidden


class Melody:
    """What pitch tells of a song's category, and how far anybody sings.

    Pitch tells actors' songs apart and misreads the speech of strangers, so it is heard as far as
    the voice sings, and says nothing of V/A/D (``train/voice.md``). Untrained it is silent.
    """

    def __init__(self, hidden: int, labels: int, dropout: float) -> None:
        self.hidden = layers.Dense(hidden, activation="relu", name="melody_hidden")
        self.logits = layers.Dense(labels, name="melody_logits")
        still = tf.keras.initializers.Constant(UNTRAINED)
        self.share = layers.Dense(
            1, name="melody_share", kernel_initializer="zeros", bias_initializer=still
        )
        self.drop = layers.Dropout(dropout)

    def layers(self) -> list[Any]:
        """Return what Keras must know of."""
        return [self.hidden, self.logits, self.share, self.drop]

    def __call__(self, pitch: tf.Tensor, training: bool) -> tf.Tensor:
        """Return logits of functionals of the pitch."""
        tune = self.hidden(self.drop(pitch, training=training))
        return self.logits(self.drop(tune, training=training))

"""The voice model in Keras: causal convolution, GRU, pooling, one head for class and V/A/D."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.emotion import Floats

layers = tf.keras.layers
Arrays = dict[str, NDArray[Any]]
SMALLEST = 1024  # weights: the converter leaves smaller layers float


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Sizes of the network and how much of it is dropped in training.

    ``kernel`` frames feed a step of the convolution, one step each ``stride`` frames; the GRU has
    ``units`` units, the head ``hidden``; ``dropout`` is before and in the head,
    ``channel_dropout`` before the GRU.
    """

    size: int = 20
    labels: int = 8
    filters: int = 64
    kernel: int = 7
    stride: int = 4
    units: int = 96
    hidden: int = 64
    dropout: float = 0.3
    channel_dropout: float = 0.1

    @property
    def context(self) -> int:
        """Frames before a block that the convolution sees."""
        return self.kernel - self.stride

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


class VoiceNet(tf.keras.Model):
    """Normalised frames of whole utterances in, class logits and V/A/D out.

    Pooling: attention, mean and deviation of the GRU's states. Mean and deviation of the frames
    beside them did not help the development speakers.
    """

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(name="voice")
        self.settings = settings
        self.conv = layers.Conv1D(
            settings.filters, settings.kernel, strides=settings.stride, use_bias=False, name="conv"
        )
        self.norm = layers.BatchNormalization(name="norm")
        self.gru = layers.GRU(settings.units, return_sequences=True, name="gru")
        self.attention = layers.Dense(1, name="attention")
        self.hidden = layers.Dense(settings.hidden, activation="relu", name="hidden")
        self.logits = layers.Dense(settings.labels, name="logits")
        self.vad = layers.Dense(3, activation="tanh", name="vad")
        self.drop = layers.Dropout(settings.dropout)
        self.drop_channels = layers.SpatialDropout1D(settings.channel_dropout)

    def call(
        self, frames: tf.Tensor, lengths: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return logits (batch, labels) and V/A/D (batch, 3) of frames (batch, time, size).

        ``time`` is a multiple of the stride; only the first ``lengths`` frames count.
        """
        pooled = self.pooled(frames, lengths, training)
        hidden = self.drop(self.hidden(self.drop(pooled, training=training)), training=training)
        return self.logits(hidden), self.vad(hidden)

    def pooled(self, frames: tf.Tensor, lengths: tf.Tensor, training: bool) -> tf.Tensor:
        """Return the pooled vector that ``edge.pooling.Pool`` computes on the device."""
        padded = tf.pad(frames, [[0, 0], [self.settings.context, 0], [0, 0]])
        steps = tf.nn.relu(self.norm(self.conv(padded), training=training))
        states = self.gru(self.drop_channels(steps, training=training), training=training)
        counted = tf.maximum(lengths // self.settings.stride, 1)
        mask = tf.sequence_mask(counted, tf.shape(states)[1], tf.float32)[..., None]
        scores = tf.nn.softmax(self.attention(states) + (mask - 1.0) * 1e9, axis=1)
        attended = tf.reduce_sum(states * scores, axis=1)
        return tf.concat([attended, *_moments(states, mask)], axis=-1)

    def arrays(self) -> Arrays:
        """Return every weight by name, e.g. ``gru/kernel``."""
        return {_name(v): v.numpy() for v in self.variables}

    def load_arrays(self, arrays: Arrays) -> None:
        """Set every weight by name; the network must have been built."""
        for variable in self.variables:
            variable.assign(arrays[_name(variable)])

    def build_now(self) -> None:
        """Create the variables by running two silent blocks."""
        size = self.settings.size
        self(tf.zeros((1, 3 * self.settings.stride, size)), tf.constant([self.settings.stride]))


def rounded(arrays: Arrays) -> Arrays:
    """Return the weights on the int8 grid that dynamic-range quantisation will store.

    The convolution has a scale a channel, which folding its normalisation keeps; a dense layer has
    one scale; layers of fewer than 1024 weights stay float. What is judged is what is shipped.
    """
    found = dict(arrays)
    for name, weights in arrays.items():
        if name.endswith("kernel") and weights.size >= SMALLEST:
            axes = (0, 1) if name == "conv/kernel" else None
            scale = np.abs(weights).max(axis=axes, keepdims=True) / 127.0
            found[name] = (np.rint(weights / scale) * scale).astype(np.float32)
    return found


def pad(utterances: list[Floats], stride: int) -> tuple[Floats, NDArray[np.int32]]:
    """Stack frames of different lengths: (batch, time, size) and lengths (batch,).

    The time is a multiple of 24, so that TensorFlow meets few different shapes.
    """
    lengths = np.array([len(u) for u in utterances], np.int32)
    time = int(np.ceil(lengths.max() / 24)) * 24
    time = int(np.ceil(time / stride)) * stride
    batch = np.zeros((len(utterances), time, utterances[0].shape[1]), np.float32)
    for row, frames in enumerate(utterances):
        batch[row, : len(frames)] = frames
    return batch, lengths


def _moments(rows: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
    count = tf.reduce_sum(mask, axis=1)
    mean = tf.reduce_sum(rows * mask, axis=1) / count
    variance = tf.reduce_sum((rows - mean[:, None]) ** 2 * mask, axis=1) / count
    return [mean, tf.sqrt(variance + 1e-5)]


def _name(variable: tf.Variable) -> str:
    """Return ``layer/weight`` of a variable, whatever Keras puts around it."""
    parts = variable.name.split(":")[0].split("/")
    return f"{parts[-3]}/{parts[-1]}" if parts[-2] == "gru_cell" else "/".join(parts[-2:])

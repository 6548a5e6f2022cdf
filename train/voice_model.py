"""The voice model in Keras: causal convolution, GRU, functionals, pooling, class and V/A/D."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.features import FeatureSettings
from edge.voice import SUNG
from train.corpora import LABELS
from train.voice_data import ENVELOPE
from train.voice_perceptrons import Head, Melody

layers = tf.keras.layers
Arrays = dict[str, NDArray[Any]]
MELODY = 24  # units of the head of melody: what 100 000 parameters leave
SMALLEST = 1024  # weights: the converter leaves smaller layers float


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Sizes of the network and how much of it is dropped in training.

    Frames have ``size`` values: all feed the functionals, the first ``seen`` the convolution, of
    which a step takes ``kernel`` frames, one each ``stride`` frames. The GRU has ``units`` units,
    its head ``hidden``, that of the functionals ``functional_hidden``, that of melody, which hears
    the functionals of the other values, ``melody_hidden`` (0: there is none); ``lags`` are those of
    the functionals; ``dropout`` is before and in the heads, ``channel_dropout`` before the GRU.
    """

    size: int = 20
    seen: int = 20
    labels: int = 8
    filters: int = 64
    kernel: int = 12
    stride: int = 8
    units: int = 96
    hidden: int = 64
    functional_hidden: int = 64
    melody_hidden: int = 0
    lags: tuple[int, ...] = (1, 2, 5, 10, 25)
    dropout: float = 0.3
    channel_dropout: float = 0.1

    @property
    def context(self) -> int:
        """Frames before a block that the convolution sees."""
        return self.kernel - self.stride

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self) | {"lags": list(self.lags)}


def sizes(features: FeatureSettings) -> ModelSettings:
    """Return the sizes for frames of these features, of cepstra at most 100 000 parameters.

    The convolution sees the envelope, 20 cepstra; with more, those tell the melody of song.
    """
    size, envelope = features.size, ENVELOPE if features.kind == "mfcc" else features.size
    melody = MELODY if size > envelope else 0
    return ModelSettings(size=size, seen=envelope, labels=len(LABELS), melody_hidden=melody)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the heads say: joined logits (batch, labels) and V/A/D (batch, 3), the logits of each
    head, and both hidden layers side by side."""

    logits: tf.Tensor
    vad: tf.Tensor
    each: tuple[tf.Tensor, tf.Tensor]
    hidden: tf.Tensor


class VoiceNet(tf.keras.Model):
    """Normalised frames of whole utterances in, class logits and V/A/D out.

    Pooling: attention, mean and deviation of the GRU's states, and functionals of the frames. Each
    half has a head; what they say is added. Heads apart, each with a loss of its own, keep the
    stronger half from starving the other: the GRU knows speech better, the functionals song. What
    the functionals know of pitch is added to the logits where somebody sings.
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
        self.scale = layers.BatchNormalization(momentum=0.98, name="scale")
        self.drop_channels = layers.SpatialDropout1D(settings.channel_dropout)
        labels, dropout, own = settings.labels, settings.dropout, settings.functional_hidden
        self._heads = (
            Head(settings.hidden, labels, dropout),
            Head(own, labels, dropout, "functional_"),
        )
        self.melody = Melody(settings.melody_hidden, labels, dropout)
        used = (*self._heads, self.melody) if settings.melody_hidden else self._heads
        self._kept = [layer for head in used for layer in head.layers()]

    def call(
        self, frames: tf.Tensor, lengths: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return logits (batch, labels) and V/A/D (batch, 3) of frames (batch, time, views * size).

        ``time`` is a multiple of the stride; only the first ``lengths`` frames count.
        """
        views = tf.split(frames, frames.shape[-1] // self.settings.size, axis=-1)
        each = [self.pooled(self.states(v, training), v, lengths, training) for v in views]
        means = [tf.add_n(parts) / len(each) for parts in zip(*each, strict=True)]
        said = self.judge(*means, training)
        if not self.settings.melody_hidden:
            return said.logits, said.vad
        singing, melody = self.sing(*each[0], training)
        share = tf.sigmoid(singing)
        sung = share > SUNG
        logits, vad = said.logits, said.vad
        if len(each) > 1:  # a warp has another pitch
            own = self.judge(*each[0], training)
            logits, vad = tf.where(sung, own.logits, logits), tf.where(sung, own.vad, vad)
        return logits + tf.where(sung, share, 0.0) * melody, vad

    def states(self, frames: tf.Tensor, training: bool) -> tf.Tensor:
        """Return the states of the GRU, shape (batch, time / stride, units)."""
        seen = frames[:, :, : self.settings.seen]
        padded = tf.pad(seen, [[0, 0], [self.settings.context, 0], [0, 0]])
        steps = tf.nn.relu(self.norm(self.conv(padded), training=training))
        return self.gru(self.drop_channels(steps, training=training), training=training)

    def pooled(
        self, states: tf.Tensor, frames: tf.Tensor, lengths: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return what ``edge.pooling.Pool`` computes on the device: of states, of frames.

        The functionals come back scaled, as the head's graph scales them.
        """
        stride = self.settings.stride
        counted = tf.maximum(lengths // stride, 1)
        mask = tf.sequence_mask(counted, tf.shape(states)[1], tf.float32)[..., None]
        scores = tf.nn.softmax(self.attention(states) + (mask - 1.0) * 1e9, axis=1)
        attended = tf.reduce_sum(states * scores, axis=1)
        heard = tf.concat([attended, *_moments(states, mask, 1e-5)], axis=-1)
        functionals = self.functionals(frames, counted * stride)
        return heard, self.scale(functionals, training=training)

    def judge(self, heard: tf.Tensor, functionals: tf.Tensor, training: bool) -> Outputs:
        """Return what the two heads say of what was pooled, melody apart."""
        envelope, _ = self._parts(functionals)
        logits, vad, hidden = self._heads[0](heard, training)
        more_logits, more_vad, more_hidden = self._heads[1](envelope, training)
        return Outputs(
            logits + more_logits,
            tf.tanh(vad + more_vad),
            (logits, more_logits),
            tf.concat([hidden, more_hidden], axis=-1),
        )

    def sing(
        self, heard: tf.Tensor, functionals: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the log-odds that somebody sings (batch, 1), and what melody adds to the logits
        as far as somebody does (batch, labels)."""
        envelope, pitch = self._parts(functionals)
        singing = self.melody.share(tf.concat([heard, envelope], axis=-1))
        return singing, self.melody(pitch, training)

    def _parts(self, functionals: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return those of the values that the convolution sees, and those of the others."""
        seen, size = self.settings.seen, self.settings.size
        if not self.settings.melody_hidden:
            return functionals, functionals[:, :0]
        kinds = functionals.shape[-1] // size
        apart = tf.reshape(functionals, (-1, kinds, size))
        return (
            tf.reshape(apart[:, :, :seen], (-1, kinds * seen)),
            tf.reshape(apart[:, :, seen:], (-1, kinds * (size - seen))),
        )

    def functionals(self, frames: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
        """Return what ``edge.pooling.Functionals`` computes, unscaled."""
        mask = tf.sequence_mask(counted, tf.shape(frames)[1], tf.float32)[..., None]
        count = tf.cast(counted, tf.float32)[:, None]
        found = _moments(frames, mask, 1e-4)
        for lag in self.settings.lags:
            change = (frames[:, lag:] - frames[:, :-lag]) * mask[:, lag:]
            pairs = tf.maximum(count - lag, 1.0)
            found.append(tf.sqrt(tf.reduce_sum(change**2, axis=1) / pairs + 1e-4))
        for beyond in (tf.nn.relu(frames - 1.0), tf.nn.relu(-1.0 - frames)):
            found.append(tf.reduce_sum(beyond * mask, axis=1) / count)
        return tf.concat(found, axis=-1)

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
        self(tf.zeros((1, 48, size)), tf.constant([self.settings.stride]))


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

    The time is a multiple of 48, so that TensorFlow meets few different shapes.
    """
    lengths = np.array([len(u) for u in utterances], np.int32)
    time = int(np.ceil(lengths.max() / 48)) * 48
    time = int(np.ceil(time / stride)) * stride
    batch = np.zeros((len(utterances), time, utterances[0].shape[1]), np.float32)
    for row, frames in enumerate(utterances):
        batch[row, : len(frames)] = frames
    return batch, lengths


def _moments(rows: tf.Tensor, mask: tf.Tensor, least: float) -> list[tf.Tensor]:
    count = tf.reduce_sum(mask, axis=1)
    mean = tf.reduce_sum(rows * mask, axis=1) / count
    variance = tf.reduce_sum((rows - mean[:, None]) ** 2 * mask, axis=1) / count
    return [mean, tf.sqrt(variance + least)]


def _name(variable: tf.Variable) -> str:
    """Return ``layer/weight`` of a variable, whatever Keras puts around it."""
    parts = variable.name.split(":")[0].split("/")
    return f"{parts[-3]}/{parts[-1]}" if parts[-2] == "gru_cell" else "/".join(parts[-2:])

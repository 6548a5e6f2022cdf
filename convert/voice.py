"""The voice model as TFLite: a chunk graph with explicit state, and a head.

Both are rebuilt from plain arrays with built-in operators only: a Keras GRU converted directly
becomes a WHILE loop, slower, and cannot be fully quantised.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from convert.quantize import Samples, convert
from edge.emotion import Floats

BLOCK = 12  # frames a call: 120 ms, and a multiple of every stride we use
EPSILON = 1e-3  # of Keras's batch normalisation

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class VoiceModel:
    """A trained voice model: plain arrays and what ``python -m train voice`` wrote about them."""

    arrays: Arrays
    about: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> VoiceModel:
        """Read ``model.npz`` and ``model.json``."""
        with np.load(folder / "model.npz") as saved:
            arrays = {name: saved[name] for name in saved.files}
        return cls(arrays, json.loads((folder / "model.json").read_text()))

    @property
    def parameters(self) -> int:
        """Number of trained values; the running statistics of the normalisation do not count."""
        return sum(a.size for name, a in self.arrays.items() if "moving_" not in name)

    @property
    def stride(self) -> int:
        """Frames between two steps of the GRU."""
        return int(self.about["model"]["stride"])

    @property
    def context(self) -> int:
        """Frames before a block that the convolution sees."""
        return int(self.about["model"]["kernel"]) - self.stride

    @property
    def units(self) -> int:
        """Units of the GRU."""
        return int(self.arrays["gru/recurrent_kernel"].shape[0])

    @property
    def size(self) -> int:
        """Values a frame."""
        return int(self.about["model"]["size"])

    @property
    def pooled(self) -> int:
        """Length of the pooled vector."""
        return 3 * self.units


def chunk_function(model: VoiceModel) -> Any:
    """Return the concrete function of one block: frames, state -> states, attention, state_out."""
    a = model.arrays
    scale = a["norm/gamma"] / np.sqrt(a["norm/moving_variance"] + EPSILON)
    kernel = (a["conv/kernel"] * scale).astype(np.float32)
    bias = (a["norm/beta"] - a["norm/moving_mean"] * scale).astype(np.float32)
    into, across = a["gru/kernel"], a["gru/recurrent_kernel"]
    bias_in, bias_across = a["gru/bias"]
    steps, units = BLOCK // model.stride, model.units

    def chunk(frames: tf.Tensor, state: tf.Tensor) -> dict[str, tf.Tensor]:
        seen = tf.nn.relu(tf.nn.conv1d(frames, kernel, model.stride, "VALID") + bias)
        driven = tf.matmul(tf.reshape(seen, (steps, -1)), into) + bias_in
        states = []
        for step in range(steps):
            state = _gru_step(driven[step : step + 1], state, across, bias_across, units)
            states.append(state)
        rows = tf.concat(states, axis=0)
        scores = tf.matmul(rows, a["attention/kernel"]) + a["attention/bias"]
        return {
            "states": rows[None],
            "attention": scores[None],
            "state_out": tf.identity(state),
        }

    return tf.function(chunk).get_concrete_function(
        tf.TensorSpec((1, BLOCK + model.context, model.size), tf.float32, "frames"),
        tf.TensorSpec((1, units), tf.float32, "state"),
    )


def _gru_step(
    driven: tf.Tensor, state: tf.Tensor, across: Floats, bias: Floats, units: int
) -> tf.Tensor:
    """One step of a GRU with ``reset_after``, gates in Keras's order: update, reset, candidate."""
    own = tf.matmul(state, across) + bias
    update = tf.sigmoid(driven[:, :units] + own[:, :units])
    reset = tf.sigmoid(driven[:, units : 2 * units] + own[:, units : 2 * units])
    candidate = tf.tanh(driven[:, 2 * units :] + reset * own[:, 2 * units :])
    return candidate + update * (state - candidate)


def head_function(model: VoiceModel) -> Any:
    """Return the concrete function of the head: pooled -> logits, vad."""
    a = model.arrays

    def head(pooled: tf.Tensor) -> dict[str, tf.Tensor]:
        hidden = tf.nn.relu(tf.matmul(pooled, a["hidden/kernel"]) + a["hidden/bias"])
        return {
            "logits": tf.matmul(hidden, a["logits/kernel"]) + a["logits/bias"],
            "vad": tf.tanh(tf.matmul(hidden, a["vad/kernel"]) + a["vad/bias"]),
        }

    return tf.function(head).get_concrete_function(
        tf.TensorSpec((1, model.pooled), tf.float32, "pooled")
    )


def graphs(model: VoiceModel, quantization: str, frames: list[Floats]) -> tuple[bytes, bytes]:
    """Return chunk graph and head; ``frames`` are normalised utterances that calibrate integers.

    The head is small and sees one vector an utterance, so integer kinds keep its activations
    float: its inputs (means beside deviations) would share one scale.
    """
    samples = chunk_samples(model, frames) if quantization in ("int8", "int16x8") else None
    simple = "int8-dynamic" if quantization.startswith("int") else quantization
    return (
        convert(chunk_function(model), quantization, samples),
        convert(head_function(model), simple),
    )


def chunk_samples(model: VoiceModel, utterances: list[Floats], limit: int = 300) -> Samples:
    """Return inputs of the chunk graph as they occur while utterances stream through it.

    ``utterances`` are normalised frames; every state comes from the float graph.
    """
    function = chunk_function(model)
    samples: Samples = []
    for frames in utterances:
        state = np.zeros((1, model.units), np.float32)
        padded = np.concatenate([np.zeros((model.context, model.size), np.float32), frames])
        for first in range(0, len(frames) - BLOCK + 1, BLOCK):
            window = padded[first : first + BLOCK + model.context][None]
            samples.append({"frames": window, "state": state})
            state = function(tf.constant(window), tf.constant(state))["state_out"].numpy()
    order = np.random.default_rng(0).permutation(len(samples))[:limit]
    return [samples[index] for index in order]

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
from edge.pooling import Pool

BLOCK = 16  # frames a call: 160 ms, and a multiple of every stride we use
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
    def seen(self) -> int:
        """Values of a frame that the graph takes."""
        return int(self.about["model"].get("seen", self.size))

    @property
    def views(self) -> int:
        """How often a frame is heard: as it is, and once a warp."""
        return 1 + len(self.about["features"].get("warps", ()))

    @property
    def melodic(self) -> bool:
        """Whether song has a head of its own, which hears what the graph does not take."""
        return "melody_hidden/kernel" in self.arrays

    @property
    def lags(self) -> tuple[int, ...]:
        """Lags of the functionals, in frames."""
        return tuple(self.about["model"]["lags"])

    @property
    def feeding(self) -> dict[str, Any]:
        """What a manifest says of how the graphs are fed."""
        own = {"context": self.context, "stride": self.stride, "lags": list(self.lags)}
        return {"mean": self.about["mean"], "std": self.about["std"]} | own

    @property
    def pooled(self) -> int:
        """Length of the pooled vector."""
        return Pool.length(self.units, self.seen, self.lags)


def chunk_function(model: VoiceModel) -> Any:
    """Return the concrete function of one block: frames (views, context + block, seen) and state
    (views, units) -> states (1, steps, views * units), attention (1, steps, views), state_out."""
    a = model.arrays
    scale = a["norm/gamma"] / np.sqrt(a["norm/moving_variance"] + EPSILON)
    kernel = (a["conv/kernel"] * scale).astype(np.float32)
    bias = (a["norm/beta"] - a["norm/moving_mean"] * scale).astype(np.float32)
    into, across = a["gru/kernel"], a["gru/recurrent_kernel"]
    bias_in, bias_across = a["gru/bias"]
    steps, units, views = BLOCK // model.stride, model.units, model.views

    def chunk(frames: tf.Tensor, state: tf.Tensor) -> dict[str, tf.Tensor]:
        seen = tf.nn.relu(tf.nn.conv1d(frames, kernel, model.stride, "VALID") + bias)
        steps_first = tf.reshape(tf.transpose(seen, (1, 0, 2)), (steps * views, -1))
        driven = tf.matmul(steps_first, into) + bias_in
        states = []
        for first in range(0, steps * views, views):
            state = _gru_step(driven[first : first + views], state, across, bias_across, units)
            states.append(state)
        rows = tf.concat(states, axis=0)
        scores = tf.matmul(rows, a["attention/kernel"]) + a["attention/bias"]
        return {
            "states": tf.reshape(rows, (1, steps, views * units)),
            "attention": tf.reshape(scores, (1, steps, views)),
            "state_out": tf.identity(state),
        }

    return tf.function(chunk).get_concrete_function(
        tf.TensorSpec((views, BLOCK + model.context, model.seen), tf.float32, "frames"),
        tf.TensorSpec((views, units), tf.float32, "state"),
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
    """Return the concrete function of the head: pooled -> logits, vad, and with melody singing, the
    log-odds that somebody does."""
    a = model.arrays
    scale, shift = _scaling(model, pitch=False)
    heard = 3 * model.units
    if model.melodic:  # the scaling is in the weights: one product
        share = a["melody_share/kernel"][:, 0]
        odds = np.concatenate([share[:heard], share[heard:] * scale])
        bias = a["melody_share/bias"] + share[heard:] @ shift

    def head(pooled: tf.Tensor) -> dict[str, tf.Tensor]:
        functionals = pooled[:, heard:] * scale + shift
        logits, vad = _perceptron(pooled[:, :heard], a)
        more_logits, more_vad = _perceptron(functionals, a, "functional_")
        said = {"logits": logits + more_logits, "vad": tf.tanh(vad + more_vad)}
        if model.melodic:
            said["singing"] = tf.matmul(pooled, odds[:, None]) + bias
        return said

    return tf.function(head).get_concrete_function(
        tf.TensorSpec((1, model.pooled), tf.float32, "pooled")
    )


def melody_function(model: VoiceModel) -> Any:
    """Return the concrete function of melody: functionals of the pitch -> logits."""
    scale, shift = _scaling(model, pitch=True)

    def melody(pitch: tf.Tensor) -> dict[str, tf.Tensor]:
        tune = tf.nn.relu(_dense(pitch * scale + shift, model.arrays, "melody_hidden"))
        return {"logits": _dense(tune, model.arrays, "melody_logits")}

    return tf.function(melody).get_concrete_function(
        tf.TensorSpec((1, len(scale)), tf.float32, "pitch")
    )


def _scaling(model: VoiceModel, pitch: bool) -> tuple[Floats, Floats]:
    """Return factors and shifts of the functionals of values that the chunk graph does not take,
    which tell the pitch, or of those that it does."""
    a = model.arrays
    scale = a["scale/gamma"] / np.sqrt(a["scale/moving_variance"] + EPSILON)
    shift = a["scale/beta"] - a["scale/moving_mean"] * scale
    own = (np.arange(len(scale)) % model.size >= model.seen) == pitch
    return scale[own].astype(np.float32), shift[own].astype(np.float32)


def _perceptron(half: tf.Tensor, a: Arrays, prefix: str = "") -> tuple[tf.Tensor, tf.Tensor]:
    """Return logits and V/A/D before tanh of one head."""
    hidden = tf.nn.relu(_dense(half, a, f"{prefix}hidden"))
    return _dense(hidden, a, f"{prefix}logits"), _dense(hidden, a, f"{prefix}vad")


def _dense(rows: tf.Tensor, a: Arrays, name: str) -> tf.Tensor:
    return tf.matmul(rows, a[f"{name}/kernel"]) + a[f"{name}/bias"]


def graphs(model: VoiceModel, quantization: str, frames: list[Floats]) -> tuple[bytes, ...]:
    """Return chunk graph, head and, where there is one, melody; ``frames`` are normalised
    utterances that calibrate integers.

    The heads are small and see one vector a quarter of a second: integer kinds leave them float16.
    Their inputs, means beside deviations, would share one scale: 1.2 % of decisions changed.
    """
    samples = chunk_samples(model, frames) if quantization in ("int8", "int16x8") else None
    simple = "float16" if quantization.startswith("int") else quantization
    heads = (head_function, melody_function) if model.melodic else (head_function,)
    return (
        convert(chunk_function(model), quantization, samples),
        *(convert(function(model), simple) for function in heads),
    )


def chunk_samples(model: VoiceModel, utterances: list[Floats], limit: int = 300) -> Samples:
    """Return inputs of the chunk graph as they occur while utterances stream through it.

    ``utterances`` are normalised frames; every state comes from the float graph.
    """
    function = chunk_function(model)
    samples: Samples = []
    for frames in utterances:
        state = np.zeros((model.views, model.units), np.float32)
        views = frames.reshape(len(frames), model.views, -1)[:, :, : model.seen].swapaxes(0, 1)
        padded = np.pad(views, [(0, 0), (model.context, 0), (0, 0)])
        for first in range(0, len(frames) - BLOCK + 1, BLOCK):
            window = padded[:, first : first + BLOCK + model.context]
            samples.append({"frames": window, "state": state})
            state = function(tf.constant(window), tf.constant(state))["state_out"].numpy()
    order = np.random.default_rng(0).permutation(len(samples))[:limit]
    return [samples[index] for index in order]

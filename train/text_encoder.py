"""A sentence encoder (BERT or MPNet) in TensorFlow, for the teacher of the text model.

The weights come from a .zip with ``config.json``, ``tokenizer.json`` and ``model.safetensors``,
in the layout of the Hugging Face library; it may come in several parts.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError

Array = NDArray[np.float32]

LONGEST = 64
BATCH = 32
PIECE = re.compile(r"[^\W_]+|[^\w\s]|_")
LENGTH_BYTES = 8
BIAS = "encoder.relative_attention_bias.weight"
BUCKETS, FARTHEST = 32, 128
NAMES: Mapping[str, tuple[str, ...]] = {
    "bert": ("self.query", "self.key", "self.value", "output.dense", "output.LayerNorm"),
    "mpnet": ("attn.q", "attn.k", "attn.v", "attn.o", "LayerNorm"),
}
"""Query, key, value, output and its norm in the attention of a kind of model."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What a folder of a model holds: sizes, vocabulary (piece -> id), and tensors by name."""

    config: Mapping[str, Any]
    pieces: Mapping[str, int]
    tensors: Mapping[str, Array]


def read_weights(paths: Sequence[Path]) -> Weights:
    """Read the .zip of a model, in parts; raises HeartenError when it is none."""
    try:
        with ZipFile(io.BytesIO(b"".join(path.read_bytes() for path in paths))) as archive:
            place = {Path(name).name: name for name in archive.namelist()}
            config, words, tensors = (
                archive.read(place[name])
                for name in ("config.json", "tokenizer.json", "model.safetensors")
            )
        pieces = json.loads(words)["model"]["vocab"]
        return Weights(json.loads(config), pieces, safetensors(tensors))
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise HeartenError(f"{paths[0]} holds no sentence encoder: {error}") from error


def safetensors(data: bytes) -> dict[str, Array]:
    """Return the float32 tensors of a .safetensors file."""
    start = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    head = json.loads(data[LENGTH_BYTES:start])
    found = {}
    for name, entry in head.items():
        if entry.get("dtype") == "F32":
            first, last = (start + offset for offset in entry["data_offsets"])
            found[name] = np.frombuffer(data[first:last], "<f4").reshape(entry["shape"])
    return found


def word_pieces(text: str, pieces: Mapping[str, int]) -> list[int]:
    """Return the ids of a text: words without accents, cut into the longest known pieces."""
    plain = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    ids = [i for word in PIECE.findall(plain) for i in _cut(word, pieces)]
    first, last = ("<s>", "</s>") if "<s>" in pieces else ("[CLS]", "[SEP]")
    return [pieces[first], *ids[: LONGEST - 2], pieces[last]]


def _cut(word: str, pieces: Mapping[str, int]) -> list[int]:
    found, start = [], 0
    while start < len(word):
        sign = "##" if start else ""
        ends = range(len(word), start, -1)
        end = next((e for e in ends if sign + word[start:e] in pieces), None)
        if end is None:
            return [pieces["[UNK]"]]
        found.append(pieces[sign + word[start:end]])
        start = end
    return found


class Encoder:
    """Turns sentences into vectors: the mean of a layer's outputs over the pieces."""

    def __init__(self, weights: Weights) -> None:
        """Keep the weights; nothing is trained."""
        self._values = weights.tensors
        self._pieces = weights.pieces
        self._heads = int(weights.config["num_attention_heads"])
        self._layers = int(weights.config["num_hidden_layers"])
        self._width = int(weights.config["hidden_size"])
        self._epsilon = float(weights.config["layer_norm_eps"])
        kind = str(weights.config["model_type"])
        if kind not in NAMES:
            raise HeartenError(f"a sentence encoder of kind {kind!r}: known are {', '.join(NAMES)}")
        self._names = NAMES[kind]
        self._padding = self._pieces["<pad>" if kind == "mpnet" else "[PAD]"]

    def encode(self, texts: Sequence[str], layers: Sequence[int]) -> NDArray[np.float16]:
        """Return one vector a text, the given layers side by side (0: the embeddings)."""
        import tensorflow as tf

        ids = [word_pieces(text, self._pieces) for text in texts]
        order = np.argsort([len(row) for row in ids], kind="stable")
        signature = [tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None))]
        means = tf.function(lambda i, m: self._means(i, m, layers), input_signature=signature)
        found = np.zeros((len(ids), self._width * len(layers)), np.float16)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            found[rows] = means(*_padded([ids[i] for i in rows], self._padding)).numpy()
        return found

    def _means(self, ids: Any, mask: Any, layers: Sequence[int]) -> Any:
        import tensorflow as tf

        outputs = self._outputs(ids, mask)
        shown = mask[..., None]
        count = tf.reduce_sum(shown, axis=1)
        return tf.concat([tf.reduce_sum(outputs[n] * shown, axis=1) / count for n in layers], 1)

    def _outputs(self, ids: Any, mask: Any) -> list[Any]:
        """Return the outputs of the embeddings and of every layer."""
        import tensorflow as tf

        x = tf.gather(self._values["embeddings.word_embeddings.weight"], ids)
        places = self._values["embeddings.position_embeddings.weight"]
        hidden = (1.0 - mask[:, None, None, :]) * -1e9
        if BIAS in self._values:  # MPNet: two unused places, and attention knows distances
            places = places[2:]
            steps = tf.constant(distances(LONGEST))[: tf.shape(ids)[1], : tf.shape(ids)[1]]
            hidden += tf.transpose(tf.gather(self._values[BIAS], steps), (2, 0, 1))[None]
        else:
            x += self._values["embeddings.token_type_embeddings.weight"][0]
        x += tf.constant(places[:LONGEST])[: tf.shape(ids)[1]]
        outputs = [self._norm(x, "embeddings.LayerNorm")]
        for number in range(self._layers):
            outputs.append(self._layer(outputs[-1], hidden, f"encoder.layer.{number}."))
        return outputs

    def _layer(self, x: Any, hidden: Any, name: str) -> Any:
        import tensorflow as tf

        rows, length = tf.shape(x)[0], tf.shape(x)[1]
        size = self._width // self._heads

        def split(kind: str) -> Any:
            y = self._dense(x, f"{name}attention.{kind}")
            return tf.transpose(tf.reshape(y, (rows, length, self._heads, size)), (0, 2, 1, 3))

        query, key, value = map(split, self._names[:3])
        share = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) / size**0.5 + hidden)
        context = tf.transpose(tf.matmul(share, value), (0, 2, 1, 3))
        context = tf.reshape(context, (rows, length, self._width))
        x = self._norm(
            x + self._dense(context, f"{name}attention.{self._names[3]}"),
            f"{name}attention.{self._names[4]}",
        )
        inner = tf.nn.gelu(self._dense(x, f"{name}intermediate.dense"))
        return self._norm(x + self._dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _dense(self, x: Any, name: str) -> Any:
        import tensorflow as tf

        # Half the time of float32 where the processor has it; the vectors differ by 1e-3.
        factors = (tf.cast(y, tf.bfloat16) for y in (x, self._values[f"{name}.weight"]))
        product = tf.matmul(*factors, transpose_b=True)
        return tf.cast(product, tf.float32) + self._values[f"{name}.bias"]

    def _norm(self, x: Any, name: str) -> Any:
        import tensorflow as tf

        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        scaled = (x - mean) * tf.math.rsqrt(variance + self._epsilon)
        return scaled * self._values[f"{name}.weight"] + self._values[f"{name}.bias"]


def distances(length: int) -> NDArray[np.int32]:
    """Return the bucket of the distance between two places, shape (length, length).

    Half of the buckets are for each direction; near distances have one each, far ones share.
    """
    back = np.subtract.outer(np.arange(length), np.arange(length))
    half, exact = BUCKETS // 2, BUCKETS // 4
    far = np.abs(back)
    scale = np.log(np.maximum(far, 1) / exact) / np.log(FARTHEST / exact)
    shared = np.minimum(exact + (scale * (half - exact)).astype(int), half - 1)
    found = np.where(back < 0, half, 0) + np.where(far < exact, far, shared)
    return found.astype(np.int32)


def _padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[NDArray[np.int32], Array]:
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), padding, np.int32)
    mask = np.zeros((len(rows), longest), np.float32)
    for i, row in enumerate(rows):
        ids[i, : len(row)], mask[i, : len(row)] = row, 1.0
    return ids, mask

"""The TFLite graph of the text model: an int8 table with a scale a row, and float16 heads.

What the graph computes is told in ``train.text_model`` and, where the model has a lexicon, in
``train.text_lexicon``: its values are int8 with a scale a dimension.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from edge.interpreter import Graph
from train.text_data import Bags
from train.text_lexicon import SMOOTHING, Lexicon
from train.text_model import REACH, negated

Array = NDArray[np.float32]

MAX_BYTES = 200_000
MAX_VAD_ERROR = 0.005
MIN_AGREEMENT = 0.99


@dataclass(frozen=True, slots=True)
class TextWeights:
    """What ``python -m train text`` wrote: plain arrays, and the description in model.json.

    ``rows`` (ids,) is the row of the table of each word id, ``negates`` (ids,) 1 for a negation.
    """

    arrays: dict[str, Array]
    rows: NDArray[np.int32]
    slots: int
    smoothing: float
    limit: float
    labels: tuple[str, ...]
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far the graph is from the float model on the same words."""

    vad_error: float
    """Mean absolute difference of V/A/D."""
    vad_worst: float
    agreement: float
    """Share of items with the same most likely category."""
    items: int
    bytes: int

    def check(self) -> None:
        """Raise HeartenError when the graph is too large or too far from the float model."""
        if self.bytes > MAX_BYTES:
            raise HeartenError(f"text graph has {self.bytes} bytes, at most {MAX_BYTES}")
        if not (self.vad_error < MAX_VAD_ERROR and self.agreement > MIN_AGREEMENT):
            raise HeartenError(
                f"text graph differs from the float model: V/A/D {self.vad_error:.4f}, "
                f"agreement {self.agreement:.4f}: train again or report this"
            )


def load(model_dir: Path) -> TextWeights:
    """Return the trained model; raises HeartenError when a file is missing or does not fit."""
    try:
        described = json.loads((model_dir / "model.json").read_text(encoding="utf-8"))
        words = (model_dir / described["vocabulary"]).read_text(encoding="utf-8").split()
        with np.load(model_dir / "model.npz", allow_pickle=False) as content:
            arrays = {name: content[name].astype(np.float32) for name in content.files}
            rows = content["rows"].astype(np.int32)
        weights = TextWeights(
            arrays=arrays,
            rows=rows,
            slots=int(described["slots"]),
            smoothing=float(described["smoothing"]),
            limit=float(described["salience_limit"]),
            labels=tuple(described["labels"]),
            keywords=tuple(words),
        )
    except (OSError, ValueError, KeyError) as error:
        message = f"no text model in {model_dir} ({error}): python -m train text"
        raise HeartenError(message) from error
    if len(rows) != len(words) + 1 or rows.max() >= len(arrays["table"]):
        raise HeartenError(
            f"{model_dir}: {len(rows)} places for {len(words)} keywords: train text again"
        )
    return weights


def quantise_rows(table: Array) -> tuple[NDArray[np.int8], Array]:
    """Return int8 rows and their scales, shape (rows, 1); a row of zeros stays zero."""
    scales = np.abs(table).max(axis=1, keepdims=True) / 127.0
    scales = np.where(scales > 0, scales, 1.0).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales


def build(model_dir: Path) -> bytes:
    """Return the TFLite graph of the model in ``model_dir``.

    Inputs ``ids`` int32 and ``weights`` float32, both (1, slots); outputs ``vad`` (1, 3) and
    ``probabilities`` (1, labels).
    """
    return graph_of(load(model_dir))


def graph_of(weights: TextWeights) -> bytes:
    """Return the TFLite graph of ``weights``; see ``build``."""
    import tensorflow as tf

    from convert.quantize import convert

    shape = (1, weights.slots)
    network = tf.function(
        _network(weights),
        input_signature=[
            tf.TensorSpec(shape, tf.int32, name="ids"),
            tf.TensorSpec(shape, tf.float32, name="weights"),
        ],
    )
    return convert(network.get_concrete_function(), "float16")


def _network(model: TextWeights) -> Any:
    import tensorflow as tf

    values = model.arrays
    table, scales = quantise_rows(values["table"])
    salience = values["salience"][:, None]
    places = _places(model)
    lexicon = None
    if "lexicon" in values:
        columns, steps = quantise_rows(values["lexicon"].T)
        lexicon = columns.T
        turn = Lexicon.of(values).turn

    few = len(model.rows) <= len(places)

    def forward(ids: Any, weights: Any) -> Any:
        own = ids[0] if few else tf.minimum(ids[0], len(places) - 1)  # votes have no row
        place = tf.gather(tf.constant(places), own)
        negates = tf.cast(place < 0, tf.float32)
        place = tf.abs(tf.cast(place, tf.int32))
        heard = weights * tf.cast(place > 0, tf.float32)
        rows = tf.cast(tf.gather(tf.constant(table), place), tf.float32)
        rows *= tf.gather(tf.constant(scales), place)
        turned = tf.reshape(negated(negates * weights), (-1, 1))
        rows = rows * (1.0 + turned * (values["turn"] - 1.0)) + turned * values["turn_bias"]
        appeal = tf.clip_by_value(tf.matmul(rows, salience), -model.limit, model.limit)
        share = heard * tf.exp(tf.reshape(appeal, (1, -1)))
        total = tf.reduce_sum(share, axis=1, keepdims=True) + model.smoothing
        bag = tf.matmul(share, rows) / total

        def head(name: str) -> Any:
            hidden = tf.matmul(bag, values[f"{name}_hidden"]) + values[f"{name}_hidden_bias"]
            return tf.matmul(tf.nn.relu(hidden), values[name]) + values[f"{name}_bias"]

        vad = tf.tanh(head("vad"))
        if lexicon is not None:
            counted = weights * (1.0 + (turn - 1.0) * tf.reshape(turned, (1, -1)))
            counted *= tf.math.rsqrt(tf.reduce_sum(weights, axis=1, keepdims=True) + SMOOTHING)
            said = tf.cast(tf.gather(tf.constant(lexicon), ids[0]), tf.float32)
            vad = (vad + tf.matmul(counted, said) * steps.T + values["lexicon_bias"]) / 2.0
        return {"vad": vad, "probabilities": tf.nn.softmax(head("category"))}

    return forward


def _places(model: TextWeights) -> NDArray[np.int16]:
    """Return the row of each word id, below 0 for a negation; of all further ids the last holds.

    Two bytes a word: a pack's keywords share fewer than 32 768 rows.
    """
    places = np.where(model.arrays["negates"] > 0, -model.rows, model.rows).astype(np.int16)
    last = int(np.flatnonzero(places).max(initial=0)) + 1
    return places if last == len(places) else np.append(places[:last], np.int16(0))


def reference(
    weights: TextWeights, ids: NDArray[np.int32], confidences: Array
) -> tuple[Array, Array]:
    """Return V/A/D (n, 3) and probabilities (n, labels) of the float model, in numpy."""
    values = weights.arrays
    sure = confidences * values["negates"][ids]
    before = [np.pad(sure, ((0, 0), (k, 0)))[:, :-k] for k in range(1, REACH + 1)]
    turned = np.maximum.reduce(before)[..., None]
    rows = values["table"][weights.rows[ids]]
    rows = rows * (1.0 + turned * (values["turn"] - 1.0)) + turned * values["turn_bias"]
    appeal = np.clip(rows @ values["salience"], -weights.limit, weights.limit)
    share = confidences * (weights.rows[ids] > 0) * np.exp(appeal)
    total = share.sum(axis=1, keepdims=True) + weights.smoothing
    bag = np.einsum("ns,nsw->nw", share, rows) / total
    heads = []
    for name in ("vad", "category"):
        hidden = np.maximum(bag @ values[f"{name}_hidden"] + values[f"{name}_hidden_bias"], 0.0)
        heads.append(hidden @ values[name] + values[f"{name}_bias"])
    powers = np.exp(heads[1] - heads[1].max(axis=1, keepdims=True))
    vad = np.tanh(heads[0])
    if "lexicon" in values:
        words = Lexicon.of(values)
        vad = (vad + words.predict(Bags(ids, confidences))) / 2
    return vad, powers / powers.sum(axis=1, keepdims=True)


def parity(
    weights: TextWeights, content: bytes, ids: NDArray[np.int32], confidences: Array
) -> Parity:
    """Compare the graph with ``reference`` on bags of words, both of shape (n, slots)."""
    graph = Graph(content, "text.tflite")
    vad, shares = reference(weights, ids, confidences)
    runs = [graph.run(ids=ids[i : i + 1], weights=confidences[i : i + 1]) for i in range(len(ids))]
    errors = np.abs(np.concatenate([run["vad"] for run in runs]) - vad)
    found = np.concatenate([run["probabilities"] for run in runs]).argmax(axis=1)
    return Parity(
        vad_error=float(errors.mean()),
        vad_worst=float(errors.max()),
        agreement=float(np.mean(found == shares.argmax(axis=1))),
        items=len(ids),
        bytes=len(content),
    )

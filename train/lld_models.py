"""Models of the table of descriptors: a GRU on frames, an MLP and an SVM on statistics.

All give a class and V/A/D. The networks learn both at once (cross-entropy + 1 - CCC); their best
epoch, and the cost of the SVM, are those of the development part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from train.corpora import LABELS
from train.metrics import ccc, uar

UNITS, DROPOUT, RATE, BATCH = 64, 0.3, 1e-3, 32
COSTS = (0.3, 1.0, 3.0, 10.0)  # of the SVM
JITTER = 0.2  # of lengths before they are sorted: batches are of like lengths, yet differ
MERGED = 4  # frames of 10 ms become one of 40 ms

Classes = NDArray[np.int64]
Said = tuple[Classes, Floats]  # classes (n,), V/A/D (n, 3)


@dataclass(frozen=True, slots=True)
class Part:
    """Recordings: frames (time, size) of each, one frame where there are statistics; labels."""

    frames: list[Floats]
    classes: Classes
    vad: Floats


Parts = tuple[Part, Part, Part]  # train, dev, test


def merged(frames: Floats) -> Floats:
    """Return means over ``MERGED`` frames; what is left over at the end is dropped."""
    count = len(frames) // MERGED
    return frames[: count * MERGED].reshape(count, MERGED, -1).mean(axis=1)


def predict(model: str, parts: Parts, epochs: int, seed: int) -> Said:
    """Fit "gru", "mlp" or "svm" and return what it says of the test part."""
    parts = _standardised(parts)
    return _svm(parts) if model == "svm" else _network(model, parts, epochs, seed)


def judged(part: Part, said: Said) -> tuple[float, float]:
    """Return UAR and mean CCC, by which things are chosen on the development part."""
    cccs = [ccc(part.vad[:, d], said[1][:, d]) for d in range(3)]
    return uar(part.classes, said[0]), float(np.mean(cccs))


def _standardised(parts: Parts) -> Parts:
    every = np.concatenate(parts[0].frames)
    mean, std = every.mean(axis=0), every.std(axis=0) + 1e-6
    train, dev, test = (
        Part([((f - mean) / std).astype(np.float32) for f in p.frames], p.classes, p.vad)
        for p in parts
    )
    return train, dev, test


def _svm(parts: Parts) -> Said:
    """Return what an SVM says of classes, and three support vector regressions of V/A/D."""
    from sklearn.svm import SVC, SVR

    train, dev, test = (np.concatenate(part.frames) for part in parts)

    def best(machine: Any, truth: Any, known: Any, metric: Callable[..., float]) -> Any:
        fitted = [machine(C=cost).fit(train, truth) for cost in COSTS]
        return max(fitted, key=lambda one: metric(known, one.predict(dev))).predict(test)

    sides = zip(parts[0].vad.T, parts[1].vad.T, strict=True)
    vad = np.stack([best(SVR, truth, known, ccc) for truth, known in sides], axis=1)
    return best(SVC, parts[0].classes, parts[1].classes, uar), vad


def _network(model: str, parts: Parts, epochs: int, seed: int) -> Said:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    net = _net(model, parts[0].frames[0].shape[1])
    step, infer = _functions(net)
    rng = np.random.default_rng(seed)
    best, weights = -np.inf, net.get_weights()
    for _ in range(epochs):
        for rows in _batches(parts[0].frames, rng):
            frames, mask = _padded([parts[0].frames[i] for i in rows])
            targets = np.eye(len(LABELS), dtype=np.float32)[parts[0].classes[rows]]
            step(frames, mask, targets, parts[0].vad[rows].astype(np.float32))
        score = sum(judged(parts[1], _said(infer, parts[1].frames)))
        if score > best:
            best, weights = score, net.get_weights()
    net.set_weights(weights)
    return _said(infer, parts[2].frames)


def _net(model: str, size: int) -> Any:
    """Return a Keras model of (frames, mask) that gives logits and V/A/D."""
    import tensorflow as tf

    layers = tf.keras.layers
    frames, mask = layers.Input((None, size)), layers.Input((None, 1))
    if model == "gru":
        states = layers.GRU(UNITS, return_sequences=True)(frames)
    else:
        states = frames
        for _ in range(3):
            states = layers.Dense(256, activation="relu")(states)
    mean = tf.reduce_sum(states * mask, axis=1) / tf.reduce_sum(mask, axis=1)
    pooled = layers.Dropout(DROPOUT)(mean)
    outputs = layers.Dense(len(LABELS))(pooled), layers.Dense(3, activation="tanh")(pooled)
    return tf.keras.Model((frames, mask), outputs)


def _functions(net: Any) -> tuple[Callable[..., None], Callable[..., Any]]:
    """Return one step of training (frames, mask, class targets, V/A/D) and inference (frames,
    mask), each one graph for all lengths."""
    import tensorflow as tf

    from train.losses import ccc_loss, cross_entropy

    optimizer = tf.keras.optimizers.Adam(RATE, clipnorm=1.0)
    heard = [tf.TensorSpec(shape) for shape in net.input_shape]
    labels = [tf.TensorSpec((None, len(LABELS))), tf.TensorSpec((None, 3))]

    @tf.function(input_signature=[*heard, *labels])
    def step(frames: Any, mask: Any, targets: Any, truth: Any) -> None:
        with tf.GradientTape() as tape:
            logits, vad = net((frames, mask), training=True)
            loss = cross_entropy(targets, logits) + ccc_loss(truth, vad)
        values = net.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, values), values, strict=True))

    @tf.function(input_signature=heard)
    def infer(frames: Any, mask: Any) -> Any:
        return net((frames, mask), training=False)

    return step, infer


def _batches(frames: Sequence[Floats], rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield every place once, in batches of like lengths and random order."""
    drawn = rng.uniform(1.0, 1.0 + JITTER, len(frames))
    order = np.argsort([len(f) * x for f, x in zip(frames, drawn, strict=True)])
    batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def _padded(frames: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return frames (batch, time, size) and 1 where there are some (batch, time, 1)."""
    longest = max(map(len, frames))
    batch = np.zeros((len(frames), longest, frames[0].shape[1]), np.float32)
    mask = np.zeros((len(frames), longest, 1), np.float32)
    for row, array in enumerate(frames):
        batch[row, : len(array)], mask[row, : len(array)] = array, 1.0
    return batch, mask


def _said(infer: Callable[..., Any], frames: Sequence[Floats]) -> Said:
    classes, vads = [], []
    for at in range(0, len(frames), 2 * BATCH):
        logits, vad = infer(*_padded(frames[at : at + 2 * BATCH]))
        classes.append(logits.numpy().argmax(axis=1))
        vads.append(vad.numpy())
    return np.concatenate(classes), np.concatenate(vads)

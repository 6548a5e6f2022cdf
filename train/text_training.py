"""The training of the text model: data of the three corpora, losses, one epoch, prediction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import text_data
from train.text_data import Bags

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; ``parts`` are the utterances of EmoBank, GoEmotions and ISEAR in a batch."""

    epochs: int = 40
    patience: int = 10
    rate: float = 2e-3
    table_rate: float = 1e-3
    dropout: float = 0.4
    category_weight: float = 4.0
    ccc_weight: float = 0.5
    parts: tuple[int, int, int] = (128, 384, 64)


@dataclass(frozen=True, slots=True)
class Split:
    """One split of one corpus: identifiers, words, and targets (V/A/D, or category shares)."""

    ids: list[str]
    bags: Bags
    targets: Array


Data = dict[str, dict[str, Split]]


def read_data(folder: Path, keywords: tuple[str, ...], limit: int | None) -> Data:
    """Return corpus -> split -> data; ``limit`` keeps the first utterances of each (smoke)."""
    data: Data = {}
    for corpus, parts in text_data.load(folder).items():
        targets = text_data.vad_targets if corpus == "emobank" else text_data.category_targets
        data[corpus] = {}
        for name, utterances in parts.items():
            some = utterances[:limit]
            bags = text_data.encode([text_data.words_of(u) for u in some], keywords)
            data[corpus][name] = Split([u.id for u in some], bags, targets(some))
    return data


class Trainer:
    """The network with its optimisers; everything that a checkpoint has to keep."""

    def __init__(self, model: Any, settings: Settings, spread: Array) -> None:
        """``spread`` is the standard deviation of the V/A/D labels, shape (3,)."""
        import tensorflow as tf

        self.model = model
        self.settings = settings
        self.spread = spread
        self.epoch = tf.Variable(0)
        self.best = tf.Variable(-1e9)
        self.best_epoch = tf.Variable(0)
        self._table = [model.get_layer("table").embeddings]
        self._head = [v for v in model.trainable_variables if v is not self._table[0]]
        # The table overfits long before the heads have converged: it learns more slowly.
        self._slow = tf.keras.optimizers.Adam(settings.table_rate)
        self._fast = tf.keras.optimizers.Adam(settings.rate)
        self._slow.build(self._table)
        self._fast.build(self._head)
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self.checkpoint = tf.train.Checkpoint(
            model=model, slow=self._slow, fast=self._fast, epoch=self.epoch,
            best=self.best, best_epoch=self.best_epoch,
        )  # fmt: skip

    def _loss(self, bags: Any, vad: Any, shares: Any) -> Any:
        import tensorflow as tf

        predicted, logits = self.model(bags, training=True)
        rated = len(vad)
        guess = predicted[:rated]
        error = tf.reduce_mean(tf.square((guess - vad) / self.spread))
        means = tf.reduce_mean(guess, 0), tf.reduce_mean(vad, 0)
        product = tf.reduce_mean((guess - means[0]) * (vad - means[1]), 0)
        spread = tf.math.reduce_variance(guess, 0) + tf.math.reduce_variance(vad, 0)
        concordance = 2 * product / (spread + tf.square(means[0] - means[1]) + 1e-8)
        entropy = tf.nn.softmax_cross_entropy_with_logits(shares, logits[rated:])
        return (
            error
            + self.settings.ccc_weight * tf.reduce_sum(1 - concordance)
            + self.settings.category_weight * tf.reduce_mean(entropy)
        )

    def _train_step(self, ids: Any, weights: Any, vad: Any, shares: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self._loss([ids, weights], vad, shares)
        gradients = tape.gradient(loss, self._table + self._head)
        self._slow.apply_gradients([(tf.convert_to_tensor(gradients[0]), self._table[0])])
        self._fast.apply_gradients(zip(gradients[1:], self._head, strict=True))
        return loss

    def train_epoch(self, data: Data, rng: np.random.Generator) -> float:
        """Go once through EmoBank, with draws from the other two; return the mean loss."""
        train = [data[corpus]["train"] for corpus in text_data.CORPORA]
        counts = text_data.word_counts(train[1].bags, self.model.get_layer("table").input_dim)
        heard = [text_data.as_heard(part.bags, counts, rng) for part in train]
        order = rng.permutation(len(heard[0]))
        first, *others = self.settings.parts
        first = min(first, len(order))
        losses = []
        for start in range(0, len(order) - first + 1, first):
            rows = [order[start : start + first]]
            rows += [rng.integers(0, len(b), n) for b, n in zip(heard[1:], others, strict=True)]
            some = [bags.take(picked) for bags, picked in zip(heard, rows, strict=True)]
            vad, *shares = (part.targets[n] for part, n in zip(train, rows, strict=True))
            ids = np.concatenate([bags.ids for bags in some])
            weights = np.concatenate([bags.weights for bags in some])
            losses.append(float(self._step(ids, weights, vad, np.concatenate(shares))))
        return float(np.mean(losses))

    def predict(self, bags: Bags) -> tuple[Array, Array]:
        """Return V/A/D, shape (n, 3), and category probabilities, shape (n, 7)."""
        vad, logits = (x.numpy() for x in self.model([bags.ids, bags.weights], training=False))
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return vad, powers / powers.sum(axis=1, keepdims=True)

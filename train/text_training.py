"""The training of the text model: data of the three corpora, losses, one epoch, prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from edge.text import marked
from train import text_data, text_sentences
from train.text_damage import Damage
from train.text_data import CATEGORIES, Bags
from train.text_lexicon import Lexicon

Array = NDArray[np.float32]

TAUGHT = 3 + len(CATEGORIES)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; ``parts`` are the utterances of EmoBank, GoEmotions and ISEAR in a batch; of
    a corpus that is left out there are none. ``more`` are sentences that a teacher alone labels."""

    epochs: int = 30
    patience: int = 10
    rate: float = 2e-3
    table_rate: float = 1e-3
    dropout: float = 0.2
    category_weight: float = 4.0
    ccc_weight: float = 0.2
    teacher_weight: float = 6.0
    parts: tuple[int, int, int] = (128, 384, 64)
    more: int = 384


@dataclass(frozen=True, slots=True)
class Split:
    """One split of one corpus: identifiers, words, and targets (V/A/D, or category shares).

    ``taught`` (n, 10) is what a teacher says of each item: V/A/D, then category shares.
    """

    ids: list[str]
    bags: Bags
    targets: Array
    taught: Array


Data = dict[str, dict[str, Split]]


def read_teacher(path: Path | None) -> dict[str, Array]:
    """Return what ``python -m train teacher`` wrote; nothing for None.

    Raises:
        HeartenError: the file is missing or damaged.
    """
    if path is None:
        return {}
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, BadZipFile) as error:
        raise HeartenError(f"no teacher in {path} ({error}): python -m train teacher") from error


def read_data(
    folder: Path,
    keywords: tuple[str, ...],
    limit: int | None,
    teacher: Mapping[str, Array] | None = None,
    corpora: Sequence[str] = text_data.CORPORA,
) -> Data:
    """Return corpus -> split -> data; ``limit`` keeps the first utterances of each (smoke).

    Raises:
        HeartenError: the teacher knows other sentences.
    """
    data: Data = {}
    for corpus, parts in text_data.load(folder, corpora).items():
        targets = text_data.vad_targets if corpus == "emobank" else text_data.category_targets
        data[corpus] = {}
        for name, utterances in parts.items():
            some = utterances[:limit]
            bags = text_data.encode([text_data.written_of(u) for u in some], keywords)
            taught = _taught(teacher or {}, f"{corpus}/{name}", len(utterances))[:limit]
            data[corpus][name] = Split([u.id for u in some], bags, targets(some), taught)
    return data


def read_sentences(
    teacher: Mapping[str, Array], keywords: tuple[str, ...], limit: int | None
) -> Split | None:
    """Return the sentences that only the teacher has labelled, without targets; None for none."""
    if not (texts := text_sentences.of(teacher)):
        return None
    taught = _taught(teacher, f"{text_sentences.NAME}/train", len(texts))[:limit]
    bags = text_data.encode([marked(text) for text in texts[:limit]], keywords)
    return Split([], bags, np.zeros((len(bags), 0), np.float32), taught)


def _taught(teacher: Mapping[str, Array], part: str, items: int) -> Array:
    """Return the teacher's V/A/D and shares of a part; zeros without a teacher."""
    if not teacher:
        return np.zeros((items, TAUGHT), np.float32)
    said = [teacher.get(f"{part}/{kind}", np.zeros((0, 0))) for kind in ("vad", "probabilities")]
    if [x.shape for x in said] != [(items, 3), (items, len(CATEGORIES))]:
        raise HeartenError(f"the teacher does not know {part}: run python -m train teacher again")
    return np.concatenate(said, axis=1).astype(np.float32)


class Trainer:
    """The network with its optimisers; everything that a checkpoint has to keep."""

    def __init__(self, model: Any, settings: Settings, spread: Array, damage: Damage) -> None:
        """``spread`` is the standard deviation of the V/A/D labels, shape (3,).

        ``damage`` is done to what is learnt from, anew in every epoch.

        Without a teacher, ``settings.teacher_weight`` must be 0.
        """
        import tensorflow as tf

        self.model = model
        self.settings = settings
        self.spread = spread
        self.damage = damage
        self.lexicon: Lexicon | None = None
        self.more: Split | None = None
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

    def _loss(self, bags: Any, vad: Any, shares: Any, taught: Any) -> Any:
        import tensorflow as tf

        predicted, logits = self.model(bags, training=True)
        rated = len(vad)
        guess = predicted[:rated]
        error = tf.reduce_mean(tf.square((guess - vad) / self.spread))
        means = tf.reduce_mean(guess, 0), tf.reduce_mean(vad, 0)
        product = tf.reduce_mean((guess - means[0]) * (vad - means[1]), 0)
        spread = tf.math.reduce_variance(guess, 0) + tf.math.reduce_variance(vad, 0)
        concordance = 2 * product / (spread + tf.square(means[0] - means[1]) + 1e-8)
        named = logits[rated : rated + len(shares)]
        entropy = tf.nn.softmax_cross_entropy_with_logits(shares, named)
        apart = tf.reduce_mean(tf.square((predicted - taught[:, :3]) / self.spread))
        apart += tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(taught[:, 3:], logits))
        return (
            error
            + self.settings.teacher_weight * apart
            + self.settings.ccc_weight * tf.reduce_sum(1 - concordance)
            + self.settings.category_weight * tf.reduce_mean(entropy)
        )

    def _train_step(self, ids: Any, weights: Any, vad: Any, shares: Any, taught: Any) -> Any:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self._loss([ids, weights], vad, shares, taught)
        gradients = tape.gradient(loss, self._table + self._head)
        self._slow.apply_gradients([(tf.convert_to_tensor(gradients[0]), self._table[0])])
        self._fast.apply_gradients(zip(gradients[1:], self._head, strict=True))
        return loss

    def train_epoch(self, data: Data, rng: np.random.Generator) -> float:
        """Go once through EmoBank, with draws from the others; return the mean loss."""
        train = [data[corpus]["train"] for corpus in text_data.CORPORA if corpus in data]
        counts = list(self.settings.parts[: len(train)])
        if self.more is not None:
            train, counts = [*train, self.more], [*counts, self.settings.more]
        heard = [self.damage(part.bags, rng) for part in train]
        order = rng.permutation(len(heard[0]))
        first, *others = counts
        first = min(first, len(order))
        losses = []
        for start in range(0, len(order) - first + 1, first):
            rows = [order[start : start + first]]
            rows += [rng.integers(0, len(b), n) for b, n in zip(heard[1:], others, strict=True)]
            some = [bags.take(picked) for bags, picked in zip(heard, rows, strict=True)]
            vad, *shares = (
                p.targets[n] for p, n in zip(train, rows, strict=True) if p.targets.size
            )
            ids = np.concatenate([bags.ids for bags in some])
            weights = np.concatenate([bags.weights for bags in some])
            taught = np.concatenate([p.taught[n] for p, n in zip(train, rows, strict=True)])
            losses.append(float(self._step(ids, weights, vad, np.concatenate(shares), taught)))
        return float(np.mean(losses))

    def predict(self, bags: Bags) -> tuple[Array, Array]:
        """Return V/A/D, shape (n, 3), and category probabilities, shape (n, 7).

        With a lexicon, V/A/D are the mean of the network's and of its.
        """
        vad, logits = (x.numpy() for x in self.model([bags.ids, bags.weights], training=False))
        if self.lexicon is not None:
            vad = np.clip((vad + self.lexicon.predict(bags)) / 2, -1.0, 1.0)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return vad, powers / powers.sum(axis=1, keepdims=True)

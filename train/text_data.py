"""What the text model learns from: three corpora as rows of word ids with their targets.

The seven categories of the text model and the labels behind them:

========= ======================================================================== =======
category  GoEmotions (the Ekman grouping of its authors, Demszky et al. 2020)      ISEAR
========= ======================================================================== =======
angry     anger, annoyance, disapproval                                            anger
disgust   disgust                                                                  disgust
fearful   fear, nervousness                                                        fear
happy     joy, admiration, amusement, approval, caring, desire, excitement,        joy
          gratitude, love, optimism, pride, relief
sad       sadness, disappointment, embarrassment, grief, remorse                   sadness
surprised surprise, confusion, curiosity, realization                              -
neutral   neutral                                                                  -
========= ======================================================================== =======

ISEAR's shame and guilt have no category and are left out. A comment of several categories is
shared evenly among them. The mapping itself lives in ``train.corpora``; the model file repeats it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.text import SLOTS, marked, spoken, tokenise, written
from train.corpora import Utterance, emobank, goemotions, isear

CATEGORIES = ("angry", "disgust", "fearful", "happy", "sad", "surprised", "neutral")
CORPORA = ("emobank", "goemotions", "isear")
MASK = re.compile(r"\[[A-Z]+\]")
"""What GoEmotions puts in place of a name: "[NAME]" was never said."""

Parts = Mapping[str, list[Utterance]]


def load(folder: Path, names: Sequence[str] = CORPORA) -> dict[str, dict[str, list[Utterance]]]:
    """Return the utterances of the named corpora by corpus and split (train, dev, test).

    EmoBank and GoEmotions have official splits. In ISEAR a respondent belongs to one split, by
    a checksum of the number: a tenth of the people to dev and a tenth to test.
    """
    loaders = {"emobank": emobank.load, "goemotions": goemotions.load, "isear": _respondents}
    corpora = {name: loaders[name](folder) for name in CORPORA if name in names}
    return {
        name: {part: [u for u in found if u.split == part] for part in ("train", "dev", "test")}
        for name, found in corpora.items()
    }


def _respondents(folder: Path) -> list[Utterance]:
    people = [replace(u, split=respondent_split(u.speaker or "")) for u in isear.load(folder)]
    return [u for u in people if u.labels]


def respondent_split(speaker: str) -> str:
    """Return the split of an ISEAR respondent: the same in every run and on every machine."""
    return {0: "test", 1: "dev"}.get(zlib.crc32(speaker.encode()) % 10, "train")


def category_mapping(names: Sequence[str] = CORPORA) -> dict[str, dict[str, str]]:
    """Return corpus -> published label -> category, as the model file records it."""
    every = {"goemotions": dict(goemotions.LABEL_OF), "isear": dict(isear.LABEL_OF)}
    return {name: mapping for name, mapping in every.items() if name in names}


def text_of(utterance: Utterance) -> str:
    """Return an utterance's text without masks such as "[NAME]"."""
    return MASK.sub(" ", utterance.text or "")


def words_of(utterance: Utterance) -> list[str]:
    """Return the words of an utterance's text, without masks such as "[NAME]"."""
    return tokenise(text_of(utterance))


def written_of(utterance: Utterance) -> list[str]:
    """Return the words and marks of an utterance's text, without masks such as "[NAME]"."""
    return marked(text_of(utterance))


def category_targets(utterances: Sequence[Utterance]) -> NDArray[np.float32]:
    """Return the share of each category, shape (utterances, 7); a row sums to 1, or 0 if none."""
    targets = np.zeros((len(utterances), len(CATEGORIES)), np.float32)
    for row, utterance in enumerate(utterances):
        found = set(utterance.labels) & set(CATEGORIES)
        for category in found:
            targets[row, CATEGORIES.index(category)] = 1.0 / len(found)
    return targets


def vad_targets(utterances: Sequence[Utterance]) -> NDArray[np.float32]:
    """Return valence, arousal, dominance, shape (utterances, 3)."""
    return np.array([(u.valence, u.arousal, u.dominance) for u in utterances], np.float32)


@dataclass(frozen=True, slots=True)
class Bags:
    """Utterances as padded rows of words.

    ``ids`` are rows of the embedding table, 0 = no word, shape (utterances, slots), int32;
    ``weights`` say how surely each word was heard, [0, 1], 0 at padding, float32. ``written``
    (rows,) tells which rows only a written text has: pairs of words and marks.
    """

    ids: NDArray[np.int32]
    weights: NDArray[np.float32]
    written: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.ids)

    def take(self, rows: NDArray[np.int64]) -> Bags:
        """Return the utterances at ``rows``."""
        return Bags(self.ids[rows], self.weights[rows], self.written)

    def audible(self) -> NDArray[np.bool_]:
        """Return which places hold a word that can be heard, shape (utterances, slots)."""
        there = self.ids > 0
        return there if self.written is None else there & ~self.written[self.ids]


def encode(texts: Sequence[list[str]], keywords: Sequence[str], slots: int = SLOTS) -> Bags:
    """Return the first ``slots`` keywords of each tokenised text, all with weight 1.

    They are in the order of ``edge.text.written``: pairs of words and marks come first.
    """
    row = {word: i for i, word in enumerate(keywords, start=1)}
    ids = np.zeros((len(texts), slots), np.int32)
    for i, words in enumerate(texts):
        found = [row[one.word] for one in written(((word, 1.0) for word in words), row)][:slots]
        ids[i, : len(found)] = found
    alone = np.array([False, *(not spoken(word) for word in keywords)])
    return Bags(ids, (ids > 0).astype(np.float32), alone)


def word_counts(bags: Bags, rows: int) -> NDArray[np.float64]:
    """Return how often each word is said, shape (rows,); padding, pairs and marks count 0."""
    return np.bincount(bags.ids[bags.audible()], minlength=rows).astype(np.float64)


def keep_share(bags: Bags, share: float, rng: np.random.Generator) -> Bags:
    """Return the bags with each word kept with probability ``share``; no pairs, marks and gaps."""
    keep = (rng.random(bags.ids.shape) < share) & bags.audible()
    kept = np.where(keep, bags.weights, 0).astype(np.float32)
    return without_gaps(Bags(np.where(keep, bags.ids, 0), kept, bags.written))


def without_gaps(bags: Bags) -> Bags:
    """Return the bags with padding at the end only: what is not heard leaves no place."""
    order = np.argsort(bags.ids == 0, axis=1, kind="stable")
    both = (np.take_along_axis(x, order, axis=1) for x in (bags.ids, bags.weights))
    return Bags(*both, bags.written)


def as_heard(bags: Bags, counts: NDArray[np.float64], rng: np.random.Generator) -> Bags:
    """Return the bags as a weak recogniser might hear them: for training.

    Half of the utterances stay as they are. In the other half no pair or mark survives, and
    between 20 and 100 % of the words, with a confidence of 0.3 to 1; each empty place among the
    first eight becomes, with probability 0.06, a wrong word, drawn by its frequency, with a
    confidence of 0.1 to 0.7.
    """
    rough = rng.random((len(bags), 1)) < 0.5
    share = rng.uniform(0.2, 1.0, (len(bags), 1))
    heard = bags.audible() & (rng.random(bags.ids.shape) < share)
    keep = (bags.ids > 0) & (~rough | heard)
    ids = np.where(keep, bags.ids, 0)
    sure = np.where(rough, rng.uniform(0.3, 1.0, ids.shape), bags.weights)
    weights = np.where(keep, sure, 0.0)
    free = rough & (ids == 0) & (np.arange(ids.shape[1]) < 8) & (rng.random(ids.shape) < 0.06)
    wrong = np.searchsorted(np.cumsum(counts) / counts.sum(), rng.random(ids.shape))
    ids = np.where(free, wrong, ids).astype(np.int32)
    sure = np.where(free, rng.uniform(0.1, 0.7, ids.shape), weights)
    return without_gaps(Bags(ids, sure.astype(np.float32), bags.written))

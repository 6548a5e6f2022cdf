"""What heads on frozen encodings say of utterances: cross-fitted over speakers, calibrated.

A head is kernel ridge regression onto the classes, each class with the same weight. What it says
of an utterance whose label is known comes from heads that have heard nothing of the speaker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.errors import HeartenError
from train.corpora import LABELS

RIDGE = 0.1
FRAME_RIDGE = 0.05  # of heads on single frames, for features of variance 1
GAMMA = 0.1  # of the kernel, for features of variance 1, over their number
GROUPS = 4
GROUPS_SEED = 7
SHARPNESS = np.geomspace(1.0, 33.0, 71)  # inverse temperatures to choose from
CLASSES = len(LABELS)
STILL = 1e-3  # standard deviations: what varies less than this for a speaker is constant
OTHER = "other"
SONG = "song"
KINDS = {"03-01": "speech", "03-02": SONG}  # of RAVDESS, by the start of a name

Integers = NDArray[np.int64]
Strings = NDArray[np.str_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Utterances: encodings (n, features), class numbers, speakers, kinds of corpus, and what is
    known of song besides (n, any), of rows that are song."""

    vectors: Floats
    classes: Integers
    speakers: Strings
    kinds: Strings
    sung: Floats | None = None

    def rows(self, chosen: Integers) -> Encoded:
        """Return some of the utterances, in the given order."""
        sung = None if self.sung is None else self.sung[chosen]
        rows = (self.vectors, self.classes, self.speakers, self.kinds)
        return Encoded(*(array[chosen] for array in rows), sung)


def kinds_of(names: Sequence[str]) -> Strings:
    """Return "speech" or "song" of RAVDESS, or "other", for identifiers of utterances."""
    return np.array([KINDS.get(name[:5], OTHER) for name in names])


def groups(speakers: Strings, kinds: Strings) -> Integers:
    """Return a group from 0 to 3 for every utterance; all of a speaker are in the same.

    Men and women of RAVDESS (odd and even numbers) and people of other corpora are spread evenly.

    Raises:
        HeartenError: fewer speakers than groups.
    """
    elsewhere = set(speakers[kinds == OTHER])
    rng = np.random.default_rng(GROUPS_SEED)
    pools: tuple[list[str], ...] = ([], [], [])
    for name in sorted(set(speakers)):
        pools[2 if name in elsewhere else int(name[-1:].isdigit() and int(name[-1]) % 2)].append(
            name
        )
    order = [str(name) for pool in pools for name in rng.permutation(pool)]
    if len(order) < GROUPS:
        raise HeartenError(f"{len(order)} speakers to learn from: wanted at least {GROUPS}")
    place = {name: index % GROUPS for index, name in enumerate(order)}
    return np.array([place[name] for name in speakers], np.int64)


def teach(labelled: Encoded, others: Encoded, group: Integers) -> tuple[Floats, Floats]:
    """Return probabilities of ``labelled`` and then of ``others``, shape (n, classes), twice.

    The first hears every voice as it is; the second is joined with heads that know each speaker's
    mean and spread (of all the speaker's recordings, labels unused). ``labelled`` are judged by
    heads that were fitted on other ``group`` s, ``others`` by heads fitted on all of ``labelled``;
    labels of ``others`` are not used. What is known of song besides has heads of its own.
    """
    count = len(labelled.classes)
    speakers = np.concatenate([labelled.speakers, others.speakers])
    kinds = np.concatenate([labelled.kinds, others.kinds])
    plain = standardised(np.concatenate([labelled.vectors, others.vectors]), count)
    known = standardised(by_speaker(plain, speakers, kinds), count)
    said = [
        _calibrated(_scores(x, labelled.classes, group), labelled.classes, kinds)
        for x in (plain, known)
    ]
    joined = _calibrated((said[0] + said[1]) / 2, labelled.classes, kinds)
    said = [_of_song(odds, labelled, others, group) for odds in (said[0], joined)]
    return np.exp(said[0]).astype(np.float32), np.exp(said[1]).astype(np.float32)


def _of_song(odds: Doubles, labelled: Encoded, others: Encoded, group: Integers) -> Doubles:
    """Return log-probabilities in which those of song are joined with what is known besides."""
    own = labelled.kinds == SONG
    if labelled.sung is None or others.sung is None or not own.any():
        return odds
    kinds = np.concatenate([labelled.kinds, others.kinds])
    vectors = standardised(np.concatenate([labelled.sung, others.sung])[kinds == SONG], own.sum())
    scores = _scores(vectors, labelled.classes[own], group[own])
    found = odds.copy()
    found[kinds == SONG] = _joined(odds[kinds == SONG], scores, labelled.classes[own])
    return found


def _joined(odds: Doubles, scores: Doubles, classes: Integers) -> Doubles:
    """Return two views of the same utterances as one, calibrated on the labelled (first) rows."""
    kinds = np.full(len(odds), SONG)
    return _calibrated(odds + _calibrated(scores, classes, kinds), classes, kinds)


def standardised(vectors: Floats, count: int) -> Floats:
    """Return the vectors with mean 0 and deviation 1 over the first ``count``."""
    own = vectors[:count]
    scaled = (vectors - own.mean(axis=0)) / (own.std(axis=0) + 1e-6)
    return np.asarray(scaled, np.float32)


def by_speaker(vectors: Floats, speakers: Strings, kinds: Strings) -> Floats:
    """Return the vectors with mean 0 and deviation 1 for each speaker, speech and song apart."""
    found = np.empty_like(vectors)
    for name in np.unique(speakers):
        for kind in np.unique(kinds[speakers == name]):
            rows = (speakers == name) & (kinds == kind)
            own = vectors[rows]
            found[rows] = (own - own.mean(axis=0)) / (own.std(axis=0) + STILL)
    return found


def principal(vectors: Floats, count: int, size: int) -> Floats:
    """Return at most ``size`` principal components of deviation 1 over the first ``count``."""
    scaled = standardised(vectors, count)
    return np.asarray(scaled @ _directions(scaled[:count], size), np.float32)


def telling(frames: Sequence[Floats], classes: Integers, size: int) -> Floats:
    """Return what frames tell, shape (all frames, size + classes), deviation 1.

    ``size`` principal components, and for each class a ridge regression of the utterance's class on
    single frames. Both are fitted on the first ``len(classes)`` utterances, each third frame.
    """
    count = len(classes)
    own = np.concatenate([one[::3] for one in frames[:count]])
    numbers = np.repeat(classes, [len(one[::3]) for one in frames[:count]])
    mean, deviation = own.mean(axis=0), own.std(axis=0) + STILL
    scaled = ((own - mean) / deviation).astype(np.float64)
    wanted = np.eye(CLASSES)[numbers]
    matrix = scaled.T @ scaled / len(scaled) + FRAME_RIDGE * np.eye(scaled.shape[1])
    heads = np.linalg.solve(matrix, scaled.T @ (wanted - wanted.mean(axis=0)) / len(scaled))
    heads /= (scaled @ heads).std(axis=0) + STILL
    found = np.concatenate([_directions(scaled, size), heads], axis=1).astype(np.float32)
    return np.concatenate([((one - mean) / deviation) @ found for one in frames])


def _directions(scaled: NDArray[Any], size: int) -> Doubles:
    """Return at most ``size`` principal directions of rows of deviation 1, shape (width, size)."""
    own = scaled.astype(np.float64)
    values, directions = np.linalg.eigh(own.T @ own / len(own))
    kept = min(size, len(own) - 1, len(values))
    values, directions = values[::-1][:kept], directions[:, ::-1][:, :kept]
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, np.arange(kept)])  # eigenvectors have none of their own
    return np.asarray(directions * signs / np.sqrt(np.maximum(values, 1e-9)))


def _scores(vectors: Floats, classes: Integers, group: Integers) -> Doubles:
    """Return what the heads say: of the first ``len(classes)`` cross-fitted, of the rest by all."""
    count = len(classes)
    kernel = _kernel(vectors, vectors[:count])
    found = np.empty((len(vectors), CLASSES))
    found[count:] = kernel[count:] @ _head(kernel[:count], classes)
    for one in np.unique(group):
        away, here = np.flatnonzero(group != one), np.flatnonzero(group == one)
        head = _head(kernel[np.ix_(away, away)], classes[away])
        found[here] = kernel[np.ix_(here, away)] @ head
    return found


def _kernel(vectors: Floats, centres: Floats) -> Doubles:
    squares = (vectors**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    distances = np.maximum(squares - 2 * vectors @ centres.T, 0.0)
    return np.exp(-GAMMA / vectors.shape[1] * distances.astype(np.float64))


def _head(kernel: Doubles, classes: Integers) -> Doubles:
    """Return the coefficients of weighted kernel ridge regression, shape (n, classes)."""
    seen = np.bincount(classes, minlength=CLASSES)[classes]
    ridge = RIDGE * CLASSES * seen / len(classes)
    targets = np.eye(CLASSES)[classes] - 1.0 / CLASSES
    return np.asarray(np.linalg.solve(kernel + np.diag(ridge), targets))


def _calibrated(scores: Doubles, classes: Integers, kinds: Strings) -> Doubles:
    """Return log-probabilities; one temperature a kind, fitted on the labelled (first) rows.

    A kind without labelled rows gets the temperature of all.
    """
    labelled = kinds[: len(classes)]
    found = np.empty_like(scores)
    for kind in np.unique(kinds):
        fit = np.flatnonzero(labelled == kind)
        fit = fit if len(fit) else np.arange(len(classes))
        found[kinds == kind] = _log_softmax(
            _sharpness(scores[fit], classes[fit]) * scores[kinds == kind]
        )
    return found


def _sharpness(scores: Doubles, classes: Integers) -> float:
    rows = np.arange(len(classes))
    likely = [_log_softmax(sharp * scores)[rows, classes].mean() for sharp in SHARPNESS]
    return float(SHARPNESS[int(np.argmax(likely))])


def _log_softmax(scores: Doubles) -> Doubles:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))

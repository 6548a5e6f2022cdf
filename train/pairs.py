"""Constructed pairs of voices and sentences, for want of a corpus with emotion in both.

An utterance of an actor meets sentences of the same emotion, or of the same quantiles of
V/A/D, as a recogniser would leave them (``train.mishearing``). ``train.bimodal`` makes such pairs
for good, of RAVDESS, as a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats, Word
from edge.errors import HeartenError
from train import text_data
from train.corpora import LABELS
from train.modalities import UNLABELLED, Rows, Side, Values
from train.text_reader import Reader

# Text knows no calm: what says "neutral" speaks for both.
TEXT_CLASS = {label: label for label in LABELS} | {"calm": "neutral"}
REPEATS = 10  # sentences that each utterance meets
DRAWS = 2  # of what is heard of a sentence
NEIGHBOURS = 20
NOVELTY = "novelty.npz"  # of ``python -m train novelty``, in the folder of a run
HEARD = ("ids", "logits", "vad", "novelty")

Hear = Callable[[Sequence[str], np.random.Generator, bool], list[Word]]
"""What is heard of the words of a sentence; of none of them where the third argument says so."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Voices:
    """Utterances as the voice model hears them: logits, V/A/D said and derived, classes.

    ``novelty`` (n,) is how unlike acted speech they sound, None where it was not measured.
    """

    logits: Floats
    vad: Floats
    truth: Floats
    classes: NDArray[np.int64]
    names: tuple[str, ...] = ()
    novelty: Values | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """Sentences as heard, and what the text model says of them.

    ``classes`` is -1 where not labelled, or with several labels; ``truth`` NaN where not rated;
    ``evidence`` is the sum of the words' confidences.
    """

    said: Side
    truth: Values
    classes: NDArray[np.int64]
    evidence: Values
    labels: tuple[str, ...]


def load_voices(folder: Path, part: str) -> Voices:
    """Read what ``python -m train voice`` predicted for speech of one partition."""
    saved = _arrays(folder / "predictions.npz", "voice")
    speech = ~np.char.startswith(saved[f"{part}/ids"], "03-02")
    rows = {key: saved[f"{part}/{key}"][speech] for key in ("logits", "vad", "truth", "classes")}
    names = tuple(map(str, saved[f"{part}/ids"][speech]))
    return Voices(**rows, names=names, novelty=_novelty(folder, part, names))


def load_plain(folder: Path, part: str = "train") -> Voices:
    """Read what the voice says of plain speech, and how novel that is (``train novelty``).

    Nobody rated it: ``classes`` say neutral, ``truth`` is NaN.
    """
    saved = _arrays(folder / NOVELTY, "novelty")
    ids, logits, vad, unlike = (saved[f"plain-{part}/{key}"] for key in HEARD)
    unrated, neutral = np.full(vad.shape, np.nan, np.float32), LABELS.index("neutral")
    classes = np.full(len(ids), neutral)
    return Voices(logits, vad, unrated, classes, tuple(map(str, ids)), unlike)


def _novelty(folder: Path, part: str, names: Sequence[str]) -> Values | None:
    """Return the novelty of utterances of a run; None where it was not measured."""
    if not (folder / NOVELTY).is_file():
        return None
    saved = _arrays(folder / NOVELTY, "novelty")
    known = dict(zip(map(str, saved[f"{part}/ids"]), saved[f"{part}/novelty"], strict=True))
    if missing := [name for name in names if name not in known]:
        raise HeartenError(f"{folder / NOVELTY} lacks {missing[0]}: python -m train novelty")
    return np.array([known[name] for name in names], np.float64)


def load_texts(
    folder: Path,
    names: Sequence[str],
    part: str,
    hear: Hear,
    read: Reader,
    seed: int,
    lost: bool = False,
) -> Texts:
    """Return the sentences of one split of text corpora, each ``DRAWS`` times, as heard.

    If ``lost``, none of their words is heard, only wrong ones.

    Raises:
        HeartenError: a corpus is not in ``folder``.
    """
    found = text_data.load(folder, names)
    every = [u for parts in found.values() for u in parts[part]] * DRAWS
    rng = np.random.default_rng(seed)
    said, evidence = read([hear(text_data.words_of(u), rng, lost) for u in every])
    alone = [u.labels[0] if len(u.labels) == 1 else "" for u in every]
    classes = [read.labels.index(x) if x in read.labels else -1 for x in alone]
    truth = text_data.vad_targets(every).astype(np.float64)
    return Texts(said, truth, np.array(classes), evidence, read.labels)


def paired(voices: Voices, shares: Floats, texts: Texts, rng: np.random.Generator) -> Rows:
    """Return pairs of the same emotion, then pairs of like V/A/D; ``shares`` are the voices'."""
    named, rated = class_pairs(voices, texts, rng), vad_pairs(voices, texts, rng)
    mine, theirs = (np.concatenate(both) for both in zip(named, rated, strict=True))
    first = np.arange(len(mine)) < len(named[0])
    return Rows(
        Side(None, shares[mine].astype(np.float64), voices.vad[mine].astype(np.float64)),
        texts.said.take(theirs),
        np.where(first, voices.classes[mine], UNLABELLED),
        voices.truth[mine],
        texts.evidence[theirs],
        shares.shape[1],
        None if voices.novelty is None else voices.novelty[mine],
    )


def plain_pairs(voices: Voices, shares: Floats, texts: Texts, acted: Values) -> Rows:
    """Return pairs of plain speech with sentences: what is right is what the words say.

    Every emotion is said as often as any other; V/A/D of a sentence are brought to the mean and
    deviation of ``acted``, (n, 3), the truth of acted speech.
    """
    rng, many = np.random.default_rng(0), range(len(voices.classes))
    own = [i for i, name in enumerate(texts.labels) if (texts.classes == i).any()]
    pools = [np.flatnonzero(texts.classes == i) for i in own]
    classes = np.tile([LABELS.index(texts.labels[i]) for i in own], len(many))
    named = np.array([rng.choice(pool) for _ in many for pool in pools])
    rated = rng.choice(np.flatnonzero(~np.isnan(texts.truth).any(axis=1)), len(named))
    truth = texts.truth[rated]
    truth = (truth - truth.mean(axis=0)) / truth.std(axis=0) * acted.std(axis=0)
    mine, theirs = np.tile(np.repeat(many, len(own)), 2), np.concatenate([named, rated])
    return Rows(
        Side(None, shares[mine].astype(np.float64), voices.vad[mine].astype(np.float64)),
        texts.said.take(theirs),
        np.concatenate([classes, np.full(len(rated), UNLABELLED)]),
        np.concatenate(
            [np.full((len(named), 3), np.nan), np.clip(truth + acted.mean(axis=0), -1.0, 1.0)]
        ),
        texts.evidence[theirs],
        shares.shape[1],
        None if voices.novelty is None else voices.novelty[mine],
    )


def class_pairs(voices: Voices, texts: Texts, rng: np.random.Generator) -> Pairs:
    """Return indices (voice, text) of constructed pairs of the same emotion."""
    mine, theirs = [], []
    for index, label in enumerate(voices.classes):
        pool = np.flatnonzero(texts.classes == texts.labels.index(TEXT_CLASS[LABELS[label]]))
        if len(pool):
            mine += [index] * REPEATS
            theirs += list(rng.choice(pool, REPEATS))
    if not mine:
        raise HeartenError("voice and text share no emotion: nothing to fit the fusion on")
    return np.array(mine), np.array(theirs)


def vad_pairs(voices: Voices, texts: Texts, rng: np.random.Generator) -> Pairs:
    """Return indices (voice, text) of constructed pairs of like quantiles of V/A/D."""
    rated = np.flatnonzero(~np.isnan(texts.truth).any(axis=1))
    wanted, found = quantiles(voices.truth), quantiles(texts.truth[rated])
    mine, theirs = [], []
    for index, point in enumerate(wanted):
        near = np.argsort(((found - point) ** 2).sum(axis=1))[:NEIGHBOURS]
        mine += [index] * REPEATS
        theirs += list(rated[rng.choice(near, REPEATS)])
    return np.array(mine), np.array(theirs)


def quantiles(values: Floats) -> Floats:
    """Return each column's ranks in [0, 1]; equal values share their mean rank."""
    columns = []
    for column in values.T:
        ordered = np.sort(column)
        low = np.searchsorted(ordered, column, "left")
        high = np.searchsorted(ordered, column, "right")
        columns.append((low + high) / (2.0 * len(column)))
    return np.stack(columns, axis=1).astype(np.float32)


def _arrays(path: Path, name: str) -> Mapping[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as saved:
            return {key: saved[key] for key in saved.files}
    except (OSError, ValueError):
        raise HeartenError(f"no predictions in {path}: python -m train {name}") from None

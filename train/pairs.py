"""Constructed pairs of voices and sentences, for want of a corpus with emotion in both.

An utterance of an actor meets sentences of the same emotion, or of the same quantiles of
V/A/D, as a recogniser would leave them: a third of the words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.errors import HeartenError
from train.corpora import LABELS
from train.text_data import CORPORA

# Text knows no calm: what says "neutral" speaks for both.
TEXT_CLASS = {label: label for label in LABELS} | {"calm": "neutral"}
REPEATS = 5  # sentences that each utterance meets
NEIGHBOURS = 20
HEARD = ("vad", "probabilities", "evidence")

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Voices:
    """Development utterances of the voice model: logits, V/A/D said and derived, classes."""

    logits: Floats
    vad: Floats
    truth: Floats
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Texts:
    """Development sentences of the text model as heard; ``classes`` is -1 where not labelled,
    ``truth`` NaN where not rated; ``evidence`` is the sum of the words' confidences."""

    probabilities: Floats
    vad: Floats
    truth: Floats
    classes: NDArray[np.int64]
    evidence: Floats
    labels: tuple[str, ...]


def load_voices(folder: Path, part: str) -> Voices:
    """Read what ``python -m train voice`` predicted for speech of one partition."""
    saved = _arrays(folder / "predictions.npz", "voice")
    speech = ~np.char.startswith(saved[f"{part}/ids"], "03-02")
    rows = {key: saved[f"{part}/{key}"][speech] for key in ("logits", "vad", "truth", "classes")}
    return Voices(**rows)


def load_texts(folder: Path, part: str) -> Texts:
    """Read what ``python -m train text`` predicted for one partition, a third of the words."""
    saved = _arrays(folder / "predictions.npz", "text")
    labels = tuple(json.loads((folder / "model.json").read_text())["labels"])
    rows: dict[str, list[NDArray[Any]]] = {}
    for corpus in (name for name in CORPORA if f"{name}/{part}/targets" in saved):
        targets = saved[f"{corpus}/{part}/targets"]
        rated = corpus == "emobank"
        one = np.isclose(targets.max(axis=1), 1.0) if not rated else np.zeros(len(targets), bool)
        nothing = np.full((len(targets), 3), np.nan)
        for key, values in {
            "classes": np.where(one, targets.argmax(axis=1), -1),
            "truth": targets if rated else nothing,
            **{key: saved[f"{corpus}/{part}/third/{key}"] for key in HEARD},
        }.items():
            rows.setdefault(key, []).append(values)
    joined = {key: np.concatenate(values) for key, values in rows.items()}
    heard = joined["evidence"] > 0
    return Texts(**{key: values[heard] for key, values in joined.items()}, labels=labels)


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
    wanted, found = _quantiles(voices.truth), _quantiles(texts.truth[rated])
    mine, theirs = [], []
    for index, point in enumerate(wanted):
        near = np.argsort(((found - point) ** 2).sum(axis=1))[:NEIGHBOURS]
        mine += [index] * REPEATS
        theirs += list(rated[rng.choice(near, REPEATS)])
    return np.array(mine), np.array(theirs)


def _quantiles(values: Floats) -> Floats:
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

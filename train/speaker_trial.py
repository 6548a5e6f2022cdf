"""Does knowing a speaker help? The device's voice branch, scored with and without evidence.

The pooled vectors come from the artefact as shipped, streaming; labels are only used to score, and
to draw evidence of one kind. An utterance is never part of its own evidence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.features import RATE
from edge.speaker import Evidence, Running, SpeakerSettings, Trust
from edge.voice import Voice
from train.corpora import LABELS
from train.metrics import uar

Indices = NDArray[np.int64]

NEUTRAL = LABELS.index("neutral")
QUIET = (NEUTRAL, LABELS.index("calm"))
ANGRY = (LABELS.index("angry"),)
MOST = 30  # utterances that a session counts
WEIGHTS = (0.25, 0.5, 0.75, 1.0)
COUNTS = (0.5, 2.0, 8.0)
ALL = 59  # other utterances of an actor
TRIED = {"neutral": (1, 2, 4), "past": (4, 16, ALL), "balanced": (4, 16, ALL)}  # utterances
TOLERATED = 0.01  # UAR that past speech of one colour may cost on the development actors


@dataclass(frozen=True, slots=True)
class Heard:
    """Utterances in rows: pooled vectors (n, size), probabilities (n, labels), seconds (n,),
    classes (n,), speakers (n,)."""

    pooled: Floats
    shares: Floats
    seconds: Floats
    classes: Indices
    speakers: NDArray[np.str_]

    def of(self, speakers: Sequence[str]) -> Heard:
        """Return the rows of some speakers."""
        rows = np.isin(self.speakers, speakers)
        return replace(self, **{key: getattr(self, key)[rows] for key in self.__slots__})

    def evidence(self, rows: Indices, kind: str) -> Evidence:
        """Return what these rows teach of their speaker."""
        mean, shares = (x[rows].mean(axis=0) for x in (self.pooled, self.shares))
        return Evidence(kind, len(rows), float(self.seconds[rows].sum()), mean, shares)

    def reference(self) -> Floats:
        """Return the mean pooled vector of each label, shape (labels, size).

        A label that nobody spoke has the mean of all.
        """
        masks = [self.classes == label for label in range(len(LABELS))]
        rows = [self.pooled[mask if mask.any() else ~mask].mean(axis=0) for mask in masks]
        return np.stack(rows)


@dataclass(frozen=True, slots=True)
class Draw:
    """Which utterances are evidence: ``count`` random ones at most, of ``labels`` if given, of
    the same speaker or, with ``other``, of the next one. Neutral evidence is neutral speech."""

    kind: str
    count: int
    labels: tuple[int, ...] | None = None
    other: bool = False

    def of(self, heard: Heard, seed: int = 0) -> list[Evidence]:
        """Return the evidence for each row, which is itself never part of it."""
        rng = np.random.default_rng(seed)
        labels = (NEUTRAL,) if self.kind == "neutral" else self.labels or range(len(LABELS))
        fits = np.isin(heard.classes, labels)
        names = list(np.unique(heard.speakers))
        following = dict(zip(names, [*names[1:], names[0]], strict=True))
        pools = {name: np.flatnonzero(fits & (heard.speakers == name)) for name in names}
        found = []
        for index, name in enumerate(heard.speakers):
            pool = pools[following[name] if self.other else name]
            rows = rng.permutation(pool[pool != index])[: self.count]
            found.append(heard.evidence(rows, self.kind))
        return found


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: its branch, the speech of its development and test actors, and its reference."""

    voice: Voice
    parts: Mapping[str, Heard]
    reference: Floats

    def settings(self, trust: Mapping[str, Trust]) -> SpeakerSettings:
        """Return the pack's section for a trust by kind."""
        return SpeakerSettings(self.reference, NEUTRAL, trust, MOST)

    def judge(self, pooled: Floats, shift: Floats | float) -> int:
        """Return the class of a pooled vector."""
        return int(self.voice.judge(pooled + shift).probabilities.argmax())


def hear(voice: Voice, items: Sequence[Any], sounds: Mapping[str, NDArray[np.int16]]) -> Heard:
    """Stream recordings through a branch, as the device does."""
    from convert.parity import stream  # convert needs TensorFlow

    pooled, shares = [], []
    for item in items:
        shares.append(stream(voice, sounds[item.id]).probabilities)
        vector = voice.pooled()
        assert vector is not None  # stream has scored it
        pooled.append(vector)
    return Heard(
        np.stack(pooled),
        np.stack(shares),
        np.array([len(sounds[item.id]) / RATE for item in items], np.float32),
        np.array([LABELS.index(item.label) for item in items]),
        np.array([item.speaker for item in items]),
    )


def said(trial: Trial, part: str, settings: SpeakerSettings, draw: Draw | None) -> Indices:
    """Return the classes said of a part, each utterance with evidence drawn for it; None: none."""
    heard = trial.parts[part]
    if draw is None:
        return np.array([trial.judge(pooled, 0.0) for pooled in heard.pooled])
    pairs = zip(heard.pooled, draw.of(heard), strict=True)
    return np.array([trial.judge(pooled, settings.shift(one)) for pooled, one in pairs])


class Development:
    """The development actors of some runs, on which trust is chosen.

    A fold chooses on those of all runs that are not its own test actors: four actors are few.
    """

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials
        parts = [trial.parts["dev"] for trial in trials]
        self._truth = np.concatenate([part.classes for part in parts])
        self._speakers = np.concatenate([part.speakers for part in parts])
        self._said: dict[tuple[Trust, Draw | None], Indices] = {}

    def choose(self, kind: str, apart: Sequence[str]) -> Trust:
        """Return the trust with the best UAR over a few amounts of evidence, ``apart`` left out.

        What is trusted of past speech must also do little harm where that has one colour only.
        """
        best = Trust(0.0, 1.0)
        without = highest = self._uar(best, None, apart)
        for trust in (Trust(weight, count) for weight in WEIGHTS for count in COUNTS):
            draws = [Draw(kind, count) for count in TRIED[kind]]
            score = float(np.mean([self._uar(trust, draw, apart) for draw in draws]))
            if score > highest and (kind != "past" or self._harmless(trust, without, apart)):
                best, highest = trust, score
        return best

    def _harmless(self, trust: Trust, without: float, apart: Sequence[str]) -> bool:
        """Tell whether past speech that is all quiet, or all angry, costs little."""
        draws = [Draw("past", ALL, labels) for labels in (QUIET, ANGRY)]
        return all(self._uar(trust, draw, apart) >= without - TOLERATED for draw in draws)

    def _uar(self, trust: Trust, draw: Draw | None, apart: Sequence[str]) -> float:
        rows = ~np.isin(self._speakers, apart)
        return uar(self._truth[rows], self._classes(trust, draw)[rows])

    def _classes(self, trust: Trust, draw: Draw | None) -> Indices:
        """Return what is said of every row; kept, because every fold asks for the same."""
        if (trust, draw) not in self._said:
            kinds = {draw.kind: trust} if draw else {}
            rows = [said(trial, "dev", trial.settings(kinds), draw) for trial in self._trials]
            self._said[trust, draw] = np.concatenate(rows)
        return self._said[trust, draw]


def session(
    trial: Trial, part: str, settings: SpeakerSettings, known: bool, seed: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (row, place in the session, class said), the speakers' utterances in random order.

    The session learns after each utterance; with ``known`` it begins with a profile of two
    neutral utterances, which are not scored.
    """
    heard = trial.parts[part]
    rng = np.random.default_rng(seed)
    for name in np.unique(heard.speakers):
        rows = rng.permutation(np.flatnonzero(heard.speakers == name))
        profile: list[Evidence] = []
        if known:
            neutral = rows[heard.classes[rows] == NEUTRAL][:2]
            profile = [heard.evidence(neutral, "neutral")]
            rows = rows[~np.isin(rows, neutral)]
        learned = Running("past", settings.most)
        for place, row in enumerate(rows):
            found = [*profile, *([learned.evidence] if learned.evidence else [])]
            shift = settings.shift(*found) if found else 0.0
            yield int(row), place, trial.judge(heard.pooled[row], shift)
            learned.add(heard.pooled[row], heard.shares[row], float(heard.seconds[row]))


def spoken(folder: Path) -> list[str]:
    """Return the corpora to hear: of a run with RAVDESS its speech alone, the sentences are few."""
    path = folder / "model.json"
    named = json.loads(path.read_text()).get("corpora", []) if path.is_file() else []
    return named if named and "ravdess-speech" not in named else ["ravdess-speech"]


def load(folder: Path, quantization: str, sounds: Mapping[str, Any], items: Sequence[Any]) -> Trial:
    """Convert a run of ``python -m train voice`` and hear the speech of all its actors."""
    from convert import artefacts
    from convert.voice import VoiceModel
    from train import fusion
    from train.pairs import load_voices

    model = VoiceModel.load(folder)
    files = artefacts.files_of(model, quantization)
    temperature = fusion.fit_temperature(load_voices(folder, "dev"))
    voice = artefacts.branch(model, files, temperature)
    heard = hear(voice, items, sounds)
    partition = model.about["partition"]
    parts = {part: heard.of(partition[part]) for part in ("dev", "test")}
    kept = {*partition["dev"], *partition["test"]}
    training = heard.of([name for name in np.unique(heard.speakers) if name not in kept])
    return Trial(voice, parts, training.reference())

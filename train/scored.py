"""What the voice models of all folds and seeds said of their test speakers is worth.

UAR is a mean over folds, as the protocols have it; all else is over the test utterances of all
folds at once, as the intervals are. V/A/D are derived from the emotion word, not rated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import DIMENSIONS
from train.corpora import DERIVED, LABELS
from train.intervals import Speakers, Values, accuracy, interval, recalls
from train.metrics import ccc, confusion, ece, uar, war

SONG = "03-02"  # of RAVDESS; everything else is speech
POINTS = 500  # of a scatter, drawn from the first seed's test utterances

Mask = NDArray[np.bool_]


def kind_of(name: str) -> str:
    """Return "speech" or "song" for the identifier of an utterance."""
    return "song" if name.startswith(SONG) else "speech"


@dataclass(frozen=True, slots=True)
class Scored:
    """Test utterances of one kind, and what one artefact says of them, over folds and seeds.

    ``odds`` (n, labels) are probabilities, ``vad`` and ``said_vad`` (n, 3); ``truth`` is a number
    in ``LABELS``.
    """

    fold: NDArray[np.int64]
    seed: NDArray[np.int64]
    speakers: NDArray[np.str_]
    truth: NDArray[np.int64]
    vad: Values
    odds: Values
    said_vad: Values

    @classmethod
    def of(
        cls,
        jobs: Sequence[tuple[int, int]],
        done: Sequence[Mapping[str, Any]],
        kind: str,
        artefact: str,
    ) -> Scored:
        """Collect what ``train.scoring.score`` returned for each (fold, seed) of ``jobs``."""
        columns: list[list[NDArray[Any]]] = [[] for _ in range(7)]
        for (fold, seed), row in zip(jobs, done, strict=True):
            chosen = np.array([kind_of(name) == kind for name in row["ids"]])
            said = row["said"][artefact]
            known = [row["speakers"], row["truth"], row["vad"], said["probabilities"], said["vad"]]
            values = [np.full(len(chosen), fold), np.full(len(chosen), seed), *map(np.array, known)]
            for column, array in zip(columns, values, strict=True):
                column.append(array[chosen])
        return cls(*(np.concatenate(column) for column in columns))

    @property
    def present(self) -> NDArray[np.int64]:
        """The classes that the test utterances have, in order; song has six of the eight."""
        return np.unique(self.truth)

    @property
    def shares(self) -> Values:
        """Probabilities over the classes that are present, shape (n, len(present))."""
        odds = self.odds[:, self.present]
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    @property
    def said(self) -> NDArray[np.int64]:
        """The most likely of the classes that are present."""
        return np.asarray(self.present[self.shares.argmax(axis=1)])

    def metrics(self) -> dict[str, Any]:
        """Return every metric with mean and deviation over seeds, interval, and runs."""
        drawn, said = Speakers(self.speakers), self.said
        resampled = drawn.confusions(self.truth, said, len(LABELS))
        each = recalls(resampled)
        found = {
            "uar": self._uar(said, np.nanmean(each, axis=1)),
            "war": self._row(lambda m: war(self.truth[m], said[m]), accuracy(resampled)),
            "ece": self._row(self._ece),
        }
        for c in self.present:
            found[f"recall_{LABELS[c]}"] = self._recall(said, int(c), each[:, c])
        for index, name in enumerate(DIMENSIONS):
            truth, guess = self.vad[:, index], self.said_vad[:, index]
            found[f"ccc_{name}"] = self._ccc(truth, guess, drawn.ccc(truth, guess))
        return found

    def confusion(self) -> list[list[int]]:
        """Return counts over the classes that are present: rows are the reference."""
        matrix = confusion(self.truth, self.said, len(LABELS))
        return [[int(n) for n in row] for row in matrix[np.ix_(self.present, self.present)]]

    def scatter(self) -> dict[str, dict[str, list[float]]]:
        """Return derived labels and what was said of some utterances of the first seed."""
        rows = np.flatnonzero(self.seed == self.seed.min())
        if len(rows) > POINTS:
            rows = np.sort(np.random.default_rng(0).choice(rows, POINTS, replace=False))
        sides = {"derived": self.vad[rows].round(3), "said": self.said_vad[rows].round(3)}
        return {
            name: {side: values[:, index].tolist() for side, values in sides.items()}
            for index, name in enumerate(DIMENSIONS)
        }

    def _uar(self, said: NDArray[np.int64], resampled: Values) -> dict[str, Any]:
        """Return UAR: one value for each seed and fold, their mean for each seed."""
        folds = {
            seed: [
                uar(self.truth[m], said[m])
                for fold in np.unique(self.fold)
                if (m := (self.fold == fold) & (self.seed == seed)).any()
            ]
            for seed in np.unique(self.seed)
        }
        every = [round(value, 4) for row in folds.values() for value in row]
        return summary([float(np.mean(row)) for row in folds.values()], resampled) | {
            "folds": every
        }

    def _ece(self, rows: Mask) -> float:
        return ece(np.searchsorted(self.present, self.truth[rows]), self.shares[rows])

    def _recall(self, said: NDArray[np.int64], label: int, resampled: Values) -> dict[str, Any]:
        of_label = self.truth == label
        return self._row(lambda m: float(np.mean(said[m & of_label] == label)), resampled)

    def _ccc(self, truth: Values, guess: Values, resampled: Values) -> dict[str, Any]:
        return self._row(lambda m: ccc(truth[m], guess[m]), resampled) | {"labels": DERIVED}

    def _row(
        self, metric: Callable[[Mask], float], resampled: Values | None = None
    ) -> dict[str, Any]:
        runs = [metric(self.seed == seed) for seed in np.unique(self.seed)]
        return summary(runs, resampled)


def summary(runs: Sequence[float], resampled: Values | None) -> dict[str, Any]:
    """Return mean, deviation and values of the seeds, and the interval if there is one."""
    row: dict[str, Any] = {
        "mean": round(float(np.mean(runs)), 4),
        "sd": round(float(np.std(runs)), 4),
    }
    if resampled is not None:
        row["ci95"] = interval(resampled)
    return row | {"runs": [round(value, 4) for value in runs]}

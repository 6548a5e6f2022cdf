"""What every fusion takes and gives: utterances with a voice side, a text side and targets.

A fusion is made, fitted and asked alike, whatever it joins::

    fused = fusion_kinds.make("late-svr", seed=0).fit(dev).predict(test)   # Rows in, Fused out
    fused.vad            # (n, 3), None where ``dev`` had no V/A/D
    fused.probabilities  # (n, classes), None where ``dev`` had no classes

``Fusion.wants`` says what it is fitted on. "decisions": what the two models say of development
utterances, which neither was trained on. "features": only ``voice.features`` and
``text.features``, so that the training part can be used too; "text first" and "voice first" take
the features of one side and what the other side's model says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError

Values = NDArray[np.float64]
Classes = NDArray[np.int64]

LEAST = 1e-6  # of a probability under a logarithm
UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class Side:
    """One modality of n utterances; None is what there is not.

    ``features`` (n, any), ``probabilities`` (n, classes) sum to 1 and are of that modality's own
    classes, ``vad`` (n, 3) is on its own scale.
    """

    features: Values | None = None
    probabilities: Values | None = None
    vad: Values | None = None

    def take(self, rows: NDArray[Any]) -> Side:
        """Return the utterances at ``rows`` (indices or a mask)."""
        return Side(*(None if x is None else x[rows] for x in self.arrays()))

    def arrays(self) -> tuple[Values | None, Values | None, Values | None]:
        """Return features, probabilities and V/A/D."""
        return self.features, self.probabilities, self.vad


@dataclass(frozen=True, slots=True)
class Rows:
    """n utterances with both sides and what is right.

    ``classes`` are numbers from 0, -1 where there is none; ``truth`` is V/A/D, (n, 3), NaN where
    there is none. ``evidence`` (n,) is the sum of the confidences of the words heard, 0 where no
    word was: then the text side says nothing, whatever it holds. ``size`` is how many classes
    there are; ``novelty`` (n,) how unlike acted speech the voice sounds (``edge.gate.Novelty``), 0
    where it was not measured.
    """

    voice: Side
    text: Side
    classes: Classes
    truth: Values
    evidence: Values
    size: int = 0
    novelty: Values | None = None

    @classmethod
    def of(
        cls,
        voice: Side,
        text: Side,
        classes: Classes | None = None,
        truth: Values | None = None,
        evidence: Values | None = None,
    ) -> Rows:
        """Return rows where targets may lack; of reference transcripts all words count as heard.

        Raises:
            HeartenError: nothing is given, or two things are not of as many utterances.
        """
        given = [*voice.arrays(), *text.arrays(), classes, truth, evidence]
        sizes = {len(x) for x in given if x is not None}
        if len(sizes) != 1 or (classes is None and truth is None):
            raise HeartenError(
                f"fusion: {sorted(sizes)} utterances on the sides and targets: wanted as many of "
                "each, and classes or V/A/D to fit on"
            )
        n = sizes.pop()
        labels = np.full(n, UNLABELLED) if classes is None else np.asarray(classes, np.int64)
        spoken = voice.probabilities
        return cls(
            voice,
            text,
            labels,
            np.full((n, 3), np.nan) if truth is None else np.asarray(truth, np.float64),
            np.full(n, np.inf) if evidence is None else np.asarray(evidence, np.float64),
            spoken.shape[1] if spoken is not None else int(labels.max(initial=-1)) + 1,
        )

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.classes)

    def take(self, rows: NDArray[Any]) -> Rows:
        """Return the utterances at ``rows`` (indices or a mask)."""
        return Rows(
            self.voice.take(rows),
            self.text.take(rows),
            self.classes[rows],
            self.truth[rows],
            self.evidence[rows],
            self.size,
            self.unlike[rows],
        )

    @property
    def unlike(self) -> Values:
        """The novelty, 0 where it was not measured."""
        return np.zeros(len(self)) if self.novelty is None else self.novelty

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Where there is a class."""
        return np.asarray(self.classes != UNLABELLED)

    @property
    def rated(self) -> NDArray[np.bool_]:
        """Where there are V/A/D."""
        return np.asarray(~np.isnan(self.truth).any(axis=1))

    @property
    def heard(self) -> NDArray[np.bool_]:
        """Where a word was heard."""
        return np.asarray(self.evidence > 0)


@dataclass(frozen=True, slots=True)
class Fused:
    """What a fusion says: ``probabilities`` (n, classes) sum to 1, ``vad`` (n, 3); or None."""

    probabilities: Values | None = field(default=None)
    vad: Values | None = field(default=None)


class Fusion(Protocol):
    """A way of joining both sides; see the docstring of this module."""

    wants: str

    def fit(self, rows: Rows) -> Self:
        """Learn from utterances with targets; return itself.

        Raises:
            HeartenError: the rows lack a side that this fusion needs, or targets.
        """
        ...

    def predict(self, rows: Rows) -> Fused:
        """Return what is said of utterances; their targets are not looked at."""
        ...


def demand(value: Values | None, what: str) -> Values:
    """Return what a side holds, as float64; HeartenError where it lacks or is not finite."""
    if value is None:
        raise HeartenError(f"fusion: no {what}: this way of joining needs them")
    values = np.asarray(value, np.float64)
    if not np.isfinite(values).all():
        raise HeartenError(f"fusion: {what} that are not finite: leave those utterances out")
    return values


def logs(probabilities: Values) -> Values:
    """Return logarithms of probabilities, never below that of ``LEAST``."""
    return np.asarray(np.log(np.maximum(probabilities, LEAST)))


def softmax(logits: Values) -> Values:
    """Return probabilities, (n, classes), of logits."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def soft(evidence: Values, scale: float) -> Values:
    """Return how much words count, [0, 1): ``1 - exp(-evidence / scale)``, shape (n, 1)."""
    return np.asarray(1.0 - np.exp(-np.maximum(evidence, 0.0) / scale))[:, None]


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Return the utterances of several rows, all of which have the same sides."""
    sides = []
    for name in ("voice", "text"):
        arrays = zip(*(getattr(part, name).arrays() for part in parts), strict=True)
        sides.append(Side(*(None if a[0] is None else np.concatenate(a) for a in arrays)))
    rest = (
        np.concatenate([getattr(part, key) for part in parts])
        for key in ("classes", "truth", "evidence")
    )
    unlike = np.concatenate([part.unlike for part in parts])
    return Rows(*sides, *rest, parts[0].size, unlike)

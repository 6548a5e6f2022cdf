"""How one speaker's voice differs from those the pack was trained on, and the shift that follows.

Evidence is a running mean of pooled vectors (edge.pooling) and of what they were judged to be.
Its distance from the training speech of the same emotions is the speaker's own; the shift takes
part of it away before the head decides, more the more utterances there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge.emotion import Floats
from edge.errors import PackError

# What is known of the emotions in somebody's speech: that there is none; nothing, so that the
# pack's own judgement counts; that each occurs about equally often.
KINDS = ("neutral", "past", "balanced")
SHORTEST = 1.0  # seconds; a shorter utterance says too little of a voice


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a kind of evidence is followed: ``weight`` after endless speech, half of it after
    ``count`` utterances."""

    weight: float
    count: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Running means over ``count`` utterances (``seconds`` of speech) of one speaker.

    ``mean`` is the pooled vector, shape (size,); ``shares`` the probabilities of the pack's
    labels, judged without any shift, shape (labels,); ``kind`` is one of KINDS.
    """

    kind: str
    count: int
    seconds: float
    mean: Floats
    shares: Floats

    def joined(self, other: Evidence) -> Evidence:
        """Return the evidence of both, as if learned at once; the kind is this one's."""
        part = other.count / (self.count + other.count)
        return Evidence(
            self.kind,
            self.count + other.count,
            self.seconds + other.seconds,
            self.mean + np.float32(part) * (other.mean - self.mean),
            self.shares + np.float32(part) * (other.shares - self.shares),
        )


@dataclass(frozen=True, slots=True)
class SpeakerSettings:
    """The pack's section: ``reference`` is the mean pooled vector of the training speech of each
    label, shape (labels, size); ``neutral`` the row of neutral speech, if any; ``trust`` by kind;
    a session counts ``most`` utterances, then forgets the old ones slowly."""

    reference: Floats
    neutral: int | None
    trust: Mapping[str, Trust]
    most: int

    def shift(self, *found: Evidence) -> Floats:
        """Return what is added to a pooled vector, shape (size,); zeros without evidence.

        The speaker's offset is estimated once: each piece of evidence counts with its precision
        (utterances over ``Trust.count``) against a prior of 1 for no offset at all.
        """
        total: Floats = np.zeros(self.reference.shape[1], np.float32)
        precision = 1.0
        for evidence in found:
            trust = self.trust[evidence.kind]
            own = evidence.count / trust.count
            total += own * trust.weight * (self._expected(evidence) - evidence.mean)
            precision += own
        return np.asarray(total / precision, np.float32)

    def demand(self, kind: str) -> None:
        """Raise PackError where the pack learns nothing from a kind of speech."""
        if kind not in self.trust or not self.trust[kind].weight:
            known = [name for name, trust in self.trust.items() if trust.weight]
            fix = f"enroll with --kind {' or '.join(known)}" if known else "use another pack"
            raise PackError(f"this pack learns nothing from {kind} speech: {fix}")

    def _expected(self, evidence: Evidence) -> Floats:
        """Return what the training speakers' mean would be in speech of the same emotions."""
        if evidence.kind == "neutral" and self.neutral is not None:
            return np.asarray(self.reference[self.neutral], np.float32)
        if evidence.kind == "balanced":
            return np.asarray(self.reference.mean(axis=0), np.float32)
        return np.asarray(evidence.shares @ self.reference, np.float32)


class Learner(Protocol):
    """What an engine tells of each utterance that has ended, and asks for the shift."""

    @property
    def name(self) -> str | None:
        """Whose profile is used, if any."""

    @property
    def shift(self) -> Floats | None:
        """What is added to the pooled vector, shape (size,); None: nothing."""

    def learn(self, pooled: Floats, shares: Floats, seconds: float) -> None:
        """Take an utterance: pooled vector and probabilities, both without any shift."""

    def reset(self) -> None:
        """Forget what the stream taught."""


class Running:
    """Evidence that grows; ``most`` bounds its count, so that old utterances fade."""

    def __init__(self, kind: str, most: int | None = None) -> None:
        self._kind, self._most = kind, most
        self.evidence: Evidence | None = None

    def add(self, pooled: Floats, shares: Floats, seconds: float) -> None:
        """Add an utterance."""
        one = Evidence(self._kind, 1, seconds, pooled, shares)
        if self.evidence is None:
            self.evidence = one
            return
        kept = self.evidence
        if self._most is not None and kept.count >= self._most:
            fewer = self._most - 1
            less = kept.seconds * fewer / kept.count
            kept = Evidence(self._kind, fewer, less, kept.mean, kept.shares)
        self.evidence = kept.joined(one) if kept.count else one


class Adaptation:
    """The learner of an ordinary engine: a profile, the session itself, both, or neither."""

    def __init__(
        self,
        settings: SpeakerSettings | None,
        name: str | None = None,
        known: Evidence | None = None,
        adapt: bool = False,
    ) -> None:
        """``settings`` may be None only without ``known`` and ``adapt``.

        Raises:
            PackError: the pack learns nothing from speech such as ``known``, or from a session.
        """
        if settings and known:
            settings.demand(known.kind)
        if settings and adapt:
            settings.demand("past")
        self.name = name
        self._settings, self._known, self._adapt = settings, known, adapt
        self.reset()

    @property
    def shift(self) -> Floats | None:
        """What is added to the pooled vector; it changes only between utterances."""
        return self._shift

    def learn(self, pooled: Floats, shares: Floats, seconds: float) -> None:
        """Follow the session, if asked to; a very short utterance is left out."""
        if self._adapt and seconds >= SHORTEST:
            self._session.add(pooled, shares, seconds)
            self._update()

    def reset(self) -> None:
        """Forget the session; the profile stays."""
        self._session = Running("past", self._settings.most if self._settings else None)
        self._update()

    def _update(self) -> None:
        found = [one for one in (self._known, self._session.evidence) if one]
        self._shift = self._settings.shift(*found) if self._settings and found else None


class Enrolment:
    """The learner while a profile is made: nothing is shifted, several streams are one speaker."""

    name: str | None = None
    shift: Floats | None = None

    def __init__(self, kind: str) -> None:
        self._running = Running(kind)
        self.short = 0

    @property
    def evidence(self) -> Evidence | None:
        """What was learned so far; None before the first utterance that is long enough."""
        return self._running.evidence

    def learn(self, pooled: Floats, shares: Floats, seconds: float) -> None:
        """Take an utterance; ``short`` counts those that say too little."""
        if seconds < SHORTEST:
            self.short += 1
        else:
            self._running.add(pooled, shares, seconds)

    def reset(self) -> None:
        """Nothing: the next stream is the same speaker."""

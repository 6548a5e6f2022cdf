"""The decision of one utterance: what voice and words say becomes an emotion, or "unknown"."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.emotion import UNKNOWN, Emotion, Explanation, Floats, Scores, Word
from edge.explanation import explain
from edge.gate import trusted

if TYPE_CHECKING:
    from edge.pack import Pack
    from edge.words import Words

REVISED = "revised: words from a transcript"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an utterance is: ``start`` and ``end`` in seconds of the stream, how loud, who speaks.

    ``arrived`` is when the audio came that ended it, on ``time.perf_counter``; ``speech`` the
    probability that it is speech at all; ``pooled`` what the voice branch pooled, unshifted.
    """

    start: float
    end: float
    snr_db: float
    speaker: str | None
    arrived: float
    speech: float = 1.0
    pooled: Floats | None = None


class Steady:
    """Which category partial events tell: a new one only when it lasts, so that nothing flickers.

    Each utterance begins as "unknown". Another category, "unknown" too, is told with its
    ``SURE``-th event in a row of confidence ``ENOUGH`` or more, or with its ``LASTING``-th of any.
    On RAVDESS a category that was told changes a quarter as often as without
    (``python -m train streaming``).
    """

    SURE, LASTING, ENOUGH = 2, 4, 0.5

    def __init__(self) -> None:
        self._start = -1.0
        self._begin()

    def _begin(self) -> None:
        self._told = self._next = UNKNOWN
        self._run = self._sure = 0

    def __call__(self, start: float, category: str, confidence: float) -> str:
        """Return what to tell when the utterance that began at ``start`` seems a category."""
        if start != self._start:
            self._start = start
            self._begin()
        if category != self._next:
            self._next, self._run, self._sure = category, 0, 0
        self._run += 1
        self._sure = self._sure + 1 if confidence >= self.ENOUGH else 0
        if self._sure >= self.SURE or self._run >= self.LASTING:
            self._told = category
        return self._told


class Decision:
    """Fuses, calibrates and decides, as a pack says; remembers the last final event."""

    def __init__(
        self, pack: Pack, words: Words | None, reject: str | float, explain: bool = False
    ) -> None:
        """``words`` is None where there is only the voice; ``explain`` final events; ``reject``
        see there."""
        self._pack = pack
        self._explain = explain
        self._words = words
        self.labels = pack.manifest.labels
        self.reject = reject
        self.utterances = 0
        self.forget()

    def forget(self) -> None:
        """Forget the last utterance: the stream is another."""
        self._steady = Steady()
        self._last: tuple[Place, Scores] | None = None

    @property
    def reject(self) -> float:
        """Confidence below which the category is "unknown"; set by number or by name.

        Raises:
            HeartenError: what is set is neither a threshold of the pack nor a number in [0, 1].
        """
        return self._reject

    @reject.setter
    def reject(self, level: str | float) -> None:
        self._reject = self._pack.threshold(level)

    def __call__(
        self,
        kind: str,
        place: Place,
        voice: Scores,
        words: tuple[Word, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> Emotion:
        """Return the event of a kind: "partial" or "final"."""
        if kind == "final":
            self._last = place, voice
            self.utterances += 1
        return self._emotion(kind, place, voice, words, notes)

    def anew(self, words: tuple[Word, ...]) -> list[Emotion]:
        """Return the last final event with the words of a transcript; nothing if there is none."""
        if self._words is None or self._last is None:
            return []
        place, voice = self._last
        place = replace(place, arrived=time.perf_counter())
        words = self._words.hearing.timed(words, place.start, place.end)
        return [self._emotion("final", place, voice, words, (REVISED,))]

    def _emotion(
        self,
        kind: str,
        place: Place,
        voice: Scores,
        words: tuple[Word, ...],
        notes: tuple[str, ...],
    ) -> Emotion:
        novelty = self._novelty(place) if words else 0.0
        text, fused = self._fused(voice, words, novelty)
        best = int(fused.probabilities.argmax())
        confidence = trusted(float(fused.probabilities[best]), place.speech)
        category = self.labels[best] if confidence >= self.reject else UNKNOWN
        if kind == "partial":
            category = self._steady(place.start, category, confidence)
            if category != UNKNOWN:
                told = fused.probabilities[self.labels.index(category)]
                confidence = trusted(float(told), place.speech)
        valence, arousal, dominance = fused.vad.tolist()
        return Emotion(
            type=kind,
            start=place.start,
            end=place.end,
            category=category,
            confidence=confidence,
            probabilities=dict(zip(self.labels, fused.probabilities.tolist(), strict=True)),
            valence=valence,
            arousal=arousal,
            dominance=dominance,
            voice=voice.to_dict(self.labels),
            text=self._words.to_dict(text) if self._words and text else None,
            words=words,
            snr_db=place.snr_db,
            latency_ms=(time.perf_counter() - place.arrived) * 1000.0,
            pack=self._pack.manifest.name,
            speaker=place.speaker,
            notes=notes,
            explanation=self._why(voice, words, novelty)
            if self._explain and kind == "final"
            else None,
        )

    def _novelty(self, place: Place) -> float:
        """Return how unlike acted speech it sounds, 0 where nobody can tell."""
        measure = self._pack.manifest.novelty
        return measure(place.pooled) if measure and place.pooled is not None else 0.0

    def _fused(
        self, voice: Scores, words: tuple[Word, ...], novelty: float
    ) -> tuple[Scores | None, Scores]:
        """Return what the words say, if anything, and what voice and words say together."""
        text = self._words.model.score(words) if self._words and words else None
        if self._words is None or text is None:
            return None, voice
        evidence = self._words.model.evidence(words)
        return text, self._words.fuse(voice, text, evidence, novelty)

    def _why(self, voice: Scores, words: tuple[Word, ...], novelty: float) -> Explanation:
        return explain(words, lambda some: self._fused(voice, some, novelty)[1], self.labels)

"""The decision of one utterance: what voice and words say becomes an emotion, or "unknown"."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from edge.emotion import UNKNOWN, Emotion, Scores, Word
from edge.pack import Pack
from edge.words import Words

REVISED = "revised: words from a transcript"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an utterance is: ``start`` and ``end`` in seconds of the stream, how loud, who speaks.

    ``arrived`` is when the audio came that ended it, on ``time.perf_counter``.
    """

    start: float
    end: float
    snr_db: float
    speaker: str | None
    arrived: float


class Decision:
    """Fuses, calibrates and decides, as a pack says; remembers the last final event."""

    def __init__(self, pack: Pack, words: Words | None, reject: str | float) -> None:
        """``words`` is None where there is only the voice; see ``reject``."""
        self._pack = pack
        self._words = words
        self.labels = pack.manifest.labels
        self.reject = reject
        self.utterances = 0
        self.forget()

    def forget(self) -> None:
        """Forget the last utterance: the stream is another."""
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
        text = self._words.model.score(words) if self._words and words else None
        fused = voice
        if self._words and text is not None:
            fused = self._words.fuse(voice, text, sum(word.confidence for word in words))
        best = int(fused.probabilities.argmax())
        confidence = float(fused.probabilities[best])
        valence, arousal, dominance = (float(x) for x in fused.vad)
        return Emotion(
            type=kind,
            start=place.start,
            end=place.end,
            category=self.labels[best] if confidence >= self.reject else UNKNOWN,
            confidence=confidence,
            probabilities=dict(zip(self.labels, map(float, fused.probabilities), strict=True)),
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
        )

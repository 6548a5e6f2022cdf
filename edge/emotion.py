"""What the device reports: scores of one branch, a word, and the emotion of an utterance."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DIMENSIONS = ("valence", "arousal", "dominance")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Word:
    """A keyword heard in the stream.

    ``start`` and ``end`` are seconds from the start of the stream, ``confidence`` lies in [0, 1].
    """

    word: str
    start: float
    end: float
    confidence: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, times and confidence rounded to milliseconds and thousandths."""
        return {
            "word": self.word,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "confidence": round(self.confidence, 3),
        }


@dataclass(frozen=True, slots=True)
class Scores:
    """What one branch (voice, text) or their fusion says.

    ``vad`` is valence, arousal, dominance in [-1, 1], shape (3,); ``probabilities`` sums to 1,
    one per label of the pack, shape (labels,).
    """

    vad: Floats
    probabilities: Floats

    def to_dict(self, labels: tuple[str, ...]) -> dict[str, Any]:
        """Return the JSON form: three dimensions and a probability for each label."""
        named = zip(DIMENSIONS, _rounded(self.vad), strict=True)
        pairs = zip(labels, _rounded(self.probabilities), strict=True)
        return {**dict(named), "probabilities": dict(pairs)}


def _rounded(values: Floats) -> list[float]:
    """Return values to four digits: as ``round(x, 4)``, which takes twice the time."""
    return [round(1e4 * x) / 1e4 for x in values.tolist()]


@dataclass(frozen=True, slots=True)
class Part:
    """What the voice gives, or a keyword adds: V/A/D, and probability of the likeliest label."""

    valence: float
    arousal: float
    dominance: float
    probability: float

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form, with digits enough for the parts to add up."""
        names = (*DIMENSIONS, "probability")
        return {name: round(float(getattr(self, name)), 6) for name in names}


@dataclass(frozen=True, slots=True)
class Explanation:
    """How much each modality and each keyword moved a result (``edge.explanation``).

    ``voice`` and the parts of all ``words`` add up to the event's V/A/D and to the probability of
    ``category``, the likeliest label, whether it was sure enough to be told or not.
    """

    category: str
    voice: Part
    words: tuple[tuple[Word, Part], ...]

    @property
    def text(self) -> Part:
        """What all keywords together add."""
        names = (*DIMENSIONS, "probability")
        return Part(*(sum(float(getattr(part, n)) for _, part in self.words) for n in names))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the parts of voice and text, and those of each keyword."""
        return {
            "category": self.category,
            "voice": self.voice.to_dict(),
            "text": self.text.to_dict(),
            "words": [{"word": word.word, **part.to_dict()} for word, part in self.words],
        }


@dataclass(frozen=True, slots=True)
class Emotion:
    """One event: the emotion of an utterance (``final``) or of its beginning (``partial``).

    Times are seconds from the start of the stream. ``category`` is a label of the pack or
    ``"unknown"`` when ``confidence`` is below the reject threshold; what is no speech has
    confidence 0. A partial event tells a new category only when it lasts
    (``edge.decision.Steady``), and the confidence of the one that it tells. ``text`` is None when
    no keyword was heard. ``latency_ms`` is the time from the arrival of the chunk that completed
    the event to the event itself. ``snr_db`` is speech level over noise floor. ``speaker`` is
    whose profile was used, if any. ``explanation`` is there where an engine was asked for it.
    """

    type: str
    start: float
    end: float
    category: str
    confidence: float
    probabilities: dict[str, float]
    valence: float
    arousal: float
    dominance: float
    voice: dict[str, Any]
    text: dict[str, Any] | None
    words: tuple[Word, ...]
    snr_db: float
    latency_ms: float
    pack: str
    file: str | None = None
    speaker: str | None = None
    notes: tuple[str, ...] = field(default=())
    explanation: Explanation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the documented JSON object; file, speaker, notes, explanation only where set."""
        head: dict[str, Any] = {} if self.file is None else {"file": self.file}
        tail: dict[str, Any] = {} if self.speaker is None else {"speaker": self.speaker}
        tail |= {"notes": list(self.notes)} if self.notes else {}
        tail |= {"explanation": self.explanation.to_dict()} if self.explanation else {}
        return {
            **head,
            "type": self.type,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "category": self.category,
            "confidence": round(self.confidence, 4),
            "probabilities": {label: round(p, 4) for label, p in self.probabilities.items()},
            **{name: round(float(getattr(self, name)), 4) for name in DIMENSIONS},
            "words": [word.to_dict() for word in self.words],
            "voice": self.voice,
            "text": self.text,
            "snr_db": round(self.snr_db, 1),
            "latency_ms": round(self.latency_ms, 2),
            "pack": self.pack,
            **tail,
        }

    def to_json(self) -> str:
        """Return the event as one line of strict JSON (a NaN would raise, never be printed)."""
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)

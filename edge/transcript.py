"""Words that come as text, from an assistant's own recogniser or with a recording."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edge.emotion import Word
from edge.errors import HeartenError
from edge.text import marked, written

Confidence = float | Sequence[float]


def keywords(text: str, confidence: Confidence, known: Collection[str]) -> tuple[Word, ...]:
    """Return the ``known`` words of a transcript; they have no times yet.

    ``confidence`` in [0, 1] is that of every word, or a sequence with one number for each of
    ``text.split()``. See ``edge.text.written``.

    Raises:
        HeartenError: the text is none, or a confidence is not in [0, 1] or missing.
    """
    if not isinstance(text, str):
        raise HeartenError(f"a transcript is a text, not {type(text).__name__}")
    pieces = _pieces(text, confidence)
    return written(((word, sure) for piece, sure in pieces for word in marked(piece)), known)


def _pieces(text: str, confidence: Confidence) -> list[tuple[str, float]]:
    """Return the parts of a text that share a confidence."""
    if isinstance(confidence, int | float):
        return [(text, _checked(confidence))]
    if isinstance(confidence, str) or not isinstance(confidence, Sequence):
        raise HeartenError(f"a confidence is a number or a list of them, not {confidence!r:.40}")
    words = text.split()
    if len(words) != len(confidence):
        raise HeartenError(f"{len(confidence)} confidences do not fit {len(words)} words")
    return [(word, _checked(value)) for word, value in zip(words, confidence, strict=True)]


def _checked(value: object) -> float:
    if not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise HeartenError(f"the confidence of a word lies in 0..1, not {value!r:.40}")
    return float(value)

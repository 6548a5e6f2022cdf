"""Emotions as readable lines, for people."""

from __future__ import annotations

from edge.emotion import Emotion

CLOCK = 60.0


def line(emotion: Emotion) -> str:
    """Return one readable line: time, category with confidence, V/A/D, words."""
    span = f"{clock(emotion.start)}-{clock(emotion.end)}"
    sure = f"{emotion.category} {emotion.confidence:.0%}"
    if emotion.category not in emotion.probabilities:
        best = max(emotion.probabilities, key=emotion.probabilities.__getitem__)
        sure = f"{emotion.category} ({best} {emotion.confidence:.0%})"
    vad = f"V {emotion.valence:+.2f}  A {emotion.arousal:+.2f}  D {emotion.dominance:+.2f}"
    heard = ", ".join(f"{word.word} {word.confidence:.0%}" for word in emotion.words)
    mark = "" if emotion.type == "final" else "  ..."
    return f"{span}  {sure:<24}  {vad}{mark}" + (f"  words: {heard}" if heard else "")


def clock(seconds: float) -> str:
    """Return seconds as ``m:ss.s``."""
    minutes, rest = divmod(round(seconds, 1), CLOCK)
    return f"{int(minutes)}:{rest:04.1f}"

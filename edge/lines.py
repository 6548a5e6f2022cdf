"""Emotions as readable lines, for people."""

from __future__ import annotations

from edge.emotion import DIMENSIONS, Emotion, Explanation

CLOCK = 60.0
SHOWN = 3  # keywords whose parts are named; the others share one
LEAST = 0.005  # of a part that is named: less would read as 0


def line(emotion: Emotion) -> str:
    """Return one readable line: time, category with confidence, V/A/D, words.

    Another line follows it where the emotion has an explanation.
    """
    span = f"{clock(emotion.start)}-{clock(emotion.end)}"
    sure = f"{emotion.category} {emotion.confidence:.0%}"
    if emotion.category not in emotion.probabilities:
        best = max(emotion.probabilities, key=emotion.probabilities.__getitem__)
        sure = f"{emotion.category} ({best} {emotion.confidence:.0%})"
    vad = f"V {emotion.valence:+.2f}  A {emotion.arousal:+.2f}  D {emotion.dominance:+.2f}"
    heard = ", ".join(f"{word.word} {word.confidence:.0%}" for word in emotion.words)
    mark = "" if emotion.type == "final" else "  ..."
    whole = f"{span}  {sure:<24}  {vad}{mark}" + (f"  words: {heard}" if heard else "")
    return f"{whole}\n    {because(emotion.explanation)}" if emotion.explanation else whole


def because(why: Explanation) -> str:
    """Return what voice and keywords give, as one line of sums; the strongest keywords by name."""
    if not why.words:
        return "because: the voice alone"
    sums = [_sum(why, f"{why.category} ", "probability", "{:.0%}", "{:+.0%}")]
    sums += [_sum(why, f"{name[0].upper()} ", name, "{:+.2f}", "{:+.2f}") for name in DIMENSIONS]
    return f"because: {'; '.join(sums)}"


def _sum(why: Explanation, name: str, key: str, whole: str, part: str) -> str:
    """Return one sum, such as "V -0.60 = voice -0.42, cried -0.15, 3 others -0.03"."""
    alone, added = getattr(why.voice, key), getattr(why.text, key)
    parts = [(word.word, getattr(one, key)) for word, one in why.words]
    parts.sort(key=lambda named: -abs(named[1]))
    told = [named for named in parts[:SHOWN] if abs(named[1]) >= LEAST]
    rest = sum(value for _, value in parts[len(told) :])
    if abs(rest) >= LEAST:
        count = len(parts) - len(told)
        told.append((f"{count} other{'s' * (count > 1)}", rest))
    terms = [f"voice {_told(whole, alone)}", *(f"{w} {_told(part, x)}" for w, x in told)]
    return f"{name}{_told(whole, alone + added)} = {', '.join(terms)}"


def _told(form: str, value: float) -> str:
    return form.format(round(value, 2) + 0.0)  # never -0.00


def clock(seconds: float) -> str:
    """Return seconds as ``m:ss.s``."""
    minutes, rest = divmod(round(seconds, 1), CLOCK)
    return f"{int(minutes)}:{rest:04.1f}"

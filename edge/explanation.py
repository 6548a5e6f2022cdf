"""Why an utterance got its emotion: what the voice gives, and what each keyword adds to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Explanation, Part, Scores, Word

STARTS = 6

Judge = Callable[[tuple[Word, ...]], Scores]  # what an utterance with these words alone is
Values = NDArray[np.float64]


def explain(words: Sequence[Word], judge: Judge, labels: Sequence[str]) -> Explanation:
    """Return the parts of voice and keywords, which add up to V, A, D and the probability.

    The voice's part is what ``judge`` gives without words. A keyword's is what it adds to the
    words before it, averaged over orders: the words stand in a circle, which is begun at up to
    ``STARTS`` places and read either way. Up to three words have all their orders in that, so the
    parts are Shapley values (1953). Every order adds up, so nothing is left over; n words take
    2 ``STARTS`` n judgements at most (20 to 40 us each on x86-64).
    """
    heard = tuple(words)
    fused = judge(heard)
    best = int(fused.probabilities.argmax())

    def value(chosen: tuple[Word, ...]) -> Values:
        scores = fused if len(chosen) == len(heard) else judge(chosen)
        return np.array([*scores.vad, scores.probabilities[best]], np.float64)

    alone = value(())
    parts = [_part(row) for row in _gains(heard, value)]
    return Explanation(labels[best], _part(alone), tuple(zip(heard, parts, strict=True)))


def _gains(words: tuple[Word, ...], value: Callable[[tuple[Word, ...]], Values]) -> list[Values]:
    """Return what each word adds: means over the orders of the circle."""
    count = len(words)
    starts = range(0, count, -(-count // STARTS)) if count else range(0)
    known: dict[tuple[int, ...], Values] = {}

    def of(places: list[int]) -> Values:
        """Return the value of some words, which keep the order in which they were said."""
        key = tuple(sorted(place % count for place in places))
        if key not in known:
            known[key] = value(tuple(words[place] for place in key))
        return known[key]

    gains = [np.zeros(4) for _ in words]
    for start in starts:
        for way in (1, -1):
            order = [start + way * step for step in range(count)]
            for told, place in enumerate(order):
                gains[place % count] += of(order[: told + 1]) - of(order[:told])
    return [gain / (2 * len(starts)) for gain in gains]


def _part(values: Values) -> Part:
    return Part(*(float(x) for x in values))

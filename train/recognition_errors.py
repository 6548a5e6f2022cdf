"""The recogniser's errors, measured: what training the text model has to expect.

``measure`` counts, for each condition, which share of the keywords said is kept and how sure those
are, and which keywords are heard that nobody said. ``as_heard`` does the same to bags of words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from train.recognition_map import Scored, Trust
from train.text_data import Bags, without_gaps

STEPS = 11  # quantiles that stand for a distribution of confidences
SOME = 20  # keywords that have to be said under a condition

Values = NDArray[np.float64]


def measure(found: Mapping[str, Sequence[Scored]], trust: Trust, least: float) -> dict[str, Any]:
    """Return the errors by condition, as JSON: conditions with too few words are left out.

    ``kept`` is the share of keywords that survive, ``wrong`` the false ones for each keyword said,
    ``sure`` and ``unsure`` quantiles of their confidences, ``words`` the false words with counts.
    """
    errors: dict[str, Any] = {}
    for name, items in found.items():
        said = sum(len(item.said) for item in items)
        kept = [(p.word, trust(p, item.snr_db), r) for item in items for p, r in item.words]
        right = [sure for _, sure, r in kept if r and sure >= least]
        wrong = [(word, sure) for word, sure, r in kept if not r and sure >= least]
        if said >= SOME and right and wrong:
            errors[name] = {
                "kept": round(len(right) / said, 4),
                "wrong": round(len(wrong) / said, 4),
                "sure": _quantiles(right),
                "unsure": _quantiles([sure for _, sure in wrong]),
                "words": dict(Counter(word for word, _ in wrong).most_common()),
            }
    return errors


def as_heard(
    bags: Bags,
    forms: Sequence[str],
    errors: Mapping[str, Any],
    rng: np.random.Generator,
    listened: Collection[str],
) -> Bags:
    """Return bags of words as the recogniser might hear them: half of them, the others as said.

    Each utterance meets one condition. Forms that are not ``listened`` for are lost, of the others
    a share. False words take the places of words that were lost, and free ones behind the last;
    drawn from those measured. No gaps are left.

    Raises:
        HeartenError: nothing was measured, or none of the false words is a form.
    """
    row = {form: i for i, form in enumerate(forms, start=1)}
    ids, weights = bags.ids.copy(), bags.weights.copy()
    if not errors:
        raise HeartenError("no measured errors: python -m train recognition")
    known = np.array([False, *(form in listened for form in forms)])
    place = rng.integers(2 * len(errors), size=len(bags))
    for number, error in enumerate(errors.values()):
        rows = np.flatnonzero(place == number)
        ids[rows], weights[rows] = _damaged(ids[rows], known, error, row, rng)
    return without_gaps(Bags(ids, weights.astype(np.float32), bags.written))


def _damaged(
    ids: NDArray[np.int32],
    listened: NDArray[np.bool_],
    error: Mapping[str, Any],
    row: Mapping[str, int],
    rng: Any,
) -> tuple[NDArray[np.int32], Values]:
    known = {row[word]: count for word, count in error["words"].items() if word in row}
    if not known:
        raise HeartenError("none of the false words is a form of this model: measure them again")
    said = listened[ids]
    kept = said & (rng.random(ids.shape) < error["kept"])
    length = said.sum(axis=1, keepdims=True)
    spoken = (ids > 0).sum(axis=1, keepdims=True)
    near = np.arange(ids.shape[1]) < np.ceil(spoken + length * error["wrong"])
    room = np.maximum((near & ~kept).sum(axis=1, keepdims=True), 1)
    false = near & ~kept & (rng.random(ids.shape) < error["wrong"] * length / room)
    counts = np.array(list(known.values()), np.float64)
    drawn = rng.choice(list(known), size=ids.shape, p=counts / counts.sum())
    sure, unsure = (_draw(error[name], ids.shape, rng) for name in ("sure", "unsure"))
    heard = np.where(kept, ids, np.where(false, drawn, 0)).astype(np.int32)
    return heard, np.where(kept, sure, np.where(false, unsure, 0.0))


def _draw(quantiles: Sequence[float], shape: tuple[int, ...], rng: Any) -> Values:
    share = np.linspace(0.0, 1.0, len(quantiles))
    return np.asarray(np.interp(rng.random(shape), share, quantiles))


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(x), 4) for x in np.quantile(values, np.linspace(0.0, 1.0, STEPS))]

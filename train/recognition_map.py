"""How often a recognised keyword was said: scores, and the map from posterior to confidence.

A keyword is right as often as it is in the transcript; when it was said does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from edge.confidence import (
    MOST_PHONES,
    MOST_SNR_DB,
    PHONES,
    SNR_DB,
    SURE,
    Odds,
    Piece,
    confidence,
    corrected,
)
from edge.errors import HeartenError
from train.recognition_heard import Decoded

KNOTS = 11
DRAWS = 500
BINS = 10
LEAST_WORDS = 50

Values = NDArray[np.float64]
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """A confidence map: see ``edge.confidence``. ``unsure`` is for words of a partial result."""

    odds: Odds = field(default_factory=Odds)
    points: Points = ()
    unsure: float = 0.0

    def __call__(self, piece: Piece, snr_db: float) -> float:
        """Return how often a word like this one is right, [0, 1]."""
        return confidence(piece, snr_db, self.odds, self.points, self.unsure)

    def to_dict(self) -> dict[str, Any]:
        """Return what the manifest of a pack holds of it."""
        return {
            "confidence_odds": asdict(self.odds),
            "confidence_map": [list(point) for point in self.points],
            "partial_confidence": self.unsure,
        }


@dataclass(frozen=True, slots=True)
class Scored:
    """One recording: the keywords that were said, and those found, each right or not."""

    speaker: str
    said: tuple[str, ...]
    seconds: float
    cpu_s: float
    snr_db: float
    words: tuple[tuple[Piece, bool], ...]


def judge(found: Decoded, said: Sequence[str], keywords: Collection[str], speaker: str) -> Scored:
    """Compare the keywords found in a recording with the words that were said."""
    spoken = tuple(word for word in said if word in keywords)
    left, judged = Counter(spoken), []
    known = [piece for piece in found.pieces if piece.word in keywords]
    for piece in sorted(known, key=lambda p: 1.0 if p.posterior is None else -p.posterior):
        judged.append((piece, left[piece.word] > 0))
        left[piece.word] -= 1
    cost = found.seconds, found.cpu_s
    return Scored(speaker, spoken, *cost, found.snr_db, tuple(judged))


def fit(items: Sequence[Scored], plain: bool = False) -> Trust:
    """Fit a map: log odds in posterior, SNR and length, then a rising line through their tenths.

    Where ``plain``, the posterior alone counts.

    Raises:
        HeartenError: too few words were heard.
    """
    sure, unsure = _rows(items), [r for i in items for p, r in i.words if p.posterior is None]
    if len(sure) < LEAST_WORDS:
        raise HeartenError("too few keywords were heard to fit a confidence map; use more audio")
    right = np.array([r for _, _, r in sure], np.float64)
    odds = Odds() if plain else _odds(sure, right)
    known = [corrected(float(p.posterior or 0.0), snr, p.phones, odds) for p, snr, _ in sure]
    # Two wrong words are added, so that a few lucky ones are not trusted.
    share = sum(unsure) / (len(unsure) + 2)
    return Trust(odds, _line(np.array(known), right), round(share, 4))


def _odds(rows: Sequence[tuple[Piece, float, bool]], right: Values) -> Odds:
    posterior = np.clip([p.posterior or 0.0 for p, _, _ in rows], 1.0 - SURE, SURE)
    snr = np.minimum([s for _, s, _ in rows], MOST_SNR_DB) - SNR_DB
    phones = np.minimum([p.phones for p, _, _ in rows], MOST_PHONES) - PHONES
    facts = np.stack([np.log(posterior / (1.0 - posterior)), snr, phones], axis=1)
    weights = LogisticRegression(C=1e3).fit(facts, right).coef_[0]
    return Odds(*(round(float(w), 4) for w in (max(weights[0], 1e-3), *weights[1:])))


def _line(posterior: Values, right: Values) -> Points:
    """Return at most ``KNOTS`` + 1 points of the isotonic regression of ``right``."""
    model = IsotonicRegression(y_min=0.02, y_max=0.98, out_of_bounds="clip").fit(posterior, right)
    edges = np.quantile(posterior, np.linspace(0, 1, KNOTS))
    knots = np.unique(np.round([0.0, *((edges[:-1] + edges[1:]) / 2), 1.0], 4))
    # A word counts for the mean of its tenth: single steps of the regression are noise.
    middle = np.interp(knots, *_smooth(posterior, model.predict(posterior), edges))
    return tuple((float(p), round(float(c), 4)) for p, c in zip(knots, middle, strict=True))


def _smooth(posterior: Values, fitted: Values, edges: Values) -> tuple[Values, Values]:
    """Return the mean posterior and the mean fitted value of each interval between ``edges``."""
    place = np.clip(np.searchsorted(edges, posterior, "right") - 1, 0, len(edges) - 2)
    used = np.unique(place)
    means = np.array([(posterior[place == i].mean(), fitted[place == i].mean()) for i in used])
    return means[:, 0], means[:, 1]


def metrics(items: Sequence[Scored], trust: Trust, threshold: float) -> dict[str, float]:
    """Return precision, recall, F1, false alarms an hour, and calibration error, all [0, 1].

    Only words of confidence ``threshold`` or more count, but for the calibration error.
    """
    sure, right = _columns(items, trust)
    kept = sure >= threshold
    hits, shown = float(right[kept].sum()), float(kept.sum())
    precision = hits / max(shown, 1.0)
    recall = hits / max(sum(len(item.said) for item in items), 1)
    hours = sum(item.seconds for item in items) / 3600
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "false_alarms_per_hour": (shown - hits) / max(hours, 1e-9),
        "ece": sum(abs(s - r) * n for n, s, r in _bins(sure, right)) / max(len(sure), 1),
    }


def reliability(items: Sequence[Scored], trust: Trust) -> dict[str, dict[str, float]]:
    """Return, by tenth of confidence: words, mean confidence, and the share that was right."""
    sure, right = _columns(items, trust)
    found = {}
    for number, (count, mean, share) in enumerate(_bins(sure, right)):
        if count:
            name = f"{number / BINS:.1f}-{(number + 1) / BINS:.1f}"
            found[name] = {
                "words": count, "confidence": round(mean, 4), "right": round(share, 4)
            }  # fmt: skip
    return found


def interval(items: Sequence[Scored], score: Callable[[list[Scored]], float]) -> list[float]:
    """Return the bootstrap 95 % interval of a score, drawing speakers."""
    groups: dict[str, list[Scored]] = {}
    for item in items:
        groups.setdefault(item.speaker, []).append(item)
    names = sorted(groups)
    rng = np.random.default_rng(0)
    drawn = [
        score([h for i in rng.integers(0, len(names), len(names)) for h in groups[names[i]]])
        for _ in range(DRAWS)
    ]
    return [round(float(x), 4) for x in np.percentile(drawn, [2.5, 97.5])]


def scores(items: Sequence[Scored], trust: Trust, threshold: float) -> dict[str, dict[str, Any]]:
    """Return ``metrics`` as cells of a result, with their intervals over speakers."""
    return {
        name: {
            "mean": round(value, 4),
            "ci95": interval(items, lambda some, n=name: metrics(some, trust, threshold)[n]),
        }
        for name, value in metrics(items, trust, threshold).items()
    }


def _rows(items: Sequence[Scored]) -> list[tuple[Piece, float, bool]]:
    """Return every word that has a posterior, with the SNR of its recording."""
    return [(p, i.snr_db, r) for i in items for p, r in i.words if p.posterior is not None]


def _columns(items: Sequence[Scored], trust: Trust) -> tuple[Values, Values]:
    rows = [(trust(p, item.snr_db), right) for item in items for p, right in item.words]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _bins(sure: Values, right: Values) -> list[tuple[int, float, float]]:
    """Return words, mean confidence and share right of ``BINS`` equal ranges of confidence."""
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    found = []
    for i in range(BINS):
        inside = place == i
        count = int(inside.sum())
        means = (float(x[inside].mean()) if count else 0.0 for x in (sure, right))
        found.append((count, *means))
    return found

"""Metrics for emotion recognition; numpy only, never NaN.

Classes are integers from 0. ``reference`` is what annotators said, ``predicted`` what a model
says. Every function raises ValueError for empty or unequal input and for values that are not
finite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15
BATCH = 32


def confusion(reference: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return counts, shape (classes, classes): row = reference class, column = predicted class.

    Raises:
        ValueError: as everywhere here, or a class outside 0 to ``classes`` - 1.
    """
    truth, guess = _pair(reference, predicted)
    if min(truth.min(), guess.min()) < 0 or max(truth.max(), guess.max()) >= classes:
        raise ValueError(f"a class outside 0 to {classes - 1}")
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth.astype(np.int64), guess.astype(np.int64)), 1)
    return matrix


def war(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return weighted average recall, which is accuracy: the share of correct predictions.

    ``sum_c n_c / n recall_c``: recalls weighted by how often a class occurs (Schuller et al.,
    Interspeech 2009 Emotion Challenge).
    """
    truth, guess = _pair(reference, predicted)
    return float(np.mean(truth == guess))


def uar(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return unweighted average recall: the mean of each class's share of correct predictions.

    ``1 / C sum_c hits_c / n_c``; chance is 1 / C however the classes are distributed. Source:
    Schuller et al., Interspeech 2009 Emotion Challenge. The mean runs over the classes present in
    the reference; a class that is only predicted counts as an error elsewhere.
    """
    truth, guess = _pair(reference, predicted)
    recalls = [np.mean(guess[truth == c] == c) for c in np.unique(truth)]
    return float(np.mean(recalls))


def macro_f1(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean over classes of ``2 tp / (2 tp + fp + fn)``.

    The mean runs over the classes present in the reference, as for ``uar``; predictions of an
    absent class are misses of the true one. A class never predicted has F1 0.
    """
    truth, guess = _pair(reference, predicted)
    scores = []
    for c in np.unique(truth):
        hits = np.sum((truth == c) & (guess == c))
        scores.append(2 * hits / (np.sum(truth == c) + np.sum(guess == c)))
    return float(np.mean(scores))


def ccc(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return the concordance correlation coefficient over the whole set, in [-1, 1].

    ``2 cov / (var_r + var_p + (mean_r - mean_p)^2)`` with population moments (Lin 1989,
    Biometrics 45: 255). 0 when either side is constant, even if both are equal.
    """
    truth, guess = _pair(reference, predicted)
    if _constant(truth) or _constant(guess):
        return 0.0
    gap = float(truth.mean() - guess.mean())
    product = float(np.mean((truth - truth.mean()) * (guess - guess.mean())))
    return _ratio(2.0 * product, float(truth.var()) + float(guess.var()) + gap * gap)


def ccc_batches(reference: ArrayLike, predicted: ArrayLike, size: int = BATCH) -> float:
    """Return the mean of ``ccc`` over batches of ``size`` in the given order.

    What Keras shows during evaluation, and Atmaja's tables of networks print: lower than ``ccc``
    where batches vary less than the whole, and different in another order. For comparison only.
    The last batch may be smaller and counts like the others; one item alone counts 0.
    """
    truth, guess = _pair(reference, predicted)
    if size < 1:
        raise ValueError(f"batches of {size}: wanted at least 1")
    starts = range(0, len(truth), size)
    return float(np.mean([ccc(truth[s : s + size], guess[s : s + size]) for s in starts]))


def mse(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean squared error, ``mean (r - p)^2``, in squared units of the scale."""
    truth, guess = _pair(reference, predicted)
    return float(np.mean((truth - guess) ** 2))


def mae(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean absolute error, ``mean |r - p|``, in units of the scale."""
    truth, guess = _pair(reference, predicted)
    return float(np.mean(np.abs(truth - guess)))


def pearson(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Return Pearson's correlation, ``cov / (sd_r sd_p)``; 0 when either side is constant."""
    truth, guess = _pair(reference, predicted)
    if _constant(truth) or _constant(guess):
        return 0.0
    product = float(np.mean((truth - truth.mean()) * (guess - guess.mean())))
    return _ratio(product, float(truth.std()) * float(guess.std()))


def ece(reference: ArrayLike, probabilities: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error of the most likely class, in [0, 1].

    ``sum_b n_b / n |accuracy_b - confidence_b|`` over equal-width bins of confidence, open below
    and closed above (Guo et al., ICML 2017). ``probabilities`` has shape (items, classes).
    """
    truth, shares = _distribution(reference, probabilities)
    confidence = shares.max(axis=1)
    correct = shares.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def nll(reference: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the mean negative log likelihood in nats: cross-entropy with the reference class.

    ``-1 / n sum_i log p_i(reference_i)``; a probability of 0 counts as 1e-12.
    """
    truth, shares = _distribution(reference, probabilities)
    given = shares[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.maximum(given, 1e-12))))


def _ratio(product: float, spread: float) -> float:
    # Values that differ by less than 1e-160 have variances that are 0 in floating point.
    return product / spread if spread else 0.0


def _constant(values: NDArray[np.float64]) -> bool:
    # Rounding gives a constant array a tiny variance: compare the values themselves.
    return bool(np.all(values == values[0]))


def _pair(
    reference: ArrayLike, predicted: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    truth, guess = np.asarray(reference, np.float64), np.asarray(predicted, np.float64)
    if truth.ndim != 1 or truth.shape != guess.shape or not len(truth):
        raise ValueError(f"shapes {truth.shape} and {guess.shape}: wanted two equal, non-empty")
    if not (np.isfinite(truth).all() and np.isfinite(guess).all()):
        raise ValueError("values that are not finite: wanted numbers only")
    return truth, guess


def _distribution(
    reference: ArrayLike, probabilities: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    truth, shares = np.asarray(reference, np.int64), np.asarray(probabilities, np.float64)
    if shares.ndim != 2 or truth.shape != shares.shape[:1] or not len(truth):
        raise ValueError(f"shapes {truth.shape} and {shares.shape}: wanted (n,) and (n, classes)")
    if not np.isfinite(shares).all() or truth.min() < 0 or truth.max() >= shares.shape[1]:
        raise ValueError("probabilities that are not finite, or a class without one: wanted both")
    return truth, shares

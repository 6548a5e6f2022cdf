"""Bootstrap over speakers: how much a number would change had other people been recorded.

Whole speakers are drawn with replacement, because utterances of one person are alike. What a
metric needs is summed up for each speaker once, so that a resample costs one matrix product.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
Values = NDArray[np.float64]


class Speakers:
    """The speakers of some utterances, and ``RESAMPLES`` draws of as many of them."""

    def __init__(self, speakers: ArrayLike) -> None:
        """``speakers`` names the speaker of each utterance, shape (n,)."""
        names, self._index = np.unique(np.asarray(speakers), return_inverse=True)
        self.count = len(names)
        rng = np.random.default_rng(0)
        drawn = rng.integers(self.count, size=(RESAMPLES, self.count))
        self._times = np.zeros((RESAMPLES, self.count))
        np.add.at(self._times, (np.arange(RESAMPLES)[:, None], drawn), 1.0)

    def confusions(self, truth: ArrayLike, said: ArrayLike, classes: int) -> Values:
        """Return the confusion matrix of every resample, shape (RESAMPLES, classes, classes)."""
        each = np.zeros((self.count, classes, classes))
        np.add.at(each, (self._index, np.asarray(truth), np.asarray(said)), 1.0)
        return np.tensordot(self._times, each, axes=1)

    def ccc(self, truth: ArrayLike, said: ArrayLike) -> Values:
        """Return the CCC of every resample, shape (RESAMPLES,); 0 where one side is constant."""
        r, p = np.asarray(truth, np.float64), np.asarray(said, np.float64)
        each = np.zeros((self.count, 6))
        np.add.at(each, self._index, np.stack([np.ones_like(r), r, p, r * r, p * p, r * p], axis=1))
        sums = self._times @ each
        mr, mp, rr, pp, rp = (sums[:, 1:] / sums[:, :1]).T
        variances = np.maximum(rr - mr * mr, 0.0), np.maximum(pp - mp * mp, 0.0)
        spread = variances[0] + variances[1] + (mr - mp) ** 2
        defined = np.minimum(*variances) > 1e-12
        return np.where(defined, 2.0 * (rp - mr * mp) / np.where(defined, spread, 1.0), 0.0)


def recalls(confusions: Values) -> Values:
    """Return the recall of each class; NaN for a class that the reference does not hold."""
    total = confusions.sum(axis=-1)
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    return np.where(total > 0, hits / np.maximum(total, 1.0), np.nan)


def accuracy(confusions: Values) -> Values:
    """Return the share of correct predictions."""
    return np.trace(confusions, axis1=-2, axis2=-1) / confusions.sum(axis=(-2, -1))


def interval(values: Values) -> list[float]:
    """Return the 95 % interval of resampled values, NaN left out, rounded to four places."""
    return [round(float(x), 4) for x in np.nanquantile(values, (0.025, 0.975))]


def bootstrap(truth: ArrayLike, said: ArrayLike, speakers: ArrayLike) -> list[float]:
    """Return the 95 % interval of UAR over speakers drawn with replacement."""
    return interval(uars(Speakers(speakers), truth, said))


def uars(drawn: Speakers, truth: ArrayLike, said: ArrayLike) -> Values:
    """Return the UAR of every resample, shape (RESAMPLES,), over the classes it holds."""
    classes = int(max(np.max(truth), np.max(said))) + 1
    return np.asarray(np.nanmean(recalls(drawn.confusions(truth, said, classes)), axis=1))

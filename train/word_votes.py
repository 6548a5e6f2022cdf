"""Which words tell emotion: the shares of variance that the keywords are chosen by.

See ``train.vocabulary`` for what votes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsqr

Array = NDArray[np.float64]

RIDGE = 10.0


def explained(
    texts: Sequence[list[str]], targets: Array, candidates: Sequence[str], ridge: float = RIDGE
) -> Array:
    """Return the variance that each candidate explains in ``targets``, shape (candidates,).

    ``texts`` are tokenised utterances, ``targets`` has shape (utterances, dimensions); targets
    are standardised together, so a rare class does not count as much as a common one.
    """
    row = {word: i for i, word in enumerate(candidates)}
    pairs = [(i, row[w]) for i, words in enumerate(texts) for w in sorted(set(words)) if w in row]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    bag = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(candidates))
    )
    share = np.asarray(bag.sum(axis=0)).ravel() / max(len(texts), 1)
    centred = targets - targets.mean(axis=0)
    total = np.zeros(len(candidates))
    for column in centred.T:
        coefficients = lsqr(bag, column, damp=np.sqrt(ridge), iter_lim=60)[0]
        total += share * (1 - share) * coefficients**2
    return total / max(float(centred.var(axis=0).sum()), 1e-12)


def votes(
    sources: Sequence[tuple[Sequence[list[str]], Array]],
    norms: Mapping[str, Sequence[float]],
    frequency: Mapping[str, int],
    candidates: Sequence[str],
) -> Array:
    """Return the summed score of each candidate; each source is normalised to sum 1.

    ``sources`` are tokenised texts with their targets; ``frequency`` maps a word to its rank.
    """
    total = np.zeros(len(candidates))
    for texts, targets in sources:
        score = explained(texts, targets, candidates)
        total += score / max(score.sum(), 1e-12)
    last = len(frequency) + 1
    zipf = np.array([1.0 / (1 + frequency.get(word, last)) for word in candidates])
    rating = np.array([sum(x * x for x in norms.get(word, (0.0,))) for word in candidates])
    # A square root keeps the few most frequent words from taking the whole vote.
    score = np.sqrt(zipf) * rating
    total += score / max(score.sum(), 1e-12)
    return total

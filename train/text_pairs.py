"""Pairs of words that tell more than the two ("can't wait", "so many"), for the linear half.

A pair is chosen by what it adds where it stands: by the variance that its coefficients explain,
``n |c|^2`` with ``n`` sentences that hold it, in a ridge regression of V/A/D (each by its spread)
on words and the most frequent pairs. 8 000 rated sentences cannot tell that; those that a teacher
has rated can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsqr

from edge.text import PAIR, tokenise
from train import text_data, text_sentences
from train.corpora import Utterance

Array = NDArray[np.float32]

FREQUENT = 40_000
"""Pairs that are looked at, the most frequent ones."""
DAMPING = 0.7
STEPS = 60


def chosen(
    teacher: Mapping[str, Array], rated: Sequence[Utterance], words: Collection[str], count: int
) -> tuple[str, ...]:
    """Return the ``count`` best pairs of ``words``, sorted, as "can't_wait".

    What is looked at are the ``rated`` sentences, and what the teacher has rated alone.
    """
    texts = [text_data.words_of(utterance) for utterance in rated]
    truth = text_data.vad_targets(rated)
    if more := text_sentences.of(teacher):
        texts += [tokenise(text) for text in more]
        truth = np.concatenate([truth, teacher[f"{text_sentences.NAME}/train/vad"]])
    held = [_pairs(text, words) for text in texts]
    counts = Counter(pair for some in held for pair in sorted(some))
    pairs = [pair for pair, _ in counts.most_common(FREQUENT)]
    place = {name: i for i, name in enumerate([*sorted(words), *pairs])}
    said = _said([[*set(text), *some] for text, some in zip(texts, held, strict=True)], place)
    sides = ((truth - truth.mean(axis=0)) / truth.std(axis=0)).T
    values = np.stack([lsqr(said, side, damp=DAMPING, iter_lim=STEPS)[0] for side in sides])
    explained = np.square(values[:, len(words) :]).sum(axis=0) * [counts[pair] for pair in pairs]
    return tuple(sorted(pairs[i] for i in np.argsort(-explained, kind="stable")[:count]))


def _pairs(words: Sequence[str], known: Collection[str]) -> set[str]:
    return {a + PAIR + b for a, b in pairwise(words) if a in known and b in known}


def _said(texts: Sequence[Sequence[str]], place: Mapping[str, int]) -> sparse.csr_matrix:
    """Return what each text holds, shape (texts, places), each row of length 1 at most."""
    found = [[place[one] for one in text if one in place] for text in texts]
    rows = np.repeat(np.arange(len(found)), [len(some) for some in found])
    values = np.concatenate([np.full(len(some), max(len(some), 1) ** -0.5) for some in found])
    columns = np.concatenate([np.array(some, np.int64) for some in found])
    return sparse.csr_matrix((values, (rows, columns)), (len(texts), len(place)), np.float32)

"""Vectors of words for the linear half: GloVe's, and beside them those of the teacher's encoder.

The encoder reads each word alone. What is fitted on the vectors becomes one value a word and
dimension: none of them is stored in a pack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError

Array = NDArray[np.float32]

COMPONENTS = 256
WORDS, VECTORS = "words", "word_vectors"
"""What the teacher's file calls them."""


def beside_teacher(
    glove: tuple[Sequence[str], Array], teacher: Mapping[str, Array]
) -> tuple[Sequence[str], Array]:
    """Return GloVe's words and columns, then the teacher's; without a teacher GloVe's alone.

    Raises:
        HeartenError: the teacher has no vectors of words.
    """
    if not teacher:
        return glove
    if not {WORDS, VECTORS} <= set(teacher):
        raise HeartenError("the teacher has no vectors of words: run python -m train teacher again")
    return beside(glove, ([str(word) for word in teacher[WORDS]], teacher[VECTORS]))


def beside(
    one: tuple[Sequence[str], Array], other: tuple[Sequence[str], Array]
) -> tuple[Sequence[str], Array]:
    """Return the words of both with the columns of both, zeros where one lacks a word.

    The vectors of each have the mean length 1.
    """
    words = list(dict.fromkeys([*one[0], *other[0]]))
    place = {word: i for i, word in enumerate(words)}
    parts = []
    for names, stored in (one, other):
        vectors = stored.astype(np.float32)
        part = np.zeros((len(words), vectors.shape[1]), np.float32)
        length = np.sqrt(np.square(vectors).sum(axis=1).mean())
        part[[place[name] for name in names]] = vectors / max(float(length), 1e-9)
        parts.append(part)
    return words, np.concatenate(parts, axis=1)


def components(vectors: NDArray[np.float16], most: int = COMPONENTS) -> NDArray[np.float16]:
    """Return the first principal components of standardised vectors, shape (words, at most most).

    They are scaled together, to a mean length of 1.
    """
    x = vectors.astype(np.float32)
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-2)
    _, directions = np.linalg.eigh(x.T @ x)
    found = x @ directions[:, ::-1][:, :most]
    return (found / np.sqrt(np.square(found).sum(axis=1).mean())).astype(np.float16)

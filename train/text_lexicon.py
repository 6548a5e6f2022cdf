"""The linear half of the text model: what each form adds to V/A/D, in closed form.

For forms ``i`` with values ``c_i`` (V, A, D), recogniser confidences ``w_i``, and ``n_i``, the
confidence of the surest negation among the three words before, or 0::

    vad = sum(w_i (1 + n_i (turn - 1)) c_i) / sqrt(sum(w_i) + 1) + b

The root is worth .03 in valence over the sum itself: more words tell more. The values are a ridge
regression of EmoBank's ratings (averaged with what a teacher says, where there is one) on how often
each form is said, on the mean vector (``train.word_vectors``) and on the mean of Warriner's norms.
The last two are linear in the forms too, so all three become one number a form: a word that EmoBank
lacks still has a value. A negated word has half of its value with the other sign. The model says
the mean of this and of the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsqr

from train.text_data import Bags
from train.text_model import REACH, STARTS

Array = NDArray[np.float32]

SMOOTHING = 1.0
COUNTS, MEANS = 2.0, 0.1
"""How freely the counts and the (standardised) means move: scales under one ridge penalty of 1."""
STEPS = 60
UNRATED = 0.3
"""How much a sentence counts that a teacher alone has rated."""

TURN = -0.5
"""What a negation makes of a value: as good as 0 on EmoBank, better on made pairs."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """``table`` (ids, 3), zeros for id 0; ``bias`` (3,); ``negates`` (ids,), 1 for a negation.

    ``turn`` is the factor of a negated word's value.
    """

    table: Array
    bias: Array
    negates: Array
    turn: float = TURN

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Lexicon:
        """Return that of ``model.npz``; of one without a factor, negated words have no value."""
        turn = float(arrays.get("lexicon_turn", np.zeros(())))
        return cls(arrays["lexicon"], arrays["lexicon_bias"], arrays["negates"], turn)

    def arrays(self) -> dict[str, Array]:
        """Return what ``model.npz`` holds of it."""
        turn = np.array(self.turn, np.float32)
        return {"lexicon": self.table, "lexicon_bias": self.bias, "lexicon_turn": turn}

    def predict(self, bags: Bags) -> Array:
        """Return V/A/D, shape (n, 3)."""
        said: Array = np.einsum(
            "ns,nsk->nk", shares(bags, self.negates, self.turn), self.table[bags.ids]
        )
        return said + self.bias


def shares(bags: Bags, negates: Array, turn: float = TURN) -> Array:
    """Return how much each word counts, shape (n, slots): ``turn`` times that where negated."""
    sure = bags.weights * negates[bags.ids]
    before = [np.pad(sure, ((0, 0), (k, 0)))[:, :-k] for k in range(1, REACH + 1)]
    total = np.sqrt(bags.weights.sum(axis=1, keepdims=True) + SMOOTHING)
    counted: Array = bags.weights * (1.0 + (turn - 1.0) * np.maximum.reduce(before)) / total
    return counted


def facts(
    forms: Sequence[str],
    glove: tuple[Sequence[str], Array],
    norms: Mapping[str, Sequence[float]],
    start: str = STARTS[0],
) -> Array:
    """Return what is known of each form, shape (forms + 1, 4 + columns): norms, whether rated,
    and its vector, of which ``glove`` are words and vectors.

    What ``start`` does not name is left at zero, as in ``text_model.initial_table``.
    """
    place = {word: i for i, word in enumerate(glove[0])}
    known = np.zeros((len(forms) + 1, 4 + glove[1].shape[1]), np.float32)
    for i, form in enumerate(forms, start=1):
        if form in norms and "norms" in start:
            known[i, :4] = (*norms[form], 1.0)
        if form in place and "glove" in start:
            known[i, 4:] = glove[1][place[form]]
    return known


def fit(seen: Sequence[tuple[Bags, Array, float]], known: Array, negates: Array) -> Lexicon:
    """Fit the lexicon on bags, their targets (n, 3), and how much each utterance of them counts.

    ``known`` as of ``facts``, ``negates`` as in ``Lexicon``.
    """
    ids = np.concatenate([bags.ids for bags, *_ in seen])
    both = Bags(ids, np.concatenate([bags.weights for bags, *_ in seen]))
    counts = np.repeat([count for *_, count in seen], [len(bags) for bags, *_ in seen])
    rows = np.repeat(np.arange(len(both)), ids.shape[1])
    said = sparse.csr_matrix(
        (shares(both, negates).ravel(), (rows, ids.ravel())), (len(both), len(known)), np.float32
    )
    truth = np.concatenate([targets for _, targets, _ in seen])
    table, bias = _values(said, truth, known, counts.astype(np.float32))
    return Lexicon(table, bias, negates)


def _values(
    said: sparse.csr_matrix, truth: Array, known: Array, counts: Array
) -> tuple[Array, Array]:
    """Return a value for each id, and the bias: a ridge regression on counts and means."""
    means = said @ known
    centre = np.average(means, axis=0, weights=counts)
    spread = np.maximum(means.std(axis=0), 1e-6)
    inputs = sparse.hstack(
        [COUNTS * said, sparse.csr_matrix(MEANS * (means - centre) / spread)]
    ).tocsr()
    middle = np.average(truth, axis=0, weights=counts)
    root = np.sqrt(counts)[:, None]
    inputs, sides = inputs.multiply(root).tocsr(), ((truth - middle) * root).T
    found = [lsqr(inputs, side, damp=1.0, iter_lim=STEPS)[0] for side in sides]
    counted, meant = np.split(np.stack(found, axis=1), [said.shape[1]])
    factors = MEANS * meant / spread[:, None]
    table = (COUNTS * counted + known @ factors).astype(np.float32)
    table[0] = 0.0
    return table, (middle - centre @ factors).astype(np.float32)

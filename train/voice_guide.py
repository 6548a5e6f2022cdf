"""What a teacher says of training recordings: soft labels, and vectors of its hidden layer.

``python -m train voice_teacher`` writes them for each fold: the speakers of the test never entered,
and every label comes from heads that did not hear the speaker (Hinton et al. 2015, distillation;
Romero et al. 2015, hints).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.emotion import Floats
from edge.errors import HeartenError
from train.corpora import LABELS
from train.recordings import CORPORA

SHARE = 0.7  # of the soft label in the target, the rest is the true label


@dataclass(frozen=True, slots=True)
class Guide:
    """Soft labels (n, labels) and vectors (n, size) of utterances; ``rows`` maps id to row."""

    rows: dict[str, int]
    soft: Floats
    vectors: Floats

    @staticmethod
    def corpora(path: Path) -> list[str]:
        """Return the corpora whose labels a fold's file comes from; HeartenError: no such file."""
        try:
            with np.load(path, allow_pickle=False) as saved:
                named = saved["corpora"].tolist() if "corpora" in saved.files else CORPORA
        except (OSError, ValueError) as error:
            raise HeartenError(f"{path} holds no teacher's labels: {error}") from None
        return [str(name) for name in named]

    @classmethod
    def load(cls, path: Path, everyone: bool) -> Guide:
        """Read a fold's file; ``everyone``: the labels that development speakers helped to make.

        Raises:
            HeartenError: no such file, or not one of ``python -m train voice_teacher``.
        """
        key = "everyone" if everyone else "apart"
        try:
            with np.load(path, allow_pickle=False) as saved:
                ids, soft, vectors = (saved[name] for name in ("ids", key, "vectors"))
        except FileNotFoundError:
            raise HeartenError(f"no {path}: python -m train voice_teacher") from None
        except (OSError, ValueError, KeyError) as error:
            raise HeartenError(f"{path} holds no teacher's labels: {error}") from None
        if soft.shape != (len(ids), len(LABELS)) or len(vectors) != len(ids):
            raise HeartenError(f"{path}: labels of shape {soft.shape} for {len(ids)} utterances")
        if not (np.isfinite(soft).all() and np.isfinite(vectors).all()):
            raise HeartenError(f"{path} holds values that are not finite")
        rows = {str(name): row for row, name in enumerate(ids)}
        return cls(rows, np.asarray(soft, np.float32), np.asarray(vectors, np.float32))

    def soften(self, hard: Floats, ids: Sequence[str]) -> Floats:
        """Return targets: true labels, shape (n, labels), mixed with the teacher's."""
        chosen = self._find(ids)
        return np.asarray((1.0 - SHARE) * hard + SHARE * self.soft[chosen], np.float32)

    def of(self, ids: Sequence[str]) -> Floats:
        """Return the vectors of utterances, shape (n, size)."""
        return self.vectors[self._find(ids)]

    def _find(self, ids: Sequence[str]) -> list[int]:
        if lacking := [name for name in ids if name not in self.rows]:
            raise HeartenError(
                f"the teacher says nothing of {lacking[0]} and {len(lacking) - 1} more: made for "
                "another fold or other corpora"
            )
        return [self.rows[name] for name in ids]

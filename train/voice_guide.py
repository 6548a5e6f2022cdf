"""What a teacher says of training recordings: soft labels, vectors of a hidden layer, its frames.

``python -m train voice_teacher`` writes them for each fold: the speakers of the test never entered,
and every label comes from heads that did not hear the speaker (Hinton et al. 2015, distillation;
Romero et al. 2015, hints). A recording has a row for each speed at which the teacher heard it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.errors import HeartenError
from edge.features import HOP, RATE
from train.corpora import LABELS
from train.recordings import CORPORA

SHARE = 0.7  # of the soft label in the target, the rest is the true label
SPEEDS = (0.82, 0.9, 1.1, 1.2)  # of training speech, pitch included, beside 1
PIECE = RATE // 25  # samples of a teacher's frame
FRAMES = PIECE // HOP  # of ours in one of the teacher's
LATE = FRAMES  # frames that the student may lag behind the teacher, who hears the future too

Named = tuple[str, float]  # an utterance, and its speed


@dataclass(frozen=True, slots=True)
class Guide:
    """Soft labels (n, labels) and vectors (n, size) of utterances; ``rows`` maps names to rows.

    ``frames`` (all, width) are those of row i from ``starts[i]`` to ``starts[i + 1]``, one for each
    40 ms from the start of the utterance on.
    """

    rows: dict[Named, int]
    soft: Floats
    vectors: Floats
    frames: Floats
    starts: NDArray[np.int64]

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
        wanted = ("ids", "speeds", "everyone" if everyone else "apart", "vectors", "frames")
        try:
            with np.load(path, allow_pickle=False) as saved:
                ids, speeds, soft, vectors, frames = (saved[name] for name in wanted)
                starts = saved["starts"]
        except FileNotFoundError:
            raise HeartenError(f"no {path}: python -m train voice_teacher") from None
        except (OSError, ValueError, KeyError) as error:
            raise HeartenError(f"{path} holds no teacher's labels: {error}") from None
        if soft.shape != (len(ids), len(LABELS)) or not len(vectors) == len(ids) == len(starts) - 1:
            raise HeartenError(f"{path}: labels of shape {soft.shape} for {len(ids)} utterances")
        if not all(np.isfinite(array).all() for array in (soft, vectors, frames)):
            raise HeartenError(f"{path} holds values that are not finite")
        names = zip(map(str, ids), map(float, speeds), strict=True)
        rows = {name: row for row, name in enumerate(names)}
        arrays = (np.asarray(array, np.float32) for array in (soft, vectors, frames))
        return cls(rows, *arrays, starts)

    def soften(self, hard: Floats, names: Sequence[Named]) -> Floats:
        """Return targets: true labels, shape (n, labels), mixed with the teacher's."""
        chosen = self._find(names)
        return np.asarray((1.0 - SHARE) * hard + SHARE * self.soft[chosen], np.float32)

    def of(self, names: Sequence[Named]) -> Floats:
        """Return the vectors of utterances, shape (n, size)."""
        return self.vectors[self._find(names)]

    def during(self, name: Named, ends: NDArray[np.int64], stride: int) -> Floats:
        """Return what the teacher said in each step, shape (len(ends), width).

        A step is ``stride`` of our frames; ``ends`` (in frames of the utterance) tells the last of
        each. Steps outside of the utterance get its first or last frame.
        """
        (row,) = self._find([name])
        own = self.frames[self.starts[row] : self.starts[row + 1]]
        first = (ends - stride - LATE) // FRAMES
        places = first[:, None] + np.arange(max(1, stride // FRAMES))
        return np.asarray(own[np.clip(places, 0, len(own) - 1)].mean(axis=1), np.float32)

    def _find(self, names: Sequence[Named]) -> list[int]:
        if lacking := [name for name in names if name not in self.rows]:
            name, speed = lacking[0]
            raise HeartenError(
                f"the teacher says nothing of {name} at speed {speed:g} and {len(lacking) - 1} "
                "more: made for another fold or other corpora"
            )
        return [self.rows[name] for name in names]

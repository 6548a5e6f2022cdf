"""Who trains, who develops, who tests: actors by named fold, everybody else trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.errors import HeartenError
from train.corpora import Utterance, crema_d, folds
from train.splits import speaker_folds

CREMA_D = tuple(tuple(f"crema-d-{actor}" for actor in fold) for fold in crema_d.FOLDS)
FOLDS = {"luna-jimenez": folds.LUNA_JIMENEZ, "emobox": folds.EMOBOX, "crema-d": CREMA_D}
ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))
DEV_ACTORS = 4
DRAWN, DRAWN_FOLDS = "speakers", 5


@dataclass(frozen=True, slots=True)
class Partition:
    """A fold of a protocol; ``test`` and ``dev`` are actors, apart from each other."""

    protocol: str
    fold: int
    test: tuple[str, ...]
    dev: tuple[str, ...]

    def split(
        self, utterances: Sequence[Utterance]
    ) -> tuple[list[Utterance], list[Utterance], list[Utterance]]:
        """Return (train, dev, test); no speaker is in two of them."""
        return folds.split(utterances, self.test, self.dev)


def chosen(text: str, utterances: Sequence[Utterance]) -> Partition:
    """Return ``named(text)``, or for "speakers:0" to "speakers:4" a fold of whoever speaks.

    Raises:
        HeartenError: no such fold, or fewer speakers than folds.
    """
    protocol, _, number = text.partition(":")
    if protocol != DRAWN:
        return named(text)
    if not number.isdigit() or int(number) >= DRAWN_FOLDS:
        raise HeartenError(f"unknown fold {text!r}; known: {DRAWN}:0..{DRAWN_FOLDS - 1}")
    _, dev, test = speaker_folds(utterances, DRAWN_FOLDS)[int(number)]
    people = [tuple(sorted({u.speaker or "" for u in part})) for part in (test, dev)]
    return Partition(DRAWN, int(number), people[0], people[1])


def named(text: str) -> Partition:
    """Return the partition of a name such as ``luna-jimenez:0``.

    Development: two male (odd) and two female actors of the training part, drawn by the fold's
    number alone, so that every seed of a fold has the same ones. Of CREMA-D it is the next fold.

    Raises:
        HeartenError: no such protocol or fold.
    """
    protocol, _, number = text.partition(":")
    known = FOLDS.get(protocol, ())
    if not number.isdigit() or int(number) >= len(known):
        names = ", ".join(f"{name}:0..{len(f) - 1}" for name, f in FOLDS.items())
        raise HeartenError(f"unknown fold {text!r}; known: {names}")
    fold = int(number)
    if protocol == "crema-d":
        return Partition(protocol, fold, known[fold], known[(fold + 1) % len(known)])
    rng = np.random.default_rng(100 + fold)
    rest = [actor for actor in ACTORS if actor not in known[fold]]
    dev: list[str] = []
    for odd in (1, 0):
        pool = [actor for actor in rest if int(actor) % 2 == odd]
        dev += [str(name) for name in rng.choice(pool, DEV_ACTORS // 2, replace=False)]
    return Partition(protocol, fold, known[fold], tuple(sorted(dev)))

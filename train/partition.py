"""Who trains, who develops, who tests: actors by named fold, everybody else trains.

One protocol keeps nobody apart: "utterances", for the column of the seed's table that does so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.errors import HeartenError
from train.corpora import Utterance, crema_d, folds
from train.splits import speaker_folds

CREMA_D = tuple(tuple(f"crema-d-{actor}" for actor in fold) for fold in crema_d.FOLDS)
# A man and a woman each.
EMODB = tuple(
    (f"emodb-{man}", f"emodb-{woman}")
    for man, woman in (("03", "08"), ("10", "09"), ("11", "13"), ("12", "14"), ("15", "16"))
)
FOLDS = {
    "luna-jimenez": folds.LUNA_JIMENEZ,
    "emobox": folds.EMOBOX,
    "crema-d": CREMA_D,
    "emodb": EMODB,
}
NEXT_DEVELOPS = ("crema-d", "emodb")  # protocols in which a fold develops on the next one's people
ACTORS = tuple(f"{actor:02d}" for actor in range(1, 25))
DEV_ACTORS = 4
DRAWN, DRAWN_FOLDS = "speakers", 5
UTTERANCES, TENTHS, TENTHS_SEED = "utterances", 10, 123  # as in the seed's table
APART, DEPENDENT = "actors apart", "speaker-dependent: the test voices were heard in training"


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


@dataclass(frozen=True, slots=True)
class SpeakerDependent(Partition):
    """A tenth of the utterances of RAVDESS tests, the next one develops, whoever speaks.

    ``test`` and ``dev`` say so where other protocols name actors. Other corpora train.
    """

    def split(
        self, utterances: Sequence[Utterance]
    ) -> tuple[list[Utterance], list[Utterance], list[Utterance]]:
        """Return (train, dev, test); the same people speak in all of them."""
        part = dict.fromkeys(self._names(utterances, self.fold), 2)
        part |= dict.fromkeys(self._names(utterances, (self.fold + 1) % TENTHS), 1)
        parts: tuple[list[Utterance], list[Utterance], list[Utterance]] = ([], [], [])
        for utterance in utterances:
            parts[part.get(utterance.id, 0)].append(utterance)
        return parts

    @staticmethod
    def _names(utterances: Sequence[Utterance], fold: int) -> list[str]:
        """Return the utterances of a tenth, of speech and of song each drawn by itself."""
        kinds = [[u for u in utterances if u.id.startswith(kind)] for kind in ("03-01", "03-02")]
        return [kind[i].id for kind in kinds if kind for i in tenths(kind)[fold]]


def tenths(utterances: Sequence[Utterance], count: int = TENTHS) -> list[list[int]]:
    """Return ``count`` disjoint lists of places: StratifiedKFold, shuffled with seed 123.

    Raises:
        HeartenError: a label with fewer utterances than that.
    """
    from sklearn.model_selection import StratifiedKFold

    labels = [u.label for u in utterances]
    if few := [label for label in set(labels) if labels.count(label) < count]:
        raise HeartenError(f"fewer than {count} utterances of {few[0]}: no {count} folds")
    folds = StratifiedKFold(count, shuffle=True, random_state=TENTHS_SEED)
    return [test.tolist() for _, test in folds.split(labels, labels)]


def members(protocol: str) -> list[list[str]]:
    """Return the test speakers of every fold, or what stands for them, to be stored."""
    if protocol == UTTERANCES:
        return [[f"tenth {fold} of the utterances"] for fold in range(TENTHS)]
    return [list(fold) for fold in FOLDS[protocol]]


def setting(protocol: str) -> str:
    """Return the words that every number of a protocol needs beside it."""
    return DEPENDENT if protocol == UTTERANCES else APART


def chosen(text: str, utterances: Sequence[Utterance]) -> Partition:
    """Return ``named(text)``, or a fold that depends on the corpora.

    "speakers:0" to "speakers:4" keep a fifth of whoever speaks apart, "utterances:0" to
    "utterances:9" nobody.

    Raises:
        HeartenError: no such fold, or fewer speakers than folds.
    """
    protocol, _, number = text.partition(":")
    count = {DRAWN: DRAWN_FOLDS, UTTERANCES: TENTHS}.get(protocol)
    if count is None:
        return named(text)
    if not number.isdigit() or int(number) >= count:
        raise HeartenError(f"unknown fold {text!r}; known: {protocol}:0..{count - 1}")
    if protocol == UTTERANCES:
        fold = int(number)
        return SpeakerDependent(
            protocol, fold, *(tuple(members(protocol)[n % TENTHS]) for n in (fold, fold + 1))
        )
    _, dev, test = speaker_folds(utterances, DRAWN_FOLDS)[int(number)]
    people = [tuple(sorted({u.speaker or "" for u in part})) for part in (test, dev)]
    return Partition(DRAWN, int(number), people[0], people[1])


def named(text: str) -> Partition:
    """Return the partition of a name such as ``luna-jimenez:0``.

    Development: two male (odd) and two female actors of the training part, drawn by the fold's
    number alone, so that every seed of a fold has the same ones. Of CREMA-D and EmoDB it is the
    next fold.

    Raises:
        HeartenError: no such protocol or fold.
    """
    protocol, _, number = text.partition(":")
    known = FOLDS.get(protocol, ())
    if not number.isdigit() or int(number) >= len(known):
        names = ", ".join(f"{name}:0..{len(f) - 1}" for name, f in FOLDS.items())
        raise HeartenError(f"unknown fold {text!r}; known: {names}")
    fold = int(number)
    if protocol in NEXT_DEVELOPS:
        return Partition(protocol, fold, known[fold], known[(fold + 1) % len(known)])
    rng = np.random.default_rng(100 + fold)
    rest = [actor for actor in ACTORS if actor not in known[fold]]
    dev: list[str] = []
    for odd in (1, 0):
        pool = [actor for actor in rest if int(actor) % 2 == odd]
        dev += [str(name) for name in rng.choice(pool, DEV_ACTORS // 2, replace=False)]
    return Partition(protocol, fold, known[fold], tuple(sorted(dev)))

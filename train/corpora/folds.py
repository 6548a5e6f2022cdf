"""Partitions by speaker: nobody is in two of train, development and test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge.errors import HeartenError
from train.corpora import Utterance

Fold = tuple[str, ...]


def _actors(*folds: tuple[int, ...]) -> tuple[Fold, ...]:
    return tuple(tuple(f"{actor:02d}" for actor in fold) for fold in folds)


# Test actors of RAVDESS in the five folds of Luna-Jimenez et al. (2021).
LUNA_JIMENEZ = _actors(
    (2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22)
)

# Test actors of RAVDESS in the six folds of EmoBox (Ma et al. 2024).
EMOBOX = _actors(
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)


def split(
    utterances: Sequence[Utterance], test_speakers: Iterable[str], dev_speakers: Iterable[str] = ()
) -> tuple[list[Utterance], list[Utterance], list[Utterance]]:
    """Return (train, development, test), in the given order; train has everybody else.

    A test speaker who is not in the corpus is no error (RAVDESS song lacks actor 18), a part
    that would stay empty is one.

    Raises:
        HeartenError: a speaker is asked for twice, unknown, or no utterance is left for a part.
    """
    test, dev = set(test_speakers), set(dev_speakers)
    if both := test & dev:
        raise HeartenError(f"speakers in both development and test: {', '.join(sorted(both))}")
    parts: tuple[list[Utterance], list[Utterance], list[Utterance]] = ([], [], [])
    for utterance in utterances:
        if utterance.speaker is None:
            raise HeartenError(f"{utterance.id} has no speaker: it cannot be split by speaker")
        parts[2 if utterance.speaker in test else 1 if utterance.speaker in dev else 0].append(
            utterance
        )
    for name, part, asked in zip(("train", "dev", "test"), parts, (True, dev, test), strict=True):
        if asked and not part:
            raise HeartenError(f"no utterance is left for {name}: check the speakers")
    return parts

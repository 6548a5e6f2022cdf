"""Plain speech: people who read aloud or order a drink, taken as neutral.

Nobody acted and nobody rated: the label is assumed, and told so in ``sources``. Without such speech
a model that has heard actors only takes every voice for one of their emotions. The training part
has half of LibriSpeech's readers and every other order; the other half is for the test. Who gave an
order is not told, so voices of orders may be in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from train.corpora import Utterance, acted, coffee, librispeech

NAME = "plain"
ASSUMED = "assumed: plain speech"
SOURCES = ("librispeech", "coffee")


def load(folder: Path, part: str = "train") -> list[Utterance]:
    """Return the recordings of a part, "train" or "test".

    Raises:
        HeartenError: one of the two corpora is missing.
    """
    read, orders = librispeech.load(folder), coffee.load(folder)
    readers = sorted({str(u.speaker) for u in read})
    half = readers[len(readers) // 2 :] if part == "test" else readers[: len(readers) // 2]
    chosen = [u for u in read if u.speaker in half]
    ordered = orders[1::2] if part == "test" else orders[::2]
    return _neutral(chosen) + _neutral([replace(u, speaker=u.id) for u in ordered])


def without(names: Sequence[str]) -> list[str]:
    """Return the names of corpora but this one: those in which somebody acts."""
    return [name for name in names if name != NAME]


def _neutral(items: Sequence[Utterance]) -> list[Utterance]:
    found = acted("neutral", "none")
    found["sources"] = dict.fromkeys(found["sources"], ASSUMED)
    return [replace(item, **found) for item in items]

"""EmoBank: 10 062 English sentences with valence, arousal and dominance from 1 to 5."""

from __future__ import annotations

from pathlib import Path

from edge.errors import HeartenError
from train.corpora import Utterance, locate, read_table, unusable

NAME = "emobank"
LICENCE = "CC BY-SA 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by-sa/4.0/"
CITE = (
    "Buechel S, Hahn U (2017) EmoBank: Studying the Impact of Annotation Perspective and "
    "Representation Format on Dimensional Emotion Analysis. EACL 2017"
)
COLUMNS = ("id", "split", "V", "A", "D", "text")


def load(folder: Path) -> list[Utterance]:
    """Return the sentences in file order with their official split.

    Raises:
        HeartenError: the file is missing, has other columns, or numbers that are none.
    """
    path = locate(folder, NAME, "text/emobank.csv", "emobank.csv", "corpus/emobank.csv")
    found = []
    for number, row in enumerate(read_table(path, NAME, COLUMNS), start=1):
        try:
            found.append(_utterance(row))
        except ValueError as error:
            raise HeartenError(f"{path}, row {number}: {error}") from error
    if not found:
        raise unusable(path, NAME, "sentences")
    return found


def _utterance(row: dict[str, str]) -> Utterance:
    return Utterance(
        id=row["id"],
        text=row["text"].strip(),
        valence=_scale(row["V"]),
        arousal=_scale(row["A"]),
        dominance=_scale(row["D"]),
        split=row["split"],
        sources=dict.fromkeys(("valence", "arousal", "dominance"), "published, (x - 3) / 2"),
    )


def _scale(rating: str) -> float:
    value = (float(rating) - 3) / 2
    if not -1 <= value <= 1:
        raise ValueError(f"rating {rating} is outside 1 to 5")
    return value

"""Warriner norms: valence, arousal and dominance of 13 915 English words.

The licence (CC BY-NC-ND 3.0) allows use but not passing an altered copy on.
"""

from __future__ import annotations

from pathlib import Path

from edge.errors import HeartenError
from train.corpora import locate, read_table, unusable

NAME = "warriner"
LICENCE = "CC BY-NC-ND 3.0"
LICENCE_URL = "https://creativecommons.org/licenses/by-nc-nd/3.0/"
CITE = (
    "Warriner AB, Kuperman V, Brysbaert M (2013) Norms of valence, arousal, and dominance for "
    "13,915 English lemmas. Behavior Research Methods 45: 1191-1207"
)
PLACES = ("text/warriner_norms.csv", "warriner_norms.csv", "Ratings_Warriner_et_al.csv")
COLUMNS = ("V.Mean.Sum", "A.Mean.Sum", "D.Mean.Sum")


def norms(folder: Path) -> dict[str, tuple[float, float, float]]:
    """Return (valence, arousal, dominance) in [-1, 1] by lower-case word, (x - 5) / 4.

    Where two entries differ only by case, the one written in lower case counts.

    Raises:
        HeartenError: the file is missing, has other columns, or numbers that are none.
    """
    path = locate(folder, NAME, *PLACES)
    found: dict[str, tuple[float, float, float]] = {}
    for number, row in enumerate(read_table(path, NAME, ("Word", *COLUMNS)), start=1):
        word = row["Word"].strip()
        try:
            valence, arousal, dominance = ((float(row[c]) - 5) / 4 for c in COLUMNS)
        except ValueError as error:
            raise HeartenError(f"{path}, row {number}: {error}") from error
        if word.islower() or word.lower() not in found:
            found[word.lower()] = (valence, arousal, dominance)
    if not found:
        raise unusable(path, NAME, "words")
    return found

"""GloVe 6B, 50 dimensions, the 50 000 most frequent words."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from train.corpora import locate

NAME = "glove"
LICENCE = "PDDL 1.0"
LICENCE_URL = "https://opendatacommons.org/licenses/pddl/1-0/"
CITE = "Pennington J, Socher R, Manning CD (2014) GloVe: Global Vectors for Word Representation"
FILE = "glove6b50d_top50k_f16.npz"
MEMBER = "glove.6B.50d.txt"
WORDS, DIMENSIONS = 50_000, 50


def vectors(folder: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the words, most frequent first, and their vectors, shape (words, 50).

    Raises:
        HeartenError: the file is missing or damaged.
    """
    path = locate(folder, NAME, f"text/{FILE}", FILE)
    try:
        with np.load(path, allow_pickle=False) as content:
            words = [str(word) for word in content["words"]]
            table = content["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise HeartenError(f"{path} is damaged: python -m train fetch {NAME}") from error
    if table.shape != (len(words), DIMENSIONS) or not np.isfinite(table).all():
        raise HeartenError(f"{path} is damaged: {len(words)} words, vectors {table.shape}")
    return words, table


def convert(text: Path, target: Path) -> None:
    """Write the first 50 000 lines of the published text file as words and float16 vectors."""
    words: list[str] = []
    table = np.zeros((WORDS, DIMENSIONS), np.float16)
    with text.open(encoding="utf-8") as file:
        for line, row in zip(file, table, strict=False):
            word, *numbers = line.rstrip().split(" ")
            if len(numbers) != DIMENSIONS:
                raise HeartenError(f"{text}, line {len(words) + 1}: not a word and 50 numbers")
            row[:] = [float(number) for number in numbers]
            words.append(word)
    np.savez_compressed(target, words=np.array(words), vectors=table[: len(words)])

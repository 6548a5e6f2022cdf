"""The files of a vocabulary: keywords, forms that share their rows, and words without a row.

``keywords.txt`` lists all forms, behind them the words of the linear half and then the pairs
("can't_wait"), ``shared.txt`` the keyword of each form that shares a row, ``linear.txt`` what has
none, ``heard.txt`` the words to listen for. ``python -m train vocabulary`` writes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import HeartenError
from edge.text import is_keyword, spoken
from train.text_model import Lookup

NEGATIONS = (
    *("no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "without", "cannot"),
    *("don't", "doesn't", "didn't", "can't", "couldn't", "won't", "wouldn't", "shouldn't"),
    *("isn't", "aren't", "wasn't", "weren't", "haven't", "hasn't", "hadn't", "ain't"),
)
FORMS, SHARED, LINEAR, HEARD = "keywords.txt", "shared.txt", "linear.txt", "heard.txt"


@dataclass(frozen=True, slots=True)
class Keywords:
    """The keywords, a row of the table each, and all forms, a word id each, with their keyword.

    The last of the forms, ``linear``, have no keyword: they count in the linear half only. Pairs
    of words are the last of these.
    """

    rows: tuple[str, ...]
    forms: tuple[str, ...]
    keyword: Mapping[str, str]
    linear: tuple[str, ...] = ()


def read(folder: Path) -> Keywords:
    """Read the keywords that ``run`` wrote to a folder.

    Raises:
        HeartenError: there are none, one is no word, pair or mark, or named twice, or
            ``shared.txt`` names a word that is no form, or one as its keyword that is none; or
            ``linear.txt`` does not name the last forms.
    """
    shared, linear = folder / SHARED, folder / LINEAR
    try:
        forms = tuple((folder / FORMS).read_text(encoding="utf-8").split())
        lines = shared.read_text(encoding="utf-8").splitlines() if shared.is_file() else []
        alone = tuple(linear.read_text(encoding="utf-8").split()) if linear.is_file() else ()
        pairs = [(form, keyword) for form, keyword in (line.split("\t") for line in lines)]
    except (OSError, ValueError) as error:
        message = f"no keywords in {folder} ({error}): python -m train vocabulary --out {folder}"
        raise HeartenError(message) from error
    _check(folder / FORMS, forms, written=True)
    _check(shared, [form for form, _ in pairs], empty=True)
    if alone != forms[len(forms) - len(alone) :]:
        raise HeartenError(f"{linear} does not name the last of {FORMS}: train vocabulary again")
    keyword = dict(pairs)
    rows = tuple(word for word in forms[: len(forms) - len(alone)] if word not in keyword)
    if lost := sorted((set(keyword.values()) - set(rows)) | (set(keyword) - set(forms))):
        raise HeartenError(f"{shared}: no such keyword: {' '.join(lost[:10])}")
    return Keywords(rows, forms, keyword | {word: word for word in rows}, alone)


def listened(folder: Path) -> tuple[str, ...]:
    """Return the words that a recogniser listens for: ``heard.txt``, or all forms without it.

    Raises:
        HeartenError: as ``read``, or a word of the list is no form.
    """
    forms, path = tuple(filter(spoken, read(folder).forms)), folder / HEARD
    if not path.is_file():
        return forms
    words = tuple(path.read_text(encoding="utf-8").split())
    _check(path, words)
    if lost := sorted(set(words) - set(forms)):
        raise HeartenError(f"{path}: no such keyword: {' '.join(lost[:10])}")
    return words


def _check(path: Path, words: Sequence[str], empty: bool = False, written: bool = False) -> None:
    """Refuse a list that is empty (unless it may be), or holds what is no word, or a word twice.

    Where ``written``, pairs and marks may be in it.
    """
    if not words and not empty:
        raise HeartenError(f"{path} holds no keyword: python -m train vocabulary writes it")
    if strange := next((word for word in words if not _right(word, written)), None):
        raise HeartenError(f"{path}: {strange!r:.40} is not one word in small letters")
    if twice := next((word for word, count in Counter(words).items() if count > 1), None):
        raise HeartenError(f"{path} names {twice!r} twice: leave one out")


def _right(form: str, written: bool) -> bool:
    """Tell whether a form is one word; where ``written``, a pair or a mark may stand for it."""
    return is_keyword(form) and (written or spoken(form))


def lookup(keywords: Keywords) -> Lookup:
    """Return the row of each word id, and which ids negate; id and row 0 are no word.

    A word that counts in the linear half only has row 0.
    """
    row = {word: i for i, word in enumerate(keywords.rows, start=1)}
    rows = [0, *(row.get(keywords.keyword.get(form, ""), 0) for form in keywords.forms)]
    negates = [False, *(form in NEGATIONS for form in keywords.forms)]
    return Lookup(np.array(rows, np.int32), np.array(negates, np.float32))


def write(keywords: Keywords, folder: Path) -> None:
    """Write the three files that ``read`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = sorted((a, b) for a, b in keywords.keyword.items() if a != b)
    (folder / FORMS).write_text("".join(f"{w}\n" for w in keywords.forms), encoding="utf-8")
    (folder / SHARED).write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    (folder / LINEAR).write_text("".join(f"{w}\n" for w in keywords.linear), encoding="utf-8")

"""Pronunciations that a user adds to the dictionary of the word recogniser."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from typing import Any

from edge.errors import HeartenError

EXAMPLE = "'Z AA NG K T' for zonked"


def add(decoder: Any, dictionary: str, word: str, phones: str | None) -> None:
    """Make a decoder listen for ``word``; its utterance must have ended.

    ``phones`` is the pronunciation, of the phones in the file ``dictionary``, for a word that the
    decoder does not know; for one that it knows, another way to say it, or None.

    Raises:
        HeartenError: an unknown word has no pronunciation, or a phone does not exist.
    """
    said = (phones or "").upper().split()
    known = decoder.lookup_word(word)
    if not said and not known:
        raise HeartenError(
            f"{word!r} is not in the pack's dictionary: give its phones, as in {EXAMPLE}"
        )
    # The decoder itself crashes on no phones, and of a wrong one says only that it failed.
    allowed = phones_of(dictionary)
    if unknown := sorted(set(said) - allowed):
        raise HeartenError(
            f"{word!r}: no such phone: {' '.join(unknown)}; there are {' '.join(sorted(allowed))}"
        )
    if said and known != " ".join(said):
        decoder.add_word(_entry(decoder, word), " ".join(said), True)


@cache
def phones_of(dictionary: str) -> frozenset[str]:
    """Return the phones that a dictionary file uses."""
    lines = Path(dictionary).read_text(encoding="utf-8").splitlines()
    return frozenset(phone for line in lines for phone in line.split()[1:])


def _entry(decoder: Any, word: str) -> str:
    """Return the name of the word's next pronunciation: ``live``, then ``live(2)``."""
    names = itertools.chain([word], (f"{word}({number})" for number in itertools.count(2)))
    return next(name for name in names if not decoder.lookup_word(name))

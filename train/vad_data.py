"""Corpora with voice, words and V/A/D for the seed's tables: who is tested, words as vectors.

IEMOCAP, MSP-IMPROV (and MSPIN) as published, or a CSV of your own. Unlike for a pack no label is
needed: every turn with V/A/D counts, as in the seed work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.errors import HeartenError
from edge.text import tokenise
from train import corpora, licence
from train.corpora import Utterance, glove, iemocap, msp_improv, table
from train.splits import Parts, demand_apart, hold_back, speaker_dependent

LICENSED = {
    "iemocap": iemocap.load,
    "msp-improv": msp_improv.load,
    "mspin": msp_improv.mspin,
}
LOSO, DEPENDENT = "leave-one-session-out", "speaker-dependent"
PROTOCOLS = (LOSO, DEPENDENT)
DEV = 0.2  # of what is not tested, drawn over utterances, as the seed did
LONGEST = 50  # words of an utterance that are read
DRAWN = 100  # dimensions of vectors that start at random
LEARNED, GLOVE = "learned", "glove"


def load(corpus: str) -> list[Utterance]:
    """Return the recordings of a corpus that have V/A/D, in file order.

    Raises:
        HeartenError: an unknown corpus, or one that is not here ("needs licence: ..."), is
            damaged, or has no such recording.
    """
    if corpus.endswith(".csv"):
        found = table.load(Path(corpus))
    elif corpus in LICENSED:
        found = licensed(corpus)
    else:
        known = ", ".join(LICENSED)
        raise HeartenError(f"unknown corpus {corpus!r}; known: {known}, or the path of a CSV")
    rated = [u for u in found if u.path and None not in (u.valence, u.arousal, u.dominance)]
    if not rated:
        raise HeartenError(f"{corpus} has no recording with valence, arousal and dominance")
    return rated


def licensed(corpus: str) -> list[Utterance]:
    """Return all of a licensed corpus; where it is not here the error says what it needs."""
    try:
        return LICENSED[corpus](corpora.root())
    except HeartenError as error:
        raise needs(corpus, error) from error


def needs(corpus: str, error: HeartenError, terms: str = "") -> HeartenError:
    """Return "needs licence: ..." for a corpus that is not here, the error itself for others.

    ``terms`` are those of a corpus that ``train.licence`` does not know.
    """
    if not str(error).startswith("no "):  # it is here, and damaged
        return error
    terms = terms or licence.terms(corpus).licence
    return NeedsLicence(f"needs licence: {corpus} ({terms}): {error}")


class NeedsLicence(HeartenError):
    """A corpus that cannot be fetched is not here; the message says where to ask for it."""


def sessions(items: Sequence[Utterance]) -> list[str]:
    """Return the names of the sessions, sorted; the seed tests the last."""
    return sorted({u.session or "" for u in items})


def split(items: Sequence[Utterance], protocol: str, session: str, seed: int) -> Parts:
    """Return (train, dev, test) by one of ``PROTOCOLS``.

    ``LOSO`` tests ``session``; a fifth of the other utterances, drawn, is for development, as in
    the seed work: nobody is both heard in training and tested. ``DEPENDENT`` draws all parts.

    Raises:
        HeartenError: an unknown protocol, no or too few such utterances, or sessions that share
            speakers.
    """
    if protocol == DEPENDENT:
        return speaker_dependent(items, seed=seed)
    if protocol != LOSO:
        raise HeartenError(f"unknown protocol {protocol!r}; known: {', '.join(PROTOCOLS)}")
    test = [u for u in items if u.session == session]
    rest = [u for u in items if u.session != session]
    if not test or not rest or not session:
        raise HeartenError(
            f"no session {session!r} beside others: {', '.join(filter(None, sessions(items)))}; "
            f"give the column session, or use --protocol {DEPENDENT}"
        )
    demand_apart([rest, test])
    return *hold_back(rest, DEV, seed), test


def truth(items: Sequence[Utterance]) -> NDArray[np.float64]:
    """Return V/A/D in [-1, 1], shape (n, 3)."""
    return np.array([[u.valence, u.arousal, u.dominance] for u in items], np.float64)


def demand_words(items: Sequence[Utterance], corpus: str) -> None:
    """Raise HeartenError where no utterance has a word: the text side needs some."""
    if not any(tokenise(u.text or "") for u in items):
        raise HeartenError(
            f"{corpus} has no transcripts: add transcripts.csv (id,text) beside its ratings; "
            f"{corpora.GUIDE} says where"
        )


class Vocabulary:
    """The words of a corpus; number 0 is padding, 1 a word that is not known."""

    def __init__(self, items: Sequence[Utterance]) -> None:
        """Collect the words of the texts of ``items``."""
        words = sorted({word for u in items for word in tokenise(u.text or "")})
        self.numbers = {word: index for index, word in enumerate(words, start=2)}

    def __call__(self, items: Sequence[Utterance]) -> NDArray[np.int32]:
        """Return the numbers of the first ``LONGEST`` words of each text, shape (n, LONGEST)."""
        table = np.zeros((len(items), LONGEST), np.int32)
        for row, item in zip(table, items, strict=True):
            found = [self.numbers.get(word, 1) for word in tokenise(item.text or "")[:LONGEST]]
            row[: len(found)] = found
        return table

    def vectors(self, source: str, seed: int) -> Floats:
        """Return a row for each number: drawn (``LEARNED``), GloVe's, or those of a file.

        Words without a vector have a drawn one of the same spread; padding has zeros.
        """
        found = {} if source == LEARNED else read_vectors(source, self.numbers)
        size = len(next(iter(found.values()))) if found else DRAWN
        spread = float(np.std(list(found.values()))) if found else 0.05
        rng = np.random.default_rng(seed)
        drawn = rng.normal(0.0, spread, (len(self.numbers) + 2, size)).astype(np.float32)
        drawn[0] = 0.0
        for word, vector in found.items():
            drawn[self.numbers[word]] = vector
        return drawn


def read_vectors(source: str, words: Mapping[str, int]) -> dict[str, Floats]:
    """Return the vectors of ``words``: ``GLOVE``'s, or those of a file in a usual format.

    Text has a word and its numbers a line (GloVe, FastText, word2vec, with or without a header);
    ``.bin`` is word2vec's binary form.

    Raises:
        HeartenError: the file is missing, damaged, or has none of the words.
    """
    if source == GLOVE:
        known, table = glove.vectors(corpora.root())
        found = {word: row for word, row in zip(known, table, strict=True) if word in words}
    else:
        path = Path(source)
        try:
            found = (_binary if path.suffix == ".bin" else _lines)(path, words)
        except (OSError, ValueError) as error:
            raise HeartenError(f"{path} cannot be read as word vectors: {error}") from error
    if not found:
        raise HeartenError(f"{source}: no vector of any of the {len(words)} words")
    return found


def _lines(path: Path, words: Mapping[str, int]) -> dict[str, Floats]:
    found = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            word, *numbers = line.rstrip().split(" ")
            if word in words and len(numbers) > 1:
                found[word] = np.array(numbers, np.float32)
    if len({len(vector) for vector in found.values()}) > 1:
        raise ValueError("vectors of different lengths")
    return found


def _binary(path: Path, words: Mapping[str, int]) -> dict[str, Floats]:
    found = {}
    with path.open("rb") as file:
        count, size = (int(number) for number in file.readline().split())
        for _ in range(count):
            letters = bytearray()
            while (letter := file.read(1)) not in (b" ", b""):
                letters += letter
            content = file.read(4 * size)
            if len(content) < 4 * size:
                raise ValueError("it ends in the middle of a vector")
            if (word := letters.decode("utf-8", "replace").strip()) in words:
                found[word] = np.frombuffer(content, "<f4").copy()
    return found

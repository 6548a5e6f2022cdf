"""Emotion from words: a bag of keyword embeddings, weighted by how surely each word was heard."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property
from heapq import nlargest

import numpy as np

from edge.emotion import Floats, Scores, Word
from edge.errors import HeartenError, PackError
from edge.interpreter import Graph

SLOTS = 48
"""Words in one call of the graph; of more words the most certain ones are kept."""

PAIR = "_"
"""Joins two neighbours that are a keyword together ("can't_wait"); no word holds it."""

NEIGHBOURS = 3
"""How many keywords stand for a word that was added with its V/A/D."""

MARKS = ("!", "?")
"""Signs that may be keywords: only a written text has them, and "!" tells arousal."""

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_KEYWORD = re.compile(rf"{_TOKEN.pattern}(?:{PAIR}{_TOKEN.pattern})?|[{''.join(MARKS)}]")
_MARKED = re.compile(rf"{_TOKEN.pattern}|!+|\?+")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})


def tokenise(text: str) -> list[str]:
    """Return the words of ``text`` in lower case, in any script; apostrophes inside are kept.

    Training and the device share this function. Digits, punctuation and emoji separate words;
    an empty text gives an empty list.
    """
    return _TOKEN.findall(text.translate(_APOSTROPHES).lower())


def marked(text: str) -> list[str]:
    """Return the words of ``text`` as ``tokenise`` does, and ``MARKS`` between them, "!!" once."""
    found = _MARKED.findall(text.translate(_APOSTROPHES).lower())
    return [one[0] if one[0] in MARKS else one for one in found]


def is_keyword(text: str) -> bool:
    """Tell whether a text may be a keyword: one word in small letters, a pair, or a mark."""
    return _KEYWORD.fullmatch(text) is not None and text == text.lower()


def spoken(keyword: str) -> bool:
    """Tell whether a keyword can be heard: a pair of words or a mark is written only."""
    return PAIR not in keyword and keyword not in MARKS


def written(said: Iterable[tuple[str, float]], known: Collection[str]) -> tuple[Word, ...]:
    """Return the ``known`` among the words of a text, each with its confidence, and their pairs.

    Pairs and marks come first; a pair is as sure as its less certain word. Of more than the graph
    has places the most certain are kept, of equal ones the earlier, so a long text costs no more
    than its reading. They have no times.
    """
    found = (Word(*one) for one in _found(said) if one[0] in known)
    best = nlargest(SLOTS, enumerate(found), key=lambda numbered: numbered[1].confidence)
    best.sort(key=lambda numbered: (spoken(numbered[1].word), numbered[0]))
    return tuple(word for _, word in best)


def _found(said: Iterable[tuple[str, float]]) -> Iterator[tuple[str, float, float, float]]:
    before, sure_before = "", 0.0
    for word, sure in said:
        if before and word not in MARKS:
            yield before + PAIR + word, 0.0, 0.0, min(sure, sure_before)
        yield word, 0.0, 0.0, sure
        if word not in MARKS:
            before, sure_before = word, sure


class TextModel:
    """The word branch: keywords and their confidences in, V/A/D and category shares out.

    The graph takes ``ids`` int32 (1, slots), 0 = no word, and ``weights`` float32 (1, slots), and
    gives ``vad`` (1, 3) in [-1, 1] and ``probabilities`` (1, labels). Keyword i of ``words`` is
    row i + 1 of its table. A keyword may be a pair of words or a mark: see ``written``.
    """

    def __init__(self, graph: Graph, words: tuple[str, ...], labels: tuple[str, ...]) -> None:
        """Check that graph, keywords and labels belong together; raises PackError if not."""
        self.words = words
        self.labels = labels
        self._graph = graph
        self._rows: dict[str, tuple[int, ...]] = {w: (i,) for i, w in enumerate(words, start=1)}
        self._slots = graph.shape("ids")[-1]
        shapes = {"ids": (1, self._slots), "weights": (1, self._slots)}
        shapes |= {"vad": (1, 3), "probabilities": (1, len(labels))}
        for tensor, shape in shapes.items():
            if graph.shape(tensor) != shape:
                found = graph.shape(tensor)
                raise PackError(f"{graph.name}: {tensor} has shape {found}, wanted {shape}")
        if len(self._rows) < len(words):
            raise PackError(f"the keywords of {graph.name} name a word twice")
        try:
            self._run([(len(words), 1.0)])
        except (RuntimeError, ValueError, IndexError):
            raise PackError(f"{graph.name} has fewer rows than keywords ({len(words)})") from None

    @property
    def known(self) -> Collection[str]:
        """The keywords, those that were added included."""
        return self._rows.keys()

    def score(self, words: Sequence[Word]) -> Scores | None:
        """Return the scores of the words heard; None when none of them is a keyword.

        A confidence outside [0, 1] is clipped, NaN counts as 0. Of more words than the graph has
        places, the most certain are kept; of equal ones, the earlier.
        """
        found = [
            (row, share)
            for word in words
            for row, share in self._shares(word.word, min(1.0, max(0.0, word.confidence)))
        ]
        if not found:
            return None
        if len(found) > self._slots:
            best = sorted(range(len(found)), key=lambda i: -found[i][1])[: self._slots]
            found = [found[i] for i in sorted(best)]
        return self._run(found)

    @staticmethod
    def evidence(words: Iterable[Word]) -> float:
        """Return how much was heard, from 0: the sum of the confidences of the words.

        Pairs and marks add nothing to it: they tell more of words that count already.
        """
        return sum(word.confidence for word in words if spoken(word.word))

    def weight(self, word: str) -> float:
        """Return how far a word, surely heard and alone, moves V/A/D; 0 where it is no keyword.

        Learned, not below 0; the strongest keywords of the built-in pack have about 0.5.
        """
        shares = self._shares(word, 1.0)
        return float(np.linalg.norm(self._run(shares).vad - self._run([]).vad)) if shares else 0.0

    def add_word(
        self,
        word: str,
        *,
        like: str | Sequence[str] | None = None,
        vad: Sequence[float] | None = None,
    ) -> None:
        """Teach a word without training: as the mean of the keywords that it is ``like``.

        ``vad`` names them by what they say alone instead: the keywords nearest to these V/A/D,
        each in [-1, 1] on the scale of the model's own V/A/D.

        Raises:
            HeartenError: the word is one already or not a single word, neither or both of
                ``like`` and ``vad`` are given, or one of them is wrong.
        """
        if tokenise(word) != [word]:
            raise HeartenError(f"{word!r} is not one word of small letters")
        if word in self._rows:
            raise HeartenError(f"{word!r} is a keyword already")
        if (like is None) == (vad is None):
            raise HeartenError(f"{word!r}: say which keyword it is like, or give its V/A/D")
        near = (
            self._nearest(word, vad)
            if vad is not None
            else [like]
            if isinstance(like, str)
            else like
        )
        rows = [row for name in near or () for row in self._known(word, name)]
        if not rows:
            raise HeartenError(f"{word!r}: say which keyword it is like, or give its V/A/D")
        self._rows[word] = tuple(rows)

    def remove_word(self, word: str) -> None:
        """Forget a word that was added; a keyword of the pack stays."""
        if word not in self.words:
            self._rows.pop(word, None)

    def _known(self, word: str, like: str) -> tuple[int, ...]:
        if like not in self._rows:
            close = get_close_matches(like, self._rows, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise HeartenError(f"{word!r} is to be like {like!r}, which is no keyword{hint}")
        return self._rows[like]

    def _nearest(self, word: str, vad: Sequence[float]) -> list[str]:
        """Return the keywords whose V/A/D, alone, are nearest; each dimension counts alike."""
        wanted = np.asarray(vad, dtype=np.float32)
        if wanted.shape != (3,) or not (np.abs(wanted) <= 1.0).all():
            raise HeartenError(f"{word!r}: V, A and D are three numbers in -1..1, not {vad!r}")
        spread = np.maximum(self._alone.std(axis=0), 1e-6)
        distance = np.square((self._alone - wanted) / spread).sum(axis=1)
        return [self.words[i] for i in np.argsort(distance, kind="stable")[:NEIGHBOURS]]

    @cached_property
    def _alone(self) -> Floats:
        """V/A/D of every keyword heard alone, shape (words, 3)."""
        return np.stack([self._run([(row, 1.0)]).vad for row in range(1, len(self.words) + 1)])

    def _shares(self, word: str, confidence: float) -> list[tuple[int, float]]:
        """Return the rows that stand for a word, which share its confidence."""
        rows = self._rows.get(word, ())
        return [(row, confidence / len(rows)) for row in rows]

    def from_transcript(self, text: str) -> Scores | None:
        """Return the scores of a written sentence, every keyword taken as certain."""
        return self.score(written(((word, 1.0) for word in marked(text)), self.known))

    def _run(self, found: Sequence[tuple[int, float]]) -> Scores:
        ids = np.zeros((1, self._slots), np.int32)
        weights = np.zeros((1, self._slots), np.float32)
        for place, (row, weight) in enumerate(found):
            ids[0, place] = row
            weights[0, place] = weight
        outputs = self._graph.run(ids=ids, weights=weights)
        vad = np.clip(outputs["vad"][0], -1.0, 1.0).astype(np.float32)
        return Scores(vad, outputs["probabilities"][0].astype(np.float32))

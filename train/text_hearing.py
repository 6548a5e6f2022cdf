"""How well pocketsphinx tells a word from others: from its phones and its near neighbours.

``python -m train vocabulary --hearing`` decodes LibriSpeech with pocketsphinx's full dictionary
and language model and fits a logistic regression of "heard right" on three facts of the spoken
word: its phones, how easily it is confused, and the logarithm of its frequency. ``FITTED`` holds
what it found.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.corpora import librispeech
from train.language import Pronunciations, read_dictionary
from train.ngram import read_trie

Array = NDArray[np.float64]

RARE = 1e-7
"""Frequency of a word that the language model does not hold."""

FITTED = (0.61, 0.26, 0.01, 0.66)
"""Intercept, and what a phone, full confusability and a tenfold frequency add to the log odds.

From 1860 spoken words: confusability says nothing that length and frequency do not say.
"""


class Hearing:
    """The pronunciations and frequencies of pocketsphinx's English model, and what follows."""

    def __init__(self, spoken: Pronunciations, frequency: Mapping[str, float]) -> None:
        """``frequency`` are the unigram probabilities of the language model."""
        self.spoken = spoken
        self.frequency = frequency
        self._near: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for word in frequency:
            for variant in spoken.get(word, ()):
                for pattern in patterns(variant.split()):
                    self._near[pattern].add(word)

    @classmethod
    def open(cls) -> Hearing:
        """Read the models of the pocketsphinx wheel."""
        import pocketsphinx

        home = Path(pocketsphinx.get_model_path()) / "en-us"
        model = read_trie(home / "en-us.lm.bin")
        frequency = dict(zip(model.words, model.unigram.tolist(), strict=True))
        return cls(read_dictionary(home / "cmudict-en-us.dict"), frequency)

    def phones(self, word: str) -> int:
        """Return the phones of the word's first pronunciation; 0 for an unknown word."""
        return len(self.spoken[word][0].split()) if word in self.spoken else 0

    def confusability(self, word: str) -> float:
        """Return the share, [0, 1], of the words that sound alike in what is said of them all.

        Alike are words at one phone's distance: substituted, left out or put in.
        """
        alike = {
            other
            for variant in self.spoken.get(word, ())
            for pattern in patterns(variant.split())
            for other in self._near[pattern]
        } - {word}
        others = sum(self.frequency.get(other, RARE) for other in alike)
        return others / (others + self.frequency.get(word, RARE))

    def facts(self, word: str) -> tuple[float, float, float]:
        """Return phones, confusability and log10 of the frequency."""
        frequency = self.frequency.get(word, RARE)
        return self.phones(word), self.confusability(word), math.log10(frequency)

    def chance(self, word: str, fitted: Sequence[float] = FITTED) -> float:
        """Return the probability, (0, 1), that the word is heard right where it is said."""
        odds = fitted[0] + float(np.dot(self.facts(word), fitted[1:]))
        return 1.0 / (1.0 + math.exp(-odds))


def patterns(phones: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Return what a pronunciation shares with those at one phone's distance of it."""
    sound = tuple(phones)
    yield sound
    for place in range(len(sound) + 1):
        yield (*sound[:place], "*", *sound[place:])
    for place in range(len(sound)):
        yield (*sound[:place], "*", *sound[place + 1 :])


def fit(folder: Path, hearing: Hearing, limit: int | None = None) -> tuple[Array, int]:
    """Decode LibriSpeech; return the four numbers of ``FITTED`` and how many words they rest on."""
    from sklearn.linear_model import LogisticRegression

    said, right = [], []
    for words, heard in _decoded(folder, limit):
        left = Counter(heard)
        for word in words:
            if hearing.phones(word):
                said.append(hearing.facts(word))
                right.append(left[word] > 0)
                left[word] -= 1
    model = LogisticRegression().fit(np.array(said), np.array(right))
    return np.array([*model.intercept_, *model.coef_[0]]), len(said)


def _decoded(folder: Path, limit: int | None) -> Iterable[tuple[list[str], list[str]]]:
    """Return the words said and the words heard of every recording, in the order of the corpus."""
    import pocketsphinx

    from edge.audio.files import read
    from edge.decoder import RecognizerSettings
    from edge.keywords import Recognizer

    home = Path(pocketsphinx.get_model_path()) / "en-us"
    model, words = str(home / "en-us.lm.bin"), str(home / "cmudict-en-us.dict")
    recognizer = Recognizer(RecognizerSettings(model, words), frozenset())
    for item in librispeech.load(folder)[:limit]:
        if item.path is not None:
            recognizer.begin(0.0)
            recognizer.push(read(item.path))
            recognizer.end()
            yield (item.text or "").split(), recognizer.heard.split()
    recognizer.close()

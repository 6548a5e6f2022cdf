"""What a recogniser makes of a sentence: words lost, words put in, and how sure it is of each.

``python -m train mishearing`` measures on LibriSpeech how often a spoken keyword is heard, how many
wrong ones come for each spoken word, and the confidences of both. A word's own chance grows with
its phones and its frequency, as ``train.text_hearing`` found. So a recogniser is a table of
chances; ``python -m train spoken`` has the real one hear synthetic voices.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Word
from edge.errors import HeartenError
from edge.keywords import kept
from train import keyword_files, recognition
from train.corpora import librispeech, root
from train.language import read_dictionary
from train.ngram import read_trie
from train.provenance import origin, store
from train.recognition_heard import Listener, Store
from train.recognition_setup import device_settings
from train.text_hearing import FITTED, RARE

PLACE = Path("results/recognition-mishearing.json")
POINTS = 21  # of a distribution of confidences
UNHEARD = 0.02  # least chance of a keyword that is in the dictionary
SURE = 0.98


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured, all words of the language model being keywords or not.

    ``recall`` is the share of the spoken keywords that is heard, ``inserted`` the number of wrong
    keywords for each spoken word (keyword or not). ``right`` and ``wrong`` are quantiles of the
    confidences of words heard rightly and wrongly, rising, at even steps.
    """

    recall: float
    inserted: float
    right: tuple[float, ...]
    wrong: tuple[float, ...]


class Mishearing:
    """Damages sentences as a recogniser would, at random."""

    def __init__(
        self, rates: Rates, language: Path, keywords: Sequence[str], least: float = 0.0
    ) -> None:
        """``language`` is the folder of ``python -m train language``; ``keywords`` are all forms.

        Words with a confidence below ``least`` are dropped, as the device does.
        """
        self.rates, self.least = rates, least
        model = read_trie(language / "words.lm.bin")
        spoken = read_dictionary(language / "words.dict")
        frequency = dict(zip(model.words, model.unigram.tolist(), strict=True))
        known = [word for word in keywords if word in spoken]
        if not known:
            raise HeartenError(f"{language} and the keywords have no word in common: train both")
        shares = np.array([frequency.get(word, RARE) for word in known])
        facts = np.array([(len(spoken[w][0].split()), 0.0) for w in known])
        odds = FITTED[0] + facts @ FITTED[1:3] + FITTED[3] * np.log10(shares)
        self._words, self._likely = known, np.cumsum(shares) / shares.sum()
        self._chance = dict(zip(known, _scaled(odds, shares, rates.recall), strict=True))

    def __call__(self, words: Sequence[str], rng: np.random.Generator, lost: bool) -> list[Word]:
        """Return what is heard of the words of a sentence; if ``lost``, only what is put in."""
        chances = np.array([0.0 if lost else self._chance.get(w, 0.0) for w in words])
        kept = [w for w, hit in zip(words, rng.random(len(words)) < chances, strict=True) if hit]
        right = self._sure(self.rates.right, len(kept), rng)
        count = rng.poisson(self.rates.inserted * len(words))
        places = np.searchsorted(self._likely, rng.random(count))
        wrong = self._sure(self.rates.wrong, count, rng)
        heard = [(float(i), *both) for i, both in enumerate(zip(kept, right, strict=True))]
        heard += zip(
            rng.uniform(-1, len(kept), count), (self._words[p] for p in places), wrong, strict=True
        )
        return [
            Word(word, float(i), i + 1.0, float(sure))
            for i, (_, word, sure) in enumerate(sorted(heard))
            if sure >= self.least
        ]

    def _sure(
        self, quantiles: Sequence[float], count: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        return np.interp(rng.random(count), np.linspace(0, 1, len(quantiles)), quantiles)


def _scaled(
    odds: NDArray[np.float64], shares: NDArray[np.float64], recall: float
) -> NDArray[np.float64]:
    """Shift log odds until the mean chance of what is spoken is ``recall``."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        chances = 1.0 / (1.0 + np.exp(-(odds + middle)))
        low, high = (middle, high) if chances @ shares < recall * shares.sum() else (low, middle)
    return np.clip(1.0 / (1.0 + np.exp(-(odds + low))), UNHEARD, SURE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--language", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--text", type=Path, default=Path("runs/text"), metavar="DIR")
    parser.add_argument("--kept", type=Path, default=Path("runs/recognition"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=PLACE, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Measure on LibriSpeech; what ``train recognition`` decoded is not decoded again."""
    keywords = frozenset(keyword_files.listened(args.text))
    settings = device_settings(args.language)
    heard = []
    known = Store(args.kept / "librispeech.json", settings)
    with known, Listener(settings, keywords) as listener:
        for item in librispeech.load(root()):
            found = recognition.listen(listener, known, item)
            words = kept(found.pieces, found.snr_db, keywords, settings, 0.0)
            heard.append(((item.text or "").split(), words))
    rates = measure(heard, keywords)
    content = {
        "task": "recognition",
        "corpus": "librispeech-test-other",
        "protocol": f"all speakers, every keyword kept, {len(heard)} utterances",
        "artefact": "pocketsphinx",
        "seeds": [],
        "metrics": {
            "recall": {"mean": rates.recall},
            "inserted_per_word": {"mean": rates.inserted},
        },
        "rates": asdict(rates),
        **origin(),
        "notes": "what the constructed pairs are damaged with; quantiles of confidences in rates",
    }
    store(args.out, content)
    print(f"recall {rates.recall}, {rates.inserted} wrong words a word -> {args.out}")
    return 0


def read(place: Path) -> Rates:
    """Read what was measured.

    Raises:
        HeartenError: there is no such file.
    """
    try:
        values = json.loads(place.read_text())["rates"]
        lists = tuple(values["right"]), tuple(values["wrong"])
        return Rates(float(values["recall"]), float(values["inserted"]), *lists)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HeartenError(f"{place}: {error}: python -m train mishearing") from None


def measure(
    heard: Sequence[tuple[Sequence[str], Sequence[Word]]], keywords: frozenset[str]
) -> Rates:
    """Return the rates of recordings: the words said and the keywords heard of each."""
    said = right = words = 0
    sure: dict[bool, list[float]] = {True: [], False: []}
    for spoken, found in heard:
        left = Counter(word for word in spoken if word in keywords)
        said, words = said + left.total(), words + len(spoken)
        for word in sorted(found, key=lambda w: -w.confidence):
            hit = left[word.word] > 0
            left[word.word] -= hit
            sure[hit].append(word.confidence)
            right += hit
    if min(map(len, sure.values())) < POINTS:
        raise HeartenError("too few words were heard to measure what is misheard; use more audio")
    steps = np.linspace(0, 1, POINTS)
    rows = [tuple(np.quantile(sure[k], steps).round(4).tolist()) for k in (True, False)]
    return Rates(round(right / said, 4), round(len(sure[False]) / words, 4), *rows)

"""The constructed benchmark as rows for a fusion: what voice and words say of every pair.

The voice is that of each fold of ``train evaluate voice``: it says of the development actors what
it said when it had not heard them (its sibling, see there), and of the test actors what the shipped
kind of model says. The words are what ``train.mishearing`` leaves of the sentences, scored by the
quantised text graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.emotion import Word
from train import bimodal, text_data
from train.bimodal import Pair
from train.calibration import calibrated, fit_temperature
from train.corpora import LABELS, Utterance, glove
from train.mishearing import Mishearing
from train.modalities import UNLABELLED, Rows, Side, Values
from train.pairs import NOVELTY, Texts, Voices, load_plain, load_voices, plain_pairs
from train.text_reader import Reader

WRITTEN = "as written"  # no level of the benchmark: what a perfect recogniser would give
HALF = 0.5  # of a certain word: one unsure word alone gives a small vector


class Sentences:
    """The sentences of the list as they are heard, and what the text model says of them."""

    def __init__(self, corpora: Path, reader: Reader, hear: Mishearing) -> None:
        """Read the corpora; raises HeartenError where one is missing."""
        known = bimodal.sentences(corpora)
        self._words = {name: text_data.words_of(u) for name, u in known.items()}
        self._hear, self._reader = hear, reader
        words, vectors = glove.vectors(corpora)
        self._vectors = dict(zip(words, vectors.astype(np.float64), strict=True))
        self._size = vectors.shape[1]
        self._heard: dict[tuple[str, int, bool], list[Word]] = {}

    def __call__(self, pairs: Sequence[Pair], level: str, rated: bool) -> tuple[Side, Values]:
        """Return what is said of the sentences of pairs on a level, and the evidence.

        Features are the mean of GloVe's vectors, weighed by confidence, and the log of the
        evidence. ``WRITTEN`` is a level too: the words as they stand, each for certain.
        """
        heard = [self._one(pair, level, rated) for pair in pairs]
        said, evidence = self._reader(heard)
        features = np.stack([self._features(words) for words in heard])
        return replace(said, features=features), evidence

    def _one(self, pair: Pair, level: str, rated: bool) -> list[Word]:
        if level == WRITTEN:
            words = self._words[pair.said(level, rated)]
            return [Word(word, float(i), i + 1.0, 1.0) for i, word in enumerate(words)]
        lost = level == "missing" and pair.silent
        key = pair.said(level, rated), pair.key, lost
        if key not in self._heard:  # a level changes few of the pairs
            rng = np.random.default_rng([pair.key, lost])
            self._heard[key] = self._hear(self._words[key[0]], rng, lost)
        return self._heard[key]

    def _features(self, words: Sequence[Word]) -> Values:
        total, evidence = np.zeros(self._size), 0.0
        for word in words:
            if (vector := self._vectors.get(word.word)) is not None:
                total, evidence = total + word.confidence * vector, evidence + word.confidence
        return np.append(total / (evidence + HALF), np.log1p(evidence))


Said = Mapping[str, tuple[Values, Values, float]]
"""What a voice model says of utterances: probabilities (8,), V/A/D (3,), and their novelty."""


def said(folder: Path) -> tuple[Said, Said]:
    """Return what the voice of a fold says of its development utterances and of the test's.

    Both at the temperature that suits the development utterances.
    """
    parts = [load_voices(folder, part) for part in ("dev", "test")]
    temperature = fit_temperature(parts[0])
    dev, test = (_by_name(voices, temperature) for voices in parts)
    return dev, test


def _by_name(voices: Voices, temperature: float) -> Said:
    shares = calibrated(voices, temperature)
    unlike = np.zeros(len(shares)) if voices.novelty is None else voices.novelty
    rows = zip(voices.names, shares, voices.vad, unlike.tolist(), strict=True)
    return {name: (p, v, novelty) for name, p, v, novelty in rows}


def plain(folder: Path, texts: Texts) -> Rows | None:
    """Return pairs of plain voices with sentences, None where novelty was not measured."""
    if not (folder / NOVELTY).is_file():
        return None
    dev, voices = load_voices(folder, "dev"), load_plain(folder)
    return plain_pairs(voices, calibrated(voices, fit_temperature(dev)), texts, dev.truth)


class Bench:
    """Pairs become rows: what the models say of voices and sentences, and what is right."""

    def __init__(
        self,
        known: Mapping[str, Utterance],
        sentences: Sentences,
        functionals: Mapping[str, Values],
    ) -> None:
        """``known`` are the utterances by id; ``functionals`` their features, or none."""
        self._known, self._sentences, self._functionals = known, sentences, functionals

    def rows(self, pairs: Sequence[Pair], level: str, voice: Said | None, rated: bool) -> Rows:
        """Return a row a pair, with its class or, if ``rated``, with V/A/D.

        Without ``voice`` the voice's side has its features alone.
        """
        known = [self._known[p.utterance] for p in pairs]
        text, evidence = self._sentences(pairs, level, rated)
        features = [self._functionals[p.utterance] for p in pairs] if self._functionals else None
        scores = [voice[p.utterance] for p in pairs] if voice else None
        classes = np.array([LABELS.index(u.label or LABELS[0]) for u in known])
        truth = text_data.vad_targets(known).astype(np.float64)
        return Rows(
            Side(
                np.stack(features) if features else None,
                np.stack([s[0] for s in scores]).astype(np.float64) if scores else None,
                np.stack([s[1] for s in scores]).astype(np.float64) if scores else None,
            ),
            text,
            np.full(len(pairs), UNLABELLED) if rated else classes,
            truth if rated else np.full((len(pairs), 3), np.nan),
            evidence,
            len(LABELS),
            np.array([s[2] for s in scores]) if scores else None,
        )

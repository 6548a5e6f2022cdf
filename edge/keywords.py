"""Emotion words in speech: decode an ordinary sentence with pocketsphinx, keep the keywords."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Word
from edge.errors import MissingExtra, PackError

RATE = 16000
FRAMES_PER_SECOND = 100
# The decoder holds the interpreter lock: pieces of 100 ms stall other threads 43 ms at most.
BLOCK = RATE // 10
# Words that touch the edge of the audio are lost without some near-silence around them.
PADDING = 3 * BLOCK
PADDING_LEVEL = 4.0
# One endless utterance grows by 12 MB a minute.
LONGEST = 10 * RATE
# After the first seconds were held back, a pushed block lets this many held ones through.
CATCH_UP = 3
# The weight, in frames, of the usual channel against the one measured in the held-back audio.
PRIOR_FRAMES = 20
OPTIONS: dict[str, Any] = {
    "fwdflat": False,
    "bestpath": True,
    "maxhmmpf": 3000,
    "maxwpf": 5,
    # A small vocabulary hears short keywords in longer unknown words: make new words dearer.
    "lw": 8.0,
    "wip": 0.1,
    # The mean cepstrum of LibriSpeech utterances.
    "cmninit": "46.43,4.94,2.66,5.54,-0.09,-0.87,-6.62,-5.77,-5.53,-1.35,4.45,-3.64,3.91",
}

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class RecognizerSettings:
    """What a recogniser needs; a pack's manifest holds it.

    ``language_model`` (binary trie) and ``dictionary`` are paths; ``acoustic_model`` is a folder,
    or None for the en-us model inside the pocketsphinx wheel. Words whose confidence is below
    ``min_confidence`` are dropped. ``partial_confidence`` is given to the words of a partial
    result, which have no posterior: 0 drops them. ``confidence_map`` holds points (posterior,
    confidence), posteriors rising: the decoder is over-confident, and the line through the
    points says how often it is right; empty means the posterior itself. ``settle`` is the audio,
    in seconds, from which the channel is learnt before decoding starts; the decoder then catches
    up. ``options`` are settings of the decoder, over ``OPTIONS``.
    """

    language_model: str
    dictionary: str
    acoustic_model: str | None = None
    min_confidence: float = 0.5
    partial_confidence: float = 0.3
    confidence_map: tuple[tuple[float, float], ...] = ()
    settle: float = 2.0
    options: dict[str, Any] = field(default_factory=dict)


class Recognizer:
    """Hears keywords in one utterance at a time.

    Call ``begin``, ``push`` as often as there is audio, then ``end``. Results depend neither on
    the lengths of the pushed pieces nor on earlier utterances.
    """

    _words: list[Word]
    _said: list[str]
    _partial: list[tuple[str, int, int]]
    _held: list[Samples]
    _rest: Samples

    def __init__(self, settings: RecognizerSettings, keywords: frozenset[str]) -> None:
        """Load the models.

        Raises:
            MissingExtra: pocketsphinx is not installed.
            PackError: a model file is missing or damaged, or a setting is wrong.
        """
        posteriors = [posterior for posterior, _ in settings.confidence_map]
        if posteriors != sorted(set(posteriors)):
            raise PackError("the posteriors of the recogniser's confidence_map must rise")
        self.settings = settings
        self.keywords = keywords
        self._decoder = _decoder(settings)
        if keywords and not any(map(self._decoder.lookup_word, keywords)):
            raise PackError(f"the dictionary {settings.dictionary} holds none of the keywords")
        self._usual = _cepstrum(self._decoder)
        noise = np.random.default_rng(0).normal(0.0, PADDING_LEVEL, PADDING)
        self._padding: Samples = noise.astype(np.int16)
        self._running = False
        self._forget()

    def begin(self, start: float) -> None:
        """Start an utterance at ``start`` seconds of the stream; one in progress is dropped."""
        self.abort()
        self._start = start
        self._begun = True

    def push(self, samples: Samples) -> None:
        """Add audio of the utterance: int16 mono at 16 kHz, shape (n,), any n.

        Raises:
            ValueError: no utterance was begun, or the samples are not int16.
        """
        if not self._begun:
            raise ValueError("push without begin")
        if samples.dtype != np.int16:
            raise ValueError(f"samples must be int16, not {samples.dtype}")
        rest = np.concatenate([self._rest, samples])
        whole = len(rest) // BLOCK * BLOCK
        self._rest = rest[whole:]
        for block in rest[:whole].reshape(-1, BLOCK):
            self._held.append(block)
            if self._running or len(self._held) * BLOCK >= self.settings.settle * RATE:
                self._release(CATCH_UP)

    def end(self) -> list[Word]:
        """Finish the utterance and return the keywords heard, in order of time.

        Where the decoder finds no complete sentence, the keywords of its last partial result are
        returned with the fixed ``partial_confidence``.
        """
        if len(self._rest):
            self._held.append(self._rest)
        self._release(len(self._held))
        if self._running:
            self._finish()
        words, said = self._words, self._said
        self._forget()
        self._said = said
        return words

    def abort(self) -> None:
        """Drop the utterance in progress, if there is one."""
        if self._running:
            self._decoder.end_utt()
            self._running = False
        self._forget()

    def close(self) -> None:
        """Drop the utterance in progress and free the models; the object is of no use after."""
        self.abort()
        self._decoder = None

    @property
    def heard(self) -> str:
        """All words decoded so far, or those of the last utterance, for a live display."""
        return " ".join([*self._said, *(_spelling(word) for word, _, _ in self._partial)])

    def _forget(self) -> None:
        self._begun = False
        self._words = []
        self._said = []
        self._partial = []
        self._held = []
        self._rest = np.zeros(0, np.int16)

    def _release(self, count: int) -> None:
        """Decode up to ``count`` held blocks; first learn the channel if decoding begins."""
        for _ in range(min(count, len(self._held))):
            if not self._running:
                self._learn_channel(np.concatenate(self._held))
                self._open()
            self._feed(self._held.pop(0))
            if self._fed >= LONGEST:
                self._finish()
                self._start += self._fed / RATE

    def _learn_channel(self, samples: Samples) -> None:
        """Set the cepstral mean from the utterance itself, so that no earlier one matters."""
        decoder = self._decoder
        # The noise and channel estimates outlive an utterance; only this call resets both.
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), no_search=True, full_utt=True)
        decoder.end_utt()
        frames = len(samples) * FRAMES_PER_SECOND / RATE
        here, usual = frames * _cepstrum(decoder), PRIOR_FRAMES * self._usual
        mean = (here + usual) / (frames + PRIOR_FRAMES)
        self._channel = ",".join(f"{value:.4f}" for value in mean)

    def _open(self) -> None:
        """Begin one utterance of the decoder."""
        self._fed = 0
        self._decoder.set_cmn(self._channel)
        self._decoder.start_utt()
        self._running = True
        self._pad()

    def _feed(self, block: Samples) -> None:
        self._fed += len(block)
        self._decoder.process_raw(block.tobytes())
        pieces = [(p.word, p.start_frame, p.end_frame) for p in self._decoder.seg() or ()]
        self._partial = [piece for piece in pieces if _is_word(piece[0])] or self._partial

    def _pad(self) -> None:
        for block in self._padding.reshape(-1, BLOCK):
            self._decoder.process_raw(block.tobytes())

    def _finish(self) -> None:
        """End the decoder's utterance and append its words and text."""
        self._pad()
        self._decoder.end_utt()
        self._running = False
        pieces = [
            (p.word, p.start_frame, p.end_frame, self._confidence(p.prob))
            for p in self._decoder.seg() or ()
            if _is_word(p.word)
        ]
        if not pieces:
            unsure = self.settings.partial_confidence
            pieces = [(*piece, unsure) for piece in self._partial]
        self._said += [_spelling(word) for word, *_ in pieces]
        self._words += self._keep(pieces)
        self._partial = []

    def _confidence(self, posterior: float) -> float:
        """Map the decoder's posterior of a word to how often such a word is right."""
        points = self.settings.confidence_map
        if not points:
            return float(min(posterior, 1.0))
        return float(np.interp(posterior, [p for p, _ in points], [c for _, c in points]))

    def _keep(self, pieces: Iterable[tuple[str, int, int, float]]) -> list[Word]:
        """Return the pieces that are keywords and sure enough, timed in the stream."""
        return [
            Word(_spelling(word), self._time(first), self._time(last + 1), confidence)
            for word, first, last, confidence in pieces
            if _spelling(word) in self.keywords and confidence >= self.settings.min_confidence
        ]

    def _time(self, frame: int) -> float:
        seconds = frame / FRAMES_PER_SECOND - PADDING / RATE
        return self._start + min(max(seconds, 0.0), self._fed / RATE)


def _spelling(word: str) -> str:
    """Strip the number of an alternative pronunciation: ``live(2)`` is ``live``."""
    return word.partition("(")[0]


def _is_word(word: str) -> bool:
    """Say whether the decoder's piece is speech, not ``<s>``, ``<sil>`` or ``[NOISE]``."""
    return word[:1] not in ("<", "[", "(")


def _cepstrum(decoder: Any) -> NDArray[np.float64]:
    """Return the decoder's cepstral mean; shape (13,)."""
    return np.array([float(value) for value in decoder.get_cmn().split(",")])


def _decoder(settings: RecognizerSettings) -> Any:
    try:
        from pocketsphinx import Config, Decoder, get_model_path
    except ImportError as error:
        raise MissingExtra("recognising words", "asr") from error
    acoustic = settings.acoustic_model or str(Path(get_model_path()) / "en-us" / "en-us")
    _check_files(settings, acoustic)
    files = {"hmm": acoustic, "lm": settings.language_model, "dict": settings.dictionary}
    try:
        # The decoder's own log goes to stderr; every failure is reported here instead.
        return Decoder(Config(**OPTIONS | settings.options | files, loglevel="FATAL"))
    except KeyError as error:
        raise PackError(f"the word recogniser has no such option: {error}") from error
    except (RuntimeError, TypeError, ValueError) as error:
        raise PackError(f"the word recogniser cannot load its models: {error}") from error


def _check_files(settings: RecognizerSettings, acoustic: str) -> None:
    """Name the file that is missing: the decoder itself would only say that it failed."""
    for what, path in (
        ("language model", Path(settings.language_model)),
        ("dictionary", Path(settings.dictionary)),
        ("acoustic model", Path(acoustic) / "mdef"),
    ):
        if not path.is_file():
            raise PackError(f"the {what} of the word recogniser is missing: {path}")

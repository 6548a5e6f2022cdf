"""Emotion words in speech: decode an ordinary sentence with pocketsphinx, keep the keywords."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Collection, Iterable

import numpy as np

from edge import decoder, pronunciation
from edge.confidence import Piece, confidence, snr_db
from edge.decoder import RecognizerSettings, Samples
from edge.emotion import Word
from edge.endpoint import levels_db
from edge.errors import PackError

RATE = 16000
FRAMES_PER_SECOND = 100
# The decoder holds the interpreter lock: a piece of 20 ms for 1.3 ms, 6 ms at most (x86).
BLOCK = RATE // 50
# Words that touch the edge of the audio are lost without some near-silence around them.
PADDING = 3 * RATE // 10
PADDING_LEVEL = 4.0
# One endless utterance grows by 12 MB a minute.
LONGEST = 10 * RATE
# What speech costs next to the noise of the padding.
SPEECH_OVER_NOISE = 1.2
NO_MODELS = RecognizerSettings("", "")


class Recognizer:
    """Hears keywords in one utterance at a time.

    Call ``begin``, ``push`` as often as there is audio, then ``end``. Results depend neither on
    the lengths of the pushed pieces, nor on when the time allowed for decoding was used, nor on
    earlier utterances. ``missed`` is the audio, in seconds, that ``end`` had no time for;
    ``decoded`` counts the seconds decoded so far. ``pieces`` are all words, ``snr_db`` the SNR of
    the utterance, the last one after ``end``.
    """

    pieces: list[Piece]
    _levels: list[float]
    _partial: list[tuple[str, int, int]]
    _waiting: deque[Samples]
    _channel: str | None
    _rest: Samples

    def __init__(self, settings: RecognizerSettings, keywords: frozenset[str]) -> None:
        """Load the models.

        Raises:
            MissingExtra: pocketsphinx is not installed.
            PackError: a model file is missing or damaged, or a setting is wrong.
        """
        self.settings = settings
        self.min_confidence = settings.min_confidence  # may be set while listening
        self.keywords = keywords
        self.decoded = self.missed = 0.0
        self._decoder = decoder.load(settings)
        if keywords and not any(map(self._decoder.lookup_word, keywords)):
            raise PackError(f"the dictionary {settings.dictionary} holds none of the keywords")
        self._usual = decoder.cepstrum(self._decoder)
        self._settle = max(BLOCK, round(settings.settle * RATE))
        noise = np.random.default_rng(0).normal(0.0, PADDING_LEVEL, PADDING)
        self._padding: Samples = noise.astype(np.int16)
        self._running = False
        self._forget()

    def add_word(self, word: str, phones: str | None = None) -> None:
        """Listen for one more word from the next utterance on; one in progress is dropped.

        ``phones`` says how it sounds: see ``edge.pronunciation.add``, which raises HeartenError.
        """
        self.abort()
        pronunciation.add(self._decoder, self.settings.dictionary, word, phones)
        self.keywords |= {word}

    def begin(self, start: float) -> None:
        """Start an utterance at ``start`` seconds of the stream; one in progress is dropped."""
        self.abort()
        self._start = start
        self._begun = True

    def push(self, samples: Samples, within: float = math.inf) -> None:
        """Add audio of the utterance: int16 mono at 16 kHz, shape (n,), any n.

        What waits is decoded for at most ``within`` seconds, or the time of one piece more.

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
        self._waiting.extend(rest[:whole].reshape(-1, BLOCK))
        self._levels += levels_db(rest[:whole])
        if len(self._waiting) * BLOCK >= self._settle:
            self.settle()
        if self._channel is not None:
            self._decode(within)

    def settle(self) -> None:
        """Learn the channel from what was pushed, unless it is learnt: the audio may end here."""
        if self._channel is None and (self._waiting or len(self._rest)):
            heard = np.concatenate([*self._waiting, self._rest])[: self._settle]
            self._channel = decoder.channel(self._decoder, heard, self._usual)

    def end(self, within: float = math.inf) -> list[Word]:
        """Finish the utterance and return the keywords heard, in order of time.

        What waits is decoded for at most ``within`` seconds; the rest is ``missed``. Where the
        decoder finds no complete sentence, the keywords of its last partial result are returned
        with the fixed ``partial_confidence``.
        """
        self.settle()
        if len(self._rest):
            self._waiting.append(self._rest)
        self._decode(within)
        self.missed = sum(map(len, self._waiting)) / RATE
        if self._running:
            self._finish()
        pieces, levels = self.pieces, self._levels
        self._forget()
        self.pieces, self._levels = pieces, levels
        return kept(pieces, self.snr_db, self.keywords, self.settings, self.min_confidence)

    def cost(self) -> float:
        """Return about what a second of speech costs here, in seconds of a core."""
        before, began = self.decoded, time.thread_time()
        self.begin(0.0)
        self.push(np.tile(self._padding, 2))
        self.end()
        spent, self.decoded = time.thread_time() - began, before
        return SPEECH_OVER_NOISE * spent / (4 * PADDING / RATE)

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
    def listening(self) -> bool:
        """Whether an utterance was begun and neither ended nor dropped."""
        return self._begun

    @property
    def heard(self) -> str:
        """All words decoded so far, or those of the last utterance, for a live display."""
        partial = (_spelling(word) for word, _, _ in self._partial)
        return " ".join([*(piece.word for piece in self.pieces), *partial])

    @property
    def snr_db(self) -> float:
        """SNR of the utterance so far, or of the last one, in dB (``edge.confidence.snr_db``)."""
        return snr_db(self._levels)

    def _forget(self) -> None:
        self._begun = False
        self.pieces = []
        self._levels = []
        self._partial = []
        self._channel = None
        self._waiting = deque()
        self._rest = np.zeros(0, np.int16)

    def _decode(self, within: float) -> None:
        """Decode what waits, as far as the time goes."""
        ends = time.perf_counter() + within
        while self._waiting and time.perf_counter() < ends:
            if not self._running:
                self._open()
            self._feed(self._waiting.popleft())
            if self._fed >= LONGEST:
                self._finish()
                self._start += self._fed / RATE

    def _open(self) -> None:
        """Begin one utterance of the decoder."""
        self._fed = 0
        self._decoder.set_cmn(self._channel)
        self._decoder.start_utt()
        self._running = True
        self._pad()

    def _feed(self, block: Samples) -> None:
        self._fed += len(block)
        self.decoded += len(block) / RATE
        self._decoder.process_raw(block.tobytes())
        pieces = [(p.word, p.start_frame, p.end_frame) for p in self._decoder.seg() or ()]
        self._partial = [piece for piece in pieces if _is_word(piece[0])] or self._partial

    def _pad(self) -> None:
        for block in self._padding.reshape(-1, BLOCK):
            self._decoder.process_raw(block.tobytes())

    def _finish(self) -> None:
        """End the decoder's utterance and append its words."""
        self._pad()
        self._decoder.end_utt()
        self._running = False
        found: list[tuple[str, int, int, float | None]] = [
            (p.word, p.start_frame, p.end_frame, float(p.prob))
            for p in self._decoder.seg() or ()
            if _is_word(p.word)
        ]
        found = found or [(*piece, None) for piece in self._partial]
        self.pieces += [self._piece(*each) for each in found]
        self._partial = []

    def _piece(self, word: str, first: int, last: int, posterior: float | None) -> Piece:
        phones = len((self._decoder.lookup_word(word) or "").split())
        return Piece(_spelling(word), self._time(first), self._time(last + 1), posterior, phones)

    def _time(self, frame: int) -> float:
        seconds = frame / FRAMES_PER_SECOND - PADDING / RATE
        return self._start + min(max(seconds, 0.0), self._fed / RATE)


def kept(
    pieces: Iterable[Piece],
    snr: float,
    keywords: Collection[str],
    settings: RecognizerSettings,
    least: float,
) -> list[Word]:
    """Return the keywords among what the decoder found whose confidence is ``least`` or more.

    ``snr`` is that of the utterance in dB.
    """
    shape = settings.confidence_odds, settings.confidence_map, settings.partial_confidence
    known = [(p, confidence(p, snr, *shape)) for p in pieces if p.word in keywords]
    return [Word(p.word, p.start, p.end, sure) for p, sure in known if sure >= least]


def _spelling(word: str) -> str:
    """Strip the number of an alternative pronunciation: ``live(2)`` is ``live``."""
    return word.partition("(")[0]


def _is_word(word: str) -> bool:
    """Say whether the decoder's piece is speech, not ``<s>``, ``<sil>`` or ``[NOISE]``."""
    return word[:1] not in ("<", "[", "(")


class Unheard(Recognizer):
    """Stands in for a recogniser where words come as transcripts only; loads and hears nothing."""

    def __init__(
        self,
        settings: RecognizerSettings = NO_MODELS,
        keywords: frozenset[str] = frozenset(),
    ) -> None:
        """Check the settings; raises PackError."""
        settings.check()
        self.settings = settings
        self.min_confidence = settings.min_confidence
        self.keywords = keywords
        self.decoded = self.missed = 0.0
        self._running = False
        self._forget()

    def add_word(self, word: str, phones: str | None = None) -> None:
        """Know one more word; how it sounds does not matter here."""
        self.keywords |= {word}

    def begin(self, start: float) -> None:
        """Go on without listening."""

"""The words of one utterance at a time: recognised in time and within a budget, or told.

Recognition runs in the caller's thread, between two chunks of audio. A process of its own would
cost 50 MB and half a second at start, and is not needed: the decoder takes 20 ms of audio a call,
which holds the interpreter lock for 6 ms at most, and the work is spread so that nothing waits.

* Of the audio pushed, ``PACE`` is the share of its length that decoding may take, by the clock on
  the wall; what is left waits, for 10 s of audio at most: the length of an utterance.
* Silence of ``edge.engine.TAIL`` frames starts the decoder even where it still learns the channel.
  So it catches up while the endpointer waits for more, and at the endpoint there is little left.
* A live stream with a budget also drops. Words that cost more of a core than the budget allows
  are dropped for the whole utterance; those not decoded in time are missed, so that the event comes
  ``LATEST`` seconds after the endpoint, with what ending took lately (``Closing``). The voice
  never waits longer. A recording waits for its words, also one that is pushed
  ``AHEAD`` seconds faster than it was spoken.

None of this changes what is recognised in the audio that is decoded: a recording gives the same
words on every machine.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.budget import Allowance
from edge.emotion import Word
from edge.features import HOP
from edge.keywords import Recognizer

PACE = 0.8
SAVED = 0.05  # seconds of decoding at most that one chunk can make up for the last ones
WINDOW = 10.0  # seconds of audio over which the budget is spread
READY = 0.2  # of the budget of a window: what has to be there for another utterance
LATEST = 0.15
AHEAD = 0.5
FADES = 0.8  # of what ending took is still expected, an utterance later

ONE = 1e-3  # seconds: time for one piece of audio, the last one

OVER_BUDGET = "words dropped: over budget"
TOO_LATE = "words cut short: no time left"

Samples = NDArray[np.int16]


class Closing:
    """Seconds on the wall that the decoder is expected to take to end an utterance, after its last
    audio: the most of late, so that a core that is busy now and then is reckoned with."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def took(self, seconds: float) -> None:
        """Note what it took; 0 where it was not tried, so that it will be again."""
        self.seconds = max(seconds, FADES * self.seconds)


class Hearing:
    """What is heard of words in one stream; ``notes`` tells what the last utterance lacks."""

    _held: list[Samples]
    _told: tuple[Word, ...] | None

    def __init__(self, recognizer: Recognizer, budget: float | None = None) -> None:
        """``budget`` is the share of a core that words may cost; None: as much as they need."""
        self.recognizer = recognizer
        self.budget = budget
        self._patient = False
        self.notes: tuple[str, ...] = ()
        self._pace = Allowance(PACE, SAVED)
        self._closing = Closing()
        self._core = Allowance(budget or 0.0, (budget or 0.0) * WINDOW, time.thread_time)
        self._heard = self._busy = 0.0
        self._counts = dict.fromkeys(("words", "transcripts", "dropped", "late"), 0)
        self.reset()

    def reset(self) -> None:
        """Forget the stream; the counters stay."""
        self._began = time.perf_counter()
        self._ahead = 0.0
        self.abort()

    def earn(self, seconds: float) -> None:
        """Note that so much audio of the stream has come, speech or not."""
        self._heard += seconds
        self._ahead += seconds
        self._pace.earn(seconds)
        self._core.earn(seconds)

    def begin(self, start: float) -> None:
        """Start an utterance at ``start`` seconds of the stream."""
        self.abort()
        self._dropped = self._limited and self._core.left < READY * WINDOW * (self.budget or 0.0)
        if not self._dropped:
            self.recognizer.begin(start)

    def take(self, samples: Samples) -> None:
        """Add audio of the utterance: int16, shape (n,)."""
        if not self._deaf:
            self._held.append(samples)

    def mark(self, undecided: int) -> None:
        """Recognise what was taken, without the last ``undecided`` frames, as time allows.

        Silence that may end the utterance is not worth decoding before more speech follows it.
        """
        if self._deaf:
            return
        samples = np.concatenate([np.zeros(0, np.int16), *self._held])
        ready = max(0, len(samples) - undecided * HOP)
        self._held = [samples[ready:]]
        with self._measured():
            self.recognizer.push(samples[:ready], max(0.0, self._pace.left))
        if self._limited and self._core.left < 0.0:
            self._dropped = True
            self.recognizer.abort()

    def settle(self) -> None:
        """Let the decoder begin, if it has not: the utterance may end here."""
        if not self._deaf:
            with self._measured():
                self.recognizer.settle()

    def tell(self, words: tuple[Word, ...]) -> None:
        """Take these words for the utterance, whatever is recognised."""
        self.recognizer.abort()
        self._told = words

    def end(self, start: float, end: float) -> tuple[Word, ...]:
        """Finish the utterance, from ``start`` to ``end`` seconds; return its words."""
        words: tuple[Word, ...] = ()
        if self._told is not None:
            words = self.timed(self._told, start, end)
        elif not self._dropped:
            words = self._recognised()
        late = self._told is None and not self._dropped and self.recognizer.missed > 0.0
        self.notes = (OVER_BUDGET,) * self._dropped + (TOO_LATE,) * late
        self._counts["dropped"] += self._dropped
        self._counts["late"] += late
        self.abort()
        return words

    def timed(self, words: tuple[Word, ...], start: float, end: float) -> tuple[Word, ...]:
        """Count a transcript; return its words with the times of the utterance, in seconds."""
        self._counts["transcripts"] += 1
        self._counts["words"] += len(words)
        return tuple(Word(word.word, start, end, word.confidence) for word in words)

    def abort(self) -> None:
        """Drop the utterance in progress, if there is one."""
        self.recognizer.abort()
        self.recognizer.missed = 0.0
        self._held = []
        self._told = None
        self._dropped = False

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Wait for every word, whatever the budget: a recording is heard."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False

    def statistics(self) -> dict[str, Any]:
        """Return counters since the engine was opened, for a display or a log.

        ``words`` in final events, ``transcripts`` taken, utterances whose words were ``dropped``
        (over budget) or ``late`` (cut short at the endpoint), ``decoded_s`` seconds of audio
        recognised, ``busy_s`` seconds of a core that it took, ``core_share`` of a second of audio
        of the stream, speech or not, and the ``budget`` for that.
        """
        return {
            **self._counts,
            "decoded_s": round(self.recognizer.decoded, 2),
            "busy_s": round(self._busy, 3),
            "core_share": round(self._busy / self._heard, 4) if self._heard else 0.0,
            "budget": self.budget,
        }

    @property
    def _limited(self) -> bool:
        return self.budget is not None and not self._patient

    @property
    def _deaf(self) -> bool:
        """Whether nothing of this utterance is to be recognised."""
        return self._dropped or self._told is not None or not self.recognizer.listening

    def _recognised(self) -> tuple[Word, ...]:
        live = self._ahead - (time.perf_counter() - self._began) < AHEAD
        with self._measured():
            words = self._in_time() if self._limited and live else self.recognizer.end()
        self._counts["words"] += len(words)
        return tuple(words)

    def _in_time(self) -> list[Word]:
        """Return the words that can be had in time; none where ending alone takes longer."""
        left = LATEST - self._closing.seconds
        if left <= 0.0:
            self._closing.took(0.0)
            self.recognizer.missed = math.inf
            return []
        self.recognizer.settle()
        self.recognizer.push(np.zeros(0, np.int16), left)
        began = time.perf_counter()
        words = self.recognizer.end(ONE)
        self._closing.took(time.perf_counter() - began)
        return words

    @contextmanager
    def _measured(self) -> Iterator[None]:
        """Count what the body takes, on the wall and on the core."""
        before = self._core.left
        with self._pace.spend(), self._core.spend():
            yield
        self._busy += before - self._core.left

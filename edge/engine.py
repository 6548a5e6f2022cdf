"""The engine: bytes in, emotions out. Files, microphones and network streams all go through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.choices import ROOM, EngineSettings
from edge.decision import Decision, Place
from edge.emotion import Emotion, Floats, Word
from edge.endpoint import STEADY_FRAMES, Endpointer, levels_db
from edge.errors import HeartenError
from edge.features import HOP, RATE
from edge.gate import LEAST
from edge.hearing import Hearing
from edge.keywords import Unheard

# Packs, words and files are imported where they are opened: the class needs none of them.
if TYPE_CHECKING:
    from edge.pack import Pack
    from edge.profile import Profile
    from edge.speaker import Learner
    from edge.words import Words
LEAD = 20  # frames before the onset that belong to the utterance: soft beginnings
TAIL = 20  # frames after the last speech frame that belong to it: soft endings
PARTIAL = 25  # frames between partial events


class Engine:
    """One stream of 16 kHz mono speech; several engines in a process are independent."""

    def __init__(self, pack: Pack, settings: EngineSettings) -> None:
        from edge.profile import adaptation

        settings.check()
        self.pack = pack
        self.settings = settings
        self.labels = pack.manifest.labels
        self.learner: Learner = adaptation(pack, settings.speaker, settings.adapt)
        self._voice, self._gate = pack.voice(), pack.manifest.gate
        self.words: Words | None = None
        if settings.words:
            from edge.words import Words

            self.words = Words.open(pack, settings)
        if self.words:
            self.words.told = self._told
        self._hearing = self.words.hearing if self.words else Hearing(Unheard())
        self._decide = Decision(pack, self.words, settings.reject, settings.explain)
        self._listening = pack.manifest.endpoint.listening(settings.endpointer)
        self._endpoint = Endpointer(self._listening, wary=True)
        self._longest, self._closed = self._listening.longest_frames, False
        self._odd, self._rest = b"", np.zeros(0, np.int16)
        self.reset()

    @classmethod
    def open(
        cls,
        pack: str | Path | None = None,
        *,
        words: bool | str = True,
        partials: bool = True,
        reject: str | float = "balanced",
        speaker: str | Path | Profile | None = None,
        adapt: bool = False,
        words_budget: float | None = None,
        explain: bool = False,
        endpointer: str = ROOM,
    ) -> Engine:
        """Open a pack (None: the built-in one) for one stream; ``EngineSettings`` says more.

        Raises:
            PackError: the pack is missing, damaged or made for another version.
            HeartenError: no TFLite interpreter is installed, a setting makes no sense, or
                ``speaker`` has no profile that fits the pack.
        """
        from edge.pack import open_pack

        chosen = EngineSettings(
            words, partials, reject, speaker, adapt, words_budget, explain, endpointer
        )
        return cls(open_pack(pack), chosen)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def push(self, chunk: bytes) -> list[Emotion]:
        """Add audio: S16_LE, mono, 16 kHz, any number of bytes; return the events it completed."""
        if self._closed:
            raise HeartenError("this engine is closed; open another")
        if not isinstance(chunk, bytes | bytearray | memoryview):
            kind = type(chunk).__name__
            raise HeartenError(f"push takes bytes (S16_LE, mono, 16 kHz), not {kind}")
        self._arrived = time.perf_counter()
        data = self._odd + bytes(chunk)
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2")
        if len(self._rest):
            samples = np.concatenate([self._rest, samples])
        count = len(samples) // HOP
        self._rest = samples[count * HOP :]
        return self._hear(samples[: count * HOP])

    def flush(self) -> list[Emotion]:
        """End the utterance in progress and return its events; the stream may go on after."""
        self._arrived = time.perf_counter()
        if not self._endpoint.speaking:
            return []
        self._endpoint.cut()
        return self._final(ended=True)

    def reset(self) -> None:
        """Forget the stream, as if just opened; nothing is read from disk.

        What ``adapt`` learned goes with it; the profile of ``speaker`` stays.
        """
        self.learner.reset()
        self._endpoint.reset()
        self._voice.begin()
        self._hearing.reset()
        self._decide.forget()
        self._odd, self._rest = b"", self._rest[:0]
        self._past: NDArray[np.int16] = self._rest
        self._start = self._free_from = self._asked = 0
        self._arrived = time.perf_counter()

    def close(self) -> None:
        """Free the models; a second call does nothing."""
        if not self._closed and self.words:
            self.words.recognizer.close()
        self._closed = True

    def file(self, path: str | Path) -> list[Emotion]:
        """Return the final events of an audio file.

        Raises:
            AudioError: the file is missing, empty, or not audio that can be read here.
        """
        return [event for event in self.stream(path) if event.type == "final"]

    def stream(
        self, path: str | Path, progress: Callable[[float], None] | None = None
    ) -> Iterator[Emotion]:
        """Yield every event of an audio file as it is read; memory does not grow with length.

        ``progress`` is told the seconds heard so far, about once for each second of audio. A file
        waits for its words, whatever the budget.
        """
        from edge.audio.files import blocks

        self.reset()
        with self._hearing.unhurried():
            for block in blocks(path):
                yield from self.push(block.tobytes())
                if progress:
                    progress(self.seconds)
            yield from self.flush()

    def statistics(self) -> dict[str, Any]:
        """Return counters: ``seconds`` since ``reset``, the others since the engine was opened.

        ``utterances`` are final events; ``words`` is None in an engine for the voice only, else
        what ``Hearing.statistics`` returns.
        """
        words = self._hearing.statistics() if self.words else None
        return {"seconds": self.seconds, "utterances": self._decide.utterances, "words": words}

    @property
    def reject(self) -> float:
        """Confidence below which the category is "unknown"; may be set while listening.

        Raises:
            HeartenError: what is set is neither a threshold of the pack nor a number in [0, 1].
        """
        return self._decide.reject

    @reject.setter
    def reject(self, level: str | float) -> None:
        self._decide.reject = level

    @property
    def speaking(self) -> bool:
        """Whether an utterance is open."""
        return self._endpoint.speaking

    @property
    def seconds(self) -> float:
        """Seconds of audio heard since the stream began."""
        return self._endpoint.frame * HOP / RATE

    def _hear(self, samples: NDArray[np.int16]) -> list[Emotion]:
        """Take whole frames; what lies between two boundaries goes to the branches at once."""
        events, first = list[Emotion](), 0
        if self.words:
            self._hearing.earn(len(samples) / RATE)
        endpoint = self._endpoint
        for index, level in enumerate(levels_db(samples), start=1):
            was_speaking = endpoint.speaking
            boundary = endpoint.update(level)
            frame = endpoint.frame
            due = was_speaking and (frame >= self._asked or frame == endpoint.last_speech + TAIL)
            if boundary or due:
                self._take(samples[first * HOP : index * HOP], was_speaking)
                first = index
                events += self._events(boundary)
                self._asked = self._next(frame)
        self._take(samples[first * HOP :], self._endpoint.speaking)
        if self._endpoint.speaking:
            self._hearing.mark(self._endpoint.frame - self._content_end())
        return events

    def _next(self, frame: int) -> int:
        """Return the frame after this one that asks for an event, or ends the longest utterance."""
        asked = (frame - self._start) // PARTIAL * PARTIAL + PARTIAL
        return self._start + min(asked, self._longest)

    def _events(self, boundary: str | None) -> list[Emotion]:
        if boundary == "start":
            self._begin()
            return []
        if boundary == "end":
            return self._final(ended=False)
        if self._endpoint.frame - self._start >= self._longest:
            self._endpoint.cut()
            return self._final(ended=True)
        end, frame = self._count(), self._endpoint.frame
        if frame - self._endpoint.last_speech == TAIL:  # speech may end here
            self._hearing.settle()
        partial = (frame - self._start) % PARTIAL == 0 and self.settings.partials
        pooled = self._voice.pooled() if partial else None
        if pooled is None:
            return []
        return [self._decide("partial", self._place(end, pooled), self._voice.shifted(pooled))]

    def _take(self, samples: NDArray[np.int16], speaking: bool) -> None:
        """Give frames to the open utterance, or keep the last ones for the next."""
        if not speaking:
            keep = (LEAD + self._listening.onset_frames + STEADY_FRAMES) * HOP
            self._past = np.concatenate([self._past, samples])[-keep:]
        elif len(samples):
            self._voice.push(samples)
            self._hearing.take(samples)

    def _begin(self) -> None:
        """Open an utterance a little before the onset, but not inside the last one."""
        available = self._endpoint.frame - len(self._past) // HOP
        self._start = max(self._endpoint.onset - LEAD, self._free_from, available, 0)
        self._voice.shift = self.learner.shift
        samples = self._past[len(self._past) - (self._endpoint.frame - self._start) * HOP :]
        self._voice.begin()
        self._hearing.begin(self._start * HOP / RATE)
        self._past = samples[:0]
        self._take(samples, speaking=True)

    def _content_end(self) -> int:
        """Return the frame (of the stream) up to which the utterance counts so far."""
        return min(self._endpoint.last_speech + TAIL, self._endpoint.frame)

    def _count(self) -> int:
        """Let both branches count what was said so far; return the frame where it ends."""
        end = self._content_end()
        self._voice.mark(end - self._start)
        self._hearing.mark(self._endpoint.frame - end)
        return end

    def _final(self, ended: bool) -> list[Emotion]:
        """Close the utterance; ``ended`` says that no silence follows, so blocks are padded."""
        if ended:
            self._voice.finish()
        end = self._count()
        self._past, self._free_from = self._past[:0], self._endpoint.frame
        pooled = self._voice.pooled()
        place = self._place(end, pooled)
        words = self._hearing.end(place.start, place.end)
        if pooled is None:
            return []
        voice = self._voice.shifted(pooled)
        if place.speech >= LEAST:
            # Without the shift: what is learned must not follow from what was learned before.
            unshifted = voice if self._voice.shift is None else self._voice.judge(pooled)
            self.learner.learn(pooled, unshifted.probabilities, place.end - place.start)
        return [self._decide("final", place, voice, words, self._hearing.notes)]

    def _told(self, words: tuple[Word, ...]) -> list[Emotion]:
        """Take a transcript for the open utterance, or decide the last one anew."""
        if self._closed:
            raise HeartenError("this engine is closed; open another")
        if self.speaking:
            self._hearing.tell(words)
            return []
        return self._decide.anew(words)

    def _place(self, end: int, pooled: Floats | None) -> Place:
        """Return where the utterance is that ends at frame ``end`` of the stream."""
        about = self._start * HOP / RATE, end * HOP / RATE, self._endpoint.snr_db, self.learner.name
        speech = self._gate(pooled) if self._gate and pooled is not None else 1.0
        return Place(*about, self._arrived, speech, pooled)

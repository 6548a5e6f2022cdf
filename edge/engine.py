"""The engine: bytes in, emotions out. Files, microphones and network streams all go through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import blocks
from edge.emotion import UNKNOWN, Emotion, Scores, Word
from edge.endpoint import Endpointer, levels_db
from edge.errors import HeartenError
from edge.features import HOP, RATE
from edge.pack import Pack, open_pack
from edge.words import Words

LEAD = 20  # frames before the onset that belong to the utterance: soft beginnings
TAIL = 20  # frames after the last speech frame that belong to it: soft endings
PARTIAL = 25  # frames between partial events


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a user may choose: words or voice only, partial events, and when to say "unknown".

    ``reject`` is the name of a threshold in the pack ("balanced", "cautious") or a confidence
    in [0, 1].
    """

    words: bool = True
    partials: bool = True
    reject: str | float = "balanced"


class Engine:
    """One stream of 16 kHz mono speech; several engines in a process are independent."""

    def __init__(self, pack: Pack, settings: EngineSettings) -> None:
        self.pack = pack
        self.settings = settings
        self.labels = pack.manifest.labels
        self.reject = _threshold(pack, settings.reject)
        self._voice = pack.voice()
        self._words = Words.open(pack) if settings.words and pack.manifest.text else None
        self._endpoint = Endpointer(pack.manifest.endpoint)
        self._closed = False
        self._odd = b""
        self._rest: NDArray[np.int16] = np.zeros(0, np.int16)
        self.reset()

    @classmethod
    def open(
        cls,
        pack: str | Path | None = None,
        *,
        words: bool = True,
        partials: bool = True,
        reject: str | float = "balanced",
    ) -> Engine:
        """Open a pack (None: the built-in one) and return an engine for one stream.

        Raises:
            PackError: the pack is missing, damaged or made for another version.
            HeartenError: no TFLite interpreter is installed, or ``reject`` names no threshold.
        """
        return cls(open_pack(pack), EngineSettings(words, partials, reject))

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
        samples = np.concatenate([self._rest, np.frombuffer(data[:whole], dtype="<i2")])
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
        """Forget the stream, as if just opened; nothing is read from disk."""
        self._endpoint.reset()
        self._voice.begin()
        if self._words:
            self._words.recognizer.abort()
        self._odd, self._rest = b"", self._rest[:0]
        self._past: NDArray[np.int16] = np.zeros(0, np.int16)
        self._held: list[NDArray[np.int16]] = []
        self._start = self._free_from = 0
        self._arrived = time.perf_counter()

    def close(self) -> None:
        """Free the models; a second call does nothing."""
        if not self._closed and self._words:
            self._words.recognizer.close()
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

        ``progress`` is told the seconds heard so far, about once for each second of audio.
        """
        self.reset()
        for block in blocks(path):
            yield from self.push(block.tobytes())
            if progress:
                progress(self.seconds)
        yield from self.flush()

    @property
    def seconds(self) -> float:
        """Seconds of audio heard since the stream began."""
        return self._endpoint.frame * HOP / RATE

    def _hear(self, samples: NDArray[np.int16]) -> list[Emotion]:
        """Take whole frames; what lies between two boundaries goes to the branches at once."""
        events: list[Emotion] = []
        first = 0
        for index, level in enumerate(levels_db(samples)):
            was_speaking = self._endpoint.speaking
            boundary = self._endpoint.update(level)
            if not was_speaking and not boundary:
                continue
            due = was_speaking and self._due()
            if boundary or due:
                self._take(samples[first * HOP : (index + 1) * HOP], was_speaking)
                first = index + 1
                events += self._events(boundary)
        self._take(samples[first * HOP :], self._endpoint.speaking)
        return events

    def _due(self) -> bool:
        """Tell whether this frame ends the longest utterance or completes a partial event."""
        frames = self._endpoint.frame - self._start
        return frames >= self.pack.manifest.endpoint.longest_frames or frames % PARTIAL == 0

    def _events(self, boundary: str | None) -> list[Emotion]:
        if boundary == "start":
            self._begin()
            return []
        if boundary == "end":
            return self._final(ended=False)
        if self._endpoint.frame - self._start >= self.pack.manifest.endpoint.longest_frames:
            self._endpoint.cut()
            return self._final(ended=True)
        end = self._count()
        return self._partial(end) if self.settings.partials else []

    def _take(self, samples: NDArray[np.int16], speaking: bool) -> None:
        """Give frames to the open utterance, or keep the last ones for the next."""
        if not speaking:
            keep = (LEAD + self.pack.manifest.endpoint.onset_frames) * HOP
            self._past = np.concatenate([self._past, samples])[-keep:]
        elif len(samples):
            self._voice.push(samples)
            if self._words:
                self._held.append(samples)

    def _begin(self) -> None:
        """Open an utterance a little before the onset, but not inside the last one."""
        onset = self._endpoint.frame - self.pack.manifest.endpoint.onset_frames
        available = self._endpoint.frame - len(self._past) // HOP
        self._start = max(onset - LEAD, self._free_from, available, 0)
        samples = self._past[len(self._past) - (self._endpoint.frame - self._start) * HOP :]
        self._voice.begin()
        if self._words:
            self._words.recognizer.begin(self._start * HOP / RATE)
        self._past = samples[:0]
        self._held = []
        self._take(samples, speaking=True)

    def _content_end(self) -> int:
        """Return the frame (of the stream) up to which the utterance counts so far."""
        return min(self._endpoint.last_speech + TAIL, self._endpoint.frame)

    def _count(self) -> int:
        """Let both branches count what was said so far; return the frame where it ends."""
        end = self._content_end()
        self._voice.mark(end - self._start)
        if self._words:
            self._held = self._words.push(self._held, end, self._endpoint.frame)
        return end

    def _partial(self, end: int) -> list[Emotion]:
        voice = self._voice.score()
        if voice is None:
            return []
        return [self._emotion("partial", end, voice, None, ())]

    def _final(self, ended: bool) -> list[Emotion]:
        """Close the utterance; ``ended`` says that no silence follows, so blocks are padded."""
        if ended:
            self._voice.finish()
        end = self._count()
        self._past, self._free_from = self._past[:0], self._endpoint.frame
        voice = self._voice.score()
        words = tuple(self._words.recognizer.end()) if self._words else ()
        if voice is None:
            return []
        text = self._words.model.score(words) if self._words else None
        return [self._emotion("final", end, voice, text, words)]

    def _emotion(
        self, kind: str, end: int, voice: Scores, text: Scores | None, words: tuple[Word, ...]
    ) -> Emotion:
        """Fuse, calibrate, decide."""
        fused = voice
        if self._words and text is not None:
            fused = self._words.fuse(voice, text, sum(word.confidence for word in words))
        best = int(fused.probabilities.argmax())
        confidence = float(fused.probabilities[best])
        valence, arousal, dominance = (float(x) for x in fused.vad)
        return Emotion(
            type=kind,
            start=self._start * HOP / RATE,
            end=end * HOP / RATE,
            category=self.labels[best] if confidence >= self.reject else UNKNOWN,
            confidence=confidence,
            probabilities=dict(zip(self.labels, map(float, fused.probabilities), strict=True)),
            valence=valence,
            arousal=arousal,
            dominance=dominance,
            voice=voice.to_dict(self.labels),
            text=self._words.to_dict(text) if self._words and text else None,
            words=words,
            snr_db=self._endpoint.snr_db,
            latency_ms=(time.perf_counter() - self._arrived) * 1000.0,
            pack=self.pack.manifest.name,
        )


def _threshold(pack: Pack, reject: str | float) -> float:
    """Return the confidence that a reject setting stands for."""
    levels = pack.manifest.reject
    if isinstance(reject, str) and reject in levels:
        return levels[reject]
    try:
        value = float(reject)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        names = ", ".join(sorted(levels))
        raise HeartenError(f"reject must be one of {names}, or a number in 0..1, not {reject!r}")
    return value

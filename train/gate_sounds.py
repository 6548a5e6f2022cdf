"""What a gate learns from and is measured on: speech as a device hears it, and other sounds.

All of it is pooled by the device's voice branch. Speech: whole recordings, clean and as
``train.conditions`` degrades them, and their beginnings, on which partial events rest. Other
sounds: what a whole engine takes for an utterance, and the beginnings of that.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.parity import stream
from edge.audio.files import read
from edge.choices import EngineSettings
from edge.emotion import Floats
from edge.engine import LEAD, Engine
from edge.features import HOP, RATE
from edge.pack import Pack
from train import backgrounds, recordings
from train.conditions import KNOWN, Samples, Sources, at_speed, degrade, to_int16
from train.corpora import Utterance, noise

CLEAN = "clean"
HARMS = (
    "noise-20", "noise-10", "babble-20", "babble-10", "room-0.3", "room-0.6",
    "level-30", "telephone", "microphone",
)  # fmt: skip
TESTED = ("noise-10", "babble-10", "room-0.6", "level-30", "telephone")
BEGINNINGS = (0.5, 1.0, 2.0)  # seconds of speech
# A clip or a tune again, at other speeds and levels in dB: the corpus of noise is small.
VERSIONS = ((1.0, 0.0), (0.8, -12.0), (1.25, 6.0))
QUIET_DB, QUIET_S = -75.0, 1.0  # before a sound, which thus begins while a device listens
SMOKE = 4  # clips, and seconds of a sound, in a smoke run
SEEDS = 2  # of sounds that are made


@dataclass(frozen=True, slots=True)
class Rows:
    """Pooled vectors, shape (n, size), and what each row is: its condition or group, shape (n,)."""

    pooled: Floats
    names: NDArray[np.str_]

    @classmethod
    def of(cls, found: Iterator[tuple[str, Floats]]) -> Rows:
        """Collect rows."""
        names, pooled = zip(*found, strict=True)
        return cls(np.stack(pooled), np.array(names))


class Listener:
    """Pools what the device would pool; ``pack`` has no gate."""

    def __init__(self, pack: Pack) -> None:
        self._voice, self._endpoint = pack.voice(), pack.manifest.endpoint
        self._engine = Engine(pack, EngineSettings(words=False, partials=False))

    def recording(
        self, item: Utterance, harms: Sequence[str], sources: Sources
    ) -> Iterator[tuple[str, Floats]]:
        """Yield a recording of speech: under each condition, and its beginnings."""
        assert item.path is not None
        samples = read(item.path)
        rng = np.random.default_rng(zlib.crc32(item.id.encode()))
        for harm in harms:
            heard = degrade(samples, KNOWN[harm], sources, rng)[0]
            heard = recordings.speech(heard, self._endpoint)
            yield harm, self._pooled(heard)
            if harm == CLEAN:
                yield from self._beginnings(heard)

    def sound(self, name: str, samples: Samples) -> Iterator[tuple[str, Floats]]:
        """Yield what is taken for utterances in a sound, and their beginnings."""
        for event in self._engine_events(samples):
            heard = samples[int(event[0] * RATE) : int(event[1] * RATE)]
            yield name, self._pooled(heard)
            for _, pooled in self._beginnings(heard):
                yield name, pooled

    def _engine_events(self, samples: Samples) -> list[tuple[float, float]]:
        self._engine.reset()
        events = [*self._engine.push(samples.tobytes()), *self._engine.flush()]
        return [(event.start, event.end) for event in events]

    def _beginnings(self, samples: Samples) -> Iterator[tuple[str, Floats]]:
        for seconds in BEGINNINGS:
            length = int(seconds * RATE) + LEAD * HOP
            if length < len(samples):
                yield f"first {seconds:g} s", self._pooled(samples[:length])

    def _pooled(self, samples: Samples) -> Floats:
        stream(self._voice, samples)
        pooled = self._voice.pooled()
        assert pooled is not None
        return pooled


def speech(
    listener: Listener, items: Sequence[Utterance], sources: Sources, every: bool
) -> Iterator[tuple[str, Floats]]:
    """Yield clean speech, its beginnings, and it under one of HARMS, or ``every`` one of TESTED."""
    for index, item in enumerate(items):
        if index % 100 == 0:
            print(f"{index} of {len(items)} recordings", file=sys.stderr, flush=True)
        harms = TESTED if every else (HARMS[index % len(HARMS)],)
        yield from listener.recording(item, (CLEAN, *harms), sources)


def others(
    listener: Listener, folder: Path, part: str, smoke: bool = False
) -> Iterator[tuple[str, Floats]]:
    """Yield what is no speech, of a part ("train" or "test"), under the name of its group."""
    clips, _ = backgrounds.chosen(folder, part)
    for clip in clips[:SMOKE] if smoke else clips:
        assert clip.path is not None
        yield from _versions(listener, noise.NAME, read(clip.path))
    for name in backgrounds.kinds(part):
        for seed in range(1 if smoke else SEEDS):
            made = backgrounds.MADE[name](np.random.default_rng(seed))
            samples = to_int16(made * 32768.0)[0]
            kept = samples[: SMOKE * RATE] if smoke else samples
            yield from _versions(listener, backgrounds.group(name), kept)


def _versions(listener: Listener, name: str, samples: Samples) -> Iterator[tuple[str, Floats]]:
    quiet = np.random.default_rng(0).normal(size=int(QUIET_S * RATE))
    quiet *= 32768.0 * 10.0 ** (QUIET_DB / 20.0)
    for speed, gain in VERSIONS:
        played = at_speed(samples, speed) * 10.0 ** (gain / 20.0)
        yield from listener.sound(name, to_int16(np.concatenate([quiet, played]))[0])

"""Sounds without speech through a whole engine: how often are they taken for an emotion?"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.choices import EngineSettings
from edge.emotion import Emotion
from edge.engine import Engine
from edge.features import RATE
from edge.pack import Pack
from train import backgrounds, corpora
from train.conditions import Samples

PIECE = 1600  # samples a push
SMOKE = 6 * RATE  # samples of a sound in a smoke run
ALL = "all"
NEW = "all, new to the gate"


@dataclass(frozen=True, slots=True)
class Stream:
    """One sound that was heard: the part of ``train.backgrounds`` that it belongs to, its length in
    seconds, and the final events that it caused."""

    name: str
    part: str
    seconds: float
    finals: Sequence[Emotion]

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored of it."""
        likeliest = Counter(_category(event) for event in self.finals)
        return {
            "seconds": round(self.seconds, 2),
            "finals": len(self.finals),
            "confidences": [round(event.confidence, 3) for event in self.finals],
            "likeliest": dict(likeliest.most_common()),
            "with_words": sum(bool(event.words) for event in self.finals),
        }


@dataclass(frozen=True, slots=True)
class Heard:
    """All sounds, and the pack that heard them."""

    pack: str
    streams: Sequence[Stream]
    levels: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored: every sound with its events."""
        return {f"{stream.name}, {stream.part}": stream.to_dict() for stream in self.streams}

    def rates(self, levels: Sequence[str]) -> dict[str, dict[str, float]]:
        """Return events an hour by group of sounds: all final ones, and those of each threshold
        that have a category. No gate has learned from the sounds of the test part."""
        groups = dict.fromkeys(backgrounds.group(stream.name) for stream in self.streams)
        chosen = {g: [s for s in self.streams if backgrounds.group(s.name) == g] for g in groups}
        names = dict.fromkeys(stream.name for stream in self.streams)
        single = {name: [s for s in self.streams if s.name == name] for name in names}
        every = {ALL: self.streams, NEW: [s for s in self.streams if s.part == "test"]}
        return {
            name: self._rate(streams, levels)
            for name, streams in {**single, **chosen, **every}.items()
        }

    def _rate(self, streams: Sequence[Stream], levels: Sequence[str]) -> dict[str, float]:
        hours = sum(stream.seconds for stream in streams) / 3600.0
        finals = [event for stream in streams for event in stream.finals]
        row = {"minutes": round(60.0 * hours, 2), "final": round(len(finals) / hours, 1)}
        for level in levels:
            threshold = self.levels[level] if level in self.levels else float(level)
            taken = sum(event.confidence >= threshold for event in finals)
            row[level] = round(taken / hours, 1)
        return row


def hear(
    pack: Pack, *, words: bool, smoke: bool = False, parts: Sequence[str] = backgrounds.PARTS
) -> Heard:
    """Send every sound of some parts through an engine with a pack.

    Raises:
        HeartenError: no noise corpus, or ``words`` without the recogniser.
    """
    found = []
    with Engine(pack, EngineSettings(words=words, partials=False, reject=0.0)) as engine:
        for part in parts:
            for name, samples in backgrounds.intruders(corpora.root(), part).items():
                print(f"hearing {name}", file=sys.stderr, flush=True)
                found.append(_listen(engine, name, part, samples[:SMOKE] if smoke else samples))
    return Heard(pack.manifest.name, found, _levels(pack))


def _listen(engine: Engine, name: str, part: str, samples: Samples) -> Stream:
    engine.reset()
    events: list[Emotion] = []
    for first in range(0, len(samples), PIECE):
        events += engine.push(samples[first : first + PIECE].tobytes())
    events += engine.flush()
    return Stream(name, part, len(samples) / RATE, [e for e in events if e.type == "final"])


def _levels(pack: Pack) -> dict[str, float]:
    return dict(pack.manifest.reject)


def _category(event: Emotion) -> str:
    return max(event.probabilities, key=lambda label: event.probabilities[label])

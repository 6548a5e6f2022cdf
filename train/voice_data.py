"""Frames, classes, V/A/D and a teacher's view of the three partitions, ready for training."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import Compressor, FeatureSettings, Heard
from train import backgrounds
from train.augment import Augment, AugmentSettings, Variation
from train.conditions import CLEAN, Condition, Sources
from train.corpora import LABELS, Utterance
from train.recordings import Frames, once
from train.scored import kind_of
from train.voice_guide import SPEEDS, Guide

ENVELOPE, PITCH = 20, 40  # cepstra that tell the one, and the other too
WINDOW = 8  # batches whose utterances are sorted by length, so that little is padding
TALKERS, BABBLE = 4, 500  # voices at once, and frames of a piece of babble
SPECTRUM = ("window", "fft", "filters", "low", "high", "preemphasis")  # what log-mel frames hang on
UNFLOORED = 1e-4  # mel energy: a louder copy of a recording shows what its floor hides
# What training recordings also go through, endpointer included: SNR of noise and of babble, gain,
# seconds of reverberation.
WORSE = {"noise": (0.0, 25.0), "babble": (5.0, 30.0), "level": (-30.0, -10.0), "room": (0.2, 0.8)}
ADDED = ("noise", "babble")  # those that need other sounds


@dataclass(frozen=True, slots=True)
class Part:
    """One partition: utterances, log-mel frames by condition (in the training part of one view, in
    the others of all that the device hears), class numbers (n,), V/A/D (n, 3)."""

    items: list[Utterance]
    versions: list[dict[Condition, Floats]]
    classes: NDArray[np.int64]
    vad: Floats


@dataclass(frozen=True, slots=True)
class Batch:
    """Normalised frames of n utterances, targets (n, labels), V/A/D (n, 3), and what a teacher's
    hidden layer says of each (n, size of a guide's vectors) and in each step (steps, width), where
    it heard the same: no steps where it did not. ``sung`` (n, 1) is 1 for song."""

    frames: list[Floats]
    targets: Floats
    vad: Floats
    vectors: Floats
    hints: list[Floats]
    sung: Floats


class VoiceData:
    """The three partitions and the normalisation of the training part."""

    def __init__(
        self,
        parts: dict[str, Part],
        features: FeatureSettings,
        endpoint: EndpointSettings,
        noises: Sequence[Floats],
        guide: Guide | None = None,
    ) -> None:
        """``guide`` is what a teacher says of every utterance of the training part."""
        self.parts, self.features, self.endpoint = parts, features, endpoint
        self._compress = Compressor(features)
        self._augment = Augment(AugmentSettings(), noises, features)
        every = np.concatenate([self._project(v[CLEAN]) for v in parts["train"].versions])
        self.mean, self.std = every.mean(axis=0), every.std(axis=0) + 1e-6
        self._hard = np.eye(len(LABELS), dtype=np.float32)[parts["train"].classes]
        self._sung = self.sung("train").astype(np.float32)[:, None]
        self._guide = guide

    @property
    def guided(self) -> bool:
        """Whether there is a teacher."""
        return self._guide is not None

    @property
    def hint_sizes(self) -> tuple[int, int]:
        """Lengths of a teacher's vector and of what it says in a step; 1 without a teacher."""
        guide = self._guide
        return (guide.vectors.shape[1], guide.frames.shape[1]) if guide else (1, 1)

    @classmethod
    def load(
        cls,
        parts: Sequence[list[Utterance]],
        features: FeatureSettings,
        endpoint: EndpointSettings,
        folder: Path,
        guide: Guide | None = None,
    ) -> VoiceData:
        """Compute or fetch the frames of (train, dev, test); only training ones are varied, only
        the others have the views of the device."""
        own = {name: getattr(features, name) for name in SPECTRUM}
        unfloored = FeatureSettings(kind="logmel", floor=UNFLOORED, **own)
        try:
            sources = backgrounds.load(folder, "train")
            noises = _sounds(Frames(unfloored, endpoint), folder)
        except HeartenError as error:
            print(f"training without added noise and babble: {error}", file=sys.stderr)
            sources, noises = Sources(), []
        varied = Frames(unfloored, endpoint, sources=sources)
        viewed = Frames(replace(unfloored, warps=features.warps), endpoint)
        loaded = {}
        for name, items in zip(("train", "dev", "test"), parts, strict=True):
            if name == "train":
                frames = varied.utterances(items, Varied(bool(noises)))
            else:
                frames = viewed.utterances(items, once)
            loaded[name] = Part(
                items,
                [frames[item.id] for item in items],
                np.array([LABELS.index(item.label or "") for item in items], np.int64),
                np.array([[i.valence, i.arousal, i.dominance] for i in items], np.float32),
            )
        return cls(loaded, features, endpoint, noises, guide)

    def plain(self, name: str) -> list[Floats]:
        """Return the normalised frames of a partition, as the device will see them."""
        return [self._normalise(v[CLEAN]) for v in self.parts[name].versions]

    def sung(self, name: str) -> NDArray[np.bool_]:
        """Return which utterances of a partition are song, shape (n,)."""
        return np.array([kind_of(item.id) == "song" for item in self.parts[name].items], np.bool_)

    def batches(self, rng: np.random.Generator, size: int, stride: int = 8) -> Iterator[Batch]:
        """Yield batches of varied training utterances in random order, ``stride`` frames a step."""
        part = self.parts["train"]
        for chosen in self._drawn(rng, size):
            varied = [self._augment(part.versions[row], rng) for row in chosen]
            frames = [self._normalise(one.frames) for one in varied]
            told = self._told(chosen, varied, stride)
            yield Batch(frames, told[0], part.vad[chosen], *told[1:], self._sung[chosen])

    def _told(
        self, chosen: NDArray[np.int64], varied: Sequence[Variation], stride: int
    ) -> tuple[Floats, Floats, list[Floats]]:
        """Return targets, vectors and hints of a batch; noise and level change none of them."""
        hard = self._hard[chosen]
        if (guide := self._guide) is None:
            none = np.zeros((0, 1), np.float32)
            return hard, np.zeros((len(chosen), 1), np.float32), [none] * len(chosen)
        items = self.parts["train"].items
        spoken = [one.condition for one in varied]
        speeds = [c.value if c.kind == "speed" else 1.0 for c in spoken]
        names = [(items[row].id, speed) for row, speed in zip(chosen, speeds, strict=True)]
        hints = []
        for name, one in zip(names, varied, strict=True):
            heard = one.condition.kind in ("clean", "speed")  # the cut of others may differ
            count = -(-len(one.frames) // stride) if heard else 0
            ends = one.offset + stride * np.arange(1, count + 1)
            hints.append(guide.during(name, ends, stride))
        return guide.soften(hard, names), guide.of(names), hints

    def _drawn(self, rng: np.random.Generator, size: int) -> list[NDArray[np.int64]]:
        """Return batches of utterances of like lengths, in random order."""
        lengths = np.array([len(versions[CLEAN]) for versions in self.parts["train"].versions])
        order = rng.permutation(len(lengths))
        batches: list[NDArray[np.int64]] = []
        for first in range(0, len(order), WINDOW * size):
            window = order[first : first + WINDOW * size]
            window = window[np.argsort(lengths[window], kind="stable")]
            batches += [window[at : at + size] for at in range(0, len(window), size)]
        return [batches[index] for index in rng.permutation(len(batches))]

    def _project(self, frames: Floats) -> Floats:
        views = frames.shape[1] // self.features.filters
        return self._compress(np.exp(frames), [Heard() for _ in range(views)])

    def _normalise(self, frames: Floats) -> Floats:
        views = self._project(frames).reshape(len(frames), -1, self.features.size)
        return ((views - self.mean) / self.std).reshape(len(frames), -1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Varied:
    """Tells the conditions of a training recording, the same every time."""

    sounds: bool

    def __call__(self, item: Utterance) -> tuple[Condition, ...]:
        """Return the recording as it is, made worse, and speech at other speeds.

        Song loses by those: its tempo and pitch are given.
        """
        rng = np.random.default_rng(zlib.crc32(item.id.encode()))
        worse = [Condition(k, round(float(rng.uniform(*span)), 1)) for k, span in WORSE.items()]
        speeds = [Condition("speed", s) for s in SPEEDS] if kind_of(item.id) == "speech" else []
        return (CLEAN, *speeds, *(c for c in worse if self.sounds or c.kind not in ADDED))


def _sounds(logmel: Frames, folder: Path) -> list[Floats]:
    """Return log-mel frames of noise, and as many of babble: talkers at one level, added."""
    clips, talkers = backgrounds.chosen(folder, "train")
    noises = logmel.plain(clips)
    voices = [np.concatenate(logmel.plain(spoken)) for spoken in talkers.values()]
    even = [v - np.log(np.exp(v.astype(np.float64)).mean()) for v in voices]
    rng = np.random.default_rng(0)
    for _ in range(len(noises)):
        chosen = rng.permutation(len(even))[:TALKERS]
        starts = [int(rng.integers(len(even[i]) - BABBLE)) for i in chosen]
        pieces = [even[i][s : s + BABBLE] for i, s in zip(chosen, starts, strict=True)]
        noises.append(np.logaddexp.reduce(pieces).astype(np.float32))
    return noises

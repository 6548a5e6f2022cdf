"""Frames, classes and V/A/D of the three partitions, ready for training."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import FeatureSettings, cepstral_matrix
from train.augment import Augment, AugmentSettings
from train.corpora import LABELS, Utterance
from train.recordings import Frames

MIXED_SHARE = 0.5  # of the batches
WINDOW = 8  # batches whose utterances are sorted by length, so that little is padding
MIX = 0.4  # parameter of the beta distribution that a mixture's share is drawn from


@dataclass(frozen=True, slots=True)
class Part:
    """One partition: utterances, log-mel frames by speed, class numbers (n,), V/A/D (n, 3)."""

    items: list[Utterance]
    versions: list[dict[float, Floats]]
    classes: NDArray[np.int64]
    vad: Floats


class VoiceData:
    """The three partitions and the normalisation of the training part."""

    def __init__(
        self,
        parts: dict[str, Part],
        features: FeatureSettings,
        endpoint: EndpointSettings,
        noises: Sequence[Floats],
    ) -> None:
        self.parts, self.features, self.endpoint = parts, features, endpoint
        self._cosine = cepstral_matrix(features) if features.kind == "mfcc" else None
        self._augment = Augment(AugmentSettings(), noises, features.floor)
        every = np.concatenate([self._project(v[1.0]) for v in parts["train"].versions])
        self.mean, self.std = every.mean(axis=0), every.std(axis=0) + 1e-6

    @classmethod
    def load(
        cls,
        parts: Sequence[list[Utterance]],
        features: FeatureSettings,
        endpoint: EndpointSettings,
        folder: Path,
    ) -> VoiceData:
        """Compute or fetch the frames of (train, dev, test); only training has speeds."""
        logmel = Frames(replace(features, kind="logmel"), endpoint)
        try:
            noises = logmel.noises(folder)
        except HeartenError as error:
            print(f"training without added noise: {error}", file=sys.stderr)
            noises = []
        loaded = {}
        for name, items in zip(("train", "dev", "test"), parts, strict=True):
            speeds = (0.9, 1.0, 1.1) if name == "train" else (1.0,)
            frames = logmel.utterances(items, speeds)
            loaded[name] = Part(
                items,
                [frames[item.id] for item in items],
                np.array([LABELS.index(item.label or "") for item in items]),
                np.array([[i.valence, i.arousal, i.dominance] for i in items], np.float32),
            )
        return cls(loaded, features, endpoint, noises)

    def plain(self, name: str) -> list[Floats]:
        """Return the normalised frames of a partition, as the device will see them."""
        return [self._normalise(v[1.0]) for v in self.parts[name].versions]

    def batches(
        self, rng: np.random.Generator, size: int
    ) -> Iterator[tuple[list[Floats], Floats, Floats]]:
        """Yield augmented training batches in random order: frames, targets, V/A/D.

        Targets have shape (n, labels); half of the batches are mixtures of two utterances each.
        """
        part = self.parts["train"]
        for chosen in self._drawn(rng, size):
            frames = [self._augment(part.versions[i], rng) for i in chosen]
            targets = np.eye(len(LABELS), dtype=np.float32)[part.classes[chosen]]
            batch = frames, targets, part.vad[chosen]
            if rng.random() < MIXED_SHARE:
                batch = self._mix(*batch, rng)
            yield [self._normalise(f) for f in batch[0]], batch[1], batch[2]

    def _drawn(self, rng: np.random.Generator, size: int) -> list[NDArray[np.int64]]:
        """Return batches of utterances of like lengths, in random order."""
        lengths = np.array([len(versions[1.0]) for versions in self.parts["train"].versions])
        order = rng.permutation(len(lengths))
        batches: list[NDArray[np.int64]] = []
        for first in range(0, len(order), WINDOW * size):
            window = order[first : first + WINDOW * size]
            window = window[np.argsort(lengths[window], kind="stable")]
            batches += [window[at : at + size] for at in range(0, len(window), size)]
        return [batches[index] for index in rng.permutation(len(batches))]

    def _mix(
        self, frames: list[Floats], targets: Floats, vad: Floats, rng: np.random.Generator
    ) -> tuple[list[Floats], Floats, Floats]:
        """Mix each utterance with another of the batch (Zhang et al. 2018, mixup)."""
        share = float(rng.beta(MIX, MIX))
        other = rng.permutation(len(frames))
        lowest = float(np.log(self.features.floor))
        mixed = []
        for mine, theirs in zip(frames, (frames[i] for i in other), strict=True):
            sum_of = np.full((max(len(mine), len(theirs)), mine.shape[1]), lowest, np.float32)
            sum_of[: len(mine)] += share * (mine - lowest)
            sum_of[: len(theirs)] += (1.0 - share) * (theirs - lowest)
            mixed.append(sum_of)
        rest = 1.0 - share
        return mixed, share * targets + rest * targets[other], share * vad + rest * vad[other]

    def _project(self, frames: Floats) -> Floats:
        return frames if self._cosine is None else (frames @ self._cosine).astype(np.float32)

    def _normalise(self, frames: Floats) -> Floats:
        return ((self._project(frames) - self.mean) / self.std).astype(np.float32)

"""Recordings become frames: the device's endpointer and features, kept on disk between runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import read
from edge.audio.resample import Resampler
from edge.emotion import Floats
from edge.endpoint import Endpointer, EndpointSettings, levels_db
from edge.engine import LEAD, TAIL
from edge.errors import HeartenError
from edge.features import HOP, RATE, Features, FeatureSettings
from train.corpora import (
    Utterance,
    crema_d,
    emodb,
    iemocap,
    msp_improv,
    ravdess,
    table,
    tess,
)
from train.kept import kept

CORPORA = ("ravdess-speech", "ravdess-song", "emodb")  # what training takes unless told
FURTHER = {
    "emodb": emodb.load,
    "crema-d": crema_d.load,
    "tess": tess.load,
    "iemocap": iemocap.load,
    "msp-improv": msp_improv.load,
    "mspin": msp_improv.mspin,
}
KNOWN = tuple(dict.fromkeys([*CORPORA, *FURTHER]))
CACHE = Path("runs/cache")


def load(folder: Path, names: Sequence[str]) -> list[Utterance]:
    """Return the recordings of some corpora; speakers of different corpora differ.

    A name that ends in .csv is the path of a corpus of your own. What lacks a label, a recording
    or one of V/A/D is left out, and counted on stderr for CSVs and licensed corpora.

    Raises:
        HeartenError: an unknown corpus, one that is not in ``folder``, one without anything that
            training can use, or two with the same names in them.
    """
    found = [utterance for name in names for utterance in _corpus(folder, name)]
    if len({utterance.id for utterance in found}) < len(found):
        raise HeartenError(f"{', '.join(names)}: recordings of the same name: rename one CSV")
    return found


def _corpus(folder: Path, name: str) -> list[Utterance]:
    if name.startswith("ravdess-") and name in KNOWN:
        return ravdess.load(folder, name.removeprefix("ravdess-"))
    if name.endswith(".csv"):
        title, people = Path(name).stem, table.load(Path(name))
    elif name in FURTHER:
        title, people = name, FURTHER[name](folder)
    else:
        raise HeartenError(
            f"unknown corpus {name!r}; known: {', '.join(KNOWN)}, or the path of a CSV"
        )
    used = [replace(u, speaker=f"{title}-{u.speaker}") for u in people if _usable(u)]
    if not used:
        raise HeartenError(f"{name} has no recording with a label to train on")
    if name != "emodb" and len(used) < len(people):  # boredom has no label there
        print(f"{name}: {len(people) - len(used)} of {len(people)} left out", file=sys.stderr)
    return used


def _usable(utterance: Utterance) -> bool:
    rated = (utterance.valence, utterance.arousal, utterance.dominance)
    return bool(utterance.label and utterance.path) and None not in rated


def speech(samples: NDArray[np.int16], settings: EndpointSettings) -> NDArray[np.int16]:
    """Return what the engine would take as utterance, from first onset to last offset.

    A recording in which the endpointer finds no speech is returned whole.
    """
    endpoint = Endpointer(settings)
    first: int | None = None
    last = 0
    for level in levels_db(samples):
        if endpoint.update(level) == "start" and first is None:
            first = max(0, endpoint.frame - settings.onset_frames - LEAD)
        last = max(last, endpoint.last_speech)
    return samples if first is None else samples[first * HOP : (last + TAIL) * HOP]


def at_speed(samples: NDArray[np.int16], speed: float) -> NDArray[np.int16]:
    """Play faster or slower, pitch included; a pass-through at 1."""
    if speed == 1.0:
        return samples
    resampler = Resampler(round(RATE * speed), RATE)
    signal = samples.astype(np.float32) / 32768.0
    played = np.concatenate([resampler.push(signal), resampler.flush()])
    return np.clip(np.rint(played * 32768.0), -32768, 32767).astype(np.int16)


def once(_: Utterance) -> tuple[float, ...]:
    """Return the speeds of a recording that is only taken as it is."""
    return (1.0,)


class Frames:
    """The frames of recordings, computed once for each path, speed and setting."""

    def __init__(
        self, features: FeatureSettings, endpoint: EndpointSettings, cache: Path = CACHE
    ) -> None:
        self.features, self.endpoint = features, endpoint
        self._cache = cache

    def utterances(
        self, items: Sequence[Utterance], speeds: Callable[[Utterance], Sequence[float]] = once
    ) -> dict[str, dict[float, Floats]]:
        """Return {utterance id: {speed: frames (n, size)}}, with progress on stderr.

        ``speeds`` tells those of an utterance.
        """
        return {
            item.id: {s: self._cached(_path(item), s, trimmed=True) for s in speeds(item)}
            for item in _progress(items, "features")
        }

    def plain(self, items: Sequence[Utterance]) -> list[Floats]:
        """Return the frames of whole recordings, untrimmed."""
        return [self._cached(_path(item), 1.0, trimmed=False) for item in items]

    def _cached(self, path: Path, speed: float, trimmed: bool) -> Floats:
        trimming = self.endpoint.to_dict() if trimmed else None
        key = [self.features.to_dict(), trimming, speed]
        return kept(self._cache, key, path, lambda place: self._compute(place, speed, trimmed))

    def _compute(self, path: Path, speed: float, trimmed: bool) -> Floats:
        samples = read(path)
        if trimmed:
            samples = speech(samples, self.endpoint)
        return Features(self.features).push(at_speed(samples, speed))


def _path(item: Utterance) -> Path:
    if item.path is None:
        raise HeartenError(f"{item.id} has no recording")
    return item.path


def _progress(items: Sequence[Utterance], what: str) -> Iterator[Utterance]:
    """Yield the items; say how far it is on stderr, once for each hundred."""
    for index, item in enumerate(items):
        if index % 100 == 0:
            print(f"\r{what} {index}/{len(items)}", end="", file=sys.stderr, flush=True)
        yield item
    print(f"\r{what} {len(items)}/{len(items)}", file=sys.stderr)

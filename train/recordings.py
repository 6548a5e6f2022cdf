"""Recordings become frames: the device's endpointer and features, kept on disk between runs."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import read
from edge.emotion import Floats
from edge.endpoint import Endpointer, EndpointSettings, levels_db
from edge.engine import LEAD, TAIL
from edge.errors import HeartenError
from edge.features import HOP, Features, FeatureSettings
from train.conditions import CLEAN, Condition, Sources, degrade
from train.corpora import (
    Utterance,
    crema_d,
    emodb,
    iemocap,
    msp_improv,
    plain,
    ravdess,
    table,
    tess,
)
from train.kept import kept

CORPORA = ("ravdess-speech", "ravdess-song", "emodb", "plain")  # what training takes unless told
FURTHER = {
    "emodb": emodb.load,
    "plain": plain.load,
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


def once(_: Utterance) -> tuple[Condition, ...]:
    """Return the conditions of a recording that is only taken as it is."""
    return (CLEAN,)


class Frames:
    """The frames of recordings, computed once for each path, condition and setting."""

    def __init__(
        self,
        features: FeatureSettings,
        endpoint: EndpointSettings,
        cache: Path = CACHE,
        sources: Sources | None = None,
    ) -> None:
        """``sources`` are the sounds that conditions add."""
        self.features, self.endpoint = features, endpoint
        self._cache, self._sources = cache, sources or Sources()

    def utterances(
        self,
        items: Sequence[Utterance],
        conditions: Callable[[Utterance], Sequence[Condition]] = once,
    ) -> dict[str, dict[Condition, Floats]]:
        """Return {utterance id: {condition: frames (n, size)}}, with progress on stderr.

        ``conditions`` tells those of an utterance; it is made worse first, then the endpointer
        looks for speech in it, as on the device.
        """
        return {
            item.id: {c: self._cached(place(item), c, trimmed=True) for c in conditions(item)}
            for item in _progress(items, "features")
        }

    def plain(self, items: Sequence[Utterance]) -> list[Floats]:
        """Return the frames of whole recordings, untrimmed."""
        return [self._cached(place(item), CLEAN, trimmed=False) for item in items]

    def _cached(self, path: Path, condition: Condition, trimmed: bool) -> Floats:
        trimming = self.endpoint.to_dict() if trimmed else None
        key = [self.features.to_dict(), trimming, condition.kind, condition.value]
        return kept(self._cache, key, path, lambda place: self._compute(place, condition, trimmed))

    def _compute(self, path: Path, condition: Condition, trimmed: bool) -> Floats:
        rng = np.random.default_rng(zlib.crc32(f"{condition.kind} {path.name}".encode()))
        samples, _ = degrade(read(path), condition, self._sources, rng)
        if trimmed:
            samples = speech(samples, self.endpoint)
        return Features(self.features).push(samples)


def place(item: Utterance) -> Path:
    """Return where a recording lies; HeartenError where there is none."""
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

"""A pack: models, manifest and language files in one folder, or in one .zip of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from edge import manifest
from edge.confidence import Odds
from edge.decoder import RecognizerSettings, rung
from edge.errors import HeartenError, PackError
from edge.interpreter import Graph
from edge.keywords import Recognizer
from edge.speaker import SpeakerSettings
from edge.voice import Voice

# What words need, and what a .zip needs, is imported when it is asked for.
if TYPE_CHECKING:
    from edge.archive import Archive
    from edge.fusion import Fusion
    from edge.text import TextModel

BUILTIN = "hearten-en-1"


def open_pack(path: str | Path | None = None) -> Pack:
    """Load and verify a pack: a folder, a .zip, or None for the built-in one.

    Raises:
        PackError: names the first thing that is wrong with it.
    """
    place = Path(__file__).parent / "packs" / BUILTIN if path is None else Path(path)
    if not place.exists():
        raise PackError(f"no pack at {place}")
    if place.is_dir():
        return Pack.load(Folder(place), place)
    from edge.archive import Archive

    return Pack.load(Archive(place), place)


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a pack in a folder."""

    place: Path

    def read(self, name: str) -> bytes:
        """Return a file's content; raises PackError if it cannot be read."""
        try:
            return (self.place / name).read_bytes()
        except FileNotFoundError:
            raise PackError(f"{self.place} lacks {name}") from None
        except OSError as error:
            raise PackError(f"{self.place / name} cannot be read: {error.strerror}") from None

    def path(self, name: str, content: bytes) -> Path:
        """Return where a library can open the file by name."""
        return self.place / name


class Pack:
    """A verified pack, from which the branches of an engine are made."""

    def __init__(
        self, source: Folder | Archive, place: Path, data: dict[str, bytes], m: manifest.Manifest
    ) -> None:
        self.manifest = m
        self.place = place
        self._source, self._data = source, data

    @classmethod
    def load(cls, source: Folder | Archive, place: Path) -> Pack:
        """Read every file, check its sha256, and check the manifest."""
        try:
            raw = json.loads(source.read("manifest.json"))
        except (ValueError, RecursionError):
            raise PackError(f"{place}: manifest.json is not JSON") from None
        checked = manifest.parse(raw)
        data = {name: _checked(source, name, digest) for name, digest in checked.files.items()}
        return cls(source, place, data, checked)

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of every file."""
        return {name: len(content) for name, content in self._data.items()}

    def voice(self) -> Voice:
        """Return a fresh voice branch; raises PackError where graph and manifest differ."""
        graph, head, *melody = (self._graph(name) for name in self.manifest.voice_files)
        branch = Voice(graph, head, self.manifest.voice, *melody)
        if branch.labels != len(self.manifest.labels):
            raise PackError(
                f"{head.name} has {branch.labels} classes, the manifest "
                f"{len(self.manifest.labels)} labels"
            )
        self._pooled(branch.size, graph.name)
        return branch

    def _pooled(self, size: int, graph: str) -> None:
        """Check that what the manifest says of pooled vectors has their length."""
        speaker, gate = self.manifest.speaker, self.manifest.gate
        novelty = self.manifest.novelty
        lengths = {"speaker reference": speaker.reference.shape[1]} if speaker else {}
        lengths |= {"gate": len(gate.weights)} if gate else {}
        lengths |= {"novelty": len(novelty.mean)} if novelty else {}
        for name, length in lengths.items():
            if length != size:
                raise PackError(
                    f"manifest: {name} has {length} values, what {graph} gives is pooled to {size}"
                )

    @property
    def voice_digest(self) -> str:
        """The sha256 of the voice graph: profiles of speakers belong to it."""
        return str(self.manifest.files[self.manifest.voice_files[0]])

    def speaker(self) -> SpeakerSettings:
        """Return how voices are learned; raises PackError if the pack cannot."""
        if self.manifest.speaker is None:
            raise PackError(
                f"{self.place} cannot learn voices: its manifest has no section 'speaker'; use "
                "another pack, or build it anew (python -m train speaker, python -m convert)"
            )
        return self.manifest.speaker

    def threshold(self, reject: str | float) -> float:
        """Return the confidence that a reject setting stands for: a name, or a number in [0, 1].

        Raises:
            HeartenError: it is neither.
        """
        levels = self.manifest.reject
        if isinstance(reject, str) and reject in levels:
            return levels[reject]
        try:
            value = float(reject)
        except ValueError:
            value = -1.0
        if not 0.0 <= value <= 1.0:
            names = ", ".join(sorted(levels))
            raise HeartenError(
                f"reject must be one of {names}, or a number in 0..1, not {reject!r}"
            )
        return value

    def text(self) -> TextModel:
        """Return the text branch; raises PackError if the pack has none."""
        from edge.text import TextModel

        section = self._section(self.manifest.text, "text")
        words = self._written
        labels = tuple(manifest.take(section, "labels", list))
        graph = self._graph(manifest.take(section, "graph", str))
        return TextModel(graph, words, labels)

    def heard(self) -> frozenset[str]:
        """Return the keywords that the recogniser listens for: all words, or those of a list.

        A transcript may use every keyword; function words are rarely recognised and often wrong.

        Raises:
            PackError: the list holds a word that is no keyword.
        """
        from edge.text import spoken

        section = self._section(self.manifest.text, "text")
        words = frozenset(filter(spoken, self._written))
        if "heard" not in section:
            return words
        name = manifest.take(section, "heard", str)
        heard = frozenset(self._keywords(name))
        if strange := sorted(heard - words):
            raise PackError(f"{name}: {strange[0]!r} is no keyword")
        return heard

    @cached_property
    def _written(self) -> tuple[str, ...]:
        """All keywords, read once: they take a tenth of the start."""
        section = self._section(self.manifest.text, "text")
        return self._keywords(manifest.take(section, "keywords", str))

    def _keywords(self, name: str) -> tuple[str, ...]:
        """Return the words of a keyword file, pairs and marks too, each once."""
        from edge.text import is_keyword

        words = self._content(name).decode("utf-8", "replace").split()
        if not words:
            raise PackError(f"{name} holds no keywords")
        if strange := next((word for word in words if not is_keyword(word)), None):
            raise PackError(f"{name}: {strange!r:.40} is not one word in small letters")
        if twice := next((word for word, count in Counter(words).items() if count > 1), None):
            raise PackError(f"{name} names {twice!r} twice")
        return tuple(words)

    def recognizer(self, keywords: frozenset[str], budget: float | None = None) -> Recognizer:
        """Return a recogniser of ``keywords``; raises MissingExtra without pocketsphinx.

        ``budget`` is the share of a core that it may cost on this machine, which is tried.
        """
        settings = self.recognizer_settings()
        recognizer = Recognizer(settings, keywords)
        cheaper = rung(recognizer.cost(), budget) if budget is not None else {}
        if not cheaper:
            return recognizer
        recognizer.close()
        return Recognizer(replace(settings, options=settings.options | cheaper), keywords)

    def recognizer_settings(self) -> RecognizerSettings:
        """Return how words are recognised; raises PackError where the manifest is wrong."""
        section = dict(self._section(self.manifest.recognizer, "recognizer"))
        for key in ("language_model", "dictionary"):
            name = manifest.take(section, key, str)
            section[key] = str(self._source.path(name, self._content(name)))
        if section.get("acoustic_model") is not None:
            section["acoustic_model"] = self._folder(manifest.take(section, "acoustic_model", str))
        for key in ("min_confidence", "partial_confidence", "settle"):
            if key in section:
                section[key] = manifest.take(section, key, float)
        odds = manifest.take({"confidence_odds": {}} | section, "confidence_odds", dict)
        section["confidence_odds"] = manifest.settings(Odds, odds, "recognizer confidence_odds")
        section["confidence_map"] = manifest.points(section, "confidence_map")
        section["options"] = manifest.take({"options": {}} | section, "options", dict)
        try:
            return RecognizerSettings(**section)
        except TypeError as error:
            raise PackError(f"manifest: recognizer: {error}") from None

    def fusion(self) -> Fusion:
        """Return the fusion of this pack."""
        from edge.fusion import build

        section = self._section(self.manifest.fusion, "fusion")
        texts = manifest.take(self._section(self.manifest.text, "text"), "labels", list)
        return build(section, self.manifest.labels, texts)

    def _section(self, values: Any, name: str) -> Any:
        if values is None:
            raise PackError(f"{self.place} is voice only: it has no {name}")
        return values

    def _graph(self, name: str) -> Graph:
        return Graph(self._content(name), name)

    def _folder(self, name: str) -> str:
        """Return where a library finds the files of a folder in the pack: an acoustic model."""
        inside = [file for file in self._data if PurePosixPath(file).parent == PurePosixPath(name)]
        if not inside:
            raise PackError(f"manifest names the folder {name!r} but lists no sha256 of its files")
        places = [self._source.path(file, self._content(file)) for file in inside]
        folder = places[0].parent
        if strange := sorted(set(folder.iterdir()) - set(places)):
            raise PackError(f"{strange[0]} is no part of the pack: its manifest lacks it")
        return str(folder)

    def _content(self, name: str) -> bytes:
        if name not in self._data:
            raise PackError(f"manifest names {name} but lists no sha256 for it")
        return self._data[name]


def _checked(source: Folder | Archive, name: str, digest: object) -> bytes:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name:
        raise PackError(f"manifest: {name!r} points outside the pack")
    content = source.read(name)
    if hashlib.sha256(content).hexdigest() != digest:
        raise PackError(f"{name} was altered or cut short: its sha256 is not the manifest's")
    return content

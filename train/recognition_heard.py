"""What the device's recogniser finds in recordings, kept in a file: no sound is decoded twice.

Kept are the decoder's own words with their posteriors, not what a confidence map makes of them.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.confidence import Piece
from edge.decoder import RecognizerSettings, Samples
from edge.keywords import RATE, Recognizer

KEEP = 4  # decoded recordings after which the file is written


@dataclass(frozen=True, slots=True)
class Decoded:
    """The words of one recording: ``cpu_s`` is the time on a core that they took."""

    seconds: float
    snr_db: float
    cpu_s: float
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Decoded:
        """Return what ``to_dict`` wrote."""
        pieces = tuple(Piece(*piece) for piece in row["pieces"])
        return cls(row["seconds"], row["snr_db"], row["cpu_s"], pieces)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON form."""
        pieces = [list(asdict(piece).values()) for piece in self.pieces]
        return asdict(self) | {"pieces": pieces}


class Listener:
    """The device's recogniser, loaded when the first recording has to be heard."""

    def __init__(self, settings: RecognizerSettings, keywords: Iterable[str] = ()) -> None:
        """What is found does not depend on ``keywords``; the dictionary must hold one of them."""
        self.settings = settings
        self._keywords = frozenset(keywords)
        self._recognizer: Recognizer | None = None

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the models."""
        if self._recognizer:
            self._recognizer.close()

    def hear(self, samples: Samples) -> Decoded:
        """Return what is found in int16 samples of 16 kHz."""
        self._recognizer = self._recognizer or Recognizer(self.settings, self._keywords)
        began = time.process_time()
        self._recognizer.begin(0.0)
        self._recognizer.push(samples)
        self._recognizer.end()
        spent, snr = time.process_time() - began, self._recognizer.snr_db
        pieces = tuple(self._recognizer.pieces)
        return Decoded(len(samples) / RATE, round(snr, 2), round(spent, 4), pieces)


class Store:
    """Decoded recordings by name, in a file; of other models or options it knows nothing."""

    def __init__(self, path: Path, settings: RecognizerSettings) -> None:
        """``path`` need not exist; one that cannot be read is begun anew."""
        self._path = path
        names = settings.language_model, settings.dictionary
        models = [Path(name).read_bytes() for name in names]
        about = json.dumps([settings.options, settings.settle], sort_keys=True).encode()
        self._key = hashlib.sha256(b"".join([*models, about])).hexdigest()
        self._rows = self._read()
        self._new = 0

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.write()

    def get(self, name: str) -> Decoded | None:
        """Return what was found in a recording, None if it was not heard yet."""
        return Decoded.of(self._rows[name]) if name in self._rows else None

    def put(self, name: str, found: Decoded) -> None:
        """Keep what was found."""
        self._rows[name] = found.to_dict()
        self._new += 1
        if self._new >= KEEP:
            self.write()

    def write(self) -> None:
        """Write the file, if there is anything new."""
        if not self._new:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps({"models": self._key, "heard": self._rows}), encoding="utf-8")
        part.replace(self._path)
        print(f"{len(self._rows)} recordings in {self._path}", file=sys.stderr)
        self._new = 0

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return dict(content["heard"]) if content["models"] == self._key else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

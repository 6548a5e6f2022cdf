"""The corpora: one module each, all giving the same ``Utterance``.

Every module has NAME, LICENCE, LICENCE_URL, CITE and ``load(folder)``, where ``folder`` is the
folder of all corpora (``root()``) or the corpus's own one. ``table`` loads a CSV of your own.
README.md says how to place the corpora that are not distributed.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge.emotion import DIMENSIONS
from edge.errors import HeartenError

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")

DERIVED = "derived (Russell & Mehrabian 1977)"
RATED = "published, (x - 3) / 2"  # ratings from 1 to 5
GUIDE = "train/corpora/README.md"
LOST = 0.01  # share of the rated turns that may lack a recording

# Mean pleasure, arousal and dominance of the emotion words (Russell & Mehrabian 1977).
EMOTION_VAD: Mapping[str, tuple[float, float, float]] = {
    "neutral": (0.0, 0.0, 0.0),
    "calm": (0.68, -0.46, 0.06),
    "happy": (0.81, 0.51, 0.46),
    "sad": (-0.63, -0.27, -0.33),
    "angry": (-0.51, 0.59, 0.25),
    "fearful": (-0.64, 0.60, -0.43),
    "disgust": (-0.60, 0.35, 0.11),
    "surprised": (0.40, 0.67, -0.13),
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One item of a corpus: a recording, a text, or both, with what is known about it.

    ``label`` is a label of the pack (``LABELS``) when exactly one applies, ``labels`` all that
    apply, ``published`` the names that the corpus itself uses. V/A/D lie in [-1, 1]. ``sentence``
    and ``session`` name what is shared between utterances. ``keywords`` are words known to be
    spoken. ``sources`` says for each annotation whether it is published, derived or mapped.
    """

    id: str
    path: Path | None = None
    text: str | None = None
    speaker: str | None = None
    sentence: str | None = None
    session: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    split: str | None = None
    intensity: str | None = None
    keywords: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


def root() -> Path:
    """Return the folder of the corpora: $HEARTEN_CORPORA, ../shared/corpora, or ./corpora."""
    if named := os.environ.get("HEARTEN_CORPORA"):
        return Path(named)
    checkout = Path(__file__).resolve().parents[2]
    shared = checkout.parent / "shared" / "corpora"
    return shared if shared.is_dir() else checkout / "corpora"


def locate(folder: Path, name: str, *places: str) -> Path:
    """Return the first of ``places`` (relative to ``folder``) that exists.

    Raises:
        HeartenError: none does; the message names the command that fetches the corpus.
    """
    for place in places:
        if (folder / place).exists():
            return folder / place
    raise missing(folder, name)


def missing(folder: Path, name: str) -> HeartenError:
    """Return the error for a corpus that is not there."""
    return HeartenError(f"no {name} in {folder}: python -m train fetch {name}")


def unusable(place: Path, name: str, wanted: str) -> HeartenError:
    """Return the error for a corpus folder or file in which nothing can be used."""
    return HeartenError(
        f"{place} holds nothing of {name} ({wanted}): python -m train fetch {name}, "
        "or set HEARTEN_CORPORA"
    )


def unlicensed(folder: Path, name: str, wanted: str) -> HeartenError:
    """Return the error for a corpus that cannot be fetched and is not there, or is another."""
    return HeartenError(
        f"no {name} in {folder} (wanted: {wanted}): it is not distributed; {GUIDE} says where to "
        "ask for it and how to place it"
    )


def with_recordings(
    utterances: Sequence[Utterance], files: Iterable[Path], place: Path
) -> list[Utterance]:
    """Return the utterances with their recordings, found by name; a few may be lost.

    Raises:
        HeartenError: more than one in a hundred has none.
    """
    known = {path.stem: path for path in files}
    lost = [u.id for u in utterances if u.id not in known]
    if lost:
        told = f"{len(lost)} of {len(utterances)} rated turns have no recording (first: {lost[0]})"
        if len(lost) > LOST * len(utterances):
            raise HeartenError(f"{place}: {told}: unpack all sound files there, see {GUIDE}")
        print(f"{place}: {told}: left out", file=sys.stderr)
    return [replace(u, path=known[u.id]) for u in utterances if u.id in known]


def acted(
    label: str | None, published: str, intensity: str | None = None, scale: float = 1.0
) -> dict[str, Any]:
    """Return the annotations of an acted utterance: V/A/D are derived from the label.

    They are scaled by ``scale`` where the corpus has an ``intensity``; without a label there are
    none. ``published`` is the corpus's own name of the emotion.
    """
    found: dict[str, Any] = {"published": (published,), "sources": {"label": "published"}}
    if label is None:
        return found
    vad = zip(DIMENSIONS, (scale * x for x in EMOTION_VAD[label]), strict=True)
    derived = f"{DERIVED}, x {scale} ({intensity})" if intensity else DERIVED
    found["sources"] |= dict.fromkeys(DIMENSIONS, derived)
    return found | {"label": label, "labels": (label,), "intensity": intensity} | dict(vad)


def sound_files(folder: Path) -> list[Path]:
    """Return every WAVE and FLAC file below ``folder``, sorted by path."""
    files = (p for p in folder.rglob("*") if p.suffix.lower() in (".wav", ".flac"))
    return sorted(p for p in files if not p.name.startswith("."))


def read_text(path: Path, name: str) -> str:
    """Return a UTF-8 text file; HeartenError if it cannot be read as one."""
    try:
        return path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise HeartenError(f"{path} cannot be read as {name}: {error}") from error


def read_tolerant(path: Path) -> str:
    """Return a text file whose encoding nobody states: UTF-8, otherwise Latin-1."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HeartenError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_lines(path: Path, name: str) -> list[str]:
    """Return the lines of a UTF-8 text file; HeartenError if it cannot be read as one."""
    return read_text(path, name).removesuffix("\n").split("\n")


def read_table(path: Path, name: str, columns: Iterable[str]) -> list[dict[str, str]]:
    """Return the rows of a comma-separated file; HeartenError if a column is missing."""
    rows = csv.DictReader(io.StringIO(read_text(path, name), newline=""), restval="")
    try:
        if not set(columns).issubset(rows.fieldnames or ()):
            raise unusable(path, name, f"columns {', '.join(columns)}")
        return list(rows)
    except csv.Error as error:
        raise HeartenError(f"{path}, line {rows.line_num}: {error}") from error

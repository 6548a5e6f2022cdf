"""Speaker profiles in the user's data folder: one small JSON file each, never any audio.

The folder is ``hearten/speakers`` in ``$XDG_DATA_HOME`` (``~/.local/share``); the file's name is
the speaker's.
"""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from edge.emotion import Floats
from edge.errors import HeartenError
from edge.pack import Pack
from edge.speaker import KINDS, Adaptation, Evidence

FORMAT = 1
LARGEST = 1 << 16  # bytes; a profile has about three thousand
MOST = 10**9  # utterances, and seconds: more was never spoken
FARTHEST = 100.0  # a pooled value from 0
NAME = re.compile(r"\w(?:[\w .'-]{0,38}\w)?")
DIGEST = re.compile(r"[0-9a-f]{64}")
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Profile:
    """A learned voice: whose, what of it, and the pack whose voice graph it belongs to.

    ``voice`` is the sha256 of that graph, ``labels`` those of the pack, ``created`` a date.
    """

    name: str
    evidence: Evidence
    voice: str
    labels: tuple[str, ...]
    pack: str
    created: str

    @classmethod
    def of(cls, name: str, evidence: Evidence, pack: Pack) -> Profile:
        """Return a profile for a pack, dated today."""
        today = datetime.now(UTC).date().isoformat()
        m = pack.manifest
        return cls(checked_name(name), evidence, pack.voice_digest, m.labels, m.name, today)

    def fit(self, pack: Pack) -> None:
        """Raise HeartenError where the profile was learned with another voice than the pack's."""
        if self.voice != pack.voice_digest or self.labels != pack.manifest.labels:
            raise HeartenError(
                f"the profile {self.name!r} was learned with another version of the voice "
                f"({self.pack}): enroll again for {pack.manifest.name}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the content of the file."""
        shares = (round(float(share), 5) for share in self.evidence.shares)
        about = self.summary()
        del about["name"]  # the file has it
        return {
            "format": FORMAT,
            **about,
            "voice": self.voice,
            "shares": dict(zip(self.labels, shares, strict=True)),
            "mean": [round(float(value), 6) for value in self.evidence.mean],
        }

    def summary(self) -> dict[str, Any]:
        """Return what a person wants to know of it."""
        return {
            "name": self.name,
            "kind": self.evidence.kind,
            "utterances": self.evidence.count,
            "seconds": round(self.evidence.seconds, 2),
            "created": self.created,
            "pack": self.pack,
        }

    def save(self) -> Path:
        """Write the file, whole or not at all, readable by its owner only; return its place."""
        path = place(self.name)
        data = json.dumps(self.to_dict(), allow_nan=False).encode()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(path, data)
        except OSError as error:
            raise HeartenError(f"cannot write {path}: {error.strerror}") from error
        return path


def adaptation(pack: Pack, speaker: str | Path | Profile | None, adapt: bool) -> Adaptation:
    """Return the learner of an engine; ``speaker`` is a name, a file, or a profile.

    Raises:
        HeartenError: no such profile, a damaged one, or one for another pack.
        PackError: the pack cannot learn voices.
    """
    if speaker is None:
        return Adaptation(pack.speaker() if adapt else None, adapt=adapt)
    settings = pack.speaker()
    if isinstance(speaker, Profile):
        profile = speaker
    else:
        profile = load(speaker if isinstance(speaker, Path) else find(speaker))
    profile.fit(pack)
    return Adaptation(settings, profile.name, profile.evidence, adapt)


def folder() -> Path:
    """Return the folder of profiles; raises HeartenError where the user has no home."""
    base = os.environ.get("XDG_DATA_HOME", "")
    try:
        data = Path(base) if base.startswith("/") else Path("~/.local/share").expanduser()
    except RuntimeError:
        raise HeartenError("no home folder for speaker profiles: set XDG_DATA_HOME") from None
    return data / "hearten" / "speakers"


def checked_name(name: str) -> str:
    """Return a speaker's name in one spelling; raises HeartenError where it cannot be one."""
    spelled = unicodedata.normalize("NFC", name)
    if not NAME.fullmatch(spelled):
        raise HeartenError(
            f"{name!r:.60} cannot be a speaker's name: 1 to 40 letters, digits, spaces or . ' _ -, "
            "with a letter or digit at both ends"
        )
    return spelled


def place(name: str) -> Path:
    """Return where a speaker's profile lies, or would lie."""
    return folder() / (checked_name(name) + SUFFIX)


def names() -> list[str]:
    """Return the speakers that have a profile, sorted."""
    there = folder()
    try:
        files = list(there.iterdir()) if there.exists() else []
    except OSError as error:
        raise HeartenError(f"cannot read {there}: {error.strerror}") from error
    found = [f.stem for f in files if f.suffix == SUFFIX and NAME.fullmatch(f.stem)]
    return sorted(found, key=str.casefold)


def find(name: str) -> Path:
    """Return the file of a speaker; an unknown one raises HeartenError that names near ones."""
    path = place(name)
    known = names()
    if checked_name(name) in known:
        return path
    close = get_close_matches(name, known, 3)
    if close:
        fix = f"did you mean {' or '.join(repr(one) for one in close)}?"
    else:
        fix = "see hearten speakers" if known else "make one: hearten enroll NAME"
    raise HeartenError(f"no speaker {name!r} in {path.parent}; {fix}")


def load(path: Path) -> Profile:
    """Read and check a profile; raises HeartenError that names the first thing wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise HeartenError(f"cannot read the speaker profile {path}: {reason}") from error
    try:
        return _parse(path.stem, data)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error) or "damaged"
        raise HeartenError(f"{path} is no speaker profile ({reason:.80}): enroll again") from error


def rename(old: str, new: str) -> None:
    """Give a profile another name; raises HeartenError where that one is taken."""
    source, target = find(old), place(new)
    if target.exists():
        raise HeartenError(f"there is a speaker {checked_name(new)!r} already; delete that first")
    try:
        source.rename(target)
    except OSError as error:
        raise HeartenError(f"cannot rename {source}: {error.strerror}") from error


def delete(name: str) -> None:
    """Delete a profile."""
    path = find(name)
    try:
        path.unlink()
    except OSError as error:
        raise HeartenError(f"cannot delete {path}: {error.strerror}") from error


def _parse(name: str, data: bytes) -> Profile:
    """Return the profile of a file's content; raises ValueError and its like where it is none."""
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    raw = json.loads(data)
    if not isinstance(raw, dict) or type(raw["format"]) is not int:
        raise ValueError("not a JSON object with a format")
    if raw["format"] > FORMAT:
        raise ValueError(f"format {raw['format']} is newer than this hearten")
    kind, count, seconds = raw["kind"], raw["utterances"], float(raw["seconds"])
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}")
    if type(count) is not int or not 1 <= count <= MOST or not 0.0 <= seconds <= MOST:
        raise ValueError("utterances or seconds out of range")
    texts = raw["voice"], raw["pack"], raw["created"]
    if not all(isinstance(text, str) for text in texts) or not DIGEST.fullmatch(texts[0]):
        raise ValueError("voice, pack or created is not right")
    shares = raw["shares"]
    evidence = Evidence(kind, count, seconds, _numbers(raw["mean"]), _numbers([*shares.values()]))
    if not math.isclose(float(evidence.shares.sum()), 1.0, abs_tol=0.01):
        raise ValueError("the shares do not sum to 1")
    return Profile(name, evidence, texts[0], tuple(shares), texts[1], texts[2])


def _numbers(values: Any) -> Floats:
    """Return pooled values or shares: what is pooled is of frames with a deviation near 1."""
    array = np.asarray(values, np.float32)
    if array.ndim != 1 or not len(array) or not (np.abs(array) <= FARTHEST).all():
        raise ValueError("numbers out of range")
    return array


def _replace(path: Path, data: bytes) -> None:
    """Put a file in place of another at once; nothing half written is ever seen, or left."""
    import tempfile

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

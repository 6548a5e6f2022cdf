"""IEMOCAP: ten actors in five sessions of two, scripted and improvised; 10 039 rated turns.

V/A/D are the published means of the listeners on a scale from 1 to 5, mapped by (x - 3) / 2. The
actors' ratings of themselves are not used. A mean of up to half a step outside the scale (a few
turns have 0.5 or 5.5) counts as the end of the scale.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import (
    RATED,
    Utterance,
    read_tolerant,
    sound_files,
    unlicensed,
    with_recordings,
)

NAME = "iemocap"
LICENCE = "signed agreement with the publisher, research only"
LICENCE_URL = "https://sail.usc.edu/iemocap/"
CITE = (
    "Busso C, Bulut M, Lee CC, Kazemzadeh A, Mower E, Kim S, Chang JN, Lee S, Narayanan SS (2008) "
    "IEMOCAP: interactive emotional dyadic motion capture database. Language Resources and "
    "Evaluation 42(4): 335-359. doi:10.1007/s10579-008-9076-6"
)
WANTED = "Session1/dialog/EmoEvaluation"

LABEL_OF = {
    "ang": "angry",
    "hap": "happy",
    "exc": "happy",  # as in the four-class use of the corpus
    "sad": "sad",
    "neu": "neutral",
    "fea": "fearful",
    "sur": "surprised",
    "dis": "disgust",
}
UNLABELLED = frozenset({"fru", "oth", "xxx"})  # frustration has no label in a pack
FOUR = frozenset({"angry", "happy", "sad", "neutral"})
DIMENSIONS = ("valence", "arousal", "dominance")

# session, scene (what is said or played in it, shared by the sessions), take
DIALOG = re.compile(r"Ses0([1-5])[FM]_((?:impro\d+|script\d+_\d+))[a-z]?")
TURN = re.compile(r"\[[\d.]+ - [\d.]+\]\t(\w+)\t(\w+)\t\[([^,\]]+),([^,\]]+),([^,\]]+)\]\s*")
LISTENER = re.compile(r"A-E\d+:\s*val([^;]*);\s*act([^;]*);\s*dom([^;]*);.*")
SPOKEN = re.compile(r"(Ses\w+_[FM]\d{3}) \[[^\]]*\]:(.*)")
MARGIN = 0.5  # outside the scale from 1 to 5


@dataclass(slots=True)
class Rated:
    """A turn as EmoEvaluation has it; ``listeners`` are the ratings of the outside listeners."""

    name: str
    code: str
    means: tuple[str, ...]
    place: str
    listeners: list[tuple[str, ...]] = field(default_factory=list)


def load(folder: Path) -> list[Utterance]:
    """Return the rated turns by session and dialogue, in the order of the publisher's files.

    ``speaker`` is session and sex ("Ses01M"), ``session`` "1" to "5", ``sentence`` the scene
    ("script01_1", "impro04"): the scripted ones have the same words in every session. Frustration,
    "other" and turns without agreement have label None; excitement is "happy".

    Raises:
        HeartenError: no such corpus, a line that is none of its own, a value outside the scale,
            or recordings that are missing.
    """
    homes = (folder / NAME, folder / "IEMOCAP_full_release", folder / "IEMOCAP", folder)
    home = next((place for place in homes if any(place.glob("Session[1-5]/dialog"))), None)
    if home is None:
        raise unlicensed(folder, NAME, WANTED)
    found: dict[str, Utterance] = {}
    for session in sorted(home.glob("Session[1-5]")):
        for utterance in _session(session):
            if utterance.id in found:
                raise HeartenError(f"{session}: {utterance.id} is rated twice: unpack it anew")
            found[utterance.id] = utterance
    if not found:
        raise unlicensed(home, NAME, f"rated turns in {WANTED}")
    return list(found.values())


def four_classes(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Return angry, happy (with excitement), sad and neutral turns: 5531 of the whole corpus."""
    return [utterance for utterance in utterances if utterance.label in FOUR]


def _session(session: Path) -> list[Utterance]:
    texts: dict[str, str] = {}
    for path in _dialogs(session / "dialog" / "transcriptions"):
        spoken = (SPOKEN.match(line) for line in read_tolerant(path).splitlines())
        texts |= {match[1]: match[2].strip() for match in spoken if match}
    utterances = [
        _utterance(rated, texts.get(rated.name))
        for path in _dialogs(session / "dialog" / "EmoEvaluation")
        for rated in _evaluation(path)
    ]
    sounds = session / "sentences" / "wav"
    return with_recordings(utterances, sound_files(sounds), sounds)


def _dialogs(folder: Path) -> list[Path]:
    """Return the files named as dialogues; others, such as ``._Ses01F_impro01.txt``, are none."""
    return sorted(path for path in folder.glob("*.txt") if DIALOG.fullmatch(path.stem))


def _evaluation(path: Path) -> Iterator[Rated]:
    """Yield the turns of one file; a block is a line of means, then a line for each rater."""
    rated: Rated | None = None
    for number, line in enumerate(read_tolerant(path).splitlines(), start=1):
        if line.startswith("["):
            place = f"{path}, line {number}"
            match = TURN.fullmatch(line)
            if match is None or not match[1].startswith(f"{path.stem}_"):
                raise HeartenError(f"{place}: not a turn of {path.stem}: unpack the corpus anew")
            if rated:
                yield rated
            rated = Rated(match[1], match[2], match.groups()[2:], place)
        elif rated and (match := LISTENER.match(line)):
            rated.listeners.append(match.groups())
    if rated:
        yield rated


def _utterance(rated: Rated, text: str | None) -> Utterance:
    dialog, _, turn = rated.name.rpartition("_")
    match = DIALOG.fullmatch(dialog)
    if match is None or turn[:1] not in ("F", "M"):
        raise HeartenError(f"{rated.place}: {rated.name!r} is not a turn such as {dialog}_F000")
    if rated.code not in LABEL_OF and rated.code not in UNLABELLED:
        known = ", ".join([*LABEL_OF, *sorted(UNLABELLED)])
        raise HeartenError(f"{rated.place}: unknown emotion {rated.code!r}; known: {known}")
    label = LABEL_OF.get(rated.code)
    found = [_dimension(rated, index) for index in range(3)]
    sources = {name: source for name, (_, source) in zip(DIMENSIONS, found, strict=True) if source}
    return Utterance(
        id=rated.name,
        text=text,
        speaker=f"Ses0{match[1]}{turn[0]}",
        sentence=match[2],
        session=match[1],
        label=label,
        labels=(label,) if label else (),
        published=(rated.code,),
        valence=found[0][0],
        arousal=found[1][0],
        dominance=found[2][0],
        sources=sources | ({"label": "published"} if label else {}),
    )


def _dimension(rated: Rated, index: int) -> tuple[float | None, str]:
    """Return a value in [-1, 1] and its source; from the listeners where no mean is published."""
    mean, source = _number(rated.means[index]), RATED
    if mean is None:
        heard = [x for listener in rated.listeners if (x := _number(listener[index])) is not None]
        if not heard:
            return None, ""
        mean, source = sum(heard) / len(heard), f"mean of {len(heard)} listeners, (x - 3) / 2"
    if not 1 - MARGIN <= mean <= 5 + MARGIN:
        raise HeartenError(
            f"{rated.place}: {DIMENSIONS[index]} {mean:g} lies outside 1 to 5: unpack the corpus "
            "anew"
        )
    if not 1 <= mean <= 5:
        source += f", {mean:g} counts as {min(max(mean, 1.0), 5.0):g}"
    return (min(max(mean, 1.0), 5.0) - 3) / 2, source


def _number(text: str) -> float | None:
    """Return a number, None where there is none: ``dom`` may be empty."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

"""USOMS-e: 87 elderly Germans tell three stories each (ComParE 2020, Elderly Emotion).

The package of the challenge is not public. What others wrote about it gives ``lab/labels.csv`` and
``wav``; README.md has the columns that are read here, so that any copy can be brought into shape.
Labels are low, medium and high, one a story. V/A are derived: the middle of each third of [-1, 1].
"""

from __future__ import annotations

import re
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import Utterance, sound_files, unlicensed, with_recordings
from train.corpora.table import Row, read_rows, transcripts

NAME = "usoms-e"
LICENCE = "given to participants of ComParE 2020"
LICENCE_URL = "http://www.compare.openaudio.eu/compare2020/"
CITE = (
    "Schuller BW, Batliner A, Bergler C, Messner EM, Hamilton A, et al. (2020) The INTERSPEECH "
    "2020 Computational Paralinguistics Challenge: Elderly Emotion, Breathing & Masks. "
    "Interspeech 2020: 2042-2046. doi:10.21437/Interspeech.2020-32"
)
LABELS_FILE = "lab/labels.csv"

LEVELS = {"L": "L", "M": "M", "H": "H", "0": "L", "1": "M", "2": "H"}
MIDDLE = {"L": -2 / 3, "M": 0.0, "H": 2 / 3}
HIDDEN = ("", "?")  # labels of the test part
PARTS = ("train", "dev", "test")  # the publisher writes devel
STORY = re.compile(r"(.+)_st\d+")
DERIVED = "derived from the class (L -2/3, M 0, H 2/3)"


def load(folder: Path) -> list[Utterance]:
    """Return the pieces of all stories in file order, with the official split.

    ``sentence`` is the story (``ID_story``), ``speaker`` what stands before its ``_st1``; None for
    a story that is named otherwise. ``published`` has what is known of ("valence L", "arousal H").
    Texts come from ``transcripts.csv`` (id, text), where the id is a story or a piece.

    Raises:
        HeartenError: no such corpus, other columns, an unknown class or part, or recordings that
            are missing.
    """
    homes = (folder / NAME, folder / "ComParE2020_Elderly", folder)
    home = next((place for place in homes if (place / LABELS_FILE).is_file()), None)
    if home is None:
        raise unlicensed(folder, NAME, LABELS_FILE)
    path, texts = home / LABELS_FILE, transcripts(home)
    found: dict[str, Utterance] = {}
    for line, row in read_rows(path, ("filename_audio", "ID_story")):
        utterance = _utterance(row, texts, f"{path}, line {line}")
        if utterance.id in found:
            raise HeartenError(f"{path}, line {line}: {utterance.id} is there twice: remove one")
        found[utterance.id] = utterance
    return with_recordings(list(found.values()), sound_files(home / "wav"), home / "wav")


def level(utterance: Utterance, dimension: str) -> str | None:
    """Return the published class, "L", "M" or "H", of "valence" or "arousal"; None if hidden."""
    named = (text.split() for text in utterance.published)
    return next((value for name, value in named if name == dimension), None)


def _utterance(row: Row, texts: dict[str, str], place: str) -> Utterance:
    name, story = Path(row["filename_audio"]).stem, row["ID_story"]
    if not name or not story:
        raise HeartenError(f"{place}: filename_audio and ID_story must not be empty")
    match = STORY.fullmatch(story)
    levels = {
        dimension: _level(row, letter, place)
        for dimension, letter in (("valence", "V"), ("arousal", "A"))
    }
    known = {dimension: value for dimension, value in levels.items() if value}
    return Utterance(
        id=name,
        text=texts.get(name, texts.get(story)),
        speaker=match[1] if match else None,
        sentence=story,
        published=tuple(f"{dimension} {value}" for dimension, value in known.items()),
        valence=MIDDLE.get(levels["valence"] or ""),
        arousal=MIDDLE.get(levels["arousal"] or ""),
        split=_part(row.get("partition") or name, place),
        sources=dict.fromkeys(known, DERIVED),
    )


def _level(row: Row, letter: str, place: str) -> str | None:
    """Return the class that ``V_cat`` or ``V_cat_no`` gives; None where it is hidden."""
    column = next((c for c in (f"{letter}_cat", f"{letter}_cat_no") if c in row), None)
    if column is None:
        raise HeartenError(f"{place}: no column {letter}_cat or {letter}_cat_no in the header")
    if row[column] in HIDDEN:
        return None
    if row[column] not in LEVELS:
        raise HeartenError(f"{place}: {column} {row[column]!r}: use L, M, H, 0, 1, 2 or ?")
    return LEVELS[row[column]]


def _part(text: str, place: str) -> str:
    """Return the part that ``partition`` or the beginning of a name such as train_001 gives."""
    for part in PARTS:
        if text.lower().startswith(part):
            return part
    raise HeartenError(
        f"{place}: part of {text!r} unknown: add a column partition (train, devel, test)"
    )

"""CREMA-D: 91 actors speak 12 English sentences in 6 emotions, one sentence at three intensities.

The licence (ODbL for the database, DbCL for its contents) allows commercial use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import (
    Utterance,
    acted,
    missing,
    sound_files,
    unusable,
)

NAME = "crema-d"
LICENCE = "ODbL 1.0 (contents: DbCL 1.0)"
LICENCE_URL = "https://opendatacommons.org/licenses/odbl/1-0/"
CITE = (
    "Cao H, Cooper DG, Keutmann MK, Gur RC, Nenkova A, Verma R (2014) CREMA-D: Crowd-sourced "
    "Emotional Multimodal Actors Dataset. IEEE Transactions on Affective Computing 5(4): 377-390. "
    "doi:10.1109/TAFFC.2014.2336244"
)

# actor, sentence, emotion, level; older copies have a file 1040_ITH_SAD_X
IDENTIFIER = re.compile(r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)")
LABEL_OF = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified"}
# As for RAVDESS: the full word is the strong rendering. The factors are ours, not published.
SCALE = {"low": 0.5, "medium": 0.75, "high": 1.0, "unspecified": 0.75}

SILENT = frozenset({"1076_MTI_SAD_XX"})
# Three recordings that stand there under two emotions each; nobody knows which is meant.
AMBIGUOUS = frozenset(
    {"1006_TIE_HAP_XX", "1006_TIE_NEU_XX", "1013_WSI_DIS_XX"}
    | {"1013_WSI_SAD_XX", "1017_IWW_ANG_XX", "1017_IWW_FEA_XX"}
)
POINTER = b"version https://git-lfs"
DEMOGRAPHICS = "VideoDemographics.csv"

# The publishers give no split. Ours: actors by sex and age (VideoDemographics.csv), dealt out to
# five test folds in turn.
FOLDS = tuple(
    tuple(str(1000 + int(number)) for number in fold.split())
    for fold in (
        "4 6 13 25 31 34 41 53 59 62 65 69 73 74 76 82 86 88 90",
        "1 2 5 10 14 16 24 27 29 30 33 44 46 54 61 68 80 89",
        "3 11 18 19 20 22 37 39 47 50 52 56 57 58 60 71 83 85",
        "7 8 12 15 17 23 28 32 35 42 43 63 64 66 77 78 87 91",
        "9 21 26 36 38 40 45 48 49 51 55 67 70 72 75 79 81 84",
    )
)


def load(folder: Path) -> list[Utterance]:
    """Return the utterances, sorted by name, without the silent and the ambiguous files.

    ``folder`` is the folder of all corpora, or holds ``AudioWAV``.

    Raises:
        HeartenError: no such corpus, no file with a CREMA-D name in it, or Git LFS pointers in
            place of recordings.
    """
    home = folder / NAME if (folder / NAME).is_dir() else folder
    if not home.is_dir():
        raise missing(folder, NAME)
    found: dict[str, Utterance] = {}
    for path in sound_files(home):
        if match := IDENTIFIER.fullmatch(path.stem):
            name = path.stem + "X" * path.stem.endswith("_X")
            if name not in SILENT | AMBIGUOUS and match[2] in SENTENCES:
                found.setdefault(name, _utterance(name, path))
    if not found:
        raise unusable(home, NAME, "files named like 1001_DFA_ANG_XX.wav")
    _demand_sound(found.values())
    return [found[name] for name in sorted(found)]


def _utterance(name: str, path: Path) -> Utterance:
    actor, sentence, emotion, level = name.split("_")
    label, intensity = LABEL_OF[emotion], INTENSITIES[level]
    return Utterance(
        id=name,
        path=path,
        text=SENTENCES[sentence],
        speaker=actor,
        sentence=sentence,
        **acted(label, emotion, intensity, SCALE[intensity]),
    )


def _demand_sound(utterances: Iterable[Utterance]) -> None:
    """Refuse a checkout without Git LFS: its files are notes on where the sound lies."""
    for utterance in utterances:
        if utterance.path and utterance.path.stat().st_size < 1000:
            with utterance.path.open("rb") as file:
                if file.read(len(POINTER)) == POINTER:
                    raise HeartenError(
                        f"{utterance.path} is a Git LFS pointer, not sound: run `git lfs pull` "
                        f"there, or python -m train fetch {NAME}"
                    )

"""RAVDESS: 24 actors speak and sing two sentences in 8 (6) emotions at two intensities."""

from __future__ import annotations

import re
from pathlib import Path

from train.corpora import LABELS, Utterance, acted, missing, sound_files, unusable

NAME = "ravdess"
LICENCE = "CC BY-NC-SA 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by-nc-sa/4.0/"
CITE = (
    "Livingstone SR, Russo FA (2018) The Ryerson Audio-Visual Database of Emotional Speech and "
    "Song (RAVDESS). PLoS ONE 13(5): e0196391. doi:10.1371/journal.pone.0196391"
)

# modality (03 = sound only), channel, emotion, intensity, statement, repetition, actor
IDENTIFIER = re.compile(r"03-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-([0-2]\d)")
PARTS = {"01": "speech", "02": "song"}
STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
INTENSITIES = {"01": "normal", "02": "strong"}

# The ratings are of the plain emotion words. We take the strong rendering as the full word and
# the normal one as three quarters of it; the factor is our choice, not a published number.
SCALE = {"normal": 0.75, "strong": 1.0}

# Same audio as 03-01-03-01-02-01-07.
DUPLICATES = frozenset({"03-01-03-01-02-02-07"})


def load(folder: Path, part: str | None = None) -> list[Utterance]:
    """Return the utterances, sorted by identifier, without the known duplicate.

    ``folder`` is the folder of all corpora, or holds the Actor_NN folders of the published
    archives at any depth. ``part`` is "speech", "song" or None for both.

    Raises:
        HeartenError: no such corpus, or no file with a RAVDESS name in it.
    """
    fetched = f"{NAME}-{part or 'speech'}"
    home = folder / NAME if (folder / NAME).is_dir() else folder
    if not home.is_dir():
        raise missing(folder, fetched)
    found: dict[str, Utterance] = {}
    for path in sound_files(home):
        match = IDENTIFIER.fullmatch(path.stem)
        if match and path.stem not in DUPLICATES and part in (None, PARTS[match[1]]):
            found.setdefault(path.stem, _utterance(path, match))
    if not found:
        raise unusable(home, fetched, "files named like 03-01-06-01-02-01-12.wav")
    return [found[name] for name in sorted(found)]


def _utterance(path: Path, match: re.Match[str]) -> Utterance:
    channel, emotion, level, statement, take, actor = match.groups()
    label = LABELS[int(emotion) - 1]
    intensity = INTENSITIES[level]
    return Utterance(
        id=path.stem,
        path=path,
        text=STATEMENTS[statement],
        speaker=actor,
        sentence=statement,
        session=f"{PARTS[channel]}-{take}",
        **acted(label, label, intensity, SCALE[intensity]),
    )

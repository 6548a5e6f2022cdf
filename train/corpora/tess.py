"""TESS: two women, 26 and 64 years old, say 200 words in 7 emotions (Toronto, 2010)."""

from __future__ import annotations

import re
from pathlib import Path

from train.corpora import Utterance, acted, missing, sound_files, unusable

NAME = "tess"
LICENCE = "CC BY-NC-ND 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by-nc-nd/4.0/"
CITE = (
    "Pichora-Fuller MK, Dupuis K (2020) Toronto emotional speech set (TESS). Borealis. "
    "doi:10.5683/SP2/E8H2MF"
)

# talker (older or younger), word, emotion. One file of the older talker lacks a letter.
IDENTIFIER = re.compile(r"(OAF|YAF|OA|YA)_([a-z]+)_([a-z]+)", re.IGNORECASE)
LABEL_OF = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "surprised",
    "sad": "sad",
}


def load(folder: Path) -> list[Utterance]:
    """Return the utterances, sorted by name; ``ps`` (pleasant surprise) is "surprised".

    ``folder`` is the folder of all corpora, or holds the files at any depth: the folders that
    copies put them in are spelt in many ways and not read. Copies of a file count once.

    Raises:
        HeartenError: no such corpus, or no file with a TESS name in it.
    """
    home = folder / NAME if (folder / NAME).is_dir() else folder
    if not home.is_dir():
        raise missing(folder, NAME)
    found: dict[str, Utterance] = {}
    for path in sound_files(home):
        match = IDENTIFIER.fullmatch(path.stem)
        if match and match[3].lower() in LABEL_OF:
            speaker, word = match[1].upper()[:2] + "F", match[2].lower()
            utterance = _utterance(path, speaker, word, match[3].lower())
            found.setdefault(utterance.id, utterance)
    if not found:
        raise unusable(home, NAME, "files named like OAF_back_angry.wav")
    return [found[name] for name in sorted(found)]


def _utterance(path: Path, speaker: str, word: str, emotion: str) -> Utterance:
    return Utterance(
        id=f"{speaker}_{word}_{emotion}",
        path=path,
        text=f"Say the word {word}.",
        speaker=speaker,
        sentence=word,
        **acted(LABEL_OF[emotion], emotion),
    )

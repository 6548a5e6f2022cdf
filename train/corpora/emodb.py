"""EmoDB: 10 actors speak 10 German sentences in 7 emotions (Berlin, 2005)."""

from __future__ import annotations

import re
from pathlib import Path

from train.corpora import Utterance, acted, missing, sound_files, unusable

NAME = "emodb"
LICENCE = "free for research, see the licence on its page"
LICENCE_URL = "http://emodb.bilderbar.info/"
CITE = (
    "Burkhardt F, Paeschke A, Rolfes M, Sendlmeier W, Weiss B (2005) A Database of German "
    "Emotional Speech. Interspeech 2005"
)

IDENTIFIER = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")
EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
LABEL_OF = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "neutral": "neutral",
}  # boredom has no label in a pack
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


def load(folder: Path) -> list[Utterance]:
    """Return the utterances, sorted by name; boredom has label None.

    Raises:
        HeartenError: no such corpus, or no file with an EmoDB name in it.
    """
    home = folder / NAME if (folder / NAME).is_dir() else folder
    if not home.is_dir():
        raise missing(folder, NAME)
    found: dict[str, Utterance] = {}
    for path in sound_files(home):
        if match := IDENTIFIER.fullmatch(path.stem):
            found.setdefault(path.stem, _utterance(path, match[1], match[2], match[3]))
    if not found:
        raise unusable(home, NAME, "files named like 03a01Fa.wav")
    return [found[name] for name in sorted(found)]


def _utterance(path: Path, speaker: str, sentence: str, letter: str) -> Utterance:
    emotion = EMOTIONS[letter]
    return Utterance(
        id=path.stem,
        path=path,
        text=SENTENCES.get(sentence),
        speaker=speaker,
        sentence=sentence,
        **acted(LABEL_OF.get(emotion), emotion),
    )

"""ISEAR: people of 37 countries tell of a situation in which they felt one of 7 emotions."""

from __future__ import annotations

import re
from pathlib import Path

from train.corpora import Utterance, locate, read_lines, unusable

NAME = "isear"
LICENCE = "free for research (its page says CC BY-NC-SA 3.0)"
LICENCE_URL = "https://www.unige.ch/cisa/research/materials-and-online-research/research-material/"
CITE = (
    "Scherer KR, Wallbott HG (1994) Evidence for universality and cultural variation of "
    "differential emotion response patterning. J Pers Soc Psychol 66(2): 310-328"
)
LABEL_OF = {
    "joy": "happy",
    "fear": "fearful",
    "anger": "angry",
    "sadness": "sad",
    "disgust": "disgust",
}  # shame and guilt have no label in a pack

# Columns before the text; behind it come STATE and an empty one.
TEXT, TAIL = 40, 2
RESPONDENT, EMOTION, KEY = 0, 36, 39

# Answers that tell of no situation.
EMPTY = re.compile(
    r"""no\ (response|reponse|answer|description) | blank\b | none\b | nothing\.?\W*$ | never\b
    | (does|do)(n't|\ not)\ (apply|know|remember) | not\ applicable | (the\ )?same\ as
    | (i\ )?(can't|can\ ?not|do\ not)\ (remember|recall|think\ of)
    | i\ have\ (never|not)\ felt | as\ (for|in)\ \w+\W*$ | \.+\s?has\ not\ really""",
    re.IGNORECASE | re.VERBOSE,
)


def load(folder: Path) -> list[Utterance]:
    """Return the statements in file order; ``speaker`` is the respondent.

    The file separates with ``|``, has stray ones and quotes inside the text, and ``á`` where a
    line was broken: all of it is mended. Answers such as "[ No response.]" are left out. Shame
    and guilt have label None.

    Raises:
        HeartenError: the file is missing or has other columns.
    """
    path = locate(folder, NAME, "text/isear.csv", "isear.csv")
    header, *lines = read_lines(path, NAME)
    columns = header.split("|")
    if columns[TEXT : TEXT + 1] != ["SIT"] or columns[EMOTION] != "Field1":
        raise unusable(path, NAME, "columns SIT and Field1 separated by |")
    found = [_utterance(line.split("|")) for line in lines if line.count("|") >= TEXT + TAIL]
    kept = [utterance for utterance in found if not is_empty(utterance.text or "")]
    if not kept:
        raise unusable(path, NAME, "statements")
    return kept


def is_empty(text: str) -> bool:
    """Tell whether an answer says that there is nothing to tell."""
    return not text or bool(EMPTY.match(text.lstrip("[ ")))


def _utterance(fields: list[str]) -> Utterance:
    emotion = fields[EMOTION]
    label = LABEL_OF.get(emotion)
    return Utterance(
        id=fields[KEY],
        text=_mend("|".join(fields[TEXT:-TAIL])),
        speaker=fields[RESPONDENT],
        label=label,
        labels=(label,) if label else (),
        published=(emotion,),
        sources={"label": "mapped (names only)"},
    )


def _mend(text: str) -> str:
    """Undo the line breaks (`á`, `|`) and the escaped quotes (`\\word\\"`) of the export."""
    joined = re.sub(r"[á|]+", " ", text).replace('\\"', '"').replace("\\", '"')
    if joined.count('"') % 2:
        joined = joined.removesuffix('"')
    return " ".join(joined.split())

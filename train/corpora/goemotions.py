"""GoEmotions: 54 263 English comments with one or more of 28 labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import Utterance, locate, read_lines, unusable

NAME = "goemotions"
LICENCE = "Apache-2.0 (annotations CC BY 4.0)"
LICENCE_URL = "https://github.com/google-research/google-research/tree/master/goemotions"
CITE = (
    "Demszky D, Movshovitz-Attias D, Ko J, Cowen A, Nemade G, Ravi S (2020) GoEmotions: A "
    "Dataset of Fine-Grained Emotions. ACL 2020"
)
SPLITS = ("train", "dev", "test")

# The paper's grouping of its labels into Ekman's emotions, under the names of our packs.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "angry": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fearful": ("fear", "nervousness"),
    "happy": (
        "joy",
        "amusement",
        "approval",
        "excitement",
        "gratitude",
        "love",
        "optimism",
        "relief",
        "pride",
        "admiration",
        "desire",
        "caring",
    ),
    "sad": ("sadness", "disappointment", "embarrassment", "grief", "remorse"),
    "surprised": ("surprise", "realization", "confusion", "curiosity"),
    "neutral": ("neutral",),
}
LABEL_OF = {name: label for label, names in GROUPS.items() for name in names}
# The order of the file emotions.txt: the numbers in the data point into it.
EMOTIONS = (*sorted(set(LABEL_OF) - {"neutral"}), "neutral")


def load(folder: Path) -> list[Utterance]:
    """Return the comments of train, dev and test, in file order.

    ``label`` is set where all published labels fall into one group; ``labels`` has every group.

    Raises:
        HeartenError: a file is missing, or a line is not text, numbers 0 to 27, identifier.
    """
    home = locate(folder, NAME, "text/goemotions", "goemotions", "train.tsv")
    home = home.parent if home.is_file() else home
    found = []
    for split in SPLITS:
        path = locate(home, NAME, f"{split}.tsv")
        lines = read_lines(path, NAME)
        for number, line in enumerate(lines, start=1):
            if line:
                found.append(_utterance(line, split, f"{path}, line {number}"))
    if not found:
        raise unusable(home, NAME, "comments")
    return found


def _utterance(line: str, split: str, place: str) -> Utterance:
    fields = line.split("\t")
    try:
        text, numbers, identifier = fields
        published = tuple(EMOTIONS[int(n)] for n in numbers.split(","))
    except (ValueError, IndexError) as error:
        raise HeartenError(f"{place}: not a line of text, labels 0 to 27, identifier") from error
    labels = tuple(dict.fromkeys(LABEL_OF[name] for name in published))
    return Utterance(
        id=identifier,
        text=text.strip(),
        label=labels[0] if len(labels) == 1 else None,
        labels=labels,
        published=published,
        split=split,
        sources={"label": "mapped (Ekman grouping of Demszky et al. 2020)"},
    )

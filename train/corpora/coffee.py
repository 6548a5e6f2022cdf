"""Spoken drink orders with their slot words, for the keyword recogniser (Picovoice)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import Utterance, locate, sound_files, unusable

NAME = "coffee"
LICENCE = "Apache-2.0"
LICENCE_URL = "https://github.com/Picovoice/speech-to-intent-benchmark"
CITE = "Picovoice (2020) Speech-to-Intent Benchmark"


def load(folder: Path) -> list[Utterance]:
    """Return the orders sorted by name; ``keywords`` are the words of the slots, lower case.

    Raises:
        HeartenError: no such corpus, an unreadable label.json, or no recording named in it.
    """
    labels = locate(folder, NAME, "picovoice_coffee/label.json", "label.json")
    try:
        content = json.loads(labels.read_text(encoding="utf-8"))
        slots = {Path(name).stem: entry["slots"].values() for name, entry in content.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HeartenError(f"{labels} is not a list of drink orders: {error!r}") from error
    found = [
        Utterance(id=path.stem, path=path, keywords=_words(slots[path.stem]))
        for path in sound_files(labels.parent)
        if path.stem in slots
    ]
    if not found:
        raise unusable(labels.parent, NAME, "recordings named in label.json")
    return found


def _words(phrases: Iterable[object]) -> tuple[str, ...]:
    return tuple(w for phrase in phrases for w in str(phrase).lower().split())

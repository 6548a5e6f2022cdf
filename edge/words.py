"""The word branch of one engine: recogniser, embedding bag, and their place in the fusion."""

from __future__ import annotations

import logging
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Scores
from edge.errors import MissingExtra
from edge.features import HOP
from edge.pack import Pack
from edge.text import TextModel

log = logging.getLogger("hearten")


@cache
def _notice(message: str) -> None:
    """Say something once in the life of the process, however many engines it has."""
    log.warning(message)


class Words:
    """What a pack needs to hear, score and fuse words."""

    def __init__(self, pack: Pack) -> None:
        """Load the models; raises MissingExtra without pocketsphinx."""
        self.model: TextModel = pack.text()
        self.recognizer = pack.recognizer(frozenset(self.model.words))
        self.fuse = pack.fusion()

    @classmethod
    def open(cls, pack: Pack) -> Words | None:
        """Return the branch, or None with one notice where pocketsphinx is not installed."""
        try:
            return cls(pack)
        except MissingExtra as error:
            _notice(f"voice only: {error}")
            return None

    def push(self, held: list[NDArray[np.int16]], end: int, frame: int) -> list[NDArray[np.int16]]:
        """Recognise what lies before frame ``end``; return what is still to be decided.

        ``held`` ends at ``frame``. Silence that may end the utterance is not worth decoding yet.
        """
        samples = np.concatenate(held) if held else np.zeros(0, np.int16)
        ready = max(0, len(samples) - (frame - end) * HOP)
        self.recognizer.push(samples[:ready])
        return [samples[ready:]]

    def to_dict(self, text: Scores) -> dict[str, object]:
        """Return the JSON form of the text's scores, V/A/D on the scale of the result."""
        scaled = Scores(self.fuse.scaled(text.vad), text.probabilities)
        return scaled.to_dict(self.model.labels)

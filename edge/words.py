"""The word branch of one engine: recogniser, embedding bag, and their place in the fusion."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from edge import transcript
from edge.choices import TRANSCRIPT, EngineSettings
from edge.emotion import Emotion, Scores, Word
from edge.errors import HeartenError, MissingExtra
from edge.hearing import Hearing
from edge.keywords import Recognizer, Unheard
from edge.pack import Pack
from edge.text import TextModel
from edge.transcript import Confidence

log = logging.getLogger("hearten")


LINE = re.compile(r"(?P<word>\S+)(?P<phones>[^=]*)=(?P<means>[^=]+)")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True, slots=True)
class AddedWord:
    """A word of a user: how it sounds, and which keywords it is like or its V/A/D in [-1, 1]."""

    word: str
    phones: str | None = None
    like: tuple[str, ...] | None = None
    vad: tuple[float, ...] | None = None


def read_words(path: Path) -> list[AddedWord]:
    """Read the words that a user adds, one a line: ``zonked Z AA NG K T = tired``.

    Phones may be left out for a word of the pack's dictionary. Behind ``=`` stand one or more
    keywords that it is like, or valence, arousal and dominance: ``meh M EH = -0.3 -0.5 -0.1``.
    Empty lines count for nothing, nor does what follows a ``#``.

    Raises:
        HeartenError: the file cannot be read, or a line is none of these; it names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HeartenError(f"cannot read the words in {path}: {error}") from error
    numbered = ((n, line.partition("#")[0].strip()) for n, line in enumerate(lines, start=1))
    return [_parse(line, f"{path}, line {number}") for number, line in numbered if line]


def _parse(line: str, place: str) -> AddedWord:
    found = LINE.fullmatch(line)
    if not found:
        raise HeartenError(f"{place}: not 'word PHONES = keyword' or 'word PHONES = V A D'")
    means = tuple(found["means"].split())
    phones = found["phones"].strip() or None
    if not any(map(NUMBER.fullmatch, means)):
        return AddedWord(found["word"].lower(), phones, like=means)
    try:
        return AddedWord(found["word"].lower(), phones, vad=tuple(float(x) for x in means))
    except ValueError:
        raise HeartenError(f"{place}: {found['means'].strip()!r} mixes words and numbers") from None


@cache
def _notice(message: str) -> None:
    """Say something once in the life of the process, however many engines it has."""
    log.warning(message)


class Words:
    """What a pack needs to hear, score and fuse words."""

    def __init__(self, pack: Pack, budget: float | None = None, transcripts: bool = False) -> None:
        """Load the models, without a recogniser if words come as ``transcripts`` only.

        ``budget``: see ``EngineSettings``. Raises MissingExtra without pocketsphinx.
        """
        self.model: TextModel = pack.text()
        keywords = pack.heard()
        self.fuse = pack.fusion()
        if transcripts:
            self.recognizer: Recognizer = Unheard(pack.recognizer_settings(), keywords)
        else:
            self.recognizer = pack.recognizer(keywords, budget)
        self.hearing = Hearing(self.recognizer, budget)
        self.told: Callable[[tuple[Word, ...]], list[Emotion]] = lambda words: []

    @classmethod
    def open(cls, pack: Pack, settings: EngineSettings) -> Words | None:
        """Return the branch that is wished for, None if there is none or the pack has none.

        Without pocketsphinx it takes transcripts only, and one notice says so.
        """
        if not settings.words or not pack.manifest.text:
            return None
        try:
            return cls(pack, settings.words_budget, settings.words == TRANSCRIPT)
        except MissingExtra as error:
            _notice(f"voice only: {error}")
            return cls(pack, transcripts=True)

    def __call__(self, text: str, confidence: Confidence = 1.0) -> list[Emotion]:
        """Take what was said as text, from a recogniser elsewhere, instead of what is heard here.

        While an utterance is open (``Engine.speaking``) the text belongs to its final event. After
        it, the last final event is decided anew and returned, with a note; nothing is returned
        where there is none. An empty text, or one without keywords, leaves the voice alone.
        ``confidence`` in [0, 1] is that of every word, or a list with one for each of
        ``text.split()``; words of a text have the times of their utterance.

        Raises:
            HeartenError: the text is none, a confidence is wrong, or the engine is closed.
        """
        return self.told(transcript.keywords(text, confidence, self.model.known))

    @property
    def least_confidence(self) -> float:
        """Confidence in [0, 1] below which a word is dropped; may be set while listening."""
        return self.recognizer.min_confidence

    @least_confidence.setter
    def least_confidence(self, value: float) -> None:
        if not 0.0 <= value <= 1.0:
            raise HeartenError(f"the least confidence of a word lies in 0..1, not {value!r}")
        self.recognizer.min_confidence = float(value)

    def add_word(
        self,
        word: str,
        phones: str | None = None,
        *,
        like: str | Sequence[str] | None = None,
        vad: Sequence[float] | None = None,
    ) -> None:
        """Hear one more word and know what it means, from the next utterance on, untrained.

        ``phones`` ("Z AA NG K T") is needed for a word that the pack's dictionary lacks. It means
        what the keywords mean that it is ``like``, or those whose V/A/D are nearest to ``vad``,
        three numbers in [-1, 1] on the scale of the result. An utterance in progress is dropped.

        Raises:
            HeartenError: a phone, a keyword or a number is wrong, or the word is a keyword
                already; then nothing has changed.
        """
        if vad is not None:
            vad = self._of_the_model(word, vad)
        self.model.add_word(word, like=like, vad=vad)
        try:
            self.recognizer.add_word(word, phones)
        except HeartenError:
            self.model.remove_word(word)
            raise

    def add_file(self, path: Path) -> None:
        """Add the words of a file (``read_words``).

        Raises:
            HeartenError: a line is wrong; the words of the lines before it have been added.
        """
        for added in read_words(path):
            try:
                self.add_word(added.word, added.phones, like=added.like, vad=added.vad)
            except HeartenError as error:
                raise HeartenError(f"{path}: {error}") from error

    def _of_the_model(self, word: str, vad: Sequence[float]) -> list[float]:
        """Bring V/A/D from the scale of the result to that of the text model."""
        wanted = np.asarray(vad, dtype=np.float32)
        if wanted.shape != (3,) or not (np.abs(wanted) <= 1.0).all():
            raise HeartenError(f"{word!r}: V, A and D are three numbers in -1..1, not {vad!r}")
        narrow = wanted / np.maximum(self.fuse.vad_gain, 1e-6) + self.fuse.vad_mean
        return [float(x) for x in np.clip(narrow, -1.0, 1.0)]

    def to_dict(self, text: Scores) -> dict[str, object]:
        """Return the JSON form of the text's scores, V/A/D on the scale of the result."""
        scaled = Scores(self.fuse.scaled(text.vad), text.probabilities)
        return scaled.to_dict(self.model.labels)

"""Sentences of the text corpora, spoken by a synthesiser and heard by the device's recogniser.

``heard`` gives them to whoever wants words as the device gets them: what was said, by which voice,
the sound, and the recognised keywords with their confidences. Development sentences are spoken by
other voices than test sentences, and nothing is ever fitted on the latter. What was recognised is
kept in a file and not recognised again; sound is never kept, the synthesiser makes the same again.

``python -m train spoken`` scores the text model on the test sentences: from the reference text, and
from what was heard, side by side.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from edge.audio.files import read
from edge.confidence import Piece
from edge.decoder import Samples
from edge.emotion import Word
from edge.errors import HeartenError
from edge.keywords import kept
from train import backgrounds, text_data
from train.conditions import KNOWN, Sources, degrade
from train.corpora import Utterance, root
from train.language import read_keywords
from train.recognition_heard import Listener, Store
from train.recognition_setup import device_settings

VOICES = {  # of flite, or of a program that is named
    "dev": ("rms", "kal16"),
    "test": ("slt", "awb"),
    "fresh": ("kal", "espeak-ng en-us", "espeak-ng en-us+f3"),  # no choice was made with these
}
SHORTEST, LONGEST = 4, 30  # words of a sentence
CLEAN = "clean"
CORPORA = ("emobank", "isear")


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence as the device heard it; ``samples``, without noise, are made when asked for.

    ``pieces`` are all words that the decoder found, ``words`` the keywords that the device keeps,
    with their confidences; ``snr_db`` is the recogniser's. ``utterance`` has text and targets.
    """

    utterance: Utterance
    voice: str
    seconds: float
    snr_db: float
    pieces: tuple[Piece, ...]
    words: tuple[Word, ...]

    @property
    def id(self) -> str:
        """The sentence's identifier in its corpus."""
        return self.utterance.id

    @property
    def text(self) -> str:
        """The sentence."""
        return self.utterance.text or ""

    @property
    def samples(self) -> Samples:
        """The sound: int16 at 16 kHz, shape (n,); raises as ``speak``."""
        return speak(self.text, self.voice)


def speak(text: str, voice: str) -> Samples:
    """Return a text as one of ``VOICES`` says it: int16 mono at 16 kHz, the same every time.

    Raises:
        HeartenError: flite or espeak-ng is not installed or has no such voice.
    """
    with tempfile.TemporaryDirectory() as folder:
        said, sound = Path(folder) / "said.txt", Path(folder) / "said.wav"
        said.write_text(text + "\n", encoding="utf-8")
        program, _, name = voice.rpartition(" ")
        if not program and name not in _voices():
            raise HeartenError(f"flite has no voice {voice!r}: {', '.join(sorted(_voices()))}")
        given = [program, "-v", name, "-w"] if program else ["flite", "-voice", name, "-o"]
        try:
            subprocess.run([*given, str(sound), "-f", str(said)], check=True, capture_output=True)
        except FileNotFoundError:
            raise HeartenError(f"{program} is not installed: apt install {program}") from None
        except subprocess.CalledProcessError as error:
            raise HeartenError(f"{given[0]} cannot say {text!r:.60}: {error}") from None
        return read(sound)


@cache
def _voices() -> frozenset[str]:
    """Return flite's voices: of one that it does not have it takes another, and says nothing."""
    try:
        told = subprocess.run(["flite", "-lv"], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise HeartenError("flite is not installed: apt install flite") from None
    return frozenset(told.stdout.partition(":")[2].split())


def choose(corpus: str, part: str, count: int, seed: int, folder: Path) -> list[Utterance]:
    """Return ``count`` sentences of a split in an order drawn by ``seed``, or all there are.

    They have between ``SHORTEST`` and ``LONGEST`` words.
    """
    every = text_data.load(folder, (corpus,))[corpus][part]
    fit = [u for u in every if SHORTEST <= len(text_data.words_of(u)) <= LONGEST]
    order = np.random.default_rng(seed).permutation(len(fit))
    return [fit[i] for i in order[:count]]


def heard(
    corpus: str,
    part: str,
    count: int,
    *,
    seed: int = 0,
    language: Path = Path("runs/language"),
    keywords: Path = Path("runs/text/heard.txt"),
    kept_in: Path = Path("runs/spoken"),
    condition: str = CLEAN,
    folder: Path | None = None,
) -> Iterator[Heard]:
    """Yield ``count`` sentences of "emobank" or "isear", split "dev" or "test", as heard.

    The voices of ``VOICES[part]`` take turns; ``condition`` is one of ``train.conditions``, with
    the noises of that part. The decoder's words are kept in a file of ``kept_in``, the confidences
    are those of the map in ``language`` now.

    Raises:
        HeartenError: a corpus or flite is missing, or there is no language model.
    """
    folder = folder or root()
    sentences = choose(corpus, part, count, seed, folder)
    sources = _sources(folder, part, condition)
    settings = device_settings(language)
    known = frozenset(read_keywords(keywords).words)
    place = kept_in / f"{corpus}-{part}.json"
    with Store(place, settings) as store, Listener(settings, known) as listener:
        for number, utterance in enumerate(sentences):
            voice = VOICES[part][number % len(VOICES[part])]
            name = f"{voice} {utterance.id}" + f" {condition}" * (condition != CLEAN)
            found = store.get(name)
            if found is None:
                samples = speak(utterance.text or "", voice)
                rng = np.random.default_rng(zlib.crc32(name.encode()))
                found = listener.hear(degrade(samples, KNOWN[condition], sources, rng)[0])
                store.put(name, found)
            words = kept(found.pieces, found.snr_db, known, settings, settings.min_confidence)
            yield Heard(utterance, voice, found.seconds, found.snr_db, found.pieces, tuple(words))


def _sources(folder: Path, part: str, condition: str) -> Sources:
    """Return what a condition adds: other noises for each part."""
    if condition == CLEAN:
        return Sources()
    return backgrounds.load(folder, "test" if part == "test" else "train")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train spoken``."""
    parser.add_argument("--text", type=Path, nargs="+", default=[Path("runs/text")], metavar="DIR")
    parser.add_argument("--language", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("runs/spoken"), help="what was heard")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--count", type=int, default=300, help="sentences of each corpus")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of sentences")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--condition", choices=KNOWN, default=CLEAN, help="noise, room, ...")
    parser.add_argument("--part", choices=("dev", "test"), default="test")


def run(args: argparse.Namespace) -> int:
    """Hear the sentences, score every text model on them, write one result a corpus; return 0."""
    from train import recognition_spoken

    for corpus in args.corpora:
        items = list(_shown(heard_of(args, corpus), args.count))
        recognition_spoken.report(args, corpus, items)
    return 0


def heard_of(args: argparse.Namespace, corpus: str) -> Iterator[Heard]:
    """Yield the sentences of a corpus that the command line asks for."""
    keywords = args.text[0] / "heard.txt"
    more = {"language": args.language, "keywords": keywords, "kept_in": args.out}
    return heard(corpus, args.part, args.count, seed=args.seed, condition=args.condition, **more)


def _shown(items: Iterator[Heard], count: int) -> Iterator[Heard]:
    for number, item in enumerate(items, 1):
        print(f"\r{number}/{count} sentences", end="", file=sys.stderr)
        yield item
    print(file=sys.stderr)

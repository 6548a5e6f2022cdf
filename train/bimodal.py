"""``python -m train bimodal``: the constructed benchmark of voice and words, as a list of ids.

No open English corpus has emotion in both, so one is constructed: every utterance of RAVDESS speech
meets held-out sentences, ``SEEDS`` times. A sentence of GoEmotions or ISEAR (evenly, where both
have the emotion) has the emotion that is acted; one of EmoBank has about the same quantiles of
V/A/D. Three levels:

- consistent: those sentences;
- conflicting: in 20 % of the pairs the sentence is ``other`` (another emotion, the opposite V/A/D);
  right is still what the voice acts;
- missing: in 60 % of the pairs the sentence is said, but none of its words is heard.

Part "dev" has the development sentences and "test" the test sentences, each for all actors: a fold
of ``FOLDS`` says which actors it may fit on and which it is tested on. What a recogniser would have
heard is drawn when the list is used (``train.mishearing``), from a seed that the row gives.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from train import text_data
from train.corpora import LABELS, Utterance, ravdess, root
from train.pairs import NEIGHBOURS, TEXT_CLASS, quantiles

PLACE = Path("results/bimodal-pairs.csv.gz")
LEVELS = ("consistent", "conflicting", "missing")
PARTS = ("dev", "test")
SEEDS = 5
CONFLICTING, MISSING = 0.2, 0.6
SHORTEST, LONGEST = 3, 30  # words of a sentence: what is said in one breath
SPOKEN = ("goemotions", "isear")

Texts = Mapping[str, Mapping[str, Sequence[Utterance]]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One utterance, the sentences that it meets, and what becomes of them.

    ``sentence`` and ``other`` are of GoEmotions or ISEAR, ``rated`` and ``opposite`` of EmoBank.
    ``other`` and ``opposite`` are empty but in the pairs that disagree on the level "conflicting";
    ``silent`` says that no word is heard on the level "missing".
    """

    part: str
    seed: int
    utterance: str
    sentence: str
    other: str
    rated: str
    opposite: str
    silent: bool

    def said(self, level: str, rated: bool) -> str:
        """Return the id of the sentence that is said on a level."""
        usual, further = (self.rated, self.opposite) if rated else (self.sentence, self.other)
        return further or usual if level == "conflicting" else usual

    @property
    def key(self) -> int:
        """What chance is seeded with where words are heard or not, the same on every level."""
        return zlib.crc32(f"{self.part} {self.seed} {self.utterance}".encode())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--out", type=Path, default=PLACE, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Rebuild the list from the corpora and say whether it is the one in ``--out``; write it."""
    pairs = build(root())
    before = read(args.out) if args.out.exists() else None
    if pairs != before:
        write(pairs, args.out)
    said = "new" if before is None else "as it was" if pairs == before else "CHANGED"
    print(f"{len(pairs)} pairs of voices and words -> {args.out} ({said})")
    return 0


def build(folder: Path) -> list[Pair]:
    """Return all pairs, in order: the same on every machine with the same corpora."""
    voices = sorted(ravdess.load(folder, "speech"), key=lambda u: u.id)
    texts = text_data.load(folder)
    return [
        pair
        for part in PARTS
        for seed in range(SEEDS)
        for pair in _pairs(voices, texts, part, seed)
    ]


def read(place: Path) -> list[Pair]:
    """Read a list.

    Raises:
        HeartenError: there is none, or it is damaged.
    """
    try:
        lines = gzip.decompress(place.read_bytes()).decode().splitlines()
        head, *rows = csv.reader(lines)
        if head != [f.name for f in fields(Pair)]:
            raise ValueError(f"columns {', '.join(head)}")
        return [Pair(r[0], int(r[1]), *r[2:7], r[7] == "1") for r in rows]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise HeartenError(
            f"{place} is no list of pairs ({error}): python -m train bimodal"
        ) from None


def write(pairs: Sequence[Pair], place: Path) -> None:
    """Write a list, the same bytes for the same pairs."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([f.name for f in fields(Pair)])
    rows.writerows([int(x) if isinstance(x, bool) else x for x in astuple(p)] for p in pairs)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def sentences(folder: Path) -> dict[str, Utterance]:
    """Return every sentence that a list may name, by id."""
    texts = text_data.load(folder)
    every = [u for parts in texts.values() for part in PARTS for u in parts[part]]
    found = {u.id: u for u in every}
    if len(found) < len(every):
        raise HeartenError("two sentences of the text corpora have the same id")
    return found


def _pairs(voices: Sequence[Utterance], texts: Texts, part: str, seed: int) -> list[Pair]:
    rng = np.random.default_rng([PARTS.index(part), seed])
    pools = {category: _pools(texts, part, category) for category in text_data.CATEGORIES}
    rated = _rated(voices, [u for u in texts["emobank"][part] if _fits(u)], rng)
    conflicting = _chosen(len(voices), CONFLICTING, rng)
    silent = _chosen(len(voices), MISSING, rng)
    found = []
    for index, voice in enumerate(voices):
        own = TEXT_CLASS[voice.label or LABELS[0]]
        others = [category for category in text_data.CATEGORIES if category != own]
        other = others[rng.integers(len(others))]
        said = [_drawn(pools[own], rng), _drawn(pools[other], rng), *rated[index]]
        if not conflicting[index]:
            said[1] = said[3] = ""
        found.append(Pair(part, seed, voice.id, *said, bool(silent[index])))
    return found


def _chosen(size: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a mask with exactly ``share`` of its places set."""
    return np.asarray(rng.permutation(size) < round(share * size))


def _fits(sentence: Utterance) -> bool:
    return SHORTEST <= len(text_data.words_of(sentence)) <= LONGEST


def _pools(texts: Texts, part: str, category: str) -> list[list[str]]:
    """Return the sentences of one emotion alone, a list a corpus that has it."""
    pools = [
        sorted(u.id for u in texts[c][part] if u.labels == (category,) and _fits(u)) for c in SPOKEN
    ]
    if not any(pools):
        raise HeartenError(f"no sentence of {', '.join(SPOKEN)} is {category} alone")
    return [pool for pool in pools if pool]


def _drawn(pools: Sequence[Sequence[str]], rng: np.random.Generator) -> str:
    pool = pools[rng.integers(len(pools))]
    return pool[rng.integers(len(pool))]


def _rated(
    voices: Sequence[Utterance], bank: Sequence[Utterance], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Return, of every utterance, a sentence of like quantiles of V/A/D and one of opposite."""
    wanted = quantiles(text_data.vad_targets(voices))
    bank = sorted(bank, key=lambda u: u.id)
    found = quantiles(text_data.vad_targets(bank))

    def near(point: NDArray[np.float32]) -> str:
        order = np.argsort(((found - point) ** 2).sum(axis=1), kind="stable")
        return bank[order[rng.integers(NEIGHBOURS)]].id

    return [(near(point), near(1.0 - point)) for point in wanted]

"""Words in acted emotion: what is heard of RAVDESS's two statements, by emotion and by noise.

The words that count are "kids", "dogs", "talking", "sitting" and "door"; whatever else is heard
that was not said is a false alarm. ``kept`` are the words that the device would keep.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.keywords import kept
from train.corpora import LABELS, Utterance, ravdess, root
from train.language import read_keywords
from train.provenance import origin, store
from train.recognition import CONDITIONS, listen, noises, opened
from train.recognition_heard import Decoded
from train.text_data import words_of

COUNTED = frozenset({"kids", "dogs", "talking", "sitting", "door"})


@dataclass(frozen=True, slots=True)
class Acted:
    """One recording under one condition: words heard, and those that the device keeps."""

    item: Utterance
    condition: str
    seconds: float
    heard: tuple[str, ...]
    kept: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train recognition_acted``."""
    parser.add_argument("--language", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--keywords", type=Path, required=True, metavar="FILE")
    parser.add_argument("--corpora", type=Path, default=None, metavar="DIR")
    parser.add_argument("--kept", type=Path, default=Path("runs/recognition"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--each", type=int, default=12, help="recordings of emotion and statement")
    parser.set_defaults(settle=2.0)


def run(args: argparse.Namespace) -> int:
    """Hear the recordings and write ``recognition-acted.json``; return the exit code."""
    corpora, known = args.corpora or root(), frozenset(read_keywords(args.keywords).words)
    items = chosen(ravdess.load(corpora, "speech"), args.each)
    sources, found = noises(corpora, "test"), []
    with opened(args, known, "acted") as (listener, before):
        for name in CONDITIONS:
            for item in items:
                decoded = listen(listener, before, item, name, sources)
                found.append(acted(item, name, decoded, known, listener.settings))
                print(f"\r{len(found)}/{len(items) * len(CONDITIONS)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    clean = [one for one in found if one.condition == CONDITIONS[0]]
    rows = {f"{x}, clean": counts([one for one in clean if one.item.label == x]) for x in LABELS}
    rows |= {f"all, {x}": counts([one for one in found if one.condition == x]) for x in CONDITIONS}
    result = {
        "task": "recognition",
        "corpus": "ravdess-speech",
        "protocol": f"{len(items)} recordings, {', '.join(sorted(COUNTED))}",
        "artefact": "pocketsphinx",
        "model": {},
        "seeds": [],
        "metrics": rows,
        **origin(),
        "notes": "false: keywords heard that were not said, an hour of audio; kept: by the device",
    }
    path = args.results / "recognition-acted.json"
    store(path, result)
    for name, row in rows.items():
        print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))
    return 0


def chosen(items: Sequence[Utterance], each: int) -> list[Utterance]:
    """Return so many recordings of each emotion and statement, of as many actors as there are."""
    groups: dict[tuple[str | None, str | None], list[Utterance]] = {}
    for item in items:
        groups.setdefault((item.label, item.text), []).append(item)
    found = []
    for place, group in enumerate(groups.values()):
        step = max(1, len(group) // each)
        found += group[place % step :: step][:each]
    return found


def acted(
    item: Utterance, condition: str, decoded: Decoded, known: frozenset[str], settings: Any
) -> Acted:
    """Return the keywords heard and those kept of one recording."""
    words = kept(decoded.pieces, decoded.snr_db, known, settings, settings.min_confidence)
    heard = tuple(piece.word for piece in decoded.pieces if piece.word in known)
    return Acted(item, condition, decoded.seconds, heard, tuple(word.word for word in words))


def counts(found: Sequence[Acted]) -> Mapping[str, float]:
    """Return recall of the words that count, and false alarms an hour, as heard and as kept."""
    hours = max(sum(one.seconds for one in found) / 3600, 1e-9)
    row: dict[str, float] = {"words": 0}
    for kind in ("heard", "kept"):
        said = right = wrong = 0
        for one in found:
            spoken, words = Counter(words_of(one.item)), Counter(getattr(one, kind))
            wanted = Counter({word: n for word, n in spoken.items() if word in COUNTED})
            said, right = said + wanted.total(), right + (wanted & words).total()
            wrong += (words - spoken).total()
        row |= {
            "words": said,
            f"recall_{kind}": round(right / max(said, 1), 4),
            f"false_{kind}": round(wrong / hours, 1),
        }
    return row

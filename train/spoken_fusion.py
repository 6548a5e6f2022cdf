"""``python -m train spoken_fusion``: sentences spoken by a synthesiser, through the whole device.

Synthesisers speak the test sentences of the constructed benchmark (``train.bimodal``) with voices
that nothing was fitted on, or ("fresh") that no choice was made with either. The engine of a pack
hears them in pieces of 100 ms: endpointer, quantised voice, recogniser, text graph, fusion. A
synthesiser acts no emotion, so the voice can only mislead: what is measured is whether words reach
the result, and how much of them the fusion lets through.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge import Engine
from edge.decoder import Samples
from edge.emotion import DIMENSIONS, Emotion
from edge.errors import HeartenError
from edge.features import RATE
from train import bimodal, spoken, text_data
from train.corpora import LABELS, Utterance, root
from train.intervals import Values, interval
from train.metrics import ccc, macro_f1, pearson
from train.pairs import TEXT_CLASS
from train.provenance import origin, store
from train.spoken import VOICES

PIECE = RATE // 10
PAUSE = np.zeros(RATE, np.int16)  # what ends an utterance
DRAWS = 1000
ROWS = ("voice", "text", "fused")
KINDS = {"classes": "goemotions, isear", "vad": "emobank"}
NO_WORD = "neutral"  # what the text says where it heard nothing


@dataclass(frozen=True, slots=True)
class Answer:
    """What one of ``ROWS`` says of a sentence: a category, and V/A/D (3,)."""

    category: str
    vad: Values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--pack", type=Path, help="folder or .zip (the built-in pack)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--count", type=int, default=100, help="sentences of each kind")
    parser.add_argument("--skip", type=int, default=0, help="so many first, which were seen before")
    parser.add_argument("--voices", choices=["test", "fresh"], default="test")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of sentences")
    parser.add_argument("--pairs", type=Path, default=bimodal.PLACE, metavar="FILE")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Speak, hear, score; write one result a kind of target and print it.

    Raises:
        HeartenError: a synthesiser, a corpus or the pack is missing, or no sentence is left.
    """
    with Engine.open(args.pack, reject=0.0) as engine:
        known, pairs = bimodal.sentences(root()), bimodal.read(args.pairs)
        for kind in args.kinds:
            names = chosen(pairs, kind, args.skip + args.count, args.seed)[args.skip :]
            if args.skip < 0 or not names:
                raise HeartenError(f"no sentence of {kind} is left behind --skip {args.skip}")
            items = [known[name] for name in names]
            voices = VOICES[args.voices]
            said = [answers(engine, item, number, voices) for number, item in enumerate(items)]
            quantization = engine.pack.manifest.raw["voice"]["quantization"]
            _store(args, kind, items, said, quantization)
    return 0


def chosen(pairs: Sequence[bimodal.Pair], kind: str, count: int, seed: int) -> list[str]:
    """Return ids of sentences of the benchmark's test pairs, in an order drawn by ``seed``.

    They are those of the level "consistent", each once, so every emotion comes about as often as
    it is acted.
    """
    test = [pair for pair in pairs if pair.part == "test"]
    order = np.random.default_rng(seed).permutation(len(test))
    names = (test[i].said("consistent", rated=kind == "vad") for i in order)
    return list(dict.fromkeys(names))[:count]


def answers(
    engine: Engine, item: Utterance, number: int, voices: Sequence[str]
) -> dict[str, Answer]:
    """Return what the device says of a sentence, by ``ROWS``; the voices take turns."""
    voice = voices[number % len(voices)]
    print(f"\r{number + 1} sentences", end="", file=sys.stderr)
    return of_events(hear(engine, spoken.speak(item.text or "", voice)))


def hear(engine: Engine, samples: Samples) -> list[Emotion]:
    """Return the final events of a recording that comes in pieces of 100 ms."""
    engine.reset()
    whole = np.concatenate([PAUSE, samples, PAUSE])
    pieces = (whole[i : i + PIECE].tobytes() for i in range(0, len(whole), PIECE))
    events = [event for piece in pieces for event in engine.push(piece)]
    return [event for event in [*events, *engine.flush()] if event.type == "final"]


def of_events(events: Sequence[Emotion]) -> dict[str, Answer]:
    """Return one answer a row for a sentence of several utterances, each by its length."""
    found = {}
    for row in ROWS:
        sides = [(_side(event, row), event.end - event.start) for event in events]
        known = [(side, length) for side, length in sides if side]
        found[row] = _mean(known)
    return found


def _side(event: Emotion, row: str) -> Mapping[str, Any] | None:
    return event.to_dict() if row == "fused" else getattr(event, row)


def _mean(known: Sequence[tuple[Mapping[str, Any], float]]) -> Answer:
    if not known:
        return Answer(NO_WORD, np.zeros(3))
    weights = [length for _, length in known]
    vad = np.average([[side[d] for d in DIMENSIONS] for side, _ in known], axis=0, weights=weights)
    shares: dict[str, float] = {}
    for side, length in known:
        for label, share in side["probabilities"].items():
            shares[label] = shares.get(label, 0.0) + length * share
    return Answer(max(shares, key=lambda label: shares[label]), vad)


def scores(
    items: Sequence[Utterance], said: Sequence[Mapping[str, Answer]], kind: str
) -> dict[str, dict[str, Any]]:
    """Return, by row, r and CCC of V/A/D or macro-F1, over the sentences; "calm" is neutral."""
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(items), size=len(items)) for _ in range(DRAWS)]
    return {row: _cells(items, [s[row] for s in said], kind, draws) for row in ROWS}


def _cells(
    items: Sequence[Utterance], said: Sequence[Answer], kind: str, draws: Iterable[Any]
) -> dict[str, Any]:
    if kind == "vad":
        truth, guess = text_data.vad_targets(items), np.stack([answer.vad for answer in said])
        metrics = {
            f"{name}_{dimension}": lambda rows, d=d, f=function: f(truth[rows, d], guess[rows, d])
            for name, function in (("r", pearson), ("ccc", ccc))
            for d, dimension in enumerate(DIMENSIONS)
        }
    else:
        right = np.array([LABELS.index(item.labels[0]) for item in items])
        heard = np.array([LABELS.index(TEXT_CLASS[answer.category]) for answer in said])
        metrics = {"macro_f1": lambda rows: macro_f1(right[rows], heard[rows])}
    draws = list(draws)
    return {
        name: {
            "mean": round(metric(np.arange(len(items))), 4),
            "ci95": interval(np.array([metric(rows) for rows in draws])),
        }
        for name, metric in metrics.items()
    }


def _store(
    args: argparse.Namespace,
    kind: str,
    items: Sequence[Utterance],
    said: Sequence[Mapping[str, Answer]],
    quantization: str,
) -> None:
    *first, last = VOICES[args.voices]
    behind = f" behind the first {args.skip}" if args.skip else ""
    row = {
        "task": "fusion",
        "corpus": f"{KINDS[kind]}, synthesised",
        "protocol": (
            f"{len(items)} test sentences of the benchmark{behind}, {args.voices} voices "
            f"{', '.join(first)} and {last}"
        ),
        "artefact": f"the whole device, voice in {quantization}, in pieces of 100 ms",
        "model": {},
        "seeds": [args.seed],
        "metrics": scores(items, said, kind),
        **origin(),
        "notes": "a synthesiser acts no emotion; 95 % intervals over sentences",
    }
    place = args.results / f"fusion-spoken-{kind}{'-fresh' * (args.voices == 'fresh')}.json"
    store(place, row)
    for name, cells in row["metrics"].items():
        told = ", ".join(f"{key} {cell['mean']:.3f}" for key, cell in cells.items())
        print(f"{kind} {name}: {told}")

"""``python -m train fusion_limits``: what keeps the fusion from gaining more, measured.

The constructed benchmark, level "consistent", with recognisers that hear more or put in less than
the measured one. Of each: what the shipped fusion gains over the voice when it is fitted as always,
and in hindsight, with the weights that are best for the test pairs themselves. A mixture can gain
no more than that; what is above it needs other words, not another fusion.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edge.emotion import DIMENSIONS
from train import bimodal, fusions, mishearing
from train.bimodal import LEVELS, Pair
from train.bimodal_rows import WRITTEN, Bench, Said, Sentences, said
from train.corpora import LABELS, ravdess, root
from train.fusion_late import SCALES, SHARES, WEIGHTS, Product
from train.keyword_files import listened
from train.metrics import ccc, macro_f1
from train.mishearing import Rates
from train.modalities import Rows, Values, joined_rows
from train.pairs import TEXT_CLASS
from train.partition import FOLDS
from train.provenance import origin, store
from train.text_reader import Reader

RESULT = "fusion-limits.json"
PROTOCOL = "luna-jimenez"
# Recall, or None for the measured one, and by how much wrong words are multiplied.
RECOGNISERS = ((None, 1.0), (None, 0.5), (None, 0.0), (0.6, 0.5), (0.8, 0.25))
NOTES = (
    "points over the voice alone on the level consistent; fitted: on development pairs of the same "
    "recogniser; hindsight: weight, scale and shares of V/A/D that are best for the test pairs of "
    "each fold; other recognisers are simulated, with the measured confidences"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    fusions.add_places(parser, 0.15)
    parser.add_argument("--draws", type=int, default=2, help="of sentences, up to 5")


def run(args: argparse.Namespace) -> int:
    """Measure, print and store; return 0.

    Raises:
        HeartenError: the list, a corpus, a fold or a model is missing.
    """
    pairs = [pair for pair in bimodal.read(args.pairs) if pair.seed < args.draws]
    rates, reader = mishearing.read(args.mishearing), Reader(args.text)
    found: dict[str, dict[str, Any]] = {}
    for recall, wrong in RECOGNISERS:
        heard = replace(rates, recall=recall or rates.recall, inserted=wrong * rates.inserted)
        name = f"recall {heard.recall:.2f}, {heard.inserted:.2f} wrong a word"
        bench = _bench(args, reader, heard)
        found[name] = gains(args, pairs, bench, reader, LEVELS[0])
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    found["every word as written"] = gains(args, pairs, bench, reader, WRITTEN)
    store(args.results / RESULT, _content(args, found))
    for name, row in found.items():
        print(f"{name}: " + ", ".join(f"{k} {v['mean']:+.2f}" for k, v in row.items()))
    return 0


def _bench(args: argparse.Namespace, reader: Reader, rates: Rates) -> Bench:
    hear = mishearing.Mishearing(rates, args.language, listened(args.text), args.least)
    known = {u.id: u for u in ravdess.load(root(), "speech")}
    return Bench(known, Sentences(root(), reader, hear), {})


def gains(
    args: argparse.Namespace, pairs: Sequence[Pair], bench: Bench, reader: Reader, level: str
) -> dict[str, dict[str, float]]:
    """Return points over the voice, macro-F1 and CCC, over the test pairs of all folds."""
    speaks = [list(reader.labels).index(TEXT_CLASS[label]) for label in LABELS]
    answers: dict[str, list[tuple[Values, Values]]] = {}
    tested = []
    for fold in range(len(FOLDS[PROTOCOL])):
        dev, test = said(args.folds / f"{PROTOCOL}-{fold}-seed-0")
        known = [p for p in pairs if p.part == "dev" and p.utterance in dev]
        fusion = Product(speaks).fit(joined_rows([_both(bench, known, x, dev) for x in LEVELS]))
        rows = _both(
            bench, [p for p in pairs if p.part == "test" and p.utterance in test], level, test
        )
        tested.append(rows)
        answers.setdefault("voice", []).append((_of(rows.voice.probabilities), _of(rows.voice.vad)))
        answers.setdefault("fitted", []).append(_said(fusion, rows))
        answers.setdefault("hindsight", []).append(hindsight(fusion, rows))
    whole = joined_rows(tested)
    scores = {name: _scores(whole, parts) for name, parts in answers.items()}
    return {
        f"{name}_{key}_points": {"mean": round(100 * (value - scores["voice"][key]), 2)}
        for name in ("fitted", "hindsight")
        for key, value in scores[name].items()
    }


def hindsight(fusion: Product, rows: Rows) -> tuple[Values, Values]:
    """Return what is said with the weights that are best for these rows; ``fusion`` is fitted."""
    known, rated = rows.take(rows.labelled), rows.take(rows.rated)
    best = replace(fusion)
    grid = [(w, s) for s in SCALES for w in WEIGHTS]
    said_of = [fusion.shares(known, *cell).argmax(axis=1) for cell in grid]
    right = [macro_f1(known.classes, answer) for answer in said_of]
    best.weight, best.scale = grid[int(np.argmax(right))]
    cccs = np.array([best.shared(rated, share) for share in SHARES])
    best.share = np.array(SHARES)[cccs.argmax(axis=0)]
    return _said(best, rows)


def _both(bench: Bench, pairs: Sequence[Pair], level: str, voice: Said) -> Rows:
    return joined_rows([bench.rows(pairs, level, voice, rated) for rated in (False, True)])


def _said(fusion: Product, rows: Rows) -> tuple[Values, Values]:
    fused = fusion.predict(rows)
    return _of(fused.probabilities), _of(fused.vad)


def _of(values: Values | None) -> Values:
    assert values is not None
    return values


def _scores(rows: Rows, parts: Sequence[tuple[Values, Values]]) -> dict[str, float]:
    shares, vad = (np.concatenate(x) for x in zip(*parts, strict=True))
    classes = rows.classes[rows.labelled]
    row = {"macro_f1": macro_f1(classes, shares[rows.labelled].argmax(axis=1))}
    for d, name in enumerate(DIMENSIONS):
        row[f"ccc_{name}"] = ccc(rows.truth[rows.rated, d], vad[rows.rated, d])
    return row


def _content(args: argparse.Namespace, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "task": "fusion-limits",
        "corpus": "ravdess-speech with emobank, goemotions, isear (constructed pairs)",
        "protocol": f"{PROTOCOL} 5 folds, actors and sentences apart, {args.draws} draws of pairs",
        "artefact": "float voice, quantised text graph, simulated recognisers",
        "model": {"shipped": "late-product"},
        "seeds": list(range(args.draws)),
        "metrics": found,
        **origin(),
        "notes": NOTES,
    }

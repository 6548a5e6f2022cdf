"""``python -m train fusions``: every way of joining voice and words, on the constructed benchmark.

Fusions of decisions are fitted on a fold's development actors with development sentences, those of
features on its training actors with development sentences; then every row, the single modalities
too, gets the same refit on the development actors (temperature, variance of V/A/D). One fit serves
all levels. Tested on the fold's test actors with test sentences; the actors of all folds together
are all actors. A seed is another draw of sentences and of what is heard.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.errors import HeartenError
from train import bimodal, hsf, mishearing, text_data
from train.bimodal import LEVELS, Pair
from train.bimodal_rows import WRITTEN, Bench, Said, Sentences, plain, said
from train.corpora import LABELS, ravdess, root
from train.fusion_kinds import NAMES, TITLES, Refitted, make
from train.fusion_late import Product
from train.fusion_scores import Answers, cells, differences, table
from train.keyword_files import listened
from train.modalities import Fusion, Rows, joined_rows
from train.pairs import TEXT_CLASS, Texts, load_texts
from train.partition import FOLDS
from train.provenance import origin, store
from train.table_cells import text
from train.text_reader import Reader

RESULT = "fusion-bimodal"
PROTOCOL = "luna-jimenez"
MEASURED = ("features", "text first")  # what is fitted on more than development actors
FUNCTIONALS = "gemaps"  # with the silence ratio: HSF2
PER_LEVEL = (*LEVELS, WRITTEN)
SHOWN = ("macro_f1", "ece", "ccc_valence", "ccc_arousal", "ccc_dominance")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    add_places(parser, 0.0)
    parser.add_argument("--functionals", type=Path, default=hsf.CACHE, metavar="DIR")
    parser.add_argument("--names", nargs="+", default=list(NAMES), choices=NAMES, metavar="NAME")
    parser.add_argument("--json", action="store_true")


def add_places(parser: argparse.ArgumentParser, least: float) -> None:
    """Declare where pairs, folds, models and results are; ``least`` is the usual confidence."""
    parser.add_argument("--pairs", type=Path, default=bimodal.PLACE, metavar="FILE")
    parser.add_argument("--folds", type=Path, default=Path("runs/evaluate"), metavar="DIR")
    parser.add_argument("--text", type=Path, default=Path("runs/text"), metavar="DIR")
    parser.add_argument("--language", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--mishearing", type=Path, default=mishearing.PLACE, metavar="FILE")
    parser.add_argument(
        "--least", type=float, default=least, help="confidence of a word that counts"
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Fit, test, print and store; return 0.

    Raises:
        HeartenError: the list, a corpus, a fold or a model is missing.
    """
    if not {"voice", "text"} <= set(args.names):
        raise HeartenError("--names: voice and text are what a fusion is compared with")
    bench, pairs, reader = _bench(args)
    texts = _texts(args, reader)
    found = {(name, level): Answers() for name in args.names for level in PER_LEVEL}
    for fold in range(len(FOLDS[PROTOCOL])):
        folder = args.folds / f"{PROTOCOL}-{fold}-seed-0"
        voices = said(folder)
        fitted = _fit(args.names, bench, pairs, voices, reader.labels, plain(folder, texts))
        tested = [p for p in pairs if p.part == "test" and p.utterance in voices[1]]
        for level in PER_LEVEL:
            rows = _both(bench, tested, level, voices[1])
            for name, fusion in fitted.items():
                found[name, level].add(fusion, rows, tested)
        print(f"fold {fold}: {len(tested)} pairs", file=sys.stderr)
    content = _result(args, found, mishearing.read(args.mishearing))
    place = args.results / f"{RESULT}{f'-least-{args.least:g}' * bool(args.least)}.json"
    store(place, content)
    if args.json:
        print(json.dumps(content, indent=1))
        return 0
    for level in PER_LEVEL:
        rows = {TITLES[n]: content["tables"][level][n] for n in args.names}
        print(text(f"{level}: test pairs of all folds", table(rows)))
    return 0


def _bench(args: argparse.Namespace) -> tuple[Bench, list[Pair], Reader]:
    folder, reader = root(), Reader(args.text)
    rates = mishearing.read(args.mishearing)
    hear = mishearing.Mishearing(rates, args.language, listened(args.text), args.least)
    voices, functionals = ravdess.load(folder, "speech"), {}
    if any(make(name).wants in MEASURED for name in args.names):
        features = hsf.hsf(voices, FUNCTIONALS, pauses=True, folder=args.functionals)
        functionals = {u.id: row for u, row in zip(voices, features.astype(float), strict=True)}
    known = {u.id: u for u in voices}
    bench = Bench(known, Sentences(folder, reader, hear), functionals)
    return bench, bimodal.read(args.pairs), reader


def _texts(args: argparse.Namespace, reader: Reader) -> Texts:
    """Return the development sentences as heard, for plain voices to say."""
    rates = mishearing.read(args.mishearing)
    hear = mishearing.Mishearing(rates, args.language, listened(args.text), args.least)
    return load_texts(root(), text_data.CORPORA, "dev", hear, reader, 0)


def _fit(
    names: Sequence[str], bench: Bench, pairs: Sequence[Pair], voices: tuple[Said, Said],
    texts: Sequence[str], unacted: Rows | None,
) -> dict[str, Refitted]:  # fmt: skip
    """Return the fusions by name, fitted and refitted for one fold.

    What ships also learns of plain speech, ``unacted``, where its novelty was measured.
    """
    dev, test = voices
    decided = [p for p in pairs if p.part == "dev" and p.utterance in dev]
    held = {_actor(name) for name in (*dev, *test)}
    others = [
        p for p in pairs if p.part == "dev" and _actor(p.utterance) not in held and not p.seed
    ]
    known = joined_rows([_both(bench, decided, level, dev) for level in LEVELS])
    measured = joined_rows([_both(bench, others, level, None) for level in LEVELS])
    speaks = [list(texts).index(TEXT_CLASS[label]) for label in LABELS]
    found = {}
    for name in names:
        fusion: Fusion = make(name, 0, speaks)
        fusion.fit(measured if fusion.wants in MEASURED else known)
        if isinstance(fusion, Product) and unacted is not None:
            fusion.fit_novel(known, unacted)
        found[name] = Refitted(fusion).fit(known)
    return found


def _both(bench: Bench, pairs: Sequence[Pair], level: str, voice: Said | None) -> Rows:
    """Return a row a pair with its class, then a row a pair with its V/A/D."""
    return joined_rows([bench.rows(pairs, level, voice, rated) for rated in (False, True)])


def _actor(utterance: str) -> str:
    return utterance.rpartition("-")[2]


def _result(
    args: argparse.Namespace, found: Mapping[tuple[str, str], Answers], rates: mishearing.Rates
) -> dict[str, Any]:
    answers = {level: {name: found[name, level] for name in args.names} for level in PER_LEVEL}
    scores = {level: {n: cells(a, level) for n, a in row.items()} for level, row in answers.items()}
    gains = {level: differences(row, level) for level, row in answers.items()}
    return {
        "task": "fusion",
        "corpus": "ravdess-speech with emobank, goemotions, isear (constructed pairs)",
        "protocol": f"{PROTOCOL} 5 folds, actors and sentences apart, five draws of pairs",
        "artefact": "float voice, quantised text graph, simulated recogniser",
        "model": {"shipped": "late-product"},
        "seeds": list(range(bimodal.SEEDS)),
        "metrics": {
            f"{level}: {TITLES[name]}": {k: row[k] for k in SHOWN if k in row}
            | gains[level].get(name, {})
            for level, rows in scores.items()
            for name, row in rows.items()
        },
        "tables": scores,
        **origin(),
        "notes": (
            f"recall {rates.recall}, {rates.inserted} wrong words a word, words below "
            f"{args.least} dropped; {WRITTEN!r} is no level of the benchmark: no recognition errors"
        ),
    }

"""The seed's table on RAVDESS: 386 functionals, speech and song, speaker-dependent and apart.

Nothing is chosen on any recording - epochs and settings are fixed - so all that is not tested
trains.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from train import corpora, hsf, recordings, report_seed, seed_models
from train.corpora import LABELS, Utterance
from train.jobs import Job
from train.partition import FOLDS, TENTHS, TENTHS_SEED, UTTERANCES, members, setting, tenths
from train.report import load
from train.table import demand
from train.table_cells import Cell, Row, do, done, job_of, judge, said, store, text

KINDS = ("speech", "song")
MODELS = (*seed_models.NETWORKS, *seed_models.CLASSIFIERS)
SLOW = ("conv1d",)  # hours a fold
SPLIT = "split"  # one draw of a tenth, as the seed's UAR
SEEDS = [0, 1, 2]
SMOKE_ACTORS = 2
NOTES = (
    "UAR is a mean over folds, accuracy over all test utterances; uar_split: one stratified tenth "
    f"(seed {TENTHS_SEED}); epochs and settings are fixed, nothing was chosen; recordings are "
    "16 kHz, so the upper quarter of the features' band is empty; 1439 recordings of speech, "
    "without the known duplicate"
)


def run(args: argparse.Namespace) -> int:
    """Run the jobs of the models that are asked for; store and print all that are done.

    Raises:
        HeartenError: an unknown model, or no RAVDESS.
    """
    given = args.models or [name for name in MODELS if name not in SLOW]
    chosen = demand(given, MODELS, "model")
    args.protocol = args.protocol or "emobox"
    args.seeds = args.seeds or SEEDS
    args.epochs = 2 if args.smoke else args.epochs or seed_models.EPOCHS
    for kind in KINDS:
        hsf.each(items(kind, _smoke(args)), "seed")
    if not do(args, [_job(args, cell) for model in chosen for cell in cells(args, model)]):
        return 1
    contents = [_store(args, kind, column) for kind in KINDS for column in _columns(args)]
    if args.json:
        print(json.dumps(contents))
        return 0
    stored = load(args.results)
    for kind in KINDS:
        print(text(report_seed.seed_title(kind), report_seed.seed(stored, kind, args.protocol)))
    return 0


def cells(args: argparse.Namespace, model: str, column: str | None = None) -> list[Cell]:
    """Return what has to be trained for a row, of all columns or of one.

    A smoke run has one fold of each. The MLP with actors apart has all seeds, as it is quick.
    """
    count = {UTTERANCES: TENTHS, SPLIT: 1, args.protocol: len(FOLDS[args.protocol])}
    return [
        Cell(model, name, fold, seed)
        for name, folds in count.items()
        if column in (None, name)
        for seed in (args.seeds if (model, name) == ("mlp", args.protocol) else args.seeds[:1])
        for fold in range(1 if args.smoke else folds)
    ]


def items(kind: str, smoke: str | None = None) -> list[Utterance]:
    """Return the recordings of "speech" or "song".

    With ``smoke``, a protocol, one of each label of two actors: the first is in the first test
    fold, the other is not.
    """
    every = recordings.load(corpora.root(), [f"ravdess-{kind}"])
    if smoke is None:
        return every
    people = (FOLDS[smoke][0][0], *FOLDS[smoke][1][: SMOKE_ACTORS - 1])
    first = {(u.speaker, u.label): u for u in every if u.speaker in people}
    return list(first.values())


def parts(
    every: Sequence[Utterance], column: str, fold: int, count: int = TENTHS
) -> tuple[list[int], list[int]]:
    """Return the places of (train, test) of one fold of a column."""
    if column == SPLIT:
        from sklearn.model_selection import train_test_split

        train, test = train_test_split(
            range(len(every)),
            test_size=1 / count,
            random_state=TENTHS_SEED,
            stratify=[u.label for u in every],
        )
        return train, test
    if column == UTTERANCES:
        test = tenths(every, count)[fold]
    else:
        test = [i for i, u in enumerate(every) if u.speaker in FOLDS[column][fold]]
    held = set(test)
    return [i for i in range(len(every)) if i not in held], test


def job(
    row: str, column: str, fold: int, seed: int, epochs: int, smoke: str | None
) -> dict[str, Row]:
    """Train and test one cell on speech and on song, in this process; plain arguments only."""
    found = {}
    for kind in KINDS:
        every = items(kind, smoke)
        train, test = parts(every, column, fold, SMOKE_ACTORS if smoke else TENTHS)
        features = np.stack(hsf.each(every, "seed"))
        truth = np.array([LABELS.index(u.label or "") for u in every])
        guess = seed_models.predict(
            row, features[train], truth[train], features[test], epochs, seed
        )
        found[kind] = said(truth[test].tolist(), guess.tolist(), [every[i].speaker for i in test])
    return found


def _job(args: argparse.Namespace, cell: Cell) -> Job:
    epochs = args.epochs if cell.row in seed_models.NETWORKS else 0
    return job_of(args, cell, f"{__name__}:job", {"epochs": epochs, "smoke": _smoke(args)})


def _smoke(args: argparse.Namespace) -> str | None:
    return args.protocol if args.smoke else None


def _columns(args: argparse.Namespace) -> tuple[str, str]:
    return UTTERANCES, args.protocol


def _store(args: argparse.Namespace, kind: str, column: str) -> Row:
    """Write the result of one column: every model all of whose jobs are done."""
    found = {name: row for name in MODELS if (row := _row(args, name, kind, column))}
    first = next(iter(found.values()))
    content = {
        "corpus": f"ravdess-{kind}",
        "protocol": column,
        "folds": members(column),
        "seeds": args.seeds,
        "epochs": args.epochs,
        "labels": first["labels"],
        "parameters": {
            name: seed_models.parameters(name, len(first["labels"]))
            for name in found
            if name in seed_models.NETWORKS
        },
        "metrics": {name: row["metrics"] for name, row in found.items()},
        "confusion": {name: row["confusion"] for name, row in found.items()},
        "notes": f"{setting(column)}; {NOTES}",
    }
    return store(args, f"table-ravdess-{kind}-{column}", content)


def _row(args: argparse.Namespace, model: str, kind: str, column: str) -> dict[str, Any] | None:
    """Return metrics, labels and confusion of a model in a column; None while jobs are missing."""
    chosen = cells(args, model, column)
    rows = done(_job(args, cell) for cell in chosen)
    if rows is None:
        return None
    apart = column in FOLDS
    row = judge(chosen, [found[kind] for found in rows], apart)
    if not apart:
        single = cells(args, model, SPLIT)
        if drawn := done(_job(args, cell) for cell in single):
            split = judge(single, [found[kind] for found in drawn], apart)
            row["metrics"]["uar_split"] = split["metrics"]["uar"]
    return row

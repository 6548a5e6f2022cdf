"""The seed's table of descriptors against statistics, on RAVDESS or any other corpus.

Rows are a set of features, a form (LLD, HSF1, HSF2) and a model. RAVDESS has the folds of a
protocol, corpora in sessions leave one session out, others a fifth of their speakers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.errors import HeartenError
from train import corpora, hsf, licence, lld_models, recordings, report_seed
from train.corpora import DERIVED, LABELS, RATED, Utterance
from train.jobs import Job
from train.partition import DRAWN, DRAWN_FOLDS, FOLDS, chosen, members
from train.splits import leave_session_out
from train.table import demand
from train.table_cells import Cell, Row, do, done, job_of, judge, said, store, text

FORMS = {"LLD": ("gru",), "HSF1": ("mlp", "svm"), "HSF2": ("mlp", "svm")}
MODELS = ("gru", "mlp", "svm")
SESSIONS = ("iemocap", "msp-improv", "mspin")
LOSO = "leave-one-session-out"
EPOCHS = 40
NOTES = (
    "UAR is a mean over folds, all else and every interval over all test speakers; epoch and "
    "cost were chosen on development speakers; the GRU hears frames of 40 ms"
)


def run(args: argparse.Namespace) -> int:
    """Run the jobs of the rows that are asked for; store and print all that are done.

    Raises:
        HeartenError: unknown features, model or corpus, or a corpus that is not here.
    """
    features = demand(args.features or [*hsf.LLDS], [*hsf.LLDS], "features")
    models = demand(args.models or MODELS, MODELS, "model")
    args.seeds = args.seeds or [0]
    args.epochs = 2 if args.smoke else args.epochs or EPOCHS
    args.protocol = _protocol(args.corpus, args.protocol)
    items = load(args.corpus)
    needed = _needed(items, args) if args.smoke else items
    for name in dict.fromkeys([*(hsf.LLDS[name][0] for name in features), "silence"]):
        hsf.each(needed, name)
    rows = [r for r in _rows() if r.split("/")[0] in features and r.split("/")[2] in models]
    if not do(args, [_job(args, cell) for row in rows for cell in _cells(args, row, items)]):
        return 1
    content = _store(args, items)
    if args.json:
        print(json.dumps(content))
    else:
        print(text(report_seed.lld_title(content), report_seed.lld(content)))
    return 0


def load(corpus: str) -> list[Utterance]:
    """Return the recordings of a corpus that have a class and V/A/D.

    Raises:
        HeartenError: it is not known or not here; one under licence says that it needs it.
    """
    folder = corpora.root()
    try:
        return recordings.load(folder, [corpus])
    except HeartenError as error:
        if corpus in SESSIONS and str(error).startswith("no "):  # not here, rather than damaged
            terms = licence.terms(corpus).licence
            raise HeartenError(f"needs licence: {corpus} ({terms}): {error}") from error
        raise


def split(
    items: Sequence[Utterance], protocol: str, fold: int, smoke: bool = False
) -> tuple[list[Utterance], ...]:
    """Return (train, dev, test) of a fold, speakers apart; a smoke run has one of each label."""
    if protocol == LOSO:
        parts = leave_session_out(items, _sessions(items)[fold])
    else:
        parts = chosen(f"{protocol}:{fold}", items).split(items)
    if smoke:
        return tuple(list({u.label: u for u in part}.values()) for part in parts)
    return parts


def job(row: str, column: str, fold: int, seed: int, corpus: str, epochs: int, smoke: bool) -> Row:
    """Train and test one cell, in this process; plain arguments only."""
    parts = split(load(corpus), column, fold, smoke)
    train, dev, test = (_part(part, *row.split("/")[:2]) for part in parts)
    classes, vad = lld_models.predict(row.split("/")[2], (train, dev, test), epochs, seed)
    found = said(test.classes.tolist(), classes.tolist(), [u.speaker for u in parts[2]])
    rounded = {"vad": test.vad.round(4).tolist(), "said_vad": vad.astype(float).round(4).tolist()}
    return {**found, **rounded}


def _part(items: Sequence[Utterance], features: str, form: str) -> lld_models.Part:
    if form == "LLD":
        frames = [lld_models.merged(frames) for frames in hsf.llds(items, features)]
    else:
        frames = list(hsf.hsf(items, features, pauses=form == "HSF2")[:, None])
    return lld_models.Part(
        frames,
        np.array([LABELS.index(u.label or "") for u in items]),
        np.array([[u.valence, u.arousal, u.dominance] for u in items], np.float64),
    )


def _protocol(corpus: str, given: str | None) -> str:
    if corpus.startswith("ravdess-"):
        return given or "luna-jimenez"
    if given:
        raise HeartenError(f"--protocol {given} is of RAVDESS, not of {corpus}: leave it out")
    return LOSO if corpus in SESSIONS else corpus if corpus in FOLDS else DRAWN


def _sessions(items: Sequence[Utterance]) -> list[str]:
    return sorted({u.session or "" for u in items})


def _folds(protocol: str, items: Sequence[Utterance]) -> list[list[str]]:
    """Return who or what is tested in every fold."""
    if protocol == LOSO:
        return [[f"session {name}"] for name in _sessions(items)]
    if protocol == DRAWN:
        names = [chosen(f"{DRAWN}:{fold}", items).test for fold in range(DRAWN_FOLDS)]
        return [list(people) for people in names]
    return members(protocol)


def _rows() -> list[str]:
    return [f"{f}/{form}/{m}" for f in hsf.LLDS for form, found in FORMS.items() for m in found]


def _cells(args: argparse.Namespace, row: str, items: Sequence[Utterance]) -> list[Cell]:
    folds = 1 if args.smoke else len(_folds(args.protocol, items))
    return [Cell(row, args.protocol, f, seed) for seed in args.seeds for f in range(folds)]


def _job(args: argparse.Namespace, cell: Cell) -> Job:
    epochs = 0 if cell.row.endswith("svm") else args.epochs
    more = {"corpus": args.corpus, "epochs": epochs, "smoke": args.smoke}
    return job_of(args, cell, f"{__name__}:job", more)


def _needed(items: Sequence[Utterance], args: argparse.Namespace) -> list[Utterance]:
    """Return the recordings of a smoke run."""
    return [u for part in split(items, args.protocol, 0, smoke=True) for u in part]


def _store(args: argparse.Namespace, items: Sequence[Utterance]) -> Row:
    """Write every row all of whose jobs are done."""
    found = {}
    for row in _rows():
        cells = _cells(args, row, items)
        if rows := done(_job(args, cell) for cell in cells):
            found[row] = judge(cells, rows, apart=True)
    derived = items[0].sources.get("valence", "").startswith("derived")
    for result in found.values():
        for name, metric in result["metrics"].items():
            if name.startswith("ccc"):
                metric["labels"] = DERIVED if derived else RATED
    name = Path(args.corpus).stem if args.corpus.endswith(".csv") else args.corpus
    content = {
        "corpus": name,
        "protocol": args.protocol,
        "folds": _folds(args.protocol, items),
        "seeds": args.seeds,
        "epochs": args.epochs,
        "labels": next(iter(found.values()))["labels"],
        "metrics": {row: result["metrics"] for row, result in found.items()},
        "confusion": {row: result["confusion"] for row, result in found.items()},
        "notes": f"speakers apart; {NOTES}; V/A/D: {DERIVED if derived else RATED}",
    }
    return store(args, f"table-lld-hsf-{name}-{args.protocol}", content)

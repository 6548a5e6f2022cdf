"""What the seed's tables of V/A/D share: jobs that train its networks, scores, published rows."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import DIMENSIONS
from edge.errors import HeartenError
from train import hsf, vad_data, vad_networks
from train.corpora import Utterance
from train.intervals import Speakers
from train.jobs import Job
from train.losses import Weights
from train.metrics import ccc, ccc_batches
from train.report import ANCHORS
from train.report_blocks import Table, show
from train.scored import summary
from train.table_cells import Cell, Row, do, done, job_of, store, text

FEATURES = "gemaps"  # with the silence ratio: HSF2
SMOKE_UNITS = 8
FEWEST = 4  # test speakers from which an interval over them means something
KEYS = (*DIMENSIONS, "mean")
NOTES = {
    vad_data.LOSO: "speakers of the test session apart; development is a fifth of the other "
    "utterances, drawn, as in the seed work; the epoch was chosen there",
    vad_data.DEPENDENT: "speaker-dependent: utterances drawn at random, the test voices were heard "
    "in training",
}
Values = NDArray[np.float64]
Told = tuple[int, Row]  # seed, and the result of a job


@dataclass(frozen=True, slots=True)
class Task:
    """A row to train: its networks with their loss weights, and where word vectors are from."""

    row: str
    networks: Mapping[str, Weights]
    vectors: str = vad_data.GLOVE


def trained(args: argparse.Namespace, tasks: Sequence[Task]) -> dict[str, list[Told]] | None:
    """Return {row: (seed, result of its job) of every fold and seed}; None where jobs failed.

    Raises:
        HeartenError: a corpus that is not here (``NeedsLicence``) or has no words, too few
            utterances, or vectors that cannot be read.
    """
    items = vad_data.load(args.corpus)
    if any(name != "voice" for task in tasks for name in task.networks):
        vad_data.demand_words(items, args.corpus)
    if any(name != "text" for task in tasks for name in task.networks):
        for name in (FEATURES, "silence"):  # once, before jobs ask for them side by side
            hsf.each(items, name)
    args.tested = folds(args, items)
    for session in args.tested:
        vad_data.split(items, args.protocol, session, 0)
    jobs = {task.row: _jobs(args, task) for task in tasks}
    if not do(args, [job for _, one in jobs.values() for job in one]):
        return None
    return {
        row: list(zip(seeds, done(one) or (), strict=True)) for row, (seeds, one) in jobs.items()
    }


def _jobs(args: argparse.Namespace, task: Task) -> tuple[list[int], list[Job]]:
    """Return the seeds and the jobs of a row, one a fold and seed."""
    cells = [
        (session, Cell(task.row, args.protocol, fold, seed))
        for seed in args.seeds
        for fold, session in enumerate(args.tested)
    ]
    more = {
        "networks": {name: list(weights) for name, weights in task.networks.items()},
        "corpus": args.corpus,
        "vectors": task.vectors,
        "text_model": args.text_model,
        "epochs": args.epochs,
        "units": SMOKE_UNITS if args.smoke else vad_networks.UNITS,
    }
    name = f"{__name__}:job"
    jobs = [job_of(args, cell, name, more | {"session": session}) for session, cell in cells]
    return [cell.seed for _, cell in cells], jobs


def job(
    row: str,
    column: str,
    fold: int,
    seed: int,
    networks: Mapping[str, Sequence[float]],
    corpus: str,
    session: str,
    vectors: str,
    text_model: str,
    epochs: int,
    units: int,
) -> Row:
    """Train the networks of one cell, in this process; plain arguments only.

    Returns "speakers" of the test part, and of "dev" and "test" the "truth", how many "words" an
    utterance has, and the V/A/D of each network, (n, 3) in file order.
    """
    parts = vad_data.split(vad_data.load(corpus), column, session, seed)
    known = vad_data.Vocabulary([u for part in parts for u in part])  # as the seed did
    inputs = [_inputs(part, known, networks) for part in parts]
    table = np.zeros((2, 1), np.float32)
    if set(networks) != {"voice"}:
        table = known.vectors(vectors, seed)
    found: dict[str, Any] = {
        name: {"truth": one.truth.tolist(), "words": (one.words > 0).sum(axis=1).tolist()}
        for name, one in zip(("dev", "test"), inputs[1:], strict=True)
    }
    for name, (v, a, d) in networks.items():
        setting = vad_networks.Setting(name, table, (v, a, d), seed, epochs, units, text_model)
        for part, said in zip(("dev", "test"), vad_networks.predict(setting, inputs), strict=True):
            found[part][name] = said.round(5).tolist()
    return found | {"speakers": [u.speaker for u in parts[2]]}


def _inputs(
    items: Sequence[Utterance], known: vad_data.Vocabulary, networks: Iterable[str]
) -> vad_networks.Inputs:
    heard = set(networks) != {"text"}
    table = hsf.hsf(items, FEATURES, pauses=True) if heard else np.zeros((len(items), 1))
    return vad_networks.Inputs(table.astype(np.float32), known(items), vad_data.truth(items))


def folds(args: argparse.Namespace, items: Sequence[Utterance]) -> list[str]:
    """Return the sessions that are tested: the last, or each where all are asked for.

    Drawn utterances have one fold, without a session.
    """
    if args.protocol == vad_data.DEPENDENT:
        return [""]
    names = vad_data.sessions(items)
    return names if args.every_session else names[-1:]


def finish(args: argparse.Namespace, metrics: Mapping[str, Any], title: str, key: str) -> int:
    """Store the rows of a table and print them below the published ones; return 0."""
    corpus = Path(args.corpus).stem if args.corpus.endswith(".csv") else args.corpus
    sessions = [[f"session {name}"] for name in args.tested if name]
    content = {
        "corpus": corpus,
        "protocol": args.protocol,
        "artefact": "float",
        "model": {"voice": "HSF2 of 23 GeMAPS, LSTM", "text": args.text_model},
        "folds": sessions or [["drawn utterances"]],
        "seeds": args.seeds,
        "epochs": args.epochs,
        "metrics": metrics,
        "notes": NOTES[args.protocol],
    }
    whole = store(args, f"table-{args.table}-{corpus}-{args.protocol}", content)
    if args.json:
        print(json.dumps(whole))
        return 0
    where = ", ".join(name for fold in content["folds"] for name in fold)
    told = "one CCC over the test set" if key == "ccc" else "mean of CCC over batches of 32"
    print(published(title))
    print(text(f"Ours on {corpus}, {args.protocol}, test: {where}; {told}", ours(metrics, key)))
    return 0


def lacking(args: argparse.Namespace, title: str, error: vad_data.NeedsLicence) -> int:
    """Print the published rows, and what ours would need; return 0."""
    if args.json:
        print(json.dumps({"task": f"table-{args.table}", "ours": None, "reason": str(error)}))
        return 0
    print(published(title))
    print(f"\nOurs: {error}")
    return 0


def scores(cells: Sequence[tuple[int, Row, Values]]) -> dict[str, Any]:
    """Return CCCs of one row over folds and seeds: (seed, result of a job, what is said of test).

    Global ones, and means over 32 in file order; of every dimension, and of their mean. Several
    folds are one set of utterances; intervals are over its speakers, where there are enough.
    """
    seeds = sorted({seed for seed, _, _ in cells})
    pairs = [_joined([cell for cell in cells if cell[0] == seed]) for seed in seeds]
    draws = _draws(cells)
    found: dict[str, Any] = {}
    for name, metric in (("ccc", ccc), ("ccc_batch32", ccc_batches)):
        runs = np.array([[metric(t[:, d], a[:, d]) for d in range(3)] for t, a in pairs])
        resampled = [*draws.T] if draws is not None and name == "ccc" else [None] * 3
        mean = None if resampled[0] is None else np.mean(resampled, axis=0)
        for column, sampled, key in zip(
            [*runs.T, runs.mean(axis=1)], [*resampled, mean], KEYS, strict=True
        ):
            found[f"{name}_{key}"] = summary([float(x) for x in column], sampled)
    return found


def _joined(cells: Sequence[tuple[int, Row, Values]]) -> tuple[Values, Values]:
    """Return V/A/D, (n, 3), as rated and as said of the test utterances of some cells."""
    truth = np.concatenate([np.array(job["test"]["truth"]) for _, job, _ in cells])
    return truth, np.concatenate([said for _, _, said in cells])


def _draws(cells: Sequence[tuple[int, Row, Values]]) -> Values | None:
    """Return the CCC of resampled speakers, (draws, 3); None where they are too few."""
    speakers = np.concatenate([job["speakers"] for _, job, _ in cells])
    if len(set(speakers)) < FEWEST:
        return None
    drawn, (truth, said) = Speakers(speakers), _joined(cells)
    return np.stack([drawn.ccc(truth[:, d], said[:, d]) for d in range(3)], axis=1)


def ours(metrics: Mapping[str, Mapping[str, Any]], key: str) -> Table:
    """Return measured rows: V, A, D and their mean of the metric ``key``."""
    rows = [[name, *(show(row[f"{key}_{d}"]) for d in KEYS)] for name, row in metrics.items()]
    return Table(["ours", "V", "A", "D", "mean"], rows)


def published(title: str) -> str:
    """Return a published table of ``anchors.json``, the one whose title begins so, as text.

    Raises:
        HeartenError: there is none: anchors.json was changed.
    """
    for table in json.loads(ANCHORS.read_text(encoding="utf-8"))["tables"]:
        if table["title"].startswith(title):
            keys = list(dict.fromkeys(k for row in table["rows"] for k in row if k != "name"))
            rows = [[row["name"], *(show(row.get(k)) for k in keys)] for row in table["rows"]]
            return f"{text(table['title'], Table(['published', *keys], rows))}\n({table['source']})"
    raise HeartenError(f"{ANCHORS} has no table {title!r}: take it from the repository")

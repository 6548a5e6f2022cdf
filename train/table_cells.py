"""What the seed's tables share: cells, their jobs, and what many cells together are worth."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.emotion import DIMENSIONS
from train.corpora import LABELS
from train.evaluate import compact, tell
from train.jobs import Job, run_all
from train.metrics import ccc_batches
from train.provenance import origin
from train.report_blocks import Table
from train.scored import Scored, summary

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to train and test: a row of a table, a column, a fold of it, a seed."""

    row: str
    column: str
    fold: int
    seed: int


def job_of(args: argparse.Namespace, cell: Cell, function: str, more: Mapping[str, Any]) -> Job:
    """Return the job of a cell: ``function`` is called with its fields and with ``more``.

    The result is named after all of them: what other options gave is not taken for it.
    """
    arguments = {**asdict(cell), **more}
    key = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{cell.row}-{cell.column}-{cell.fold}-seed-{cell.seed}".replace("/", "-")
    place = args.out / Path(args.table) / name / f"said-{key}.json"
    told = f"{cell.row} {cell.column}:{cell.fold} seed {cell.seed}"
    return Job(told, function, arguments, str(place))


def do(args: argparse.Namespace, jobs: Sequence[Job]) -> bool:
    """Run jobs that have no result yet; False, and why on stderr, if some failed."""
    failed = run_all(jobs, args.jobs, args.scheduler)
    if failed:
        tell(failed, len(jobs))
    return not failed


def done(jobs: Iterable[Job]) -> list[Any] | None:
    """Return the results of jobs, or None while one is missing."""
    paths = [Path(job.result) for job in jobs]
    if not paths or not all(path.exists() for path in paths):
        return None
    return [json.loads(path.read_text("utf-8")) for path in paths]


def said(truth: Sequence[int], guess: Sequence[int], speakers: Sequence[str | None]) -> Row:
    """Return what a job gives of its test utterances: classes, and who spoke."""
    return {
        "speakers": [str(name) for name in speakers],
        "truth": [int(c) for c in truth],
        "said": [int(c) for c in guess],
    }


def judge(cells: Sequence[Cell], rows: Sequence[Row], apart: bool) -> dict[str, Any]:
    """Return the "metrics" of the cells of one row and column, "labels" and "confusion".

    Rows with "vad" and "said_vad" have CCCs too. Intervals are over speakers, where those are
    kept apart.
    """
    size = [len(row["truth"]) for row in rows]
    dimensional = "vad" in rows[0]
    none = [np.zeros((n, 3)) for n in size]
    scored = Scored(
        fold=np.repeat([cell.fold for cell in cells], size),
        seed=np.repeat([cell.seed for cell in cells], size),
        speakers=np.concatenate([row["speakers"] for row in rows]),
        truth=np.concatenate([row["truth"] for row in rows]),
        vad=np.concatenate([row["vad"] for row in rows] if dimensional else none),
        odds=np.eye(len(LABELS))[np.concatenate([row["said"] for row in rows])] + 1e-9,
        said_vad=np.concatenate([row["said_vad"] for row in rows] if dimensional else none),
    )
    metrics = scored.metrics()
    if dimensional:
        metrics |= _batches(scored)
    kept = [key for key in metrics if key in ("uar", "war") or (dimensional and "ccc" in key)]
    if not apart:
        for key in kept:
            metrics[key].pop("ci95", None)
    return {
        "metrics": {key: metrics[key] for key in kept},
        "labels": [LABELS[c] for c in scored.present],
        "confusion": scored.confusion(),
    }


def _batches(scored: Scored) -> dict[str, Any]:
    """Return CCCs as the seed's tables of networks print them: means over 32 in file order."""
    masks = [scored.seed == seed for seed in np.unique(scored.seed)]
    return {
        f"ccc_batch32_{name}": summary(
            [ccc_batches(scored.vad[m, d], scored.said_vad[m, d]) for m in masks], None
        )
        for d, name in enumerate(DIMENSIONS)
    }


def store(args: argparse.Namespace, name: str, content: Mapping[str, Any]) -> Row:
    """Write a result with where it comes from, and return it."""
    notes = str(content["notes"])
    if args.smoke:
        notes = f"SMOKE RUN, the numbers mean nothing; {notes}"
    whole = {
        "task": f"table-{args.table}",
        **content,
        "notes": notes,
        **origin(),
    }
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / f"{name}.json").write_text(compact(whole))
    return whole


def text(title: str, table: Table) -> str:
    """Return a table of a report as plain text: columns aligned, heads broken at commas."""
    heads = [name.split(", ") for name in table.head]
    tall = max(map(len, heads))
    lines = [[*[""] * (tall - len(parts)), *parts] for parts in heads]
    rows = [*(list(row) for row in zip(*lines, strict=True)), *table.rows]
    widths = [max(len(row[c]) for row in rows) for c in range(len(table.head))]
    aligned = ("  ".join(f"{x:<{w}}" for x, w in zip(r, widths, strict=True)) for r in rows)
    return "\n".join(["", title, "", *(line.rstrip() for line in aligned)])

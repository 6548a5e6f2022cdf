"""Trials of trained folds: their options, a job for each fold and seed, and their results."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from convert import QUANTIZATION
from edge.errors import HeartenError
from train import report_charts, trained
from train.evaluate import KINDS, RAVDESS, RESULTS, compact
from train.jobs import Job, run_all
from train.partition import FOLDS
from train.provenance import origin

Cells = list[tuple[int, int]]  # fold and seed


def add_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """Declare the options that all trials share; ``out`` is where their jobs leave results."""
    parser.add_argument("--runs", type=Path, default=Path("runs/evaluate"), help="trained folds")
    parser.add_argument("--protocol", choices=list(FOLDS), default="luna-jimenez")
    parser.add_argument("--folds", type=int, nargs="+", metavar="N", help="only these (all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--kind", choices=KINDS, default="speech", help="of the test utterances")
    parser.add_argument("--quantize", default=QUANTIZATION)
    parser.add_argument("--smoke", action="store_true", help="a handful of recordings a fold")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="at a time (all cores)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster: tcp://host:port")
    parser.add_argument("--out", type=Path, default=Path(out), help="keeps what is done")
    parser.add_argument(
        "--results", type=Path, help=f"folder ({RESULTS}; of a smoke run, one in --out)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(
    args: argparse.Namespace, function: str, more: Mapping[str, Any]
) -> tuple[Cells, list[dict[str, Any]]]:
    """Run ``function(folder, quantization, kind, smoke, **more)`` for every fold and seed.

    Returns the folds and seeds, and what each job returned. Jobs that are done are not done again,
    unless the model is another.

    Raises:
        HeartenError: folds that are not there or not trained, jobs that failed, no scheduler.
    """
    args.results = args.results or (args.out / "results" if args.smoke else RESULTS)
    if args.jobs < 1:
        raise HeartenError(f"--jobs must be at least 1, not {args.jobs}")
    cells = _cells(args)
    jobs = [_job(args, function, fold, seed, more) for fold, seed in cells]
    if failed := run_all(jobs, args.jobs, args.scheduler):
        told = "; ".join(f"{name}: {error}" for name, error in failed.items())
        raise HeartenError(
            f"{len(failed)} of {len(jobs)} jobs failed, the others are kept: mend it and run the "
            f"same command again ({told})"
        )
    return cells, [json.loads(Path(job.result).read_text("utf-8")) for job in jobs]


def _cells(args: argparse.Namespace) -> Cells:
    known = range(len(FOLDS[args.protocol]))
    folds = list(known) if args.folds is None else args.folds
    if strange := [fold for fold in folds if fold not in known]:
        raise HeartenError(f"{args.protocol} has folds 0 to {known[-1]}, not {strange[0]}")
    return [(fold, seed) for seed in args.seeds for fold in folds]


def _job(
    args: argparse.Namespace, function: str, fold: int, seed: int, more: Mapping[str, Any]
) -> Job:
    folder = args.runs / f"{args.protocol}-{fold}-seed-{seed}"
    needed = [folder / name for name in ("model.npz", "model.json", "predictions.npz")]
    if missing := [path for path in needed if not path.is_file()]:
        raise HeartenError(
            f"no {missing[0]}: python -m train evaluate voice --protocol {args.protocol} "
            f"--seeds {' '.join(map(str, args.seeds))} --out {args.runs}"
        )
    arguments = {
        "folder": str(folder),
        "quantization": args.quantize,
        "kind": args.kind,
        "smoke": args.smoke,
        **more,
    }
    digest = hashlib.sha256(json.dumps([function, arguments]).encode())
    gate = folder / trained.GATE
    for path in [*needed, *[gate] * gate.is_file()]:
        digest.update(path.read_bytes())
    place = args.out / folder.name / f"{digest.hexdigest()[:16]}.json"
    return Job(f"{args.protocol}:{fold} seed {seed}", function, arguments, str(place))


def corpus_of(args: argparse.Namespace) -> str:
    """Return the name of the corpus whose speakers a protocol tests."""
    return f"ravdess-{args.kind}" if args.protocol in RAVDESS else str(args.protocol)


def content(
    args: argparse.Namespace, task: str, corpus: str, cells: Cells, notes: Iterable[str]
) -> dict[str, Any]:
    """Return what every result says of itself."""
    folds = sorted({fold for fold, _ in cells})
    every = len(folds) == len(FOLDS[args.protocol])
    some = "" if every else f"only folds {', '.join(map(str, folds))}"
    smoke = "SMOKE RUN, the numbers mean nothing" if args.smoke else ""
    return {
        "task": task,
        "corpus": corpus,
        "protocol": args.protocol,
        "artefact": f"{args.quantize} streaming",
        "folds": [list(FOLDS[args.protocol][fold]) for fold in folds],
        "seeds": args.seeds,
        **origin(),
        "notes": "; ".join(filter(None, [smoke, "actors apart", some, *notes])),
    }


def store(args: argparse.Namespace, result: Mapping[str, Any], lines: Sequence[str]) -> int:
    """Write a result and its pictures, print it, and return 0."""
    from train import report_trials

    name = f"{result['task']}-{result['corpus']}-{result['protocol']}"
    folder = args.results / report_charts.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (args.results / f"{name}.json").write_text(compact(result), encoding="utf-8")
    for file, _, svg in report_trials.pictures(name, result):
        (folder / file).write_text(report_charts.standalone(svg), encoding="utf-8")
    print(json.dumps(result) if args.json else "\n".join(lines))
    return 0

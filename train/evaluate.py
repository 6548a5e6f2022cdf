"""``python -m train evaluate``: every fold of a protocol trained, converted and scored.

Each fold and seed is a job of its own (``train.jobs``), with a folder under ``--out``: a job that
is done is not done again, one that was cut short goes on. In the background, for hours:
``nohup python -m train evaluate voice --seeds 0 1 2 3 4 > evaluate.log 2>&1 &``. On several
machines: ``dask scheduler`` on one, ``python -m dask worker tcp://HOST:8786`` in a checkout on
each, and ``--scheduler tcp://HOST:8786`` here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from convert import QUANTIZATION
from edge.errors import HeartenError
from train import report_charts, voice
from train.corpora import LABELS
from train.jobs import Job, run_all
from train.partition import FOLDS, UTTERANCES, members, setting
from train.provenance import origin
from train.scored import Scored, kind_of

RESULTS = Path("results")
ARTEFACTS = ("float", "quantised", "streaming")
KINDS = ("speech", "song")
RAVDESS = (
    "luna-jimenez",
    "emobox",
    UTTERANCES,
)  # protocols on it; another is named after its corpus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("task", choices=["voice", "text"])
    parser.add_argument("--protocol", choices=[*FOLDS, UTTERANCES], default="luna-jimenez")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=voice.EPOCHS)
    parser.add_argument("--quantize", default=QUANTIZATION)
    parser.add_argument(
        "--kind", nargs="+", choices=KINDS, default=list(KINDS), help="of the test utterances"
    )
    parser.add_argument(
        "--training",
        default="",
        metavar="OPTIONS",
        help='more options of python -m train voice, as one word: --training="--kind logmel"',
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="FOLDER",
        help="soft labels of every fold: python -m train voice_teacher",
    )
    parser.add_argument(
        "--everyone",
        action="store_true",
        help="train on the development speakers too, calibrated as a first run of each fold "
        "without them",
    )
    parser.add_argument(
        "--voices",
        type=Path,
        metavar="FOLDER",
        help="take over the voices of an evaluation with --training='--cepstra 20' --out FOLDER, "
        "and learn melody alone",
    )
    parser.add_argument("--smoke", action="store_true", help="a handful of recordings, 2 epochs")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="at a time (all cores)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="run the jobs on a Dask cluster: tcp://host:port"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/evaluate"))
    parser.add_argument("--text", type=Path, default=Path("runs/text"), help="a trained text model")
    parser.add_argument(
        "--results", type=Path, help=f"folder ({RESULTS}; of a smoke run, one in --out)"
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Run every job and write a result for each artefact and kind; 1 if a job failed.

    Raises:
        HeartenError: options that cannot be, or no scheduler.
    """
    args.results = args.results or (args.out / "results" if args.smoke else RESULTS)
    if args.task == "text":
        from train import text_score

        return text_score.run(args)
    if args.jobs < 1:
        raise HeartenError(f"--jobs must be at least 1, not {args.jobs}")
    parse(_training(args, 0))  # a mistake in it is told now, not by every job
    cells = [(fold, seed) for seed in args.seeds for fold in range(len(members(args.protocol)))]
    if args.everyone:
        firsts = [sibling_of(args, fold) for fold in range(len(members(args.protocol)))]
        if failed := run_all(firsts, args.jobs, args.scheduler):
            tell(failed, len(firsts))
            return 1
    jobs = [job_of(args, fold, seed) for fold, seed in cells]
    if failed := run_all(jobs, args.jobs, args.scheduler):
        tell(failed, len(jobs))
        return 1
    write(args, cells, [json.loads(Path(job.result).read_text("utf-8")) for job in jobs])
    return 0


def job_of(args: argparse.Namespace, fold: int, seed: int) -> Job:
    """Return the job of one fold and seed."""
    given = _training(args, fold)
    if args.everyone:
        given += ["--sibling", str(_sibling(args, fold))]
    return _job(args, fold, seed, f"{args.protocol}-{fold}-seed-{seed}", given)


def sibling_of(args: argparse.Namespace, fold: int) -> Job:
    """Return the job that keeps a fold's development speakers apart."""
    return _job(args, fold, args.seeds[0], _sibling(args, fold).name, _training(args, fold))


def _sibling(args: argparse.Namespace, fold: int) -> Path:
    return Path(args.out) / f"{args.protocol}-{fold}-apart"


def _job(args: argparse.Namespace, fold: int, seed: int, run: str, given: list[str]) -> Job:
    """Return a job; its result is named after the options: that of others is not taken for it."""
    folder = args.out / run
    if args.voices:
        given = [*given, "--voice", str(args.voices / run)]
    about = [given, args.quantize, voice.DESIGN]
    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:8]
    arguments = {
        "fold": f"{args.protocol}:{fold}",
        "seed": seed,
        "folder": str(folder),
        "training": given,
        "quantize": args.quantize,
    }
    result = folder / f"said-{args.quantize}-{key}.json"
    name = f"{args.protocol}:{fold} seed {seed}"
    name += " apart" if folder == _sibling(args, fold) else ""
    return Job(name, f"{__name__}:job", arguments, str(result))


def job(fold: str, seed: int, folder: str, training: list[str], quantize: str) -> dict[str, Any]:
    """Train, convert and score one fold with one seed, in this process; plain arguments only."""
    from train import scoring

    given = ["--fold", fold, "--seed", str(seed), "--out", folder, *training]
    sys.argv = ["train", "voice", *given]  # what the model's file says of its making
    voice.run(parse(given))
    return scoring.score(Path(folder), quantize)


def parse(given: Sequence[str]) -> argparse.Namespace:
    """Return options of ``python -m train voice``; a mistake ends the program, as there."""
    parser = argparse.ArgumentParser(prog="python -m train voice")
    voice.add_arguments(parser)
    return parser.parse_args(given)


def _training(args: argparse.Namespace, fold: int) -> list[str]:
    given = ["--epochs", str(args.epochs), *shlex.split(args.training)]
    if args.teacher:
        given += ["--teacher", str(args.teacher / f"{args.protocol}-{fold}.npz")]
    return [*given, "--smoke"] if args.smoke else given


def write(
    args: argparse.Namespace, cells: Sequence[tuple[int, int]], done: Sequence[Mapping[str, Any]]
) -> None:
    """Write results and pictures, and print a line for each.

    Raises:
        HeartenError: none of the kinds asked for is among the test utterances.
    """
    found = {kind_of(name) for row in done for name in row["ids"]}
    kinds = [kind for kind in args.kind if kind in found]
    if not kinds:
        raise HeartenError(f"the test speakers have only {', '.join(found)}: --kind")
    args.results.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        for artefact in ARTEFACTS:
            content = result(args, kind, artefact, cells, done)
            name = f"voice-{content['corpus']}-{args.protocol}-{artefact}"
            (args.results / f"{name}.json").write_text(compact(content))
            report_charts.write(content, name, args.results / report_charts.FOLDER)
            print(json.dumps(content) if args.json else _line(content))


def result(
    args: argparse.Namespace,
    kind: str,
    artefact: str,
    cells: Sequence[tuple[int, int]],
    done: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the result of one artefact in the form that the report reads."""
    scored = Scored.of(cells, done, kind, artefact)
    labels = [LABELS[c] for c in scored.present]
    return {
        "task": "voice",
        "corpus": f"ravdess-{kind}" if args.protocol in RAVDESS else args.protocol,
        "protocol": args.protocol,
        "artefact": "float" if artefact == "float" else f"{args.quantize} {artefact}",
        "model": {"parameters": done[0]["parameters"], "bytes": done[0]["bytes"]},
        "folds": members(args.protocol),
        "seeds": args.seeds,
        "metrics": scored.metrics(),
        "labels": labels,
        "confusion": scored.confusion(),
        "scatter": scored.scatter(),
        **origin(),
        "notes": _notes(args, len(labels)),
    }


def compact(content: Mapping[str, Any]) -> str:
    """Return indented JSON with each list of plain values on one line."""
    text = json.dumps(content, indent=1)
    return re.sub(r"\[[^][{}]*\]", lambda m: re.sub(r"\s*\n\s*", " ", m[0]), text) + "\n"


def _notes(args: argparse.Namespace, classes: int) -> str:
    notes = [
        "SMOKE RUN, the numbers mean nothing" if args.smoke else "",
        setting(args.protocol),
        f"temperature chosen on development {_whose(args.protocol)}"
        + (", by a first model that did not train on them, as this one does" * args.everyone),
        "taught by soft labels of other speakers' heads on a frozen encoder" * bool(args.teacher),
        f"arg max over the {classes} classes of the corpus" if classes < len(LABELS) else "",
        "UAR is a mean over folds, all else and every interval over all test "
        f"{_whose(args.protocol)}",
        "V/A/D labels are derived from the emotion word, not rated",
    ]
    return "; ".join(filter(None, notes))


def _whose(protocol: str) -> str:
    return "utterances" if protocol == UTTERANCES else "actors"


def tell(failed: Mapping[str, str], count: int) -> None:
    """Print on stderr which of ``count`` jobs failed and why, and what to do about it."""
    for name, error in failed.items():
        print(f"failed: {name}: {error}", file=sys.stderr)
    print(
        f"{len(failed)} of {count} jobs failed. The others are kept; results are written when all "
        "are done: run the same command again, it does only what is missing",
        file=sys.stderr,
    )


def _line(content: Mapping[str, Any]) -> str:
    row = content["metrics"]["uar"]
    low, high = row["ci95"]
    ccc = " ".join(
        f"{name[0].upper()} {content['metrics'][f'ccc_{name}']['mean']:.2f}"
        for name in content["scatter"]
    )
    told = str(content["protocol"])
    if told == UTTERANCES:
        told += " (speaker-dependent)"
    return (
        f"{content['corpus']}, {told}, {content['artefact']}: UAR {row['mean']:.3f} "
        f"+- {row['sd']:.3f} (95 % over speakers {low:.3f}-{high:.3f}, seeds {content['seeds']}), "
        f"CCC {ccc} (derived)"
    )

"""``python -m train text_table``: what the embedding table starts from, and what that is worth."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from train import text, text_sources, vocabulary
from train.provenance import commit
from train.text_model import STARTS

RESULT = "text-initialisations.json"
SHOWN = ("r_valence", "r_arousal", "r_dominance", "macro_f1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train text_table``."""
    parser.add_argument("--text", type=Path, default=Path("runs/text"), help="has the keywords")
    parser.add_argument("--teacher", type=Path, default=Path("runs/teacher/teacher.npz"))
    parser.add_argument("--out", type=Path, default=Path("runs/text-table"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--results", type=Path, default=Path("results"))


def run(args: argparse.Namespace) -> int:
    """Train every row of the table with every seed (a finished run is kept); write the result."""
    rows = [(start, taught) for taught in (False, True) for start in STARTS]
    table = []
    for start, taught in rows:
        runs = [_metrics(args, start, taught, seed) for seed in args.seeds]
        named = f"{start}, contextual teacher" if taught else start
        parts = {part: _spread([run[part]["clean"] for run in runs]) for part in ("dev", "test")}
        table.append({"start": named, **parts})
        print(f"{named}: {json.dumps(parts)}")
    content = {
        "task": "text",
        "protocol": "official splits; ISEAR respondents apart; reference text, float model",
        "seeds": args.seeds,
        "metrics": table,
        "command": f"python -m train {' '.join(sys.argv[1:])}",
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / RESULT).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


def _metrics(args: argparse.Namespace, start: str, taught: bool, seed: int) -> dict[str, Any]:
    """Train one model in a folder of its own, unless it is there; return its metrics.json."""
    out = args.out / f"{start}-{'taught' if taught else 'alone'}-{seed}"
    if not (out / "metrics.json").is_file():
        vocabulary.write(vocabulary.read(args.text), out)
        text_sources.write(out, text_sources.read(args.text))
        shutil.rmtree(out / "checkpoint", ignore_errors=True)
        parser = argparse.ArgumentParser()
        text.add_arguments(parser)
        given = ["--out", str(out), "--start", start, "--seed", str(seed)]
        text.run(parser.parse_args([*given, *(("--teacher", str(args.teacher)) * taught)]))
    return dict(json.loads((out / "metrics.json").read_text(encoding="utf-8")))


def _spread(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return mean and standard deviation of each metric shown, over the seeds."""
    values = {
        f"{corpus}_{name}": [run[corpus][name] for run in runs]
        for corpus, named in runs[0].items()
        for name in SHOWN
        if name in named
    }
    return {
        name: {"mean": round(float(np.mean(x)), 4), "sd": round(float(np.std(x)), 4)}
        for name, x in values.items()
    }

"""``python -m train text_table``: what the model starts from, and what that is worth.

The rows are those of the seed's deck (a learnt embedding, word norms, GloVe, a contextual
encoder) as far as packages ship them: none was found with word2vec or FastText vectors.
The encoder is the teacher of ``train.teacher``. The result is written after every seed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train import keyword_files, text, text_sources
from train.provenance import origin

RESULT = "table-text-initialisations.json"
SHOWN = ("r_valence", "r_arousal", "r_dominance", "macro_f1")
ROWS = (
    ("random", False),
    ("norms", False),
    ("glove", False),
    ("glove+norms", False),
    ("glove+norms", True),
)
"""What the table starts from, and whether the contextual teacher is listened to."""

Scores = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train text_table``."""
    parser.add_argument("--text", type=Path, default=Path("runs/text"), help="has the keywords")
    parser.add_argument("--teacher", type=Path, default=Path("runs/teacher/teacher.npz"))
    parser.add_argument("--out", type=Path, default=Path("runs/text-table"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=12, help="most epochs a run (default 12)")
    parser.add_argument("--results", type=Path, default=Path("results"))


def run(args: argparse.Namespace) -> int:
    """Train every row of the table with every seed (a finished run is kept); write the result."""
    found: dict[tuple[str, bool], list[Scores]] = {row: [] for row in ROWS}
    args.results.mkdir(parents=True, exist_ok=True)
    for count, seed in enumerate(args.seeds, start=1):
        for start, taught in ROWS:
            found[start, taught].append(_metrics(args, start, taught, seed))
        content = _result(found, args.seeds[:count], args.epochs)
        path = args.results / RESULT
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        print(f"text_table: {count} of {len(args.seeds)} seeds in {path}", file=sys.stderr)
    return 0


def _result(
    found: dict[tuple[str, bool], list[Scores]], seeds: Sequence[int], epochs: int
) -> Scores:
    """Return what the result file holds: the test part as metrics, the dev part beside it."""
    named = {
        f"{start}, contextual teacher" if taught else start: runs
        for (start, taught), runs in found.items()
    }
    parts = {
        part: {name: _spread([run[part]["clean"] for run in runs]) for name, runs in named.items()}
        for part in ("test", "dev")
    }
    return {
        "task": "table-text",
        "corpus": "emobank, goemotions, isear",
        "protocol": "official splits; ISEAR respondents apart",
        "artefact": "float model, reference text",
        "seeds": list(seeds),
        "epochs": epochs,
        "metrics": parts["test"],
        "development": parts["dev"],
        **origin(),
        "notes": "test split; no package was found that ships word2vec or FastText vectors",
    }


def _metrics(args: argparse.Namespace, start: str, taught: bool, seed: int) -> dict[str, Any]:
    """Train one model in a folder of its own, unless it is there; return its metrics.json."""
    out = args.out / f"{start}-{'taught' if taught else 'alone'}-{seed}"
    if not (out / "metrics.json").is_file():
        keyword_files.write(keyword_files.read(args.text), out)
        text_sources.write(out, text_sources.read(args.text))
        shutil.rmtree(out / "checkpoint", ignore_errors=True)
        parser = argparse.ArgumentParser()
        text.add_arguments(parser)
        given = ["--out", str(out), "--start", start, "--seed", str(seed)]
        given += ["--epochs", str(args.epochs)]
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
        name: {
            "mean": round(float(np.mean(x)), 4),
            "sd": round(float(np.std(x)), 4),
            "runs": [round(float(one), 4) for one in x],
        }
        for name, x in values.items()
    }

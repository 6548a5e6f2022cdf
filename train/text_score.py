"""``python -m train evaluate text``: the quantised text graph on the test splits.

And on sentences with and without a negation: ``train.text_negation``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edge.emotion import Floats
from edge.interpreter import Graph
from train import keyword_files, text, text_sources
from train.corpora import root
from train.provenance import origin
from train.text_damage import damaged
from train.text_data import Bags
from train.text_training import Data, read_data

PROTOCOLS = {
    "emobank": "official split",
    "goemotions": "official split, Ekman mapping, comments of one category",
    "isear": "respondents apart",
}
NOTES = {
    "clean": "reference text",
    "third": "a third of the words, with a recogniser's confidences, drawn once",
}


def run(args: argparse.Namespace) -> int:
    """Score the graph that ``convert`` would ship and write one result file a corpus."""
    from convert.text import build, load
    from train import text_negation

    content = build(args.text)
    graph = Graph(content, "text.tflite")
    used = text_sources.corpora(_json(args.text / "model.json").get("sources", PROTOCOLS))
    data = read_data(root(), keyword_files.read(args.text).forms, None, corpora=used)
    seed = _json(args.text / "metrics.json")["seed"]
    args.results.mkdir(parents=True, exist_ok=True)
    for corpus in data:
        row = {
            "task": "text",
            "corpus": corpus,
            "protocol": PROTOCOLS[corpus],
            "artefact": "int8 rows",
            "model": {"bytes": len(content)},
            "seeds": [seed],
            "metrics": {NOTES[c]: _scores(graph, data, corpus, c) for c in NOTES},
            **origin(),
            "notes": "epoch chosen on dev; test split scored with the shipped graph",
        }
        (args.results / f"text-{corpus}.json").write_text(json.dumps(row, indent=1) + "\n")
        print(json.dumps(row) if args.json else _line(row))
    row = text_negation.result(load(args.text), lambda bags: predict(graph, bags)[0])
    row |= {"seeds": [seed], "command": f"python -m train {' '.join(sys.argv[1:])}"}
    (args.results / "text-negation.json").write_text(json.dumps(row, indent=1) + "\n")
    print(json.dumps(row) if args.json else _line(row))
    return 0


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def predict(graph: Graph, bags: Bags) -> tuple[Floats, Floats]:
    """Return V/A/D (n, 3) and probabilities (n, categories) of the quantised graph."""
    runs = [
        graph.run(ids=bags.ids[i : i + 1], weights=bags.weights[i : i + 1])
        for i in range(len(bags))
    ]
    vad, shares = (np.concatenate([run[name] for run in runs]) for name in ("vad", "probabilities"))
    return vad, shares


def _scores(graph: Graph, data: Data, corpus: str, condition: str) -> dict[str, float]:
    split = data[corpus]["test"]
    vad, shares = predict(graph, damaged(split.bags, condition))
    found = text.score(split, vad, shares, corpus)
    return {name: round(value, 4) for name, value in found.items()}


def _line(row: dict[str, Any]) -> str:
    parts = [
        f"{note}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items())
        for note, values in row["metrics"].items()
    ]
    return f"{row['corpus']} ({row['protocol']})\n  " + "\n  ".join(parts)

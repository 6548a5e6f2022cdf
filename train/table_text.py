"""``python -m train table text``: what words alone say, by where their vectors are from.

The published rows are means of CCC over batches of 32 on IEMOCAP, ours beside them where it is
there. Below stand our own text models on EmoBank, which is open, and written, not spoken: another
task, on another scale, for orientation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.emotion import DIMENSIONS
from edge.errors import HeartenError
from train import table_vad
from train.evaluate import RESULTS
from train.losses import TEXT
from train.report_blocks import Table, show
from train.table_cells import text
from train.vad_data import GLOVE, LEARNED, NeedsLicence

TITLE = "Seed: IEMOCAP, V/A/D from the words"
STARTS = "text-initialisations.json"  # of python -m train text_table
SHIPPED = "text-emobank.json"  # of python -m train evaluate text


def run(args: argparse.Namespace) -> int:
    """Train what is missing, store and print, with what is stored of EmoBank; 1 if a job failed.

    Raises:
        HeartenError: a corpus that is damaged or has no words, or vectors that cannot be read.
    """
    named = named_vectors(args.vectors or [LEARNED, GLOVE])
    tasks = [table_vad.Task(name, {"text": TEXT}, source) for name, source in named.items()]
    try:
        told = table_vad.trained(args, tasks)
    except NeedsLicence as error:
        code = table_vad.lacking(args, TITLE, error)
    else:
        if told is None:
            return 1
        cells = {
            row: [(seed, job, np.array(job["test"]["text"])) for seed, job in jobs]
            for row, jobs in told.items()
        }
        metrics = {row: table_vad.scores(found) for row, found in cells.items()}
        code = table_vad.finish(args, metrics, TITLE, "ccc_batch32")
    if not args.json and (rows := open_rows(RESULTS)):
        head = ["our text models", "CCC or r: V", "A", "D", "mean"]
        print(text("Ours on EmoBank (open; written sentences)", Table(head, rows)))
    return code


def named_vectors(given: Sequence[str]) -> dict[str, str]:
    """Return {name: source} of word vectors: "learned", "glove", a file, or NAME=FILE.

    Raises:
        HeartenError: no such file, or two of one name.
    """
    found: dict[str, str] = {}
    for one in given:
        name, _, source = one.rpartition("=")
        if source not in (LEARNED, GLOVE) and not Path(source).is_file():
            raise HeartenError(
                f"--vectors {one}: use {LEARNED}, {GLOVE}, or a file of word vectors "
                "(NAME=FILE): text, or word2vec's .bin"
            )
        if found.setdefault(name or Path(source).stem, source) != source:
            raise HeartenError(f"--vectors: two of the name {name!r}: give each its own")
    return found


def open_rows(folder: Path) -> list[list[str]]:
    """Return the rows of EmoBank that are stored in ``folder``: CCC of the shipped graph, and the
    correlation of every start of the table of embeddings."""
    rows = []
    if (folder / SHIPPED).is_file():
        for name, row in json.loads((folder / SHIPPED).read_text("utf-8"))["metrics"].items():
            rows.append(_row(f"shipped, {name}: CCC", [row[f"ccc_{d}"] for d in DIMENSIONS]))
    if (folder / STARTS).is_file():
        for one in json.loads((folder / STARTS).read_text("utf-8"))["metrics"]:
            found = [one["test"].get(f"emobank_r_{d}", {}).get("mean") for d in DIMENSIONS]
            if None not in found:
                rows.append(_row(f"{one['start']}: r", found))
    return rows


def _row(name: str, values: Sequence[float]) -> list[str]:
    return [name, *map(show, [*values, float(np.mean(values))])]

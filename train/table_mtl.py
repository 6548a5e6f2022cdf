"""``python -m train table mtl``: V, A and D learned at once, with no, two and three parameters.

The seed's network concatenation, voice and text, with the three multitask totals of the CCC loss
(``train.losses``). The published numbers are means of CCC over batches of 32.
"""

from __future__ import annotations

import argparse

import numpy as np

from train import losses, table_vad
from train.table_text import named_vectors
from train.vad_data import NeedsLicence

TITLE = "Seed: IEMOCAP, V/A/D by network concatenation"
TOTALS = {
    "no parameter": losses.no_parameter(),
    "two parameters": losses.two_parameters(),
    "three parameters": losses.three_parameters(),
}


def run(args: argparse.Namespace) -> int:
    """Train what is missing, store and print; 1 if a job failed.

    Raises:
        HeartenError: a corpus that is damaged or has no words, or vectors that cannot be read.
    """
    (source,) = named_vectors((args.vectors or ["glove"])[:1]).values()
    tasks = [table_vad.Task(name, {"both": total}, source) for name, total in TOTALS.items()]
    try:
        told = table_vad.trained(args, tasks)
    except NeedsLicence as error:
        return table_vad.lacking(args, TITLE, error)
    if told is None:
        return 1
    cells = {
        row: [(seed, job, np.array(job["test"]["both"])) for seed, job in jobs]
        for row, jobs in told.items()
    }
    metrics = {row: table_vad.scores(found) for row, found in cells.items()}
    return table_vad.finish(args, metrics, TITLE, "ccc_batch32")

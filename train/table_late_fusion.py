"""``python -m train table late-fusion``: the seed's late fusion on IEMOCAP or MSP-IMPROV.

Two networks, one on statistics of the voice and one on word vectors, are trained apart; what both
say of the development part is joined by an SVR for each dimension, and scored once on the test
part. A fit by squared error shrinks what is said, which costs CCC, so the rows of voice and text
alone stand beside it, and all of them again with the deviation of the development part restored.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from train import table_vad
from train.fusion_alone import restoring
from train.fusion_kinds import make
from train.losses import ACOUSTIC, TEXT
from train.modalities import Rows, Side, Values
from train.table_cells import Row
from train.table_text import named_vectors
from train.vad_data import NeedsLicence

TITLE = "Seed: IEMOCAP, V/A/D by late fusion (SVR)"
RESTORED = ", deviation restored"


def run(args: argparse.Namespace) -> int:
    """Train what is missing, fuse, store and print; 1 if a job failed.

    Raises:
        HeartenError: a corpus that is damaged or has no words, or vectors that cannot be read.
    """
    named = named_vectors(args.vectors or ["glove"])
    networks = {"voice": ACOUSTIC, "text": TEXT}
    tasks = [table_vad.Task(name, networks, source) for name, source in named.items()]
    try:
        told = table_vad.trained(args, tasks)
    except NeedsLicence as error:
        return table_vad.lacking(args, TITLE, error)
    if told is None:
        return 1
    cells: dict[str, list[tuple[int, Row, Values]]] = {}
    for name, jobs in told.items():
        for seed, job in jobs:
            for row, said in answers(job).items():
                place = row if row.startswith("voice") else f"{row} ({name})"
                # The voice does not depend on the words: the first vectors' stands for all.
                if row != place or name == next(iter(told)):
                    cells.setdefault(place, []).append((seed, job, said))
    order = sorted(cells, key=lambda row: RESTORED in row)
    metrics = {row: table_vad.scores(cells[row]) for row in order}
    return table_vad.finish(args, metrics, TITLE, "ccc")


def answers(job: Row) -> dict[str, Values]:
    """Return V/A/D of the test part, (n, 3): of each side, fused, and each with the deviation of
    the development part restored."""
    dev, test = (_rows(job[part]) for part in ("dev", "test"))
    said: dict[str, tuple[Any, Any]] = {
        "voice": (dev.voice.vad, test.voice.vad),
        "text": (dev.text.vad, test.text.vad),
    }
    for name, kind in (("SVR", "late-svr"), ("ridge", "late-stacked")):
        fused = make(kind).fit(dev)
        said[f"late fusion, {name}"] = fused.predict(dev).vad, fused.predict(test).vad
    found = {name: np.asarray(tested) for name, (_, tested) in said.items()}
    for name, (developed, tested) in said.items():
        gain, shift = restoring(developed, dev.truth)
        found[name + RESTORED] = tested * gain + shift
    return found


def _rows(part: Mapping[str, Any]) -> Rows:
    voice, text = (Side(vad=np.array(part[name], np.float64)) for name in ("voice", "text"))
    # An utterance without words has no evidence: its answer is the voice's.
    return Rows.of(voice, text, truth=np.array(part["truth"]), evidence=np.array(part["words"]))

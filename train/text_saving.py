"""The files of a trained text model: arrays, what a graph needs besides them, predictions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import DIMENSIONS
from edge.text import SLOTS
from train import text_data
from train.provenance import store
from train.text_damage import damaged
from train.text_data import CATEGORIES
from train.text_model import LIMIT, Lookup, Shape, arrays
from train.text_training import Data, Trainer


def save_model(
    trainer: Trainer,
    data: Data,
    out: Path,
    shape: Shape,
    lookup: Lookup,
    seed: int,
    sources: Sequence[str],
) -> None:
    """Write ``model.npz`` (plain arrays) and ``model.json`` (what a graph needs besides them).

    ``sources`` are all data that it was made from.
    """
    lexicon = trainer.lexicon.arrays() if trainer.lexicon else {}
    np.savez_compressed(out / "model.npz", **arrays(trainer.model, lookup), **lexicon)
    dev = data["emobank"]["dev"]
    predicted, _ = trainer.predict(dev.bags)
    share = np.concatenate([data[name]["train"].targets for name in data if name != "emobank"])
    described = {
        "vocabulary": "keywords.txt",
        "slots": SLOTS,
        **asdict(shape),
        "salience_limit": LIMIT,
        "labels": list(CATEGORIES),
        "label_prior": _rounded(share.mean(axis=0)),
        "dimensions": list(DIMENSIONS),
        "vad_scale": "EmoBank ratings, (x - 3) / 2",
        "vad_dev": {
            "mean": _rounded(predicted.mean(axis=0)),
            "sd": _rounded(predicted.std(axis=0)),
            "reference_mean": _rounded(dev.targets.mean(axis=0)),
            "reference_sd": _rounded(dev.targets.std(axis=0)),
        },
        "category_mapping": text_data.category_mapping(list(data)),
        "sources": list(sources),
        "command": f"python -m train {' '.join(sys.argv[1:])}",
        "settings": asdict(trainer.settings),
        "seed": seed,
    }
    store(out / "model.json", described)


def save_predictions(trainer: Trainer, data: Data, path: Path) -> None:
    """Write ids, V/A/D, probabilities, targets of dev and test, clean and one third.

    Keys are ``corpus/part/ids``, ``corpus/part/targets`` and ``corpus/part/condition/vad`` or
    ``.../probabilities``.
    """
    content: dict[str, NDArray[Any]] = {}
    for corpus, splits in data.items():
        for part in ("dev", "test"):
            split = splits[part]
            content[f"{corpus}/{part}/ids"] = np.array(split.ids)
            content[f"{corpus}/{part}/targets"] = split.targets
            for condition in ("clean", "third"):
                bags = damaged(split.bags, condition)
                vad, shares = trainer.predict(bags)
                key = f"{corpus}/{part}/{condition}"
                content |= {f"{key}/vad": vad, f"{key}/probabilities": shares}
                content[f"{key}/evidence"] = bags.weights.sum(axis=1)
    np.savez_compressed(path, **content)


def _rounded(values: NDArray[np.float32]) -> list[float]:
    return [round(float(x), 5) for x in values]

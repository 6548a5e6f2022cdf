"""What fusions said of the test pairs is worth: scores with intervals over actors, differences.

A row of the benchmark has a class or V/A/D; both kinds stand for the same pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge.emotion import DIMENSIONS
from train.bimodal import Pair
from train.corpora import LABELS
from train.fusion_kinds import Refitted
from train.intervals import Speakers, Values, interval
from train.metrics import ccc, ece, macro_f1, uar
from train.modalities import Fused, Rows
from train.report_blocks import Table, show
from train.scored import Mask, summary

SHIPPED = "late-product"
COLUMNS = ("macro_f1", "uar", "ece", *(f"ccc_{d}" for d in DIMENSIONS), "ccc_mean")
REFITTED = tuple(f"refitted_ccc_{d}" for d in DIMENSIONS)


@dataclass
class Answers:
    """What one fusion said of all test pairs of a level, fold after fold."""

    parts: dict[str, list[Values]] = field(default_factory=dict)

    def add(self, fusion: Refitted, rows: Rows, pairs: Sequence[Pair]) -> None:
        """Add the pairs of a fold: ``rows`` has them twice, with classes and with V/A/D."""
        plain, refitted = fusion.inner.predict(rows), fusion.predict(rows)
        classes, rated = rows.labelled, rows.rated
        found: dict[str, Any] = {
            "seed": [p.seed for p in pairs],
            "speaker": [int(p.utterance.rpartition("-")[2]) for p in pairs],
            "silent": [p.silent for p in pairs],
            "class": rows.classes[classes],
            "truth": rows.truth[rated],
        }
        if refitted.probabilities is not None:
            found["shares"] = refitted.probabilities[classes]
        found |= _vad(plain, refitted, rated)
        for name, values in found.items():
            self.parts.setdefault(name, []).append(np.asarray(values))

    def __getitem__(self, name: str) -> Any:
        """Return a column of all pairs; None where this fusion does not say it."""
        return np.concatenate(self.parts[name]) if name in self.parts else None


def _vad(plain: Fused, refitted: Fused, rated: Mask) -> dict[str, Values]:
    if plain.vad is None or refitted.vad is None:
        return {}
    return {"vad": plain.vad[rated], "refitted": refitted.vad[rated]}


def cells(found: Answers, level: str) -> dict[str, Any]:
    """Return the scores of one fusion on one level, each with its interval over actors.

    On the level "missing" ``macro_f1_silent`` is that of the pairs whose words are lost.
    """
    row = _classes(found, np.ones(len(found["seed"]), bool), "") | _dimensions(found)
    if level == "missing":
        row |= _classes(found, found["silent"].astype(bool), "_silent")
    return row


def differences(found: Mapping[str, Answers], level: str) -> dict[str, Any]:
    """Return, for each fusion, how far it is above the better single modality, and the voice.

    In points (hundredths), paired; ``above_best`` of macro-F1 and of each CCC.
    """
    rows = {}
    for name, answers in found.items():
        if name not in ("voice", "text"):
            rows[name] = _differences(answers, found["voice"], found["text"], level)
    return rows


def table(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return what a terminal shows: a row a fusion."""
    further = [k for k in ("macro_f1_silent",) if any(k in row for row in rows.values())]
    keys = [*COLUMNS, *further, *REFITTED]
    body = [[name, *(_short(row.get(key)) for key in keys)] for name, row in rows.items()]
    return Table(["", *(key.replace("_", ", ") for key in keys)], body)


def _short(cell: Mapping[str, Any] | None) -> str:
    return "-" if cell is None else show(cell["mean"])


def _classes(found: Answers, chosen: Mask, suffix: str) -> dict[str, Any]:
    shares = found["shares"]
    if shares is None:
        return {}
    truth, seeds = found["class"], found["seed"]
    drawn = _resampled(found, chosen)
    row = {
        "macro_f1": _cell(lambda m: macro_f1(truth[m], shares[m].argmax(axis=1)), seeds, chosen),
        "uar": _cell(lambda m: uar(truth[m], shares[m].argmax(axis=1)), seeds, chosen),
        "ece": _cell(lambda m: ece(truth[m], shares[m]), seeds, chosen),
    }
    row["macro_f1"]["ci95"] = interval(drawn)
    return {f"{name}{suffix}": cell for name, cell in row.items()}


def _dimensions(found: Answers) -> dict[str, Any]:
    if found["vad"] is None:
        return {}
    truth, seeds, people = found["truth"], found["seed"], Speakers(found["speaker"])
    every, row = np.ones(len(seeds), bool), {}
    for key, said in (("", found["vad"]), ("refitted_", found["refitted"])):
        for d, name in enumerate(DIMENSIONS):
            cell = _cell(lambda m, d=d, s=said: ccc(truth[m, d], s[m, d]), seeds, every)
            row[f"{key}ccc_{name}"] = cell | {"ci95": interval(people.ccc(truth[:, d], said[:, d]))}
        means = np.mean([row[f"{key}ccc_{name}"]["runs"] for name in DIMENSIONS], axis=0)
        row[f"{key}ccc_mean"] = summary(list(means), None)
    return row


def _cell(metric: Callable[[Mask], float], seeds: Values, chosen: Mask) -> dict[str, Any]:
    return summary([metric((seeds == seed) & chosen) for seed in np.unique(seeds)], None)


def _resampled(found: Answers, chosen: Mask) -> Values:
    """Return macro-F1 of every resample of actors."""
    people, said = Speakers(found["speaker"][chosen]), found["shares"][chosen].argmax(axis=1)
    return macro_f1s(people.confusions(found["class"][chosen], said, len(LABELS)))


def macro_f1s(confusions: Values) -> Values:
    """Return the macro-F1 of confusion matrices, over the classes that the reference holds."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    truth, said = confusions.sum(axis=-1), confusions.sum(axis=-2)
    each = np.where(truth > 0, 2.0 * hits / np.maximum(truth + said, 1.0), np.nan)
    return np.asarray(np.nanmean(each, axis=-1))


def _differences(one: Answers, voice: Answers, text: Answers, level: str) -> dict[str, Any]:
    every = np.ones(len(one["seed"]), bool)
    row: dict[str, Any] = {}
    if one["shares"] is not None:
        single = [_resampled(side, every) for side in (voice, text)]
        point = [_point_f1(side, every) for side in (voice, text)]
        best = int(np.argmax(point))
        gains = _resampled(one, every) - single[best]
        row["macro_f1_points"] = _points(_point_f1(one, every) - point[best], gains)
        if level == "missing":
            lost = one["silent"].astype(bool)
            gains = _resampled(one, lost) - _resampled(voice, lost)
            row["macro_f1_points_silent"] = _points(
                _point_f1(one, lost) - _point_f1(voice, lost), gains
            )
    if one["vad"] is not None:
        row |= _ccc_points(one, voice, text)
    return row


def _point_f1(found: Answers, chosen: Mask) -> float:
    return macro_f1(found["class"][chosen], found["shares"][chosen].argmax(axis=1))


def _ccc_points(one: Answers, voice: Answers, text: Answers) -> dict[str, Any]:
    """Return CCC above the better single side: as fitted, the better of plain and refitted."""
    people, truth, row = Speakers(one["speaker"]), one["truth"], {}
    for d, name in enumerate(DIMENSIONS):
        singles = [side[key][:, d] for side in (voice, text) for key in ("vad", "refitted")]
        best = max(singles, key=lambda s: ccc(truth[:, d], s))
        mine = max((one[k][:, d] for k in ("vad", "refitted")), key=lambda s: ccc(truth[:, d], s))
        gains = people.ccc(truth[:, d], mine) - people.ccc(truth[:, d], best)
        row[f"ccc_{name}_points"] = _points(ccc(truth[:, d], mine) - ccc(truth[:, d], best), gains)
    return row


def _points(value: float, drawn: Values) -> dict[str, Any]:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"mean": round(100 * value, 2), "ci95": [round(100 * low, 2), round(100 * high, 2)]}

"""The seed's tables in a report: its models and features beside ours, both ways of splitting."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edge.emotion import DIMENSIONS
from train.report_blocks import Block, Fold, Heading, Result, Table, Text, show

TASKS = ("table-ravdess", "table-lld-hsf")
NAMES = {
    "mlp": "MLP",
    "lstm": "LSTM",
    "gru": "GRU",
    "conv1d": "Conv1D",
    "svm": "SVM (RBF)",
    "forest": "random forest",
}
OURS = "hearten (streaming)"
RANDOM = "utterances"  # the protocol that keeps nobody apart
DECK = "Seed: RAVDESS, speaker-dependent"  # the title of the published table
BOTH_WAYS = (
    "Speaker-dependent: utterances drawn at random, ten folds, so that the test voices were heard "
    "in training; it measures memory of a voice. Published numbers stand in columns of their own, "
    "accuracy over ten folds and UAR of one split. What counts is the right side."
)
STATISTICS = (
    "LLD: descriptors over time, into a GRU. HSF1: their mean and deviation; HSF2: and the share "
    "of silence. Epochs and settings were chosen on development speakers."
)


def speaker_dependent(result: Result) -> bool:
    """Tell whether a voice was scored on voices it knows: shown in the seed's table alone."""
    return result.get("task") == "voice" and result.get("protocol") == RANDOM


def blocks(task: str, results: Mapping[str, Result]) -> Iterator[Block]:
    """Yield the stored tables of one of ``TASKS``; ``results`` by file name, of all tasks."""
    stored = [result for result in results.values() if result.get("task") == task]
    if task == TASKS[1]:
        for result in stored:
            yield from _lld_blocks(result)
        return
    for kind in ("speech", "song"):
        here = [result for result in stored if result.get("corpus") == f"ravdess-{kind}"]
        for result in here:
            if result["protocol"] != RANDOM:
                yield Heading(3, seed_title(kind))
                yield Text(BOTH_WAYS, soft=True)
                yield seed(results, kind, result["protocol"])
        for result in here:
            yield Text(f"{result['protocol']}: {result.get('notes')}", soft=True)


def _lld_blocks(result: Result) -> Iterator[Block]:
    yield Heading(3, lld_title(result))
    yield Text(STATISTICS, soft=True)
    yield lld(result)
    yield Fold("Deviations over seeds and intervals over speakers", _spread(result))
    yield Text(str(result.get("notes")), soft=True)


def seed_title(kind: str) -> str:
    """Return the title of the table of "speech" or "song"."""
    return f"The seed's models on RAVDESS {kind}, both ways"


def seed(results: Mapping[str, Result], kind: str, protocol: str) -> Table:
    """Return a row a model: what it reaches speaker-dependent, published, and actors apart."""
    stem = f"table-ravdess-{kind}"
    random, apart = (results.get(f"{stem}-{name}", {}) for name in (RANDOM, protocol))
    deck = _deck(kind)
    rows = []
    for model, name in NAMES.items():
        dependent, alone = (_metrics(result, model) for result in (random, apart))
        published = deck.get(model, {})
        rows.append(
            [
                name,
                show(random.get("parameters", {}).get(model)),
                show(dependent.get("war")),
                show(published.get("war")),
                show(dependent.get("uar")),
                show(dependent.get("uar_split")),
                show(published.get("uar")),
                show(alone.get("war")),
                show(alone.get("uar")),
            ]
        )
    rows.append(_ours(results, kind, protocol))
    head = ["", "parameters"]
    metrics = ("accuracy", "published accuracy", "UAR", "UAR of one split", "published UAR")
    head += [f"{metric}, speaker-dependent" for metric in metrics]
    head += [f"{metric}, actors apart ({protocol})" for metric in ("accuracy", "UAR")]
    return Table(head, rows, frozenset({len(rows) - 1}))


def lld_title(result: Result) -> str:
    """Return the title of a table of descriptors and statistics."""
    return f"Descriptors (LLD) against statistics (HSF), {result['corpus']}, {result['protocol']}"


def lld(result: Result) -> Table:
    """Return a row a set of features and model: UAR, accuracy and CCC.

    Of IEMOCAP, whose published numbers are means over batches, those too.
    """
    rows = []
    published = result.get("corpus") == "iemocap"
    for name, row in result.get("metrics", {}).items():
        features, form, model = name.split("/")
        values = [row.get(f"ccc_{d}", {}).get("mean") for d in DIMENSIONS]
        mean = None if None in values else sum(values) / len(values)
        numbers = [row.get("uar", {}).get("mean"), row.get("war", {}).get("mean"), *values, mean]
        if published:
            numbers.append(sum(row[f"ccc_batch32_{d}"]["mean"] for d in DIMENSIONS) / 3)
        rows.append([features, form, NAMES.get(model, model), *map(show, numbers)])
    head = ["features", "form", "model", "UAR", "accuracy", *(f"CCC {d}" for d in DIMENSIONS)]
    return Table([*head, "CCC mean", *["CCC mean, batches of 32"][:published]], rows)


def _spread(result: Result) -> Table:
    """Return the same rows with their intervals."""
    keys = ("uar", *(f"ccc_{d}" for d in DIMENSIONS))
    rows = [
        [name, *(show(row.get(key)) for key in keys)]
        for name, row in result.get("metrics", {}).items()
    ]
    return Table(["", "UAR", *(f"CCC {d}" for d in DIMENSIONS)], rows)


def _metrics(result: Result, model: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = result.get("metrics", {}).get(model, {})
    return found


def _ours(results: Mapping[str, Result], kind: str, protocol: str) -> list[str]:
    """Return the row of our streaming artefact, from what ``train evaluate voice`` stored."""
    stored = [
        results.get(f"voice-ravdess-{kind}-{name}-streaming", {}) for name in (RANDOM, protocol)
    ]
    size = next((r["model"]["parameters"] for r in stored if r), None)
    dependent, alone = (
        {key: dict(value) for key, value in r.get("metrics", {}).items()} for r in stored
    )
    for value in dependent.values():
        value.pop("ci95", None)  # over speakers, who were heard in training
    numbers = [dependent.get("war"), None, dependent.get("uar"), None, None]
    return [OURS, *map(show, [size, *numbers, alone.get("war"), alone.get("uar")])]


def _deck(kind: str) -> dict[str, dict[str, float]]:
    """Return the published numbers {model: {"war", "uar"}} of "speech" or "song"."""
    place = Path(__file__).with_name("anchors.json")
    tables = json.loads(place.read_text(encoding="utf-8"))["tables"]
    rows = next(table["rows"] for table in tables if table["title"] == DECK)
    return {
        row["name"].split(",")[0].lower(): {
            "war": row[f"{kind} accuracy"],
            "uar": row[f"{kind} UAR"],
        }
        for row in rows
    }

"""The part of a report on voices: what is shipped, published numbers beside it, pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edge.emotion import DIMENSIONS
from train import report_charts
from train.report_blocks import Block, Fold, Heading, Picture, Result, Table, Text, pictures, show
from train.report_charts import Entry

SHIPPED = "streaming"  # the artefact that a device runs
DERIVED = "CCC is against V/A/D derived from the emotion word, not rated by listeners."


def blocks(results: Mapping[str, Result], anchors: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """Yield a part for each corpus and protocol: table, ranking, pictures of what is shipped."""
    groups = dict.fromkeys((str(r.get("corpus")), str(r.get("protocol"))) for r in results.values())
    yield Text(DERIVED, soft=True)
    for corpus, protocol in sorted(groups, key=lambda g: ("song" in g[0], g)):
        group = {
            name: r
            for name, r in results.items()
            if (str(r.get("corpus")), str(r.get("protocol"))) == (corpus, protocol)
        }
        yield Heading(3, f"{corpus}, {protocol}: {_setting(group)}")
        yield _voice_table(list(group.values()))
        yield Text(_size(next(iter(group.values()))), soft=True)
        yield from _ranking(corpus, protocol, group, anchors)
        for name, result in group.items():
            if SHIPPED in str(result.get("artefact")) or len(group) == 1:
                yield from pictures(name, result)
                yield from _recalls(result)


def _setting(group: Mapping[str, Result]) -> str:
    first = next(iter(group.values()))
    classes, folds = len(first.get("labels", ())), len(first.get("folds", ()))
    return ", ".join(
        part
        for part in (
            f"{classes} classes" if classes else "",
            f"{folds} folds" if folds else "",
            str(first.get("notes", "")).split(";", maxsplit=1)[0],
        )
        if part
    )


def _size(result: Result) -> str:
    model, seeds = result.get("model", {}), result.get("seeds", [])
    return (
        f"{show(model.get('parameters'))} parameters, {show(model.get('bytes'))} bytes quantised; "
        f"seed{'s' if len(seeds) > 1 else ''} {show(seeds)}"
    )


def _voice_table(group: Sequence[Result]) -> Table:
    head = ["artefact", "UAR", "WAR", *(f"CCC {n}" for n in DIMENSIONS)]
    names = ("uar", "war", *(f"ccc_{n}" for n in DIMENSIONS))
    rows, strong = [], set()
    for index, result in enumerate(group):
        metrics = result.get("metrics", {})
        if SHIPPED in str(result.get("artefact")):
            strong.add(index)
        name = str(result.get("artefact", "-"))
        rows.append([name, *(show(metrics.get(metric)) for metric in names)])
    return Table(head, rows, frozenset(strong))


def _ranking(
    corpus: str, protocol: str, group: Mapping[str, Result], anchors: Sequence[Mapping[str, Any]]
) -> Iterator[Block]:
    """Yield ours and the published numbers of the same corpus and protocol on one axis."""
    rated = [r for r in group.values() if "uar" in r.get("metrics", {})]
    ours = [_entry(r) for r in rated if SHIPPED in str(r.get("artefact"))] or [*map(_entry, rated)]
    tables = [t for t in anchors if beside(t, corpus, protocol)]
    theirs = [
        Entry(row["name"], row["uar"], *_around(row["uar"], row.get("sd")))
        for table in tables
        for row in table["rows"]
    ]
    if not ours or not theirs:
        return
    title = f"UAR on {corpus}, {protocol}: ours and published"
    svg = report_charts.ranking([*ours, *theirs], title, "UAR")
    yield Picture(title, f"ranking-{corpus}-{protocol}.svg", svg)
    notes = "; ".join(
        [t["source"] for t in tables]
        + [f"{r['name']}: {r['notes']}" for t in tables for r in t["rows"] if "notes" in r]
    )
    ranges = " Ranges in grey are deviations over runs, in colour intervals over speakers."
    told = any("sd" in row for table in tables for row in table["rows"])
    yield Text(f"Grey: {notes}.{ranges if told else ''}", soft=True)


def beside(table: Mapping[str, Any], corpus: str, protocol: str) -> bool:
    """Tell whether a table of ``anchors.json`` belongs beside our results of a protocol."""
    return table.get("corpus") == corpus and table.get("protocol") in (protocol, "any")


def _entry(result: Result) -> Entry:
    row = result["metrics"]["uar"]
    low, high = row.get("ci95", (None, None))
    size = result.get("model", {}).get("parameters")
    detail = f", {size / 1000:.1f} k" if size else ""
    return Entry(f"hearten, {result.get('artefact')}{detail}", row["mean"], low, high, ours=True)


def _around(value: float, deviation: float | None) -> tuple[float | None, float | None]:
    return (None, None) if deviation is None else (value - deviation, value + deviation)


def _recalls(result: Result) -> Iterator[Block]:
    metrics = result.get("metrics", {})
    rows = [
        [name.removeprefix("recall_"), show(value)]
        for name, value in metrics.items()
        if name.startswith("recall_")
    ]
    if rows:
        yield Fold(
            f"Recall of each class, {result.get('artefact')}", Table(["class", "recall"], rows)
        )

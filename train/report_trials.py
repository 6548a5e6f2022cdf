"""The part of a report on trials of voices: the real world, knowing that it does not know, time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from train.conditions import KNOWN
from train.report_blocks import Block, Heading, Picture, Result, Table, Text, show, words
from train.report_curves import Axis, Curve, chart

UAR = Axis("UAR", 0.0, 0.8, (0, 0.2, 0.4, 0.6, 0.8))
TASKS = ("robustness", "unknown", "streaming", "plain")


def blocks(results: Mapping[str, Result]) -> Iterator[Block]:
    """Yield tables and pictures of the results of one task."""
    for name, result in results.items():
        yield Heading(3, f"{result['corpus']}, {result['protocol']}: {result['artefact']}")
        for title, rows in _tables(result).items():
            if title:
                yield Text(title)
            yield _table(rows)
        yield Text(str(result.get("notes", "")), soft=True)
        for file, text, svg in pictures(name, result):
            yield Picture(text, file, svg)


def pictures(name: str, result: Result) -> Iterator[tuple[str, str, str]]:
    """Yield (file, title, SVG) of the pictures of a result; ``name`` is that of its file."""
    draw = {"robustness": _robustness, "unknown": _unknown, "streaming": _streaming}
    drawn = draw.get(str(result["task"]))  # plain speech has tables only
    for what, title, curves, across, up in drawn(result) if drawn else ():
        about = f"{title}: {result['corpus']}, {result['protocol']}"
        yield f"{name}-{what}.svg", about, chart(curves, across, up, about)


def _tables(result: Result) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    """Return the tables of a result by title: the metrics, and whatever else it lists."""
    return {"": result["metrics"]} | dict(result.get("tables", {}))


def _table(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    body = [[name, *(show(row.get(c)) for c in columns)] for name, row in rows.items()]
    return Table(["", *map(words, columns)], body)


Drawn = tuple[str, str, list[Curve], Axis, Axis]


def _robustness(result: Result) -> Iterator[Drawn]:
    """Yield UAR over SNR, and over level."""
    clean = result["metrics"]["clean"]["uar"]["mean"]
    for what, kinds, across in (
        ("snr", ("noise", "babble"), Axis("SNR (dB)", 20, 0, (20, 10, 5, 0))),
        ("level", ("level",), Axis("gain (dB)", -30, 20, (-30, -20, -10, 0, 10, 20))),
    ):
        curves = [curve for kind in kinds if (curve := _by_value(result, kind))]
        ends = [(across.low, clean), (across.high, clean)]
        if curves:
            curves.append(Curve("clean", ends, ours=False))
            yield what, f"UAR by {across.name}", curves, across, UAR


def _by_value(result: Result, kind: str) -> Curve | None:
    """Return UAR over the values of one kind of condition; level 0 is the clean recording."""
    rows = {KNOWN[n].value: r["uar"] for n, r in result["metrics"].items() if KNOWN[n].kind == kind}
    if not rows:
        return None
    if kind == "level":
        rows[0.0] = result["metrics"]["clean"]["uar"]
    rows = dict(sorted(rows.items()))
    points = [(value, row["mean"]) for value, row in rows.items()]
    return Curve(kind, points, [tuple(row["ci95"]) for row in rows.values()])


def _unknown(result: Result) -> Iterator[Drawn]:
    """Yield the reliability before and after scaling, and risk over coverage."""
    even = Curve("as sure as right", [(0.0, 0.0), (1.0, 1.0)], ours=False)
    curves = [
        Curve(f"{when} scaling", [(b["confidence"], b["accuracy"]) for b in bins])
        for when, bins in result["reliability"].items()
    ]
    confidence = Axis("confidence", 0.0, 1.0)
    yield "reliability", "Reliability", [*curves, even], confidence, Axis("share right", 0.0, 1.0)
    risk = Curve("sorted by confidence", _pairs(result["risk_coverage"]))
    most = max(0.1, *(y for _, y in risk.points))
    up = Axis("share wrong", 0.0, round(most + 0.05, 1))
    yield "risk", "Risk and coverage", [risk], Axis("share answered", 0.0, 1.0), up


def _streaming(result: Result) -> Iterator[Drawn]:
    """Yield UAR over seconds of speech."""
    rows = result["metrics"]
    timed = {float(n.removesuffix(" s")): r["uar"] for n, r in rows.items() if n.endswith(" s")}
    across = Axis("seconds of speech", 0.0, max(timed), tuple(timed))
    curve = Curve("so far", _pairs([(t, row["mean"]) for t, row in timed.items()]),
                  [tuple(row["ci95"]) for row in timed.values()])  # fmt: skip
    end = rows["end"]["uar"]["mean"]
    last = Curve("at the end", [(0.0, end), (across.high, end)], ours=False)
    yield "time", "UAR by seconds of speech", [curve, last], across, UAR


def _pairs(rows: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in rows]

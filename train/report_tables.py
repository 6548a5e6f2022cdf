"""Stored results and published numbers as the blocks of a report: headings, tables, pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from train import report_seed, report_trials, report_voice
from train.report_blocks import Block, Heading, Result, Table, Text, pictures, show, words
from train.report_voice import SHIPPED, beside

TITLES = {
    "voice": "Voice",
    "voice-speaker": "Voice, with the speaker known",
    "voice-teacher": "The teacher of the voice (training only)",
    "robustness": "Voice, in the real world",
    "unknown": "Voice, knowing that it does not know",
    "streaming": "Voice, while somebody speaks",
    "plain": "Voice, on speech that nobody acted",
    "table-ravdess": "The seed's models",
    "table-lld-hsf": "The seed's features",
    "silence": "Silence",
    "text": "Words",
    "recognition": "Keyword recogniser",
    "fusion": "Voice and words together",
    "bench": "Speed and memory",
    "cost": "Cost beside other front ends",
    "endpoint": "Endpointer beside WebRTC's",
    "quantisation": "Quantisation",
    "arm-instructions": "Instructions on Arm",
}
# What a result says of itself; anything else in one without metrics is a number to show.
ABOUT = frozenset(
    {"task", "corpus", "protocol", "artefact", "model", "seeds", "folds", "labels"}
    | {"confusion", "scatter", "command", "commit", "date", "notes", "metrics"}
)
# The numbers that stand for a result where there is room for one or two.
HEADLINES = {
    "voice": ("uar",),
    "text": ("r_valence", "macro_f1"),
    "recognition": ("precision", "recall"),
    "fusion": ("voice_macro_f1", "fused_macro_f1"),
    "bench": ("voice_rtf", "words_rtf"),
}
INTRO = (
    "Everything in `results/`, one section a task; the commands that made it stand at the end. "
    "Brackets hold 95 % intervals over speakers, +- is the deviation over seeds. "
    "The number that counts for a voice is the streaming one: what the device says, quantised, "
    "fed in pieces."
)
DEPENDENT = (
    "Speaker-dependent: utterances were split at random, so the test voices were heard in "
    "training. Such numbers measure memory of a voice; they are no target and are not compared "
    "with ours."
)


def blocks(results: Mapping[str, Result], anchors: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return the whole report; ``results`` by file name, ``anchors`` as in ``anchors.json``."""
    apart = {name: r for name, r in results.items() if not report_seed.speaker_dependent(r)}
    found: list[Block] = [Heading(1, "hearten: results"), Text(INTRO), *_short(apart)]
    tasks = dict.fromkeys([*TITLES, *map(task_of, results, results.values())])
    for task in tasks:
        chosen = {name: r for name, r in apart.items() if task_of(name, r) == task}
        if not chosen:
            continue
        found.append(Heading(2, TITLES.get(task, task)))
        if task == "voice":
            found += report_voice.blocks(chosen, anchors)
        elif task in report_seed.TASKS:
            found += report_seed.blocks(task, results)
        else:
            found += (report_trials.blocks if task in report_trials.TASKS else _plain)(chosen)
    found += _published(anchors, results.values())
    found += _provenance(results)
    return found


def task_of(name: str, result: Result) -> str:
    """Return the task of a result; one that names none is called like its file."""
    return str(result.get("task") or name.split("-", maxsplit=1)[0])


def _short(results: Mapping[str, Result]) -> Iterator[Block]:
    """Yield one table with a row a result: what it measures, and its one or two main numbers."""
    rows = []
    order = [*TITLES]
    known = [(task_of(n, r), n, r) for n, r in results.items() if task_of(n, r) in order]
    for task, name, result in sorted(known, key=lambda row: order.index(row[0])):
        if task == "voice" and SHIPPED not in str(result.get("artefact")):
            continue
        numbers = _numbers(result)
        if main := [k for k in HEADLINES.get(task, ()) if k in numbers]:
            shown = "; ".join(f"{words(key)} {show(numbers[key])}" for key in main)
            rows.append([TITLES[task], _about(name, result), shown])
    if rows:
        yield Heading(2, "In short")
        yield Table(["", "measured on", "result"], rows)


def _numbers(result: Result) -> Mapping[str, Any]:
    """Return the metrics of a result; of several conditions the first; else its other fields."""
    metrics = result.get("metrics")
    if not isinstance(metrics, Mapping) or not metrics:
        return {k: v for k, v in result.items() if k not in ABOUT}
    first = next(iter(metrics.values()))
    return first if isinstance(first, Mapping) and "mean" not in first else metrics


def _about(name: str, result: Result) -> str:
    parts = [str(result[k]) for k in ("corpus", "protocol", "artefact") if result.get(k)]
    return "; ".join(parts) or name


def _plain(results: Mapping[str, Result]) -> Iterator[Block]:
    """Yield tables for any kind of result; those with the same numbers share one."""
    left = dict(results)
    while left:
        name, result = next(iter(left.items()))
        same = {n: r for n, r in left.items() if _alike(r, result)}
        left = {n: r for n, r in left.items() if n not in same}
        if len(same) > 1:
            yield _columns(same)
        else:
            yield Heading(3, _about(name, result))
            yield _metrics_table(result.get("metrics") or _numbers(result))
        for other, one in same.items():
            if one.get("notes"):
                where = f"{_about(other, one)}: " if len(same) > 1 else ""
                yield Text(f"{where}{one['notes']}", soft=True)
            yield from pictures(other, one)


def _alike(one: Result, other: Result) -> bool:
    """Tell whether two results have the same numbers, each with no conditions inside."""
    mine, theirs = one.get("metrics"), other.get("metrics")
    flat = isinstance(mine, Mapping) and not any(map(_is_condition, mine.values()))
    return one is other or (flat and isinstance(theirs, Mapping) and [*mine] == [*theirs])


def _is_condition(value: Any) -> bool:
    return isinstance(value, Mapping) and "mean" not in value


def _columns(results: Mapping[str, Result]) -> Table:
    """Return a table with a column a result and a row a number."""
    every = [result["metrics"] for result in results.values()]
    rows = [[words(key), *(show(one[key]) for one in every)] for key in every[0]]
    return Table(["", *(_about(name, result) for name, result in results.items())], rows)


def _metrics_table(metrics: Mapping[str, Any]) -> Table:
    """Return conditions as rows where each holds the numbers of its own, else numbers as rows."""
    nested = [v for v in metrics.values() if _is_condition(v)]
    if paired := _paired(metrics):
        return paired
    if not nested or len(nested) < len(metrics):
        rows = [[words(name), show(value)] for name, value in metrics.items()]
        return Table(["metric", "value"], rows)
    columns = list(dict.fromkeys(key for value in nested for key in value))
    rows = [[words(n), *(show(value.get(c)) for c in columns)] for n, value in metrics.items()]
    return Table(["condition", *map(words, columns)], rows)


def _paired(metrics: Mapping[str, Any]) -> Table | None:
    """Return a table of names such as voice_ece and fused_ece side by side, if all are such."""
    sides: dict[str, list[str]] = {}
    for name in metrics:
        side, _, rest = name.partition("_")
        sides.setdefault(side, []).append(rest)
    names = next(iter(sides.values()), [])
    if len(sides) < 2 or len(names) < 2 or any(other != names for other in sides.values()):
        return None
    rows = [[words(n), *(show(metrics[f"{side}_{n}"]) for side in sides)] for n in names]
    return Table(["", *sides], rows)


def _published(anchors: Sequence[Mapping[str, Any]], results: Iterable[Result]) -> Iterator[Block]:
    """Yield the published tables that no result of ours stands beside; the random split apart."""
    shown = {(str(r.get("corpus")), str(r.get("protocol"))) for r in results}
    rest = [t for t in anchors if not any(beside(t, *pair) for pair in shown)]
    if not rest:
        return
    yield Heading(2, "Published numbers, for orientation")
    for table in sorted(rest, key=lambda t: bool(t.get("speaker_dependent"))):
        yield Heading(3, table["title"])
        if table.get("speaker_dependent"):
            yield Text(DEPENDENT)
        yield _rows(table["rows"])
        yield Text(table["source"], soft=True)


def _rows(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(key for row in rows for key in row if key != "name"))
    body = [[row["name"], *(show(row.get(c)) for c in columns)] for row in rows]
    return Table(["", *(c.upper() if c in ("uar", "war") else c for c in columns)], body)


def _provenance(results: Mapping[str, Result]) -> Iterator[Block]:
    yield Heading(2, "Where each number comes from")
    rows = [
        [
            f"`{name}.json`",
            f"`{result.get('command', '-')}`",
            str(result.get("commit", "-")),
            str(result.get("date", "-")),
        ]
        for name, result in results.items()
    ]
    yield Table(["result", "command", "commit", "date"], rows)

"""A report as text for people: groups of aligned rows, every unit named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edge.bench import budgets
from edge.bench.figures import GROUPS, SIDES, Figure, Group

# Columns of the table of boards: heading, digits, and metrics that stand in one cell.
COLUMNS = (
    ("voice, us a frame", 1, ("voice_us",)),
    ("core, silence %", 2, ("voice_silence_core_percent",)),
    ("core, speech %", 1, ("voice_core_percent", "words_core_percent")),
    ("start s", 2, ("voice_cold_start_s", "words_cold_start_s")),
    ("final p95 ms", 1, ("voice_final_p95_ms", "words_final_p95_ms")),
    ("memory MB", 0, ("voice_rss_mb", "words_rss_mb")),
)
LABEL, COLUMN, UNIT = 40, 12, 4  # characters
NOTHING = "-"


def text(report: Mapping[str, Any]) -> str:
    """Return the table of a report."""
    rows = [*_head(report), *_body(report["metrics"]), *budgets.lines(report), *_tail(report)]
    return "\n".join(rows)


def row(report: Mapping[str, Any]) -> str:
    """Return the report as a line of the table in docs/boards.md."""
    about, after = report["machine"], report["condition"]["after"]
    cells = [
        about["board"],
        f"{about['cores']} x {about['cpu']}",
        about["os"],
        f"{about['python']}, {about['interpreter']}",
        f"{about['hearten']}, {report['pack']['name']}",
    ]
    for _, digits, keys in COLUMNS:
        values = [report["metrics"].get(key) for key in keys]
        cells.append(" / ".join(NOTHING if v is None else f"{v:.{digits}f}" for v in values))
    heat = "" if after["temperature_c"] is None else f"{after['temperature_c']} °C, "
    cells += [f"{heat}{after['throttling']}", report["parity"]["verdict"], report["date"]]
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def show(value: float | None, figure: Figure) -> str:
    """Return a value with the digits of its figure."""
    return NOTHING if value is None else f"{value:.{figure.digits}f}"


def condition(values: Mapping[str, Any]) -> str:
    """Return clock, heat and throttling in a few words."""
    parts = [
        f"{values['mhz']} MHz" if values["mhz"] is not None else "clock unknown",
        f"{values['temperature_c']} °C" if values["temperature_c"] is not None else "heat unknown",
        f"throttling {values['throttling']}",
    ]
    return ", ".join(parts)


def _head(report: Mapping[str, Any]) -> Iterator[str]:
    about, pack = report["machine"], report["pack"]
    memory = f", {about['memory_mb']} MB" if about["memory_mb"] else ""
    cores = f"{about['cores']} core{'s' * (about['cores'] != 1)}"
    rows = {
        "board": about["board"],
        "processor": f"{about['soc']} SoC, {cores} {about['cpu']}{memory}, "
        f"governor {about['governor']}",
        "before": condition(report["condition"]["before"]),
        "after": condition(report["condition"]["after"]),
        "system": f"{about['os']}, {about['kernel']}, {about['architecture']}",
        "software": f"hearten {about['hearten']}, Python {about['python']}, "
        f"{about['interpreter']}, numpy {about['numpy']}, pocketsphinx {about['pocketsphinx']}",
        "pack": f"{pack['name']} {pack['version']}, {pack['quantization']}",
        "reference outputs": _parity(report),
    }
    for name, value in rows.items():
        yield f"{name:<19}{value}"


def _parity(report: Mapping[str, Any]) -> str:
    parity = report["parity"]
    parts = ", ".join(f"{part} {value:.4f}" for part, value in parity["parts"].items())
    return f"{parity['verdict']}{', differences: ' * bool(parts)}{parts}"


def _body(metrics: Mapping[str, Any]) -> Iterator[str]:
    for group in GROUPS:
        rows = [row for figure in group.figures for row in _row(figure, group, metrics)]
        if rows:
            yield ""
            yield _heading(group)
            yield from rows


def _heading(group: Group) -> str:
    columns = "".join(f"{side:>{COLUMN}}" for side in SIDES) if group.sides else ""
    return f"{group.title:<{LABEL}}{columns}".rstrip()


def _row(figure: Figure, group: Group, metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield the line of a figure, unless it was not measured at all."""
    values = [metrics.get(key) for key in figure.keys]
    if all(value is None for value in values):
        return
    if group.sides and len(values) == 1:
        values *= len(SIDES)
    shown = "".join(f"{show(value, figure):>{COLUMN}}" for value in values)
    yield f"  {figure.label:<{LABEL - 2}}{shown} {figure.unit}".rstrip()


def _tail(report: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    counts = [report["metrics"].get(f"{side}_utterances") for side in ("voice", "words")]
    heard = " and ".join(f"{count:g}" for count in counts if count is not None)
    yield f"final events: of {heard or 'no'} utterances of made speech"
    if ran := report.get("stream"):
        yield f"the last stream: {ran['minutes']:g} minutes, simulated{_words(ran['statistics'])}"
    if queue := report.get("queue"):
        yield (
            f"the microphone: {queue['seconds']:.1f} s of {queue['device']}, "
            f"{queue['overflows']} overflows of the device, {queue['dropped']} pieces of 0.1 s "
            f"dropped (oldest first, {queue['held_s']:g} s are held), "
            f"longest chunk {queue['longest_chunk_ms']:.0f} ms{_words(queue['statistics'])}"
        )
    for side, ran in zip(SIDES, report.get("busy", {}).values(), strict=False):
        yield (
            f"a busy core, {side}: {ran['finals']} final events in {ran['seconds']:g} s, "
            f"at most {ran['most_behind_ms']:.0f} ms behind{_words(ran['statistics'])}"
        )
    if report["notes"]:
        yield f"note: {report['notes']}"


def _words(statistics: Mapping[str, Any]) -> str:
    """Return what became of the words of a stream."""
    words = statistics["words"]
    if words is None:
        return ""
    return (
        f"; {statistics['utterances']} utterances, words of {words['dropped']} dropped and of "
        f"{words['late']} cut short"
    )

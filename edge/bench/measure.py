"""All measurements of one run, as the report that ``hearten bench --json`` prints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from edge.bench import budgets, busy, machine, microphone, reference, sizes, stages, start, stream
from edge.bench.effort import Effort
from edge.errors import PackError
from edge.pack import Pack, open_pack

FORMAT = 2  # of the report; 1 was flat
BUSY = 0.5  # of the cores: other programs then disturb what is measured
DIGITS = 5

Note = Callable[[str], None]
Metrics = dict[str, float | None]


def measure(
    path: str | None, effort: Effort, device: str | None, note: Note, on_busy_core: bool = False
) -> dict[str, Any]:
    """Measure this machine with a pack (None: the built-in one); ``note`` is told each step.

    ``on_busy_core``: listen beside a program that takes the core, too.

    Raises:
        HeartenError: the pack, or the ``device`` to listen to, cannot be used.
    """
    pack = open_pack(path)
    words = pack.manifest.text is not None and reference.has_recogniser()
    before = machine.condition()
    found: Metrics = {}
    report: dict[str, Any] = {
        "task": "bench",
        "format": FORMAT,
        "date": datetime.now(UTC).date().isoformat(),
        "pack": _about(pack),
        "machine": machine.describe(),
        "metrics": found,
    }
    if device is not None:  # first: there may be none of that name
        note(f"the microphone, {microphone.SECONDS:g} s")
        report["queue"] = _queue(path, words, device)
    note("reference outputs")
    report["parity"] = _parity(pack, found)
    note("each part")
    found |= stages.frame_costs(pack, effort, words)
    found |= stages.event_costs(pack, effort)
    for side, on in (("voice", False), ("words", True))[: 1 + words]:
        note(f"starts, {'with words' if on else 'voice only'}")
        found |= _named(side, start.starts(path, on, effort))
        note(f"a stream, {'with words' if on else 'voice only'}")
        found |= _stream(path, side, on, effort)
        report |= _endurance(path, side, on, effort, found, note)
        if on_busy_core:
            note(f"a busy core, {busy.SECONDS:g} s, {'with words' if on else 'voice only'}")
            report.setdefault("busy", {})[side] = counters = busy.listen(path, on)
            found |= _named(side, counters.pop("metrics"))
    found |= sizes.sizes(pack)
    found.update({name: _rounded(value) for name, value in found.items()})
    report["budgets"] = budgets.checked(found)
    report["condition"] = {"before": before, "after": machine.condition()}
    report["notes"] = _notes(report)
    return report


def _about(pack: Pack) -> dict[str, Any]:
    raw = pack.manifest.raw
    return {
        "name": pack.manifest.name,
        "version": pack.manifest.version,
        "quantization": raw.get("voice", {}).get("quantization"),
        "voice_sha256": pack.voice_digest,
    }


def _parity(pack: Pack, found: Metrics) -> dict[str, Any]:
    """Return the differences to the stored outputs and what they mean; a failure is a result."""
    found["parity_difference"] = None
    try:
        parts = reference.differences(pack)
    except PackError as error:
        return {"verdict": f"fails: {error}", "parts": {}}
    if not parts:
        return {"verdict": "no reference", "parts": {}}
    worst = max(parts.values())
    found["parity_difference"] = worst
    verdict = "passes" if worst <= reference.TOLERANCE else f"fails: above {reference.TOLERANCE}"
    return {"verdict": verdict, "parts": parts}


def _stream(path: str | None, side: str, words: bool, effort: Effort) -> Metrics:
    with stream.open_engine(path, words) as engine:
        found: Metrics = {**stream.shares(engine, effort)}
    with stream.open_engine(path, words, partials=False) as engine:
        found |= stream.latency(engine, effort)
        counts = engine.statistics()["words"]
        if counts:
            found |= {"dropped": counts["dropped"] + counts["late"]}
        hangover = stream.hangover_ms(engine)
    return {**_named(side, found), "hangover_ms": hangover}


def _endurance(
    path: str | None, side: str, words: bool, effort: Effort, found: Metrics, note: Note
) -> dict[str, Any]:
    """Add the memory after a long stream; return the section that tells how long it was, and the
    engine's counters: of the last side that had one."""
    minutes = effort.words_minutes if words else effort.minutes
    if not minutes:
        return {}
    note(f"{minutes:g} minutes of stream, {'with words' if words else 'voice only'}")
    ran = start.endurance(path, words, minutes)
    found |= {f"{side}_{name}": ran[name] for name in ("stream_mb", "growth_mb")}
    return {"stream": {"minutes": minutes, "statistics": ran["statistics"]}}


def _queue(path: str | None, words: bool, device: str) -> dict[str, Any]:
    """Return what became of live audio, on its way to an engine that works."""
    with stream.open_engine(path, words) as engine:
        counters = microphone.listen(engine, device)
        return {**counters, "statistics": engine.statistics()}


def _named(side: str, found: Metrics | dict[str, float]) -> Metrics:
    return {f"{side}_{name}": value for name, value in found.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _notes(report: dict[str, Any]) -> str:
    """Return what makes these numbers worse than the machine could do; empty if nothing."""
    about, condition = report["machine"], report["condition"]
    found = []
    load = condition["before"]["load"]
    if load is not None and load > BUSY * about["cores"]:
        found.append(f"other programs were running: load {load:g} on {about['cores']} cores")
    now = [part for part in condition["after"]["throttling"].split(", ") if part.endswith("now")]
    if now:
        found.append(f"the board held itself back: {', '.join(now)}")
    if about["governor"] == "powersave":
        found.append("the governor is powersave: the clock stays low")
    return "; ".join(found)

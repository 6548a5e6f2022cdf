"""The figures of a report: what each is called, its unit, and where it stands in the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table. ``keys`` are metrics: two are voice only and with words, one is itself.

    ``least`` is the smallest difference that means anything, in the figure's ``unit``.
    """

    label: str
    unit: str
    digits: int
    keys: tuple[str, ...]
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a heading; ``sides``: whether they have a column voice only and one with words."""

    title: str
    sides: bool
    figures: tuple[Figure, ...]


def _both(label: str, unit: str, digits: int, name: str, least: float = 0.0) -> Figure:
    return Figure(label, unit, digits, (f"voice_{name}", f"words_{name}"), least)


def _one(label: str, unit: str, digits: int, key: str, least: float = 0.0) -> Figure:
    return Figure(label, unit, digits, (key,), least)


GROUPS = (
    Group(
        "Start, in a fresh process",
        True,
        (
            _both("import edge", "s", 3, "package_s", 0.01),
            _both("import edge and its Engine", "s", 3, "import_s", 0.01),
            _both("  of which numpy", "s", 3, "numpy_s", 0.01),
            _both("load the pack", "s", 3, "load_s", 0.01),
            _both("process start to first result", "s", 3, "cold_start_s", 0.02),
            _both("  of which on the processor", "s", 3, "start_core_s", 0.02),
        ),
    ),
    Group(
        "Memory",
        True,
        (
            _both("after load", "MB", 1, "rss_mb", 1.0),
            _both("most, first result", "MB", 1, "peak_mb", 1.0),
            _both("after the stream", "MB", 1, "stream_mb", 1.0),
            _both("growth in its second half", "MB", 1, "growth_mb", 1.0),
        ),
    ),
    Group(
        "Stream, one thread",
        True,
        (
            _both("silence: real-time factor", "", 4, "silence_rtf", 0.0002),
            _both("silence: share of a core", "%", 2, "silence_core_percent", 0.02),
            _both("speech: real-time factor", "", 4, "rtf", 0.0002),
            _both("speech: share of a core", "%", 2, "core_percent", 0.02),
        ),
    ),
    Group(
        "Final event",
        True,
        (
            _both("after the endpoint, p50", "ms", 1, "final_p50_ms", 0.5),
            _both("after the endpoint, p95", "ms", 1, "final_p95_ms", 1.0),
            _both("after the endpoint, p99", "ms", 1, "final_p99_ms", 2.0),
            _both("after the last sample of speech, p50", "ms", 0, "latency_p50_ms", 1.0),
            _both("after the last sample of speech, p95", "ms", 0, "latency_p95_ms", 1.0),
            _both("after the last sample of speech, p99", "ms", 0, "latency_p99_ms", 2.0),
            _one("  of which the endpoint's hang-over", "ms", 0, "hangover_ms"),
            _both("utterances without all words", "", 0, "dropped"),
        ),
    ),
    Group(
        "Final event, on a busy core, live",
        True,
        (
            _both("after the endpoint, p50", "ms", 1, "busy_p50_ms", 1.0),
            _both("after the endpoint, p95", "ms", 1, "busy_p95_ms", 5.0),
        ),
    ),
    Group(
        "A 10 ms frame of speech",
        False,
        (
            _one("endpointer", "us", 2, "endpointer_us", 0.1),
            _one("features", "us", 2, "features_us", 0.1),
            _one("voice graph", "us", 2, "graph_us", 0.1),
            _one("pooling", "us", 2, "pooling_us", 0.1),
            _one("voice branch, whole", "us", 2, "voice_us", 0.2),
            _one("word recogniser", "us", 1, "recogniser_us", 1.0),
        ),
    ),
    Group(
        "A decision",
        False,
        (
            _one("head", "us", 1, "head_us", 1.0),
            _one("embedding bag", "us", 1, "bag_us", 1.0),
            _one("fusion", "us", 1, "fusion_us", 1.0),
        ),
    ),
    Group(
        "Size",
        False,
        (
            _one("models", "MB", 3, "models_mb", 0.001),
            _one("pack", "MB", 2, "pack_mb", 0.01),
            _one("package, installed", "MB", 2, "installed_mb", 0.01),
            _one("package, as a wheel", "MB", 2, "wheel_mb", 0.01),
        ),
    ),
)
SIDES = ("voice only", "with words")

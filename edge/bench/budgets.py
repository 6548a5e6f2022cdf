"""What a start, memory, latency and the wheel may cost; the report says whether it is kept.

Seconds and milliseconds are budgets of a workstation (x86-64); memory and size, of every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LABEL, CELL = 40, 24  # characters


@dataclass(frozen=True, slots=True)
class Budget:
    """Figures with the most that each may be, in ``unit``: voice only and with words, or one."""

    label: str
    unit: str
    digits: int
    most: Mapping[str, float]


BUDGETS = (
    Budget("import edge and its Engine", "s", 3, {"voice_import_s": 0.12, "words_import_s": 0.12}),
    Budget(
        "process start to first result",
        "s",
        3,
        {"voice_cold_start_s": 0.25, "words_cold_start_s": 0.5},
    ),
    Budget("memory after load", "MB", 1, {"voice_rss_mb": 50.0, "words_rss_mb": 85.0}),
    Budget("memory after the stream", "MB", 1, {"voice_stream_mb": 50.0, "words_stream_mb": 85.0}),
    Budget(
        "final event after the endpoint, p95",
        "ms",
        1,
        {"voice_final_p95_ms": 20.0, "words_final_p95_ms": 150.0},
    ),
    Budget(
        "the same on a busy core",
        "ms",
        1,
        {"voice_busy_p95_ms": 20.0, "words_busy_p95_ms": 150.0},
    ),
    Budget("wheel", "MB", 2, {"wheel_mb": 6.0}),
)


def checked(metrics: Mapping[str, float | None]) -> dict[str, dict[str, Any]]:
    """Return ``budget`` and ``met`` of every figure that has a budget and was measured."""
    most = {key: value for budget in BUDGETS for key, value in budget.most.items()}
    measured = {key: value for key in most if (value := metrics.get(key)) is not None}
    return {k: {"budget": most[k], "met": value <= most[k]} for k, value in measured.items()}


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of a report's budgets; nothing where it has none."""
    found: Mapping[str, Any] = report.get("budgets", {})
    rows = [b for b in BUDGETS if any(key in found for key in b.most)]
    if rows:
        yield ""
        yield "Budgets (of time: of a workstation)"
    for budget in rows:
        cells = []
        for key in budget.most:
            value = report["metrics"].get(key)
            if key not in found or value is None:
                cells.append("-")
                continue
            verdict = "met" if found[key]["met"] else "MISSED"
            most = f"{found[key]['budget']:g} {budget.unit}"
            cells.append(f"{value:.{budget.digits}f} of {most} {verdict}")
        row = "".join(f"{cell:>{CELL}}" for cell in cells)
        yield f"  {budget.label:<{LABEL - 2}}{row}".rstrip()

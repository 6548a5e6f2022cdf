"""Partial events do not flicker: a new category is told when it lasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge import Engine
from edge.decision import Steady
from edge.emotion import UNKNOWN


def told(*seen: tuple[str, float], start: float = 1.0) -> list[str]:
    steady = Steady()
    return [steady(start, category, confidence) for category, confidence in seen]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([("sad", 0.6), ("sad", 0.6)], ["unknown", "sad"]),
        ([("sad", 0.4)] * 4, ["unknown", "unknown", "unknown", "sad"]),
        ([("sad", 0.6), ("sad", 0.4), ("sad", 0.6)], ["unknown", "unknown", "unknown"]),
        ([("sad", 0.4), ("sad", 0.6), ("sad", 0.6)], ["unknown", "unknown", "sad"]),
        ([("sad", 0.9), ("angry", 0.9)] * 3, ["unknown"] * 6),
        ([("sad", 0.9)] * 2 + [("angry", 0.9), ("sad", 0.9)], ["unknown", "sad", "sad", "sad"]),
        ([("sad", 0.9)] * 2 + [("angry", 0.9)] * 2, ["unknown", "sad", "sad", "angry"]),
        (
            [("sad", 0.9)] * 2 + [(UNKNOWN, 0.2)] * 4,
            ["unknown", "sad", "sad", "sad", "sad", "unknown"],
        ),
    ],
)
def test_a_new_category_has_to_last(seen: list, expected: list[str]) -> None:
    assert told(*seen) == expected


def test_another_utterance_begins_anew() -> None:
    steady = Steady()
    assert [steady(1.0, "sad", 0.9) for _ in range(2)][-1] == "sad"
    assert steady(4.0, "sad", 0.9) == UNKNOWN
    assert steady(4.0, "sad", 0.9) == "sad"


def test_events_of_a_recording(samples: Path) -> None:
    with Engine.open(words=False) as engine:
        events = list(engine.stream(samples / "joy_kal16.wav"))
        again = list(engine.stream(samples / "joy_kal16.wav"))
    assert [e.category for e in events] == [e.category for e in again], "reset forgets"
    steady = Steady()
    *partials, final = events
    assert len(partials) > 5 and final.type == "final"
    for event in partials:
        best = max(event.probabilities, key=lambda label: event.probabilities[label])
        sure = event.probabilities[best]
        seems = best if sure >= engine.reject else UNKNOWN
        assert event.category == steady(event.start, seems, sure)
        expected = sure if event.category == UNKNOWN else event.probabilities[event.category]
        assert event.confidence == expected
    assert final.confidence == max(final.probabilities.values())
    assert any(event.category != UNKNOWN for event in partials)

"""What counts as the same on two machines."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.arm.compare import differences

EVENT = {"file": "a.wav", "category": "sad", "confidence": 0.7, "words": []}
VAD = {"valence": -0.5, "arousal": 0.25, "dominance": 0.0}


def test_the_same_and_nearly_the_same() -> None:
    furthest, different = differences([EVENT | VAD], [EVENT | VAD | {"arousal": 0.265}])
    assert not different
    assert furthest == pytest.approx(0.015)


@pytest.mark.parametrize(
    "change",
    [{"category": "happy"}, {"valence": -0.521}, {"arousal": 0.271}, {"dominance": math.nan}],
)
def test_what_differs_is_told(change: dict[str, Any]) -> None:
    _, different = differences([EVENT | VAD | change], [EVENT | VAD])
    assert len(different) == 1
    assert "a.wav" in different[0]


@pytest.mark.parametrize("there", [[], [EVENT | VAD] * 2])
def test_another_number_of_events_fails(there: list[dict[str, Any]]) -> None:
    with pytest.raises(AssertionError, match="1 on this machine"):
        differences(there, [EVENT | VAD])

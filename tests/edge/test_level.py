"""The meter: each fault of an input is told once, and levels are in dBFS."""

from __future__ import annotations

import numpy as np
import pytest

from edge.audio.level import Meter


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ("digital silence", np.zeros(1600)),
        ("nearly silent", np.resize([3, -3], 1600)),
        ("clipped", np.clip(60000 * np.sin(np.arange(1600) / 5), -32768, 32767)),
        (None, 9000 * np.sin(np.arange(1600) / 5)),
    ],
)
def test_a_fault_of_the_input_is_told_once(fault: str | None, made: np.ndarray) -> None:
    meter = Meter()
    chunk = made.astype("<i2").tobytes()
    told = [warning for _ in range(100) if (warning := meter.push(chunk))]
    assert len(told) == (fault is not None)
    assert all(fault in warning for warning in told)


def test_levels_in_dbfs() -> None:
    meter = Meter()
    meter.push((16384 * np.sin(np.arange(16000) / 5)).astype("<i2").tobytes())
    assert meter.peak_db == pytest.approx(-6.02, abs=0.05)
    assert meter.rms_db == pytest.approx(-9.03, abs=0.05)
    meter.push(bytes(320))
    assert meter.rms_db == -100

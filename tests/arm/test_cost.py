"""A count that is more than 5 % worse than the stored one fails, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.arm import cost

BEFORE = {"speech": 100_000, "silence": 20_000}


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Made-up counts of one system in place of those in results/."""
    place = tmp_path / "stored.json"
    monkeypatch.setattr(cost, "STORED", place)
    cost._store("pi", {cpu: _count(**BEFORE) for cpu in ("cortex-a53", "cortex-a72")})
    return place


def _count(speech: int, silence: int) -> cost.Count:
    about = {"pack": "made-up", "voice": "0", "versions": {"numpy": "1.26.4"}}
    return {"speech": speech, "silence": silence, **about}


@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72"])
@pytest.mark.parametrize(
    "now", [BEFORE, {"speech": 105_000, "silence": 21_000}, {"speech": 50_000, "silence": 9_000}]
)
def test_up_to_five_percent_worse_passes(cpu: str, now: dict[str, int]) -> None:
    cost.compare("pi", {cpu: _count(**now)})


@pytest.mark.parametrize(
    ("now", "named"),
    [
        ({"speech": 105_001, "silence": 20_000}, "speech: 105,001"),
        ({"speech": 50_000, "silence": 21_001}, "silence: 21,001"),
    ],
)
def test_more_fails_and_says_what(now: dict[str, int], named: str) -> None:
    counts = {"cortex-a53": _count(**BEFORE), "cortex-a72": _count(**now)}
    with pytest.raises(AssertionError, match=f"^cortex-a72 {named} .*--store$"):
        cost.compare("pi", counts)


@pytest.mark.parametrize(("system", "cpu"), [("pi", "cortex-a76"), ("other", "cortex-a53")])
def test_what_is_not_stored_fails(system: str, cpu: str) -> None:
    with pytest.raises(AssertionError, match=f"{system}, {cpu} is not stored"):
        cost.compare(system, {cpu: _count(**BEFORE)})


def test_storing_one_system_keeps_the_other(stored: Path) -> None:
    cost._store("new", {"cortex-a76": _count(7, 3)})
    kept = json.loads(stored.read_text())
    assert kept["metrics"]["new, cortex-a76"]["speech"] == 7
    assert kept["metrics"]["pi, cortex-a53"]["speech"] == BEFORE["speech"]
    assert set(kept["systems"]) == {"pi", "new"}

"""The built-in pack on people whom it never met, through the whole device path."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge import Engine
from edge.pack import open_pack
from train.corpora import ravdess
from train.metrics import ccc, uar

FLOORS = json.loads((Path(__file__).parent / "floors.json").read_text())


@pytest.fixture(scope="module", params=["speech", "song"])
def scored(corpora: Path, request: pytest.FixtureRequest) -> dict[str, np.ndarray | str]:
    """Classes and arousal of the held-out actors' recordings: derived labels, and what we say."""
    partition = open_pack().manifest.raw["training"]["voice"]["partition"]
    labels = open_pack().manifest.labels
    rows = []
    with Engine.open(words=False, partials=False) as engine:
        for item in ravdess.load(corpora, request.param):
            if item.speaker not in partition["test"]:
                continue
            events = engine.file(item.path)
            longest = max(events, key=lambda e: e.end - e.start)
            best = max(longest.probabilities, key=longest.probabilities.__getitem__)
            rows.append(
                (labels.index(item.label), labels.index(best), item.arousal, longest.arousal)
            )
    columns = np.array(rows).T
    named = dict(zip(("truth", "said", "arousal", "said_arousal"), columns, strict=True))
    return named | {"kind": request.param}


def test_recall_stays_above_the_floor(scored: dict[str, np.ndarray | str]) -> None:
    assert len(scored["truth"]) >= 200
    assert uar(scored["truth"], scored["said"]) >= FLOORS[f"ravdess_{scored['kind']}_uar"]


def test_arousal_is_in_the_voice(scored: dict[str, np.ndarray | str]) -> None:
    floor = FLOORS[f"ravdess_{scored['kind']}_ccc_arousal"]
    assert ccc(scored["arousal"], scored["said_arousal"]) >= floor

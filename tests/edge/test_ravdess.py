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


@pytest.fixture(scope="module")
def scored(corpora: Path) -> dict[str, np.ndarray]:
    """Classes and arousal of the held-out actors' speech: derived labels, and what we say."""
    partition = open_pack().manifest.raw["training"]["voice"]["partition"]
    labels = open_pack().manifest.labels
    rows = []
    with Engine.open(words=False, partials=False) as engine:
        for item in ravdess.load(corpora, "speech"):
            if item.speaker not in partition["test"]:
                continue
            events = engine.file(item.path)
            longest = max(events, key=lambda e: e.end - e.start)
            best = max(longest.probabilities, key=longest.probabilities.__getitem__)
            rows.append(
                (labels.index(item.label), labels.index(best), item.arousal, longest.arousal)
            )
    columns = np.array(rows).T
    return dict(zip(("truth", "said", "arousal", "said_arousal"), columns, strict=True))


def test_recall_stays_above_the_floor(scored: dict[str, np.ndarray]) -> None:
    assert len(scored["truth"]) >= 230
    assert uar(scored["truth"], scored["said"]) >= FLOORS["ravdess_speech_uar"]


def test_arousal_is_in_the_voice(scored: dict[str, np.ndarray]) -> None:
    assert ccc(scored["arousal"], scored["said_arousal"]) >= FLOORS["ravdess_speech_ccc_arousal"]

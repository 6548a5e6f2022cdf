"""The gate: what is no speech has no category, whatever it sounds like, and teaches nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, PackError
from edge.emotion import UNKNOWN, Emotion
from edge.gate import LEAST, Gate, trusted
from edge.pack import open_pack
from edge.speaker import Enrolment

SIZE = open_pack().voice().size


def gated(edit: Callable[..., Path], bias: float, weights: list[float] | None = None) -> Path:
    section = {"weights": weights or [0.0] * SIZE, "bias": bias}
    return edit(lambda m: m.__setitem__("gate", section))


def hear(pack: Path | None, path: Path, **options: object) -> list[Emotion]:
    with Engine.open(pack, words=False, **options) as engine:
        return list(engine.stream(path))


def test_the_probability_is_that_of_a_logistic_regression() -> None:
    gate = Gate(np.array([1.0, -2.0], np.float32), 0.5)
    assert gate(np.array([3.0, 1.0], np.float32)) == pytest.approx(1 / (1 + math.exp(-1.5)))
    for far in (-1e6, 1e6):
        assert 0.0 <= gate(np.array([far, 0.0], np.float32)) <= 1.0
    assert trusted(0.8, LEAST) == 0.8 and trusted(0.8, LEAST - 1e-6) == 0.0


def test_speech_is_left_as_it_is(edit_manifest: Callable[..., Path], samples: Path) -> None:
    def plain(events: list[Emotion]) -> list[dict]:
        return [event.to_dict() | {"latency_ms": 0} for event in events]

    path = samples / "joy_kal16.wav"
    assert plain(hear(gated(edit_manifest, 5.0), path)) == plain(hear(None, path))


@pytest.mark.parametrize("reject", ["balanced", "cautious", 0.2, 0.001])
def test_what_is_no_speech_is_unknown(
    edit_manifest: Callable[..., Path], samples: Path, reject: str | float
) -> None:
    path = samples / "joy_kal16.wav"
    events = hear(gated(edit_manifest, -5.0), path, reject=reject)
    assert {event.category for event in events} == {UNKNOWN}
    assert {event.type for event in events} == {"partial", "final"}
    for event, without in zip(events, hear(None, path), strict=True):
        assert event.confidence == 0.0
        assert event.probabilities == without.probabilities
        assert sum(event.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert (event.valence, event.arousal) == (without.valence, without.arousal)
        json.loads(event.to_json())


def test_the_gate_reads_what_is_pooled_before_any_shift(
    edit_manifest: Callable[..., Path], samples: Path
) -> None:
    pack = gated(edit_manifest, -5.0, [0.01] * SIZE)
    with Engine.open(pack, words=False) as engine:
        engine.learner = learner = Enrolment("past")
        learner.shift = np.full(SIZE, 1000.0, np.float32)
        assert engine.file(samples / "joy_kal16.wav")[0].category == UNKNOWN


@pytest.mark.parametrize(("bias", "learned"), [(-5.0, False), (5.0, True)])
def test_nothing_is_learned_of_what_is_refused(
    edit_manifest: Callable[..., Path], samples: Path, bias: float, learned: bool
) -> None:
    pack = gated(edit_manifest, bias)
    with Engine.open(pack, words=False, adapt=True) as engine:
        engine.file(samples / "grief_slt.wav")
        assert (engine.learner.shift is not None) == learned
        engine.learner = learner = Enrolment("past")
        engine.file(samples / "grief_slt.wav")
        assert (learner.evidence is not None) == learned and learner.short == 0


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ([], "'gate' must be an object"),
        ({"bias": 0.0}, "lacks 'weights'"),
        ({"weights": [0.0] * SIZE}, "lacks 'bias'"),
        ({"weights": [0.0] * SIZE, "bias": "high"}, "'bias' must be a number"),
        ({"weights": [0.0] * SIZE, "bias": math.inf}, "'bias' must be a finite number"),
        ({"weights": [math.nan] * SIZE, "bias": 0.0}, "gate weights must be finite"),
        ({"weights": ["a"] * SIZE, "bias": 0.0}, "gate weights must be numbers"),
        ({"weights": [0.0] * 7, "bias": 0.0}, f"gate has 7 values, .* pooled to {SIZE}"),
        ({"weights": [0.0] * SIZE, "bias": 0.0, "least": 0.5}, "gate has an unknown key 'least'"),
    ],
)
def test_wrong_sections(edit_manifest: Callable[..., Path], section: object, message: str) -> None:
    pack = edit_manifest(lambda m: m.__setitem__("gate", section))
    with pytest.raises(PackError, match=message):
        Engine.open(pack, words=False)

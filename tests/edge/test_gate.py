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
from edge.gate import LEAST, Gate, Novelty, trusted
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


def novelty(**change: object) -> dict:
    rows = np.eye(2, SIZE).tolist()
    return {"mean": [0.0] * SIZE, "std": [1.0] * SIZE, "basis": rows, "usual": 1.0} | change


def test_novelty_is_what_the_usual_directions_leave_over() -> None:
    basis = np.array([[1.0, 0.0, 0.0]], np.float32)
    measure = Novelty(np.ones(3, np.float32), np.full(3, 2.0, np.float32), basis, 0.5)
    assert measure(np.array([101.0, 7.0, 9.0], np.float32)) == pytest.approx(10.0)  # 3-4-5, / .5
    assert measure(np.array([-99.0, 1.0, 1.0], np.float32)) == pytest.approx(0.0, abs=1e-2)


@pytest.mark.parametrize(("middle", "novel"), [(1e-3, True), (1e6, False)])
def test_words_count_more_in_speech_that_is_new(
    edit_manifest: Callable[..., Path], samples: Path, middle: float, novel: bool
) -> None:
    def change(manifest: dict) -> None:
        manifest.pop("novelty", None)
        for key in ("novel_middle", "novel_slope", "vad_novel"):
            manifest["fusion"].pop(key, None)

    def more(manifest: dict) -> None:
        trust = {"novel_middle": middle, "novel_slope": 8.0, "vad_novel": [1.0, 1.0, 1.0]}
        manifest["novelty"] = novelty()
        manifest["fusion"] |= trust

    found = []
    for edit in (change, more):
        pack = edit_manifest(edit)
        with Engine.open(pack, words="transcript", partials=False, explain=True) as engine:
            (voice,) = engine.file(samples / "joy_kal16.wav")
            found += [voice, *engine.words("horrible funeral")]
    before, told, after, new = found
    assert before.probabilities == after.probabilities  # no word, no doubt
    assert (new.valence < told.valence - 0.1) == novel
    own = max(before.probabilities, key=lambda label: before.probabilities[label])
    odds = [event.probabilities["fearful"] / event.probabilities[own] for event in (told, new)]
    assert own != "fearful" and (odds[1] > 1.5 * odds[0]) == novel
    assert new.explanation is not None
    parts = [new.explanation.voice, *(part for _, part in new.explanation.words)]
    assert sum(part.valence for part in parts) == pytest.approx(new.valence, abs=1e-4)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ([], "'novelty' must be an object"),
        (novelty(least=1), "novelty has an unknown key 'least'"),
        (novelty(basis=[]), "rows of the basis of one length"),
        (novelty(basis=[[0.0]]), "rows of the basis of one length"),
        (novelty(basis=[[math.nan] * SIZE]), "novelty basis .* must be finite"),
        (novelty(basis=[3.0]), "must be a list"),
        (novelty(usual=0.0), "positive std and 'usual'"),
        (novelty(std=[0.0] * SIZE), "positive std and 'usual'"),
        (
            novelty(mean=[0.0], std=[1.0], basis=[[1.0]]),
            f"novelty has 1 values, .* pooled to {SIZE}",
        ),
    ],
)
def test_wrong_novelty(edit_manifest: Callable[..., Path], section: object, message: str) -> None:
    pack = edit_manifest(lambda m: m.__setitem__("novelty", section))
    with pytest.raises(PackError, match=message):
        Engine.open(pack, words=False)


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

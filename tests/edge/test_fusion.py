"""Decision-level fusion and what a manifest may say about it."""

from __future__ import annotations

import numpy as np
import pytest

from edge.emotion import Scores
from edge.errors import PackError
from edge.fusion import build

LABELS = ("neutral", "calm", "happy", "angry")
TEXTS = ("angry", "happy", "neutral")
SECTION = {
    "kind": "log-linear",
    "weight": 1.0,
    "scale": 1.0,
    "prior": [0.3, 0.3, 0.4],
    "classes": {"neutral": "neutral", "calm": "neutral", "happy": "happy", "angry": "angry"},
    "vad_weight": [0.8, 0.2, 0.2],
    "vad_mean": [0.05, 0.0, 0.0],
    "vad_gain": [4.0, 4.0, 4.0],
}


def scores(vad: list[float], probabilities: list[float]) -> Scores:
    return Scores(np.array(vad, np.float32), np.array(probabilities, np.float32))


VOICE = scores([0.1, 0.5, 0.2], [0.1, 0.1, 0.4, 0.4])
HATE = scores([-0.2, 0.1, 0.0], [0.9, 0.05, 0.05])


def test_without_words_the_result_is_the_voice() -> None:
    fusion = build(SECTION, LABELS, TEXTS)
    assert fusion(VOICE, None, 0.0) is VOICE
    assert fusion(VOICE, HATE, 0.0) is VOICE


def test_words_decide_a_draw_and_move_valence_most() -> None:
    fused = build(SECTION, LABELS, TEXTS)(VOICE, HATE, 2.0)
    assert fused.probabilities.argmax() == LABELS.index("angry")
    assert fused.probabilities.sum() == pytest.approx(1.0, abs=1e-6)
    assert fused.vad[0] < -0.4
    assert abs(fused.vad[1] - VOICE.vad[1]) < 0.2


def test_the_more_evidence_the_more_the_words_count() -> None:
    fusion = build(SECTION, LABELS, TEXTS)
    valences = [fusion(VOICE, HATE, evidence).vad[0] for evidence in (0.1, 0.5, 1.0, 3.0)]
    assert valences == sorted(valences, reverse=True)


def test_calm_is_spoken_for_by_neutral_text() -> None:
    plain = scores([0.0, 0.0, 0.0], [0.05, 0.05, 0.9])
    fused = build(SECTION, LABELS, TEXTS)(VOICE, plain, 2.0)
    ratio = fused.probabilities[0] / fused.probabilities[1]
    assert ratio == pytest.approx(1.0, abs=1e-5)
    assert fused.probabilities[:2].sum() > VOICE.probabilities[:2].sum()


def test_extremes_stay_finite() -> None:
    sure = scores([1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0])
    against = scores([-1.0, -1.0, -1.0], [1.0, 0.0, 0.0])
    fused = build(SECTION, LABELS, TEXTS)(sure, against, 1e9)
    assert np.isfinite(fused.probabilities).all()
    assert (np.abs(fused.vad) <= 1.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "gate"}, "unknown fusion kind 'gate'"),
        ({"weight": "much"}, "weight must be 1 finite number"),
        ({"weight": -1.0}, "must not be negative"),
        ({"scale": 0.0}, "must be positive"),
        ({"prior": [0.5, 0.5]}, "prior must be 3 finite numbers"),
        ({"vad_gain": [1.0, float("nan"), 1.0]}, "vad_gain must be 3 finite"),
        ({"classes": {**SECTION["classes"], "calm": "serene"}}, "no text label for 'calm'"),
    ],
)
def test_a_wrong_section_is_named(change: dict, message: str) -> None:
    with pytest.raises(PackError, match=message):
        build({**SECTION, **change}, LABELS, TEXTS)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(PackError, match="fusion lacks 'prior'"):
        build({k: v for k, v in SECTION.items() if k != "prior"}, LABELS, TEXTS)

"""Decision-level fusion and what a manifest may say about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge import Engine
from edge.emotion import Scores
from edge.errors import PackError
from edge.fusion import KINDS, Fusion, build
from tests.edge.made import read_wav
from tests.edge.speed import best, slowness

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

MORE = {
    "log-linear": {},
    "linear": {
        "vad_voice": [[0.8, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        "vad_text": [[0.5, 0.0, 0.0], [0.0, 0.1, 0.0], [0.2, 0.0, 0.1]],
        "vad_bias": [0.05, 0.0, -0.05],
    },
    "gate": {
        "class_gate": [0.5, -0.5, 0.5, 0.1],
        "vad_gate": [[0.5, -3.0, 2.0, 0.1], [-1.0, -1.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0]],
    },
    "voice-only": {},
}


def made(kind: str) -> Fusion:
    return build(SECTION | {"kind": kind} | MORE[kind], LABELS, TEXTS)


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
        ({"kind": "oracle"}, "unknown fusion kind 'oracle'; this version knows: log-linear, lin"),
        ({"kind": ["gate"]}, "unknown fusion kind"),
        ({"kind": "gate"}, "fusion of kind 'gate' lacks 'class_gate'"),
        ({"kind": "gate", "class_gate": [1.0]}, "class_gate must be 4 finite numbers"),
        ({"kind": "linear"}, "fusion of kind 'linear' lacks 'vad_voice'"),
        (
            {"kind": "linear"} | MORE["linear"] | {"vad_text": [[1.0, 0.0, 0.0]]},
            "vad_text must be 3 x 3 finite numbers",
        ),
        ({"weight": 1e30}, "weight must be 1 finite number"),
        ({"classes": "none"}, "classes must name a text label"),
        ({"weight": "much"}, "weight must be 1 finite number"),
        ({"weight": -1.0}, "must not be negative"),
        ({"scale": 0.0}, "must be positive"),
        ({"novel_slope": -1.0}, "novel_slope must not be negative"),
        ({"vad_novel": [1.0]}, "vad_novel must be 3 finite"),
        ({"prior": [0.5, 0.5]}, "prior must be 3 finite numbers"),
        ({"vad_gain": [1.0, float("nan"), 1.0]}, "vad_gain must be 3 finite"),
        ({"classes": {**SECTION["classes"], "calm": "serene"}}, "no text label for 'calm'"),
    ],
)
def test_a_wrong_section_is_named(change: dict, message: str) -> None:
    with pytest.raises(PackError, match=message):
        build({**SECTION, **change}, LABELS, TEXTS)


def test_a_missing_parameter_is_named() -> None:
    with pytest.raises(PackError, match="fusion of kind 'log-linear' lacks 'prior'"):
        build({k: v for k, v in SECTION.items() if k != "prior"}, LABELS, TEXTS)


def test_every_kind_is_tested() -> None:
    assert set(MORE) == set(KINDS)


def test_voice_only_needs_no_parameters_and_changes_nothing() -> None:
    fusion = build({"kind": "voice-only"}, LABELS, TEXTS)
    assert fusion(VOICE, HATE, 5.0) is VOICE
    assert fusion.scaled(HATE.vad) == pytest.approx(HATE.vad)


def test_linear_moves_towards_a_ridge_regression() -> None:
    fused = made("linear")(VOICE, HATE, 1e9)  # all of it, since nothing is surer
    text = np.array([-1.0, 0.4, 0.0])
    matrices = [np.array(MORE["linear"][key]) for key in ("vad_voice", "vad_text")]
    wanted = matrices[0] @ VOICE.vad + matrices[1] @ text + MORE["linear"]["vad_bias"]
    expected = VOICE.vad + np.array(SECTION["vad_weight"]) * (wanted - VOICE.vad)
    assert fused.vad == pytest.approx(expected, abs=1e-6)
    plain = made("log-linear")(VOICE, HATE, 1e9)
    assert fused.probabilities == pytest.approx(plain.probabilities)


def test_a_gate_listens_to_the_surer_branch() -> None:
    fusion = made("gate")
    sure = scores([0.1, 0.5, 0.2], [0.0, 0.0, 0.99, 0.01])
    vague = scores([-0.2, 0.1, 0.0], [0.34, 0.33, 0.33])

    def moved(voice: Scores, text: Scores) -> float:
        return abs(float(fusion(voice, text, 1.0).vad[0] - voice.vad[0]))

    assert moved(VOICE, HATE) > moved(sure, HATE) > moved(sure, vague) > 0.0
    certain = VOICE.vad[0] + (1 - np.exp(-1.0)) * 0.8 * (-1.0 - VOICE.vad[0]) / (
        1 + np.exp(-np.array(MORE["gate"]["vad_gate"][0]) @ _z(VOICE, HATE, 1.0))
    )
    assert fusion(VOICE, HATE, 1.0).vad[0] == pytest.approx(certain, abs=1e-5)


def _z(voice: Scores, text: Scores, evidence: float) -> np.ndarray:
    entropies = [-(p @ np.log(p)) for p in (voice.probabilities, text.probabilities)]
    return np.array([1.0, -entropies[0], -entropies[1], np.log(1 + evidence)])


@pytest.mark.parametrize("kind", KINDS)
def test_missing_or_doubtful_words_leave_the_voice(kind: str) -> None:
    fusion = made(kind)
    nothing = (None, 1.0), (HATE, 0.0), (HATE, -1.0), (HATE, float("nan"))
    broken = scores([float("nan"), 0.0, 0.0], [0.9, 0.05, 0.05])
    wild = scores([0.0, 0.0, 0.0], [float("inf"), 0.0, 0.0])
    for text, evidence in (*nothing, (broken, 1.0), (wild, 1.0)):
        assert fusion(VOICE, text, evidence) is VOICE
    doubtful = fusion(VOICE, HATE, 0.01)
    assert doubtful.vad == pytest.approx(VOICE.vad, abs=0.02)
    assert doubtful.probabilities == pytest.approx(VOICE.probabilities, abs=0.02)
    for evidence in (1e-300, 1.0, float("inf")):
        extreme = fusion(VOICE, HATE, evidence)
        assert np.isfinite(extreme.probabilities).all() and (np.abs(extreme.vad) <= 1.0).all()
        assert extreme.probabilities.sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "voice-only"])
def test_what_the_voice_says_of_new_speech_counts_less(kind: str) -> None:
    new = {"novel_middle": 1.2, "novel_slope": 16.0, "vad_novel": [1.0, 1.0, 1.0]}
    fusion, plain = build(SECTION | {"kind": kind} | MORE[kind] | new, LABELS, TEXTS), made(kind)
    sure = scores([0.8, 0.8, 0.8], [0.97, 0.01, 0.01, 0.01])
    assert plain(sure, HATE, 2.0, 9.0).probabilities.argmax() == LABELS.index("neutral")
    fused = [fusion(sure, HATE, 2.0, novelty) for novelty in (0.0, 1.0, 1.2, 1.4, 99.0)]
    angry = [float(one.probabilities[LABELS.index("angry")]) for one in fused]
    assert angry == sorted(angry) and angry[-1] > 0.5
    assert [float(one.vad[0]) for one in fused] == sorted(
        (float(one.vad[0]) for one in fused), reverse=True
    )
    same = plain(sure, HATE, 2.0)
    assert fused[0].probabilities == pytest.approx(same.probabilities, abs=1e-6)
    assert fused[0].vad == pytest.approx(same.vad, abs=1e-6)
    assert fusion(sure, HATE, 0.0, 99.0) is sure


@pytest.mark.parametrize("kind", KINDS)
def test_fusion_costs_microseconds(kind: str) -> None:
    """20 us on the machine of the budgets; 50 us is what the design allows there."""
    fusion = made(kind)
    assert best(lambda: fusion(VOICE, HATE, 1.0)) < 50e-6 * slowness()


@pytest.mark.parametrize("kind", KINDS)
def test_a_pack_may_name_any_kind(
    kind: str, edit_manifest: Callable[[Callable[[dict], None]], Path], samples: Path
) -> None:
    place = edit_manifest(lambda m: m["fusion"].update({"kind": kind} | MORE[kind]))
    with Engine.open(place, words="transcript", partials=False) as engine:
        (voice,) = _heard(engine, samples)
        (fused,) = engine.words("horrible funeral")
        (absent,) = engine.words("zyzzyva qwop")
        assert absent.probabilities == voice.probabilities
        assert (fused.probabilities != voice.probabilities) == (kind != "voice-only")
        assert fused.text is not None and fused.voice == voice.voice


def test_an_unknown_kind_is_one_clear_error(
    edit_manifest: Callable[[Callable[[dict], None]], Path],
) -> None:
    place = edit_manifest(lambda m: m["fusion"].update(kind="transformer"))
    with pytest.raises(PackError, match=r"unknown fusion kind 'transformer'.*pip install --upgr"):
        Engine.open(place, words="transcript")
    with Engine.open(place, words=False):
        pass  # the voice needs no fusion


def _heard(engine: Engine, samples: Path) -> list:
    events = engine.push(read_wav(samples / "grief_rms.wav"))
    return [event for event in events + engine.flush() if event.type == "final"]

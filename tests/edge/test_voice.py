"""The voice branch: when it computes, and that this changes nothing."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.audio.files import read
from edge.features import HOP
from edge.interpreter import Graph
from edge.pack import open_pack
from edge.pooling import LONGEST, Functionals, Waiting
from edge.voice import MOST, Voice


@pytest.fixture(scope="module")
def voice() -> Voice:
    return open_pack().voice()


@pytest.fixture(scope="module")
def speech(samples: Path) -> np.ndarray:
    return read(samples / "gift_slt.wav")[: 250 * HOP]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The graphs that are run, in turn."""
    run, names = Graph.run, []

    def counted(self: Graph, **values: np.ndarray) -> dict[str, np.ndarray]:
        names.append(self.name)
        return run(self, **values)

    monkeypatch.setattr(Graph, "run", counted)
    return names


def pooled(voice: Voice, samples: np.ndarray, marked: int) -> np.ndarray:
    """Return what is pooled of samples that come in pieces of 70 ms, marked every so many."""
    voice.begin()
    for number, first in enumerate(range(0, len(samples), 1120), start=1):
        voice.push(samples[first : first + 1120])
        if number % marked == 0:
            voice.mark(number * 7)
    voice.finish()
    voice.mark(sys.maxsize)
    return voice.pooled()


@pytest.mark.parametrize("marked", [1, 4, 30])
def test_how_often_one_asks_changes_nothing(voice: Voice, speech: np.ndarray, marked: int) -> None:
    wanted = pooled(voice, speech, 10**6)
    np.testing.assert_allclose(pooled(voice, speech, marked), wanted, atol=2e-4)


def test_samples_wait_until_somebody_asks(
    voice: Voice, speech: np.ndarray, calls: list[str]
) -> None:
    voice.begin()
    voice.push(speech[: 60 * HOP])
    assert not calls
    assert voice.pooled() is None
    voice.mark(20)
    assert len(calls) == 58 // voice.block  # of 58 frames that are complete
    voice.push(speech[60 * HOP : 90 * HOP])
    voice.mark(20)
    assert len(calls) == 58 // voice.block, "the rest belongs to no speech yet"
    voice.mark(40)
    assert len(calls) == 58 // voice.block, "heard already"
    voice.mark(90)
    assert len(calls) == 88 // voice.block


def test_nobody_asks_and_memory_stays(voice: Voice, speech: np.ndarray, calls: list[str]) -> None:
    voice.begin()
    for first in range(0, (MOST + 10) * HOP, HOP):
        voice.push(speech[first : first + HOP])
    assert calls


def test_a_head_that_says_nonsense_gives_no_nan(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"logits": np.zeros((1, 3), np.float32), "vad": np.array([[math.nan, math.inf, -2.0]])}
    monkeypatch.setattr(voice, "_head", type("Head", (), {"run": lambda self, pooled: said})())
    scores = voice.judge(np.zeros(voice.size, np.float32))
    assert scores.vad.tolist() == [0.0, 1.0, -1.0]
    assert scores.probabilities.sum() == pytest.approx(1.0)


def test_melody_is_not_run_for_speech(voice: Voice, speech: np.ndarray, calls: list[str]) -> None:
    voice.begin()
    voice.push(speech)
    assert voice.end() is not None
    assert set(calls) == {"voice.tflite", "head.tflite"}


def test_what_waits_for_melody_is_bounded() -> None:
    rows = np.random.default_rng(0).normal(size=(5 * LONGEST, 3)).astype(np.float32)
    waiting, at_once = Waiting(3, (1, 7)), Functionals(3, (1, 7))
    at_once.add(rows[:-10])
    most = 0
    for first in range(0, len(rows), 25):
        waiting.add(rows[first : first + 25])
        waiting.count(first + 15)  # the last ones may be silence behind the speech
        most = max(most, sum(map(len, waiting._frames)))
    assert most <= LONGEST + 25
    np.testing.assert_allclose(waiting.value()[0], at_once.value(), rtol=1e-4)
    np.testing.assert_array_equal(waiting.value(), waiting.value())

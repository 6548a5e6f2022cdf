"""Spoken sentences through the whole device: what the rows are made of, and one real sentence."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from edge import Engine
from train import bimodal, spoken
from train.corpora import Utterance
from train.spoken_fusion import NO_WORD, ROWS, Answer, chosen, hear, of_events, scores

EMOTIONS = ("neutral", "happy", "sad", "angry")


@pytest.fixture(scope="module")
def events() -> list:
    if not shutil.which("flite"):
        pytest.skip("needs flite: apt-get install flite")
    with Engine.open(reject=0.0) as engine:
        return hear(engine, spoken.speak("I love this wonderful beautiful day", "slt"))


def test_words_reach_the_result(events: list) -> None:
    said = of_events(events)
    assert list(said) == list(ROWS)
    assert events[0].words
    assert said["text"].category == "happy"
    assert said["text"].vad[0] > 0
    assert not np.array_equal(said["fused"].vad, said["voice"].vad)


def test_utterances_count_by_their_length(events: list) -> None:
    one = events[0]
    short = replace(one, start=0.0, end=1.0, valence=1.0)
    long = replace(one, start=0.0, end=3.0, valence=-1.0)
    assert of_events([short, long])["fused"].vad[0] == pytest.approx(-0.5)
    nothing = of_events([])
    assert nothing["voice"].category == "neutral" and not nothing["voice"].vad.any()


def test_scores_of_a_perfect_and_of_a_constant_row(events: list) -> None:
    items = [
        Utterance(str(i), text="x", valence=v, arousal=-v, dominance=v / 2)
        for i, v in enumerate(np.linspace(-0.5, 0.5, 20))
    ]
    answer = of_events(events)["fused"]
    said = [
        {
            row: replace(
                answer, vad=np.array([u.valence, 0.1, 0.1]) if row != "text" else answer.vad
            )
            for row in ROWS
        }
        for u in items
    ]
    found = scores(items, said, "vad")
    assert found["fused"]["ccc_valence"]["mean"] == pytest.approx(1.0)
    assert found["fused"]["ccc_arousal"]["mean"] == 0.0 == found["text"]["r_valence"]["mean"]


def test_calm_is_neutral_in_words() -> None:
    items = [Utterance(str(i), text="x", labels=(label,)) for i, label in enumerate(EMOTIONS)]
    said = [
        dict.fromkeys(ROWS, Answer("calm" if x == NO_WORD else x, np.zeros(3))) for x in EMOTIONS
    ]
    assert scores(items, said, "classes")["fused"]["macro_f1"]["mean"] == 1.0


def test_sentences_are_those_of_the_benchmark() -> None:
    pairs = bimodal.read(bimodal.PLACE)
    test = [pair for pair in pairs if pair.part == "test"]
    for kind, known in (
        ("classes", {pair.sentence for pair in test}),
        ("vad", {pair.rated for pair in test}),
    ):
        names = chosen(pairs, kind, 200, 0)
        assert len(set(names)) == 200 and set(names) <= known
        assert names[:50] == chosen(pairs, kind, 50, 0) != chosen(pairs, kind, 50, 1)

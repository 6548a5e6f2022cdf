"""What voice and keywords did to a result: the parts add up, and a line tells them."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from edge import Emotion, Engine
from edge.emotion import DIMENSIONS, Explanation, Part, Scores, Word
from edge.explanation import explain
from edge.lines import because, line
from tests.edge.made import read_wav
from tests.edge.test_cli import hearten, strict

LABELS = ("neutral", "happy", "angry")
VALUES = (*DIMENSIONS, "probability")


def words(*names: str, confidence: float = 0.8) -> tuple[Word, ...]:
    return tuple(Word(name, 0.0, 0.0, confidence) for name in names)


def judge(some: tuple[Word, ...]) -> Scores:
    """Neither linear nor fair: words share a ceiling, "not" turns what follows it round."""
    total = 0.1
    for index, word in enumerate(some):
        sign = -1.0 if index and some[index - 1].word == "not" else 1.0
        total += sign * len(word.word) / 20 * word.confidence
    squashed = float(np.tanh(total))
    vad = np.array([squashed, squashed**2, -0.3], np.float32)
    odds = np.exp(np.array([0.0, 2 * squashed, -squashed]))
    return Scores(vad, (odds / odds.sum()).astype(np.float32))


def numbers(part: Part) -> np.ndarray:
    return np.array([getattr(part, name) for name in VALUES])


def added(why: Explanation) -> np.ndarray:
    return numbers(why.voice) + sum((numbers(part) for _, part in why.words), np.zeros(4))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 12])
def test_parts_add_up(count: int) -> None:
    names = ("love", "not", "hate", "a", "wonderful", "not", "day", "is", "over", "x", "yz", "now")
    heard = words(*names[:count])
    why, fused = explain(heard, judge, LABELS), judge(heard)
    best = int(fused.probabilities.argmax())
    expected = [*fused.vad, fused.probabilities[best]]
    assert added(why) == pytest.approx(expected, abs=1e-6)
    assert numbers(why.text) == pytest.approx(added(why) - numbers(why.voice), abs=1e-9)
    assert why.category == LABELS[best]
    assert [word for word, _ in why.words] == list(heard)


def test_up_to_three_words_have_shapley_values() -> None:
    heard = words("love", "not", "hate")
    found = {word.word: numbers(part) for word, part in explain(heard, judge, LABELS).words}
    best = int(judge(heard).probabilities.argmax())

    def value(chosen: set[int]) -> np.ndarray:
        scores = judge(tuple(heard[i] for i in sorted(chosen)))
        return np.array([*scores.vad, scores.probabilities[best]], np.float64)

    for word in range(3):
        gains = []
        for order in permutations(range(3)):
            before = set(order[: order.index(word)])
            gains.append(value(before | {word}) - value(before))
        assert found[heard[word].word] == pytest.approx(np.mean(gains, axis=0), abs=1e-9)


def test_a_word_that_does_nothing_has_nothing() -> None:
    heard = (*words("love"), *words("hate", confidence=0.0))
    (_, love), (_, hate) = explain(heard, judge, LABELS).words
    assert numbers(hate) == pytest.approx(np.zeros(4))
    assert love.valence > 0.0


@pytest.fixture(scope="module")
def engine() -> Engine:
    with Engine.open(words="transcript", partials=True, explain=True) as engine:
        yield engine


def heard(engine: Engine, samples: Path, name: str = "everyday_slt.wav") -> list[Emotion]:
    engine.reset()
    return engine.push(read_wav(samples / name)) + engine.flush()


TEXTS = ("", "terrible", "cried funeral mother", "love hate " * 10, "wonderful gift today " * 20)


@pytest.mark.parametrize("text", TEXTS)
def test_events_explain_themselves(engine: Engine, samples: Path, text: str) -> None:
    *partials, voice = heard(engine, samples)
    assert all(event.explanation is None for event in partials)
    assert voice.explanation and not voice.explanation.words
    (event,) = engine.words(text)
    why = event.explanation
    assert why is not None and len(why.words) == len(event.words)
    told = [event.valence, event.arousal, event.dominance, event.probabilities[why.category]]
    assert added(why) == pytest.approx(told, abs=1e-5)
    alone = [voice.valence, voice.arousal, voice.dominance, voice.probabilities[why.category]]
    assert numbers(why.voice) == pytest.approx(alone, abs=1e-6)
    form = event.to_dict()["explanation"]
    for name in DIMENSIONS:
        parts = [form["voice"][name], *(word[name] for word in form["words"])]
        assert sum(parts) == pytest.approx(getattr(event, name), abs=1e-4)
        assert form["voice"][name] + form["text"][name] == pytest.approx(sum(parts), abs=1e-4)


def test_nothing_is_computed_where_nobody_asks(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.decision.explain", None)  # a call would raise
    with Engine.open(words="transcript") as plain:
        (*_, event) = heard(plain, samples)
        (revised,) = plain.words("terrible")
    assert event.explanation is None and "explanation" not in event.to_dict()
    assert revised.explanation is None and "because" not in line(revised)


def test_a_pack_without_words_explains_its_voice(samples: Path) -> None:
    with Engine.open(words=False, explain=True) as plain:
        (*_, event) = heard(plain, samples)
    assert event.explanation and event.explanation.words == ()
    assert because(event.explanation) == "because: the voice alone"


def test_decisions_are_the_same_with_and_without(engine: Engine, samples: Path) -> None:
    with Engine.open(words="transcript") as plain:
        both = [heard(one, samples)[-1] for one in (plain, engine)]
        both += [one.words("terrible funeral")[0] for one in (plain, engine)]
    forms = [replace(event, explanation=None, latency_ms=0.0).to_dict() for event in both]
    assert forms[0] == forms[1] and forms[2] == forms[3]


def test_a_line_names_the_strongest_and_sums_the_rest() -> None:
    parts = [("love", 0.3), ("hate", -0.2), ("day", 0.1), ("sun", 0.02), ("the", 0.001)]
    why = Explanation(
        "happy",
        Part(-0.1, 0.002, -0.001, 0.4),
        tuple((*words(name), Part(x, 0.0, 0.0, x / 2)) for name, x in parts),
    )
    assert because(why) == (
        "because: happy 51% = voice 40%, love +15%, hate -10%, day +5%, 2 others +1%; "
        "V +0.12 = voice -0.10, love +0.30, hate -0.20, day +0.10, 2 others +0.02; "
        "A +0.00 = voice +0.00; D +0.00 = voice +0.00"
    )


def test_file_explains(samples: Path) -> None:
    pytest.importorskip("pocketsphinx")
    path = samples / "grief_rms.wav"
    shown = hearten("file", path, "--explain").stdout.splitlines()
    assert len(shown) == 2 and shown[1].startswith("    because: sad ")
    assert "funeral +" in shown[1] and "; V -0." in shown[1]
    (event,) = strict(hearten("file", path, "--explain", "--json").stdout.splitlines())
    found = event["explanation"]
    assert [word["word"] for word in found["words"]] == [word["word"] for word in event["words"]]
    total = found["voice"]["valence"] + sum(word["valence"] for word in found["words"])
    assert total == pytest.approx(event["valence"], abs=1e-4)

"""Every way of joining two sides, on made utterances whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from edge.errors import HeartenError
from train.fusion_alone import restoring
from train.fusion_kinds import NAMES, Refitted, make
from train.fusion_scores import macro_f1s
from train.intervals import Speakers
from train.metrics import ccc, ece, macro_f1, pearson
from train.modalities import Rows, Side, joined_rows

CLASSES = 4


def made(size: int, seed: int, rated: bool = True, labelled: bool = True) -> Rows:
    """Utterances of which each side knows something else: features, decisions and targets."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(CLASSES, size=size)
    truth = np.clip(rng.normal(scale=0.4, size=(size, 3)), -1, 1)

    def side(sure: float, blurred: float, scale: float) -> Side:
        logits = sure * np.eye(CLASSES)[classes] + rng.normal(size=(size, CLASSES))
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        vad = scale * (truth + rng.normal(scale=blurred, size=(size, 3)))
        return Side(np.concatenate([logits, truth + rng.normal(scale=blurred, size=(size, 3))], 1),
                    shares, vad)  # fmt: skip

    evidence = rng.choice([0.0, 0.5, 4.0], p=[0.1, 0.2, 0.7], size=size)
    return Rows.of(
        side(1.5, 0.3, 1.0), side(1.5, 0.3, 0.2),
        classes if labelled else None, truth if rated else None, evidence,
    )  # fmt: skip


@pytest.fixture(scope="module")
def parts() -> tuple[Rows, Rows]:
    return made(600, 1), made(500, 2)


def joins(name: str) -> bool:
    return name not in ("voice", "text")


@pytest.mark.parametrize("name", [name for name in NAMES if joins(name) and name != "network"])
def test_joining_beats_both_sides_where_words_were_heard(
    name: str, parts: tuple[Rows, Rows]
) -> None:
    dev, test = parts
    test = test.take(test.heard)
    said = {n: Refitted(make(n).fit(dev)).fit(dev).predict(test) for n in ("voice", "text", name)}
    mine = said[name]
    if mine.probabilities is not None:
        scores = {n: macro_f1(test.classes, s.probabilities.argmax(1)) for n, s in said.items()}
        assert scores[name] > max(scores["voice"], scores["text"]) + 0.03
        assert mine.probabilities.sum(axis=1) == pytest.approx(1.0)
        assert ece(test.classes, mine.probabilities) < 0.1
    for d in range(3):
        scores = {n: ccc(test.truth[:, d], s.vad[:, d]) for n, s in said.items()}
        assert scores[name] > max(scores["voice"], scores["text"]) + 0.005


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("late")])
def test_the_voice_answers_alone_where_no_word_was_heard(
    name: str, parts: tuple[Rows, Rows]
) -> None:
    dev, test = parts
    silent = test.take(~test.heard)
    said = make(name).fit(dev).predict(silent)
    assert len(silent) > 20
    np.testing.assert_allclose(np.clip(said.vad, -1, 1), np.clip(silent.voice.vad, -1, 1))
    if said.probabilities is not None:
        np.testing.assert_allclose(said.probabilities, silent.voice.probabilities, atol=1e-5)


def test_a_network_learns_from_both_sides(parts: tuple[Rows, Rows]) -> None:
    dev, test = parts
    said = make("network").fit(dev).predict(test)
    alone = {name: make(name).fit(dev).predict(test) for name in ("voice", "text")}
    best = max(macro_f1(test.classes, a.probabilities.argmax(1)) for a in alone.values())
    assert macro_f1(test.classes, said.probabilities.argmax(1)) > best
    assert said.probabilities.sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert min(ccc(test.truth[:, d], said.vad[:, d]) for d in range(3)) > 0.7


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("late-svr", "network")])
def test_either_target_may_lack(name: str) -> None:
    only_vad = make(name).fit(made(80, 3, labelled=False)).predict(made(20, 4))
    only_classes = make(name).fit(made(80, 3, rated=False)).predict(made(20, 4))
    assert only_vad.vad.shape == (20, 3)
    assert only_classes.probabilities.shape == (20, CLASSES)
    if joins(name):
        assert only_vad.probabilities is None
    assert np.isfinite(only_vad.vad).all() and np.isfinite(only_classes.probabilities).all()


def test_what_is_lacking_is_told() -> None:
    rows = Rows.of(Side(vad=np.zeros((3, 3))), Side(vad=np.zeros((3, 3))), truth=np.zeros((3, 3)))
    with pytest.raises(HeartenError, match="features of the voice"):
        make("features-linear").fit(rows)
    with pytest.raises(HeartenError, match="wanted as many"):
        Rows.of(Side(vad=np.zeros((3, 3))), Side(vad=np.zeros((4, 3))), truth=np.zeros((3, 3)))
    with pytest.raises(HeartenError, match="late-product"):
        make("late")
    broken = Rows.of(Side(vad=np.full((3, 3), np.nan)), Side(vad=np.ones((3, 3))),
                     truth=np.eye(3))  # fmt: skip
    with pytest.raises(HeartenError, match="not finite"):
        make("late-svr").fit(broken)


def test_restoring_the_variance_turns_ccc_into_correlation() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(4000, 3))
    noisy = truth + rng.normal(size=(4000, 3))
    shrunk = 0.5 * noisy  # what least squares makes of it: r = .71, CCC = 2 r^2 / (1 + r^2)
    gain, shift = restoring(shrunk, truth)
    for d in range(3):
        r = pearson(truth[:, d], shrunk[:, d])
        assert ccc(truth[:, d], shrunk[:, d]) == pytest.approx(2 * r**2 / (1 + r**2), abs=0.02)
        assert ccc(truth[:, d], shrunk[:, d] * gain[d] + shift[d]) == pytest.approx(r, abs=1e-6)


def test_rows_join_and_part() -> None:
    one, other = made(5, 1), made(7, 2, rated=False)
    both = joined_rows([one, other])
    assert len(both) == 12 and both.rated.sum() == 5 and both.labelled.all()
    np.testing.assert_array_equal(both.take(both.rated).voice.vad, one.voice.vad)


def test_macro_f1_of_resamples_is_that_of_the_resampled_utterances() -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.integers(4, size=80), rng.integers(4, size=80)
    people = Speakers(np.repeat(np.arange(4), 20))
    found = macro_f1s(people.confusions(truth, said, 8))
    times = people._times[0].astype(int)
    chosen = np.concatenate([np.repeat(np.arange(20 * s, 20 * s + 20), n)
                             for s, n in enumerate(times)])  # fmt: skip
    assert found[0] == pytest.approx(f1_score(truth[chosen], said[chosen], average="macro"))

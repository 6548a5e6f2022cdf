"""Measured errors of the recogniser, done to bags of words."""

from __future__ import annotations

import numpy as np
import pytest

from edge.confidence import Piece
from edge.errors import HeartenError
from train.recognition_errors import as_heard, measure
from train.recognition_map import Scored, Trust
from train.text_data import encode

FORMS = tuple(f"w{n}" for n in range(30))


def recorded(kept=0.6, wrong=0.2, said=1000):
    """Of the words said a share is kept, surely; false ones are "w29", unsure."""
    right = [(Piece("w1", 0.0, 0.1, 0.9, 3), True)] * round(kept * said)
    false = [(Piece("w29", 0.0, 0.1, 0.5, 3), False)] * round(wrong * said)
    lost = [(Piece("w28", 0.0, 0.1, 0.1, 3), False)] * 50
    return Scored("a", ("w1",) * said, 60.0, 6.0, 20.0, tuple(right + false + lost))


def test_errors_are_counted_by_condition():
    errors = measure({"clean": [recorded()], "short": [recorded(said=10)]}, Trust(), 0.4)
    assert list(errors) == ["clean"], "too few words tell nothing"
    clean = errors["clean"]
    assert (clean["kept"], clean["wrong"]) == (0.6, 0.2)
    assert clean["words"] == {"w29": 200}, "those below the threshold are gone"
    assert clean["sure"] == [0.9] * 11 and clean["unsure"] == [0.5] * 11


def test_bags_are_damaged_as_was_measured():
    errors = measure({"clean": [recorded()]}, Trust(), 0.4)
    bags = encode([["w3", "w4", "w5", "w6", "w7"]] * 4000, FORMS)
    heard = as_heard(bags, FORMS, errors, np.random.default_rng(0), FORMS)
    same = (heard.weights == bags.weights).all(axis=1)
    assert same.mean() == pytest.approx(0.5, abs=0.03), "half are left as they were said"
    ids, weights = heard.ids[~same], heard.weights[~same]
    said = (ids > 0) & (ids < 30)
    assert said.sum(axis=1).mean() == pytest.approx(5 * 0.6, abs=0.1)
    assert (ids == 30).sum(axis=1).mean() == pytest.approx(5 * 0.2, abs=0.1)
    assert weights[said] == pytest.approx(0.9) and weights[ids == 30] == pytest.approx(0.5)
    assert (weights[ids == 0] == 0).all()
    for row in ids[:200]:
        left = row[(row > 0) & (row < 30)]
        assert left.tolist() == sorted(left), "the order stays"
        assert (row[(row > 0).sum() :] == 0).all(), "no gaps"
    again = as_heard(bags, FORMS, errors, np.random.default_rng(0), FORMS)
    assert (again.ids == heard.ids).all() and (bags.weights <= 1.0).all()
    assert heard.ids.dtype == np.int32 and heard.weights.dtype == np.float32


def test_what_is_not_listened_for_is_never_heard():
    errors = measure({"clean": [recorded(kept=0.9)]}, Trust(), 0.4)
    bags = encode([["w3", "w4", "w5", "w6"]] * 2000, FORMS)
    heard = as_heard(bags, FORMS, errors, np.random.default_rng(0), {"w4", "w6", "w29"})
    damaged = heard.ids[(heard.weights != bags.weights).any(axis=1)]
    assert not np.isin(damaged, [4, 6]).any(), "w3 and w5"
    assert np.isin(damaged, [5, 7]).sum(axis=1).mean() == pytest.approx(2 * 0.9, abs=0.1)


def test_nothing_measured_is_refused():
    bags = encode([["w3"]], FORMS)
    with pytest.raises(HeartenError, match="train recognition"):
        as_heard(bags, FORMS, {}, np.random.default_rng(0), FORMS)
    errors = measure({"clean": [recorded()]}, Trust(), 0.4)
    with pytest.raises(HeartenError, match="none of the false words"):
        as_heard(encode([["a"]] * 9, ("a",)), ("a",), errors, np.random.default_rng(0), ("a",))

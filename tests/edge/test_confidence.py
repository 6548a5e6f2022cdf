"""How sure a word is: the correction for noise and length, and the line through the points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.confidence import Odds, Piece, confidence, corrected, snr_db
from edge.decoder import RecognizerSettings
from edge.endpoint import levels_db
from edge.errors import PackError
from edge.keywords import kept

ODDS = Odds(posterior=0.5, snr=0.1, phones=0.2)
GIFT = Piece("gift", 1.0, 1.4, 0.9, 4)


def test_the_default_changes_nothing():
    for posterior in (0.0, 0.25, 1.0):
        assert corrected(posterior, 3.0, 1, Odds()) == posterior
    assert corrected(1.7, 3.0, 1, Odds()) == 1.0


def test_noise_and_short_words_make_less_sure():
    values = [[corrected(0.9, snr, n, ODDS) for n in (2, 5, 8)] for snr in (0.0, 10.0, 20.0)]
    assert (np.diff(values, axis=0) > 0).all() and (np.diff(values, axis=1) > 0).all()
    assert values[2][1] == pytest.approx(0.75), "nine to one, its root: three to one"
    assert corrected(0.9, 30.0, 9, ODDS) == corrected(0.9, 90.0, 40, ODDS)


def test_a_better_posterior_never_makes_less_sure():
    found = [corrected(p, 5.0, 3, ODDS) for p in np.linspace(-1, 2, 50)]
    assert (np.diff(found) >= 0).all() and 0.0 < found[0] < found[-1] < 1.0


def test_the_line_is_read_at_the_corrected_posterior():
    points = ((0.0, 0.1), (1.0, 0.9))
    assert confidence(GIFT, 20.0, Odds(), points, 0.3) == pytest.approx(0.82)
    assert confidence(GIFT, 0.0, ODDS, points, 0.3) < confidence(GIFT, 20.0, ODDS, points, 0.3)
    assert confidence(replace(GIFT, posterior=None), 20.0, ODDS, points, 0.3) == 0.3


def test_snr_is_told_from_the_utterance_itself():
    rng = np.random.default_rng(0)
    speech = rng.normal(0.0, 3000.0, 32000) * (np.arange(32000) // 4000 % 2)
    noisy = [snr_db(levels_db((speech + rng.normal(0, level, 32000)).astype(np.int16)))
             for level in (1000.0, 100.0, 10.0)]  # fmt: skip
    assert noisy == pytest.approx([10.9, 30.5, 50.5], abs=1.5)
    assert snr_db([]) == snr_db([-30.0]) == 0.0


def test_only_sure_keywords_are_kept_in_time():
    settings = RecognizerSettings("", "", partial_confidence=0.4)
    pieces = [GIFT, replace(GIFT, word="the"), replace(GIFT, word="joy", posterior=None)]
    words = kept(pieces, 20.0, {"gift", "joy"}, settings, 0.4)
    assert [(w.word, w.start, w.confidence) for w in words] == [
        ("gift", 1.0, 0.9),
        ("joy", 1.0, 0.4),
    ]
    assert [w.word for w in kept(pieces, 20.0, {"gift", "joy"}, settings, 0.5)] == ["gift"]


@pytest.mark.parametrize("odds", [Odds(posterior=0.0), Odds(posterior=-1.0), Odds(snr=99.0),
                                  Odds(phones=float("nan"))])  # fmt: skip
def test_odds_that_make_no_sense(odds):
    with pytest.raises(PackError, match="confidence_odds"):
        RecognizerSettings("", "", confidence_odds=odds).check()

"""Scoring of the recogniser and its confidence map."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge.decoder import RecognizerSettings
from edge.errors import HeartenError
from edge.keywords import Recognizer
from train.corpora import librispeech
from train.language import Keywords, build
from train.recognition import Heard, fit_map, hear, metrics

IDENTITY = ((0.0, 0.0), (1.0, 1.0))


def overconfident(count=2000):
    """Words that are right half as often as their posterior says."""
    rng = np.random.default_rng(0)
    posterior = rng.random(count)
    right = rng.random(count) < posterior / 2
    pairs = zip(posterior, right, strict=True)
    return Heard("a", count, tuple(("x", float(p), bool(r)) for p, r in pairs), 3600.0)


def test_the_map_is_calibrated_rises_and_spans_the_range():
    heard = overconfident()
    points = fit_map([heard])
    posterior, confidence = np.array(points).T
    assert posterior[0] == 0.0 and posterior[-1] == 1.0
    assert (np.diff(posterior) > 0).all() and (np.diff(confidence) >= 0).all()
    assert confidence == pytest.approx(posterior / 2, abs=0.1)
    assert metrics([heard], points, 0.5)["ece"] < 0.04 < metrics([heard], IDENTITY, 0.5)["ece"]


def test_metrics_count_hits_misses_and_false_alarms():
    words = (("joy", 0.9, True), ("joy", 0.8, False), ("fear", 0.2, True))
    scores = metrics([Heard("a", 4, words, 1800.0)], IDENTITY, 0.5)
    assert scores["precision"] == 0.5 and scores["recall"] == 0.25
    assert scores["f1"] == pytest.approx(1 / 3) and scores["false_alarms_per_hour"] == 2.0
    nothing = metrics([Heard("a", 0, (), 10.0)], IDENTITY, 0.5)
    assert set(nothing.values()) == {0.0}


def test_too_little_is_refused():
    with pytest.raises(HeartenError, match="more audio"):
        fit_map([Heard("a", 1, (("joy", 0.9, True),), 3.0)])


def test_real_speech_is_scored_against_its_transcript(corpora, tmp_path):
    items = librispeech.load(corpora)[:1]
    spoken = Counter(word for item in items for word in (item.text or "").split())
    known = frozenset(word for word in spoken if len(word) > 4)
    build(Keywords(tuple(sorted(known)), {}), tmp_path, 2000, 100000)
    recognizer = Recognizer(
        RecognizerSettings(
            str(tmp_path / "words.lm.bin"), str(tmp_path / "words.dict"), min_confidence=0.0
        ),
        known,
    )
    heard, factor = hear(recognizer, items, known)
    assert 0.0 < factor < 5.0
    assert sum(h.spoken for h in heard) == sum(spoken[word] for word in known)
    assert metrics(heard, IDENTITY, 0.0)["recall"] > 0.2

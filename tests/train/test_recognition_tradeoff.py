"""The grid of recogniser settings: which are worth telling, and what they are made of."""

from __future__ import annotations

import json

import pytest

from edge.confidence import Piece
from tests.train.test_recognition import words
from train import recognition_tradeoff
from train.__main__ import main
from train.corpora import Utterance
from train.language import Keywords, read_dictionary
from train.ngram import read_trie
from train.recognition_heard import Decoded, Listener
from train.recognition_map import Scored
from train.recognition_tradeoff import GRID, Setting, curves, front, models, relative, spread

SMALL = Setting(words=40, bigrams=300, boost=4.0, variants=False, options={"lw": 6.5})


def scored(hits, cost):
    found = words(*(("joy", 0.9, place < hits) for place in range(10)))
    return [Scored("a", ("joy",) * 10, 10.0, cost, 20.0, found)]


def test_the_front_is_what_nothing_beats_in_both():
    found = {"a": scored(5, 1.0), "b": scored(4, 2.0), "c": scored(6, 2.0), "d": scored(6, 3.0)}
    assert front(found) == ["a", "c"]


def test_recordings_are_spread_over_the_speakers():
    items = [Utterance(id=str(n), speaker=f"s{n // 10}") for n in range(50)]
    assert [u.speaker for u in spread(items, 5)] == ["s0", "s1", "s2", "s3", "s4"]
    assert spread(items, None) == spread(items, 99) == items


def test_cost_is_told_next_to_the_base_and_drawn():
    rows = {
        f"{part}: {name}": {"rtf": {"mean": cost}, "f1": {"mean": f1}}
        for part, scale in (("dev", 1.0), ("test", 2.0))
        for name, cost, f1 in (("base", 0.1 * scale, 0.4), ("big", 0.15 * scale, 0.5))
    }
    relative(rows, "base")
    assert rows["test: big"]["relative_cost"]["mean"] == 1.5
    assert rows["dev: base"]["relative_cost"]["mean"] == 1.0
    best = curves(rows)["curves"][0]
    assert best["points"] == [(0.1, 0.4), (0.15, 0.5)]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder that holds the models of ``SMALL``."""
    pytest.importorskip("pocketsphinx")
    folder = tmp_path_factory.mktemp("kept")
    models(SMALL, Keywords(("happy", "live", "sad"), {}), ["sad"], folder)
    return folder


def test_a_setting_builds_its_models_once(built, monkeypatch):
    folder = built / "language" / "40-300-4-0"
    spoken = read_dictionary(folder / "words.dict")
    assert len(spoken) == 40 and all(len(said) == 1 for said in spoken.values())
    model = read_trie(folder / "words.lm.bin")
    share = dict(zip(model.words, model.unigram, strict=True))
    assert share["sad"] > share["happy"] / 4, "rarer, and four times likelier than it was"
    monkeypatch.setattr(recognition_tradeoff, "build", None)
    made = models(SMALL, Keywords(("happy",), {}), [], built)
    assert made.options["lw"] == 6.5 and made.options["maxhmmpf"] == 3000
    assert made.language_model == str(folder / "words.lm.bin")


def test_the_command_tells_dev_and_test(built, corpora, tmp_path, monkeypatch):
    """The decoder is left out: what it hears is decided here."""
    pieces = (Piece("the", 0.0, 0.1, 0.9, 2), Piece("happy", 0.2, 0.3, 0.4, 5))
    monkeypatch.setattr(Listener, "hear", lambda self, samples: Decoded(5.0, 20.0, 0.5, pieces))
    monkeypatch.setattr(recognition_tradeoff, "_memory", lambda settings: {})
    monkeypatch.setattr(recognition_tradeoff, "GRID", GRID | {"small": SMALL})
    keywords = tmp_path / "keywords.txt"
    keywords.write_text("happy\nthe\n")
    places = ["--kept", str(built), "--results", str(tmp_path), "--limit", "3"]
    command = ["recognition_tradeoff", "--keywords", str(keywords), *places, "--only", "small"]
    assert main(command) == 0
    result = json.loads((tmp_path / "recognition-tradeoff.json").read_text())
    assert list(result["metrics"]) == ["dev: small", "test: small"]
    assert result["metrics"]["dev: small"]["rtf"]["mean"] == pytest.approx(0.1)
    assert 0.0 < result["metrics"]["dev: small"]["precision"]["mean"] <= 1.0

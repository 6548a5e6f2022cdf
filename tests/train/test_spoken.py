"""Spoken sentences: said by flite, heard by the device's recogniser, scored by a text model."""

from __future__ import annotations

import json
import shutil
from argparse import Namespace

import numpy as np
import pytest

from edge.emotion import Word
from edge.errors import HeartenError
from edge.pack import open_pack
from tests.train.small import BAD, GOOD, PLAIN
from train import recognition_spoken, spoken
from train.conditions import Sources
from train.language import Keywords, build
from train.recognition_heard import Listener
from train.recognition_setup import LEAST
from train.recognition_spoken import LOST, Scores, bags_of, keyword_counts, report
from train.spoken import VOICES, Heard, choose, heard, speak
from train.text_data import Bags
from train.text_score import predict


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    """A small language model and a keyword file."""
    pytest.importorskip("pocketsphinx")
    if not shutil.which("flite"):
        pytest.skip("flite is not installed (sh tests/system.sh)")
    folder = tmp_path_factory.mktemp("language")
    words = tuple(sorted([*GOOD, *BAD, *PLAIN]))
    (folder / "keywords.txt").write_text("\n".join(words))
    build(Keywords(words, {}), folder, 300, 3000)
    return folder


def some(small, language, kept_in, **options) -> list[Heard]:
    places = {"keywords": language / "keywords.txt", "language": language, "folder": small}
    return list(heard("emobank", "test", 3, kept_in=kept_in, **places, **options))


def test_sentences_are_drawn_and_said_by_voices_of_their_part(small):
    test, dev = choose("emobank", "test", 5, 0, small), choose("emobank", "dev", 5, 0, small)
    assert {u.split for u in test} == {"test"} and {u.split for u in dev} == {"dev"}
    assert choose("emobank", "test", 3, 0, small) == test[:3], "more sentences keep the first ones"
    assert choose("emobank", "test", 5, 1, small) != test
    every = [voice for voices in VOICES.values() for voice in voices]
    assert len(set(every)) == len(every)


def test_sentences_are_heard_once_and_scored(small, language, tmp_path, monkeypatch):
    items = some(small, language, tmp_path)
    assert [item.voice for item in items] == [VOICES["test"][i % 2] for i in range(3)]
    assert any(word.word in item.text.split() for item in items for word in item.words)
    assert all(LEAST <= word.confidence <= 1.0 for item in items for word in item.words)
    assert len(items[0].samples) == pytest.approx(items[0].seconds * 16000, abs=16)
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert files == ["emobank-test.json"], "no sound is kept"
    monkeypatch.setattr(Listener, "hear", None)
    assert some(small, language, tmp_path) == items


def test_the_map_of_now_gives_the_confidences(small, language, tmp_path):
    before = some(small, language, tmp_path)
    sure = {"confidence_map": [[0.0, 0.5], [1.0, 0.5]], "min_confidence": 0.2}
    place = language / "confidence.json"
    place.write_text(json.dumps(sure))
    after = some(small, language, tmp_path)
    place.unlink()
    assert {word.confidence for item in after for word in item.words} == {0.5}
    assert [item.pieces for item in after] == [item.pieces for item in before]


def test_noise_is_heard_apart(small, language, tmp_path, monkeypatch):
    hiss = np.random.default_rng(0).normal(0.0, 1000.0, 16000).astype(np.int16)
    asked = []
    monkeypatch.setattr(
        spoken.backgrounds, "load", lambda *what: asked.append(what) or Sources([hiss])
    )
    clean = some(small, language, tmp_path)
    noisy = some(small, language, tmp_path, condition="noise-5")
    assert asked == [(small, "test")]
    assert all(a.snr_db > b.snr_db for a, b in zip(clean, noisy, strict=True))
    assert [item.pieces for item in some(small, language, tmp_path)] == [i.pieces for i in clean]


def test_a_missing_voice_is_named():
    if not shutil.which("flite"):
        pytest.skip("flite is not installed (sh tests/system.sh)")
    with pytest.raises(HeartenError, match=r"no voice 'nobody'.*slt"):
        speak("hello", "nobody")


@pytest.mark.parametrize(("voice", "program"), [("slt", "flite"), ("espeak-ng en", "espeak-ng")])
def test_a_synthesiser_is_asked_for(monkeypatch, voice, program):
    spoken._voices.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HeartenError, match=f"apt install {program}"):
        speak("hello", voice)


def test_fresh_voices_speak_the_same_every_time():
    if not (shutil.which("flite") and shutil.which("espeak-ng")):
        pytest.skip("flite or espeak-ng is not installed (sh tests/system.sh)")
    said = [speak("a wonderful day", voice) for voice in VOICES["fresh"]]
    for samples, voice in zip(said, VOICES["fresh"], strict=True):
        assert 8000 < len(samples) < 48000 and np.abs(samples).max() > 3000
        np.testing.assert_array_equal(samples, speak("a wonderful day", voice))
    assert len({samples.tobytes() for samples in said}) == len(said)
    with pytest.raises(HeartenError, match="espeak-ng cannot say"):
        speak("hello", "espeak-ng nobody")


def item(small, number, words) -> Heard:
    utterance = choose("emobank", "test", 40, 0, small)[number]
    found = tuple(Word(word, 0.0, 0.1, 0.5) for word in words)
    return Heard(utterance, "slt", 2.0, 30.0, (), found)


def test_bags_hold_the_words_with_their_confidences():
    words = [[Word("b", 0.0, 0.1, 0.5), Word("x", 0.0, 0.1, 0.9), Word("a", 0.0, 0.1, 1.0)], []]
    bags = bags_of(words, ("a", "b"))
    assert bags.ids[:, :3].tolist() == [[2, 1, 0], [0, 0, 0]]
    assert bags.weights[:, :3].tolist() == [[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_keywords_are_counted(small):
    first = item(small, 0, [])
    said = [w for w in first.text.split() if w in PLAIN]
    counts = keyword_counts([item(small, 0, [said[0], "horrid", "lovely"])], [*PLAIN, "lovely"])
    assert counts["heard"] == 3 and counts["precision"] == pytest.approx(1 / 3, abs=1e-4)
    assert counts["recall"] == pytest.approx(1 / counts["spoken"], abs=1e-4)


def test_what_is_lost_is_the_difference(small, tmp_path, monkeypatch):
    """The graph of the built-in pack stands for a trained model."""
    pack = open_pack()
    graph = pack.text()._graph
    slots = graph.shape("ids")[-1]

    def cut(graph, bags):
        return predict(graph, Bags(bags.ids[:, :slots], bags.weights[:, :slots]))

    monkeypatch.setattr(recognition_spoken, "predict", cut)
    monkeypatch.setattr(recognition_spoken, "_forms", lambda folders: pack.text().words)
    monkeypatch.setattr(recognition_spoken, "Graph", lambda content, name: graph)
    monkeypatch.setattr("train.keyword_files.listened", lambda folder: pack.text().words)
    monkeypatch.setattr("convert.text.build", lambda folder: b"")
    everything = [item(small, n, []) for n in range(40)]
    exact = [item(small, n, each.text.split()) for n, each in enumerate(everything)]
    args = Namespace(text=[tmp_path / "a", tmp_path / "b"], part="test", seed=0, results=tmp_path)
    args.condition = "clean"
    cells = json.loads(report(args, "emobank", everything).read_text())["metrics"]
    assert cells["a: recognised"]["r_valence"]["mean"] == 0.0, "nothing heard, nothing known"
    reference = cells["a: reference text"]["r_valence"]["mean"]
    assert cells["a: lost"]["r_valence"]["mean"] == pytest.approx(reference)
    assert cells["b loses less than a by"]["r_valence"] == {"mean": 0.0, "ci95": [0.0, 0.0]}
    again = json.loads(report(args, "emobank", exact).read_text())["metrics"]
    assert again["a: reference text"] == cells["a: reference text"]
    assert again["a: lost"]["r_valence"]["mean"] < reference


def test_a_model_that_loses_less_is_told_from_one_that_loses_more():
    """Paired: what is lost on the same draws of sentences."""
    drawn = ([{"uar": low + x} for x in (0.0, 0.1, 0.2)] for low in (0.2, 0.1))
    more, less = (
        Scores({LOST: {"uar": value}}, {LOST: draws})
        for value, draws in zip((0.3, 0.2), drawn, strict=True)
    )
    found = more.loses_more_than(less)["uar"]
    assert found["mean"] == pytest.approx(0.1)
    assert found["ci95"] == pytest.approx([0.1, 0.1])
    assert less.loses_more_than(more)["uar"]["mean"] == pytest.approx(-0.1)

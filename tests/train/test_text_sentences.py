"""Sentences without labels: how they are read, chosen, labelled and learnt from."""

import argparse
import io
import json
import tarfile

import numpy as np
import pytest

from edge.errors import HeartenError
from tests.train.small import BAD, GOOD, PLAIN
from train import teacher, text, text_data, text_sentences, text_sources, text_training, vocabulary


def archive(path, **files: str):
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            held = tarfile.TarInfo(f"package/{name}.json")
            held.size = len(content.encode())
            made.addfile(held, io.BytesIO(content.encode()))
    return path


def test_lines_lists_and_archives_of_lists_are_read_in_order(tmp_path):
    lines = tmp_path / "a.txt"
    lines.write_text("One two  three.\nFour.\n")
    listed = tmp_path / "b.json"
    listed.write_text(json.dumps(["Five six"]))
    packed = archive(tmp_path / "c.tgz", two='["Eight"]', one='["Seven"]', about='{"name": "x"}')
    found = text_sentences.read([lines, listed, packed])
    assert found == ["One two three.", "Four.", "Five six", "Seven", "Eight"]


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", "{}"), ("a.json", "[1]"), ("a.tgz", "none"), ("a.txt", "")]
)
def test_a_file_without_sentences_is_named(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(HeartenError, match=f"no sentences in .*{name}"):
        text_sentences.read([tmp_path / name])
    with pytest.raises(HeartenError, match=r"no sentences in .*none\.txt"):
        text_sentences.read([tmp_path / "none.txt"])


def test_each_sentence_is_kept_once_and_none_that_a_corpus_has():
    given = ["It was a storm.", "it was a STORM!", "Too short", "word " * 46, "A known one, yes"]
    assert text_sentences.chosen(given, ["a known one yes"]) == ["It was a storm."]


def test_sentences_survive_being_packed():
    given = ["Ça va, mon ami ?", "one two three"]
    assert text_sentences.unpacked(text_sentences.packed(given)) == given


@pytest.fixture
def labelled(small, tmp_path, monkeypatch):
    """A teacher that has labelled 40 sentences more, by the good and bad words in them."""
    monkeypatch.setenv("HEARTEN_CORPORA", str(small))

    def known(parts, out, source):
        value = {**dict.fromkeys(GOOD, 1.0), **dict.fromkeys(BAD, -1.0)}
        return {
            key: np.array(
                [[sum(value.get(w, 0.0) for w in text_data.words_of(u))] * 4 for u in found],
                np.float16,
            )
            for key, found in parts.items()
        }

    monkeypatch.setattr(teacher, "encode", known)
    lines = [f"{word} {plain} of {i}th" for i, word in enumerate([*GOOD, *BAD]) for plain in PLAIN]
    (tmp_path / "more.txt").write_text("\n".join([*lines, lines[0]]))
    parser = argparse.ArgumentParser()
    teacher.add_arguments(parser)
    given = ["--out", str(tmp_path), "--sentences", str(tmp_path / "more.txt")]
    assert teacher.run(parser.parse_args(given)) == 0
    return tmp_path


def test_a_teacher_labels_them_by_what_they_say(labelled):
    found = text_training.read_teacher(labelled / "teacher.npz")
    split = text_training.read_sentences(found, (*GOOD, *BAD), None)
    assert len(split.bags) == len(PLAIN) * (len(GOOD) + len(BAD))
    good = split.bags.ids[:, 0] <= len(GOOD)
    assert split.taught[good, 0].min() > 0.1 > -0.1 > split.taught[~good, 0].max()
    assert not split.targets.size


def test_the_text_model_learns_from_them(labelled):
    pytest.importorskip("tensorflow")
    out = labelled / "text"
    out.mkdir()
    (out / "keywords.txt").write_text("\n".join(sorted([*GOOD, *BAD, *PLAIN])))
    parser = argparse.ArgumentParser()
    text.add_arguments(parser)
    given = ["--out", str(out), "--teacher", str(labelled / "teacher.npz"), "--epochs", "2"]
    assert text.run(parser.parse_args(given)) == 0
    made = json.loads((out / "model.json").read_text())
    assert text_sentences.SOURCE in made["sources"]
    scores = json.loads((out / "metrics.json").read_text())["test"]["clean"]
    assert scores["emobank"]["r_valence"] > 0.8


def test_pairs_that_a_teacher_chose_owe_what_its_data_demand(labelled):
    pytest.importorskip("pocketsphinx")
    parser = argparse.ArgumentParser()
    vocabulary.add_arguments(parser)
    told = ["--teacher", str(labelled / "teacher.npz"), "--pairs", "2", "--linear", "0"]
    given = ["--out", str(labelled / "chosen"), "--size", "60", "--forms", "80", *told]
    assert vocabulary.run(parser.parse_args(given)) == 0
    forms = (labelled / "chosen" / "keywords.txt").read_text().split()
    assert sum("_" in form for form in forms) == 2
    used = text_sources.read(labelled / "chosen")
    assert {text_sources.ENCODER, text_sentences.SOURCE} <= set(used)
    refused = parser.parse_args([*given, "--without", "isear", "warriner", "--commercial"])
    with pytest.raises(HeartenError, match="unlabelled-sentences"):
        vocabulary.run(refused)

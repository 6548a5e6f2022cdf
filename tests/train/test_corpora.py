"""Loaders and partitions: counts of the real corpora, small made-up trees, damaged files."""

from __future__ import annotations

import shutil
from collections import Counter
from itertools import chain

import numpy as np
import pytest

from edge.errors import HeartenError
from train.corpora import (
    LABELS,
    coffee,
    emobank,
    emodb,
    glove,
    goemotions,
    isear,
    librispeech,
    noise,
    ravdess,
    root,
    warriner,
)
from train.corpora.folds import EMOBOX, LUNA_JIMENEZ, split

MODULES = (ravdess, emodb, emobank, goemotions, isear, librispeech, coffee, noise)


@pytest.mark.parametrize("module", MODULES)
def test_every_utterance_is_sane(corpora, module):
    utterances = module.load(corpora)
    assert len({u.id for u in utterances}) == len(utterances) or module is goemotions
    for u in utterances:
        assert u.path is None or u.path.is_file()
        assert u.label is None or u.label in LABELS
        assert set(u.labels) <= set(LABELS)
        assert u.path or u.text
        for value in (u.valence, u.arousal, u.dominance):
            assert value is None or -1 <= value <= 1
        assert u.label is None or u.sources["label"]
        assert u.valence is None or u.sources["valence"]


def test_ravdess_counts(corpora):
    speech, song = ravdess.load(corpora, "speech"), ravdess.load(corpora, "song")
    assert (len(speech), len(song)) == (1439, 1012)  # the duplicate is dropped
    assert len(ravdess.load(corpora)) == 1439 + 1012
    assert {u.speaker for u in song} == {f"{n:02d}" for n in range(1, 25) if n != 18}
    assert Counter(u.label for u in speech)["neutral"] == 96
    assert {u.label for u in song} == {"neutral", "calm", "happy", "sad", "angry", "fearful"}


def test_ravdess_layout_of_the_published_archives(tmp_path):
    names = ["03-01-05-02-01-01-12.wav", "03-01-05-01-01-01-12.wav", "03-02-03-01-02-01-12.wav"]
    for name in [*names, "01-01-05-02-01-01-12.wav", "._" + names[0], "notes.wav"]:
        path = tmp_path / "Actor_12" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    normal, strong, sung = ravdess.load(tmp_path)
    assert (normal.intensity, strong.intensity, sung.label) == ("normal", "strong", "happy")
    assert (strong.valence, strong.arousal, strong.dominance) == (-0.51, 0.59, 0.25)
    assert normal.valence == pytest.approx(0.75 * -0.51)
    assert "derived" in normal.sources["valence"] and "0.75" in normal.sources["valence"]
    assert strong.text == "Kids are talking by the door." and strong.speaker == "12"
    assert [u.id for u in ravdess.load(tmp_path, "song")] == [sung.id]


def test_the_dropped_duplicate_is_one(corpora):
    soundfile = pytest.importorskip("soundfile")
    folder = corpora / "ravdess/speech/Actor_07"
    first, second = (
        soundfile.read(folder / f"03-01-03-01-02-{n}-07.flac")[0] for n in ("01", "02")
    )
    assert np.array_equal(first, second)


def test_emodb(corpora, tmp_path):
    utterances = emodb.load(corpora)
    assert len({u.speaker for u in utterances}) == 10
    assert all(u.text for u in utterances)
    for letter in "WLEAFTN":
        (tmp_path / f"16b10{letter}b.wav").touch()
    labels = {u.published[0]: u.label for u in emodb.load(tmp_path)}
    assert labels["boredom"] is None and labels["anger"] == "angry" and labels["fear"] == "fearful"
    assert len(labels) == 7


def test_emobank(corpora):
    utterances = emobank.load(corpora)
    assert Counter(u.split for u in utterances) == {"train": 8062, "dev": 1000, "test": 1000}
    first = utterances[0]
    assert first.text == 'Remember what she said in my last letter? "'
    assert (first.valence, first.dominance) == (0.0, pytest.approx(0.1))


def test_goemotions(corpora):
    utterances = goemotions.load(corpora)
    assert Counter(u.split for u in utterances) == {"train": 43410, "dev": 5426, "test": 5427}
    published = (corpora / "text/goemotions/labels.txt").read_text().split()
    assert list(goemotions.EMOTIONS) == published
    several = next(u for u in utterances if u.id == "ee84bjg")
    assert several.published == ("approval", "neutral")
    assert several.labels == ("happy", "neutral") and several.label is None


def test_isear(corpora):
    lines = (corpora / "text/isear.csv").read_text("utf-8").split("\n")[1:]
    assert len(lines) == 7666
    assert sum(line.count("|") == 42 for line in lines) == 7503  # the rest has | in the text
    utterances = isear.load(corpora)
    # 163 answers tell of nothing; that as many rows have | in the text is chance.
    assert len(utterances) == 7666 - 163
    assert len({u.speaker for u in utterances}) > 1000
    assert not any(c in u.text for u in utterances for c in "|á\\")
    assert not any("no response" in u.text.lower()[:20] for u in utterances)
    counts = Counter(u.published[0] for u in utterances)
    assert set(counts) == {"joy", "fear", "anger", "sadness", "disgust", "shame", "guilt"}
    mended = next(u for u in utterances if u.id == "0410221")
    assert mended.text.endswith(
        '"the same language"- meaning an inspiring discussion and encounter.'
    )
    assert mended.label == "happy"


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("[ No response.]", True),
        ("NO RESPONSE", True),
        ("Can't remember that feeling.", True),
        ("[ The same as in anger.]", True),
        ("", True),
        ("Nothing my brother did helped him.", False),
        ("[ An unfair punishment.]", False),
        ("When my father died.", False),
    ],
)
def test_isear_answers_without_a_story(text, empty):
    assert isear.is_empty(text) is empty


def test_word_tables(corpora):
    norms = warriner.norms(corpora)
    assert len(norms) > 13_900
    assert norms["wonderful"][0] > 0.6 and norms["death"][0] < -0.6
    assert all(-1 <= x <= 1 for x in chain.from_iterable(norms.values()))
    words, vectors = glove.vectors(corpora)
    assert words[0] == "the" and vectors.shape == (50_000, 50) and vectors.dtype == np.float32
    row = {word: vectors[i] / np.linalg.norm(vectors[i]) for i, word in enumerate(words[:20000])}
    assert row["happy"] @ row["glad"] > row["happy"] @ row["concrete"]


def test_speech_for_the_recogniser(corpora):
    read = librispeech.load(corpora)
    assert len(read) == 100 and all(u.text == u.text.lower() for u in read)
    orders = coffee.load(corpora)
    assert len(orders) == 155 and orders[0].keywords[:2] == ("coffee", "light")
    assert len({u.published for u in noise.load(corpora)}) == 10


@pytest.mark.parametrize("folds", [LUNA_JIMENEZ, EMOBOX])
def test_no_speaker_crosses(corpora, folds):
    assert sorted(chain.from_iterable(folds)) == [f"{n:02d}" for n in range(1, 25)]
    utterances = ravdess.load(corpora, "speech")
    tested = []
    for number, test in enumerate(folds):
        parts = split(utterances, test, folds[number - 1])
        speakers = [{u.speaker for u in part} for part in parts]
        assert not speakers[0] & speakers[1] and not speakers[1] & speakers[2]
        assert not speakers[0] & speakers[2] and speakers[2] == set(test)
        assert sum(map(len, parts)) == len(utterances)
        tested += [u.id for u in parts[2]]
    assert sorted(tested) == sorted(u.id for u in utterances)


def test_impossible_partitions(tmp_path):
    for actor in (1, 2):
        (tmp_path / f"03-01-05-02-01-01-{actor:02d}.wav").touch()
    utterances = ravdess.load(tmp_path)
    assert [len(part) for part in split(utterances, ["01", "18"])] == [1, 0, 1]
    with pytest.raises(HeartenError, match="both development and test: 01"):
        split(utterances, ["01"], ["01"])
    with pytest.raises(HeartenError, match="no utterance is left for train"):
        split(utterances, ["01", "02"])
    with pytest.raises(HeartenError, match="no utterance is left for test"):
        split(utterances, ["23"])


@pytest.mark.parametrize("module", [*MODULES, warriner, glove])
def test_a_missing_corpus_names_the_command(tmp_path, module):
    load = {warriner: warriner.norms, glove: glove.vectors}.get(module) or module.load
    with pytest.raises(HeartenError, match=r"python -m train fetch \w+"):
        load(tmp_path / "nowhere")
    with pytest.raises(HeartenError, match=r"python -m train fetch \w+"):
        load(tmp_path)  # there, but nothing usable in it


@pytest.mark.parametrize(
    ("name", "content", "load", "message"),
    [
        ("emobank.csv", "a,b\n1,2\n", emobank.load, "columns"),
        ("emobank.csv", "id,split,V,A,D,text\nx,train,3,oops,3,hi\n", emobank.load, "row 1"),
        ("emobank.csv", "id,split,V,A,D,text\nx,train,3,9,3,hi\n", emobank.load, "outside 1 to 5"),
        ("emobank.csv", "id,split,V,A,D,text\n", emobank.load, "nothing"),
        ("train.tsv", "text\t99\tid\n", goemotions.load, "train.tsv, line 1"),
        ("train.tsv", "only text\n", goemotions.load, "train.tsv, line 1"),
        ("isear.csv", "a|b\n", isear.load, "columns SIT"),
        ("label.json", "[1, 2]", coffee.load, "not a list of drink orders"),
        ("label.json", "{}", coffee.load, "nothing"),
        ("warriner_norms.csv", "Word,V.Mean.Sum\nx,1\n", warriner.norms, "columns"),
        ("glove6b50d_top50k_f16.npz", "no zip", glove.vectors, "damaged"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, load, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(HeartenError, match=message) as caught:
        load(tmp_path)
    assert name in str(caught.value) or message == "nothing"


def test_binary_rubbish_is_no_traceback(tmp_path):
    for name in ("isear.csv", "train.tsv", "emobank.csv", "warriner_norms.csv"):
        (tmp_path / name).write_bytes(bytes(range(256)) * 4)
    for load in (isear.load, goemotions.load, emobank.load, warriner.norms):
        with pytest.raises(HeartenError):
            load(tmp_path)


def test_glove_conversion(tmp_path):
    text = tmp_path / glove.MEMBER
    rows = {"the": 0.5, "wonderful": -1.25}
    text.write_text("".join(f"{w} {' '.join([str(x)] * 50)}\n" for w, x in rows.items()))
    glove.convert(text, tmp_path / glove.FILE)
    words, vectors = glove.vectors(tmp_path)
    assert words == list(rows) and vectors[:, 0].tolist() == [0.5, -1.25]
    text.write_text("the 1 2 3\n")
    with pytest.raises(HeartenError, match="line 1"):
        glove.convert(text, tmp_path / glove.FILE)


def test_root_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HEARTEN_CORPORA", str(tmp_path))
    assert root() == tmp_path
    monkeypatch.delenv("HEARTEN_CORPORA")
    assert root().name == "corpora"


def test_librispeech_in_its_published_layout(tmp_path):
    chapter = tmp_path / "LibriSpeech" / "test-other" / "12" / "34"
    chapter.mkdir(parents=True)
    (chapter / "12-34-0000.flac").touch()
    (chapter / "12-34-0001.flac").touch()  # no transcript
    (chapter / "12-34.trans.txt").write_text("12-34-0000 HELLO WORLD\n")
    (only,) = librispeech.load(tmp_path)
    assert (only.text, only.speaker, only.session) == ("hello world", "12", "34")
    shutil.rmtree(tmp_path / "LibriSpeech" / "test-other" / "12")
    with pytest.raises(HeartenError, match="fetch librispeech"):
        librispeech.load(tmp_path)

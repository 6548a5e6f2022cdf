"""The choice of keywords, the forms that share their rows, and how well they are heard."""

import argparse

import numpy as np
import pytest

from edge.errors import HeartenError
from tests.train.small import BAD, GOOD
from train import keyword_files, text_forms, vocabulary, word_votes
from train.text_hearing import Hearing

SPOKEN = {
    "joy": ["JH OY"], "the": ["DH AH"], "table": ["T EY B AH L"], "no": ["N OW"],
    "t.v.": ["T IY V IY"], "grief": ["G R IY F"], "brief": ["B R IY F"], "reef": ["R IY F"],
    "wonderful": ["W AH N D ER F AH L"], "don't": ["D OW N T", "D OW N"],
}  # fmt: skip
FREQUENCY = {"grief": 1e-5, "brief": 3e-5, "reef": 4e-5, "wonderful": 1e-5, "the": 0.05}


@pytest.fixture(scope="module")
def hearing() -> Hearing:
    return Hearing(SPOKEN, FREQUENCY)


@pytest.fixture(scope="module")
def english() -> Hearing:
    pytest.importorskip("pocketsphinx")
    return Hearing.open()


@pytest.mark.parametrize(
    ("word", "heard"),
    [("joy", True), ("the", False), ("table", True), ("no", True), ("zzz", False), ("t.v.", False)],
)
def test_short_words_enter_only_when_strong_or_negations(word, heard, hearing):
    norms = {"joy": (0.8, 0.2, 0.1), "the": (0.0, 0.0, 0.0)}
    assert vocabulary.can_be_heard(word, hearing, norms, content_only=True) is heard
    spoken = word in SPOKEN and "." not in word
    assert vocabulary.can_be_heard(word, hearing, norms, content_only=False) is spoken


def test_what_sounds_alike_is_counted_by_its_frequency(hearing):
    assert hearing.confusability("grief") == pytest.approx(7e-5 / 8e-5)  # brief and reef
    assert hearing.confusability("wonderful") == 0.0
    assert hearing.phones("don't") == 4
    assert hearing.phones("zzz") == 0


def test_long_and_frequent_words_are_heard_better(english):
    assert english.chance("wonderful") > english.chance("grief")
    assert english.chance("happy") > english.chance("sappy")
    assert all(0.0 < english.chance(word) < 1.0 for word in ("joy", "zzz", "the"))


def test_explained_variance_finds_the_words_that_matter():
    rng = np.random.default_rng(0)
    texts = [[str(w) for w in rng.choice(["good", "bad", "and", "or"], 2)] for _ in range(500)]
    targets = np.array([[("good" in words) - ("bad" in words)] for words in texts], float)
    found = word_votes.explained(texts, targets, ["and", "bad", "good", "never", "or"])
    assert min(found[1], found[2]) > 10 * max(found[0], found[4])
    assert found[3] == 0.0


def test_choose_is_deterministic_and_always_has_the_negations():
    candidates = ["alpha", "beta", "gamma", "never", "not"]
    chosen = vocabulary.choose(np.array([1.0, 5.0, 1.0, 0.0, 0.0]), candidates, 4)
    assert chosen == ["alpha", "beta", "never", "not"]


@pytest.mark.parametrize(
    ("form", "lemma"),
    [
        ("cried", "cry"), ("cries", "cry"), ("crying", "cry"), ("loved", "love"),
        ("stopped", "stop"), ("worse", "bad"), ("times", "time"), ("boxes", "box"),
        ("thing", "thing"), ("kiss", "kiss"), ("wedding", "wedding"), ("bus", "bus"),
    ],
)  # fmt: skip
def test_inflections_find_their_lemma(form, lemma):
    known = {"cry", "love", "stop", "bad", "time", "tim", "box", "the", "kis", "wed", "bus", "bu"}
    away = {"wed": np.array([1.0, 0.0]), "wedding": np.array([0.0, 1.0])}
    assert text_forms.lemma(form, known, away) == lemma


def test_forms_share_rows_with_kin_and_neighbours_but_not_with_opposites():
    like = {"good": (1.0, 0.0), "bad": (0.98, 0.2), "evil": (0.95, 0.31), "tree": (0.0, 1.0)}
    vectors = {word: np.array(x) / np.linalg.norm(x) for word, x in like.items()}
    norms = {"good": (0.7, 0.0, 0.0), "bad": (-0.6, 0.0, 0.0), "evil": (-0.7, 0.0, 0.0)}
    words = ["evil", "cry", "crying", "tree", "worse"]
    assert text_forms.share(["good", "cried"], words, vectors, norms, 0.7) == {
        "cry": "cried",
        "crying": "cried",
    }
    found = text_forms.share(["bad", "good"], words, vectors, norms, 0.7)
    assert found == {"worse": "bad", "evil": "bad"}
    alone = text_forms.share(["bad", "good"], words, vectors, norms, 0.7, alone=("bad",))
    assert alone == {"worse": "bad"}, "an inflection, but no neighbour"


def test_the_vocabulary_of_small_corpora(small, english, tmp_path):
    keywords = vocabulary.build(small, 60, 70, english)
    assert keywords == vocabulary.build(small, 60, 70, english)
    assert {*GOOD, *BAD, "loathe", "not", "never", "don't", "can't", "no"} <= set(keywords.rows)
    assert not {"name", "zzz"} & set(keywords.forms)
    content = vocabulary.build(small, 60, 70, english, content_only=True)
    assert {*GOOD, *BAD} <= set(content.rows)
    assert "the" not in content.forms
    assert list(keywords.forms) == sorted(set(keywords.forms))
    assert set(keywords.rows) <= set(keywords.forms)
    keyword_files.write(keywords, tmp_path)
    assert keyword_files.read(tmp_path) == keywords


def test_words_of_the_linear_half_only(small, english, tmp_path):
    """They stand behind the forms, have no row, and nothing listens for them."""
    few = vocabulary.build(small, 30, 30, english)
    keywords = vocabulary.build(small, 30, 30, english, linear=5)
    assert len(keywords.linear) == 5
    assert keywords.forms == (*few.forms, *keywords.linear)
    assert (keywords.rows, keywords.keyword) == (few.rows, few.keyword)
    assert not set(keywords.linear) & set(keyword_files.NEGATIONS)
    assert keyword_files.lookup(keywords).rows[-6:].tolist()[1:] == [0] * 5
    assert keyword_files.lookup(keywords).rows[1:-5].min() > 0
    assert not set(vocabulary.to_hear(keywords, english, {}, 1000)) & set(keywords.linear)
    keyword_files.write(keywords, tmp_path)
    assert keyword_files.read(tmp_path) == keywords
    (tmp_path / "linear.txt").write_text("zonk\n")
    with pytest.raises(HeartenError, match=r"linear.txt does not name the last of keywords.txt"):
        keyword_files.read(tmp_path)


def test_the_further_words_are_those_that_most_texts_hold():
    texts = [["joy", "joy", "joy"], ["tax", "the"], ["tax", "the"], ["rare"]]
    assert vocabulary.further(texts, {"the"}, 1) == ("tax",)
    assert vocabulary.further(texts, set(), 9) == ("joy", "rare", "tax", "the")


def test_content_words_and_negations_of_the_first_forms_are_listened_for(hearing):
    same = {"wonderful": "joy", "brief": "joy", "joy": "joy", "no": "no", "the": "the"}
    keywords = keyword_files.Keywords(
        ("joy", "no", "the"), ("brief", "joy", "no", "the", "wonderful"), same
    )
    norms = {"joy": (0.8, 0.2, 0.1)}
    assert vocabulary.to_hear(keywords, hearing, norms, 4) == ["joy", "no", "wonderful"]
    assert vocabulary.to_hear(keywords, hearing, norms, 9) == ["brief", "joy", "no", "wonderful"]


def test_forms_point_at_the_row_of_their_keyword():
    words = ("cry", "cries", "joy", "not")
    keywords = keyword_files.Keywords(
        ("cry", "joy", "not"), words, {"cries": "cry", "cry": "cry", "joy": "joy", "not": "not"}
    )
    lookup = keyword_files.lookup(keywords)
    assert lookup.rows.tolist() == [0, 1, 1, 2, 3]
    assert lookup.negates.tolist() == [0, 0, 0, 0, 1]


def test_files_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(HeartenError, match="python -m train vocabulary"):
        keyword_files.read(tmp_path)
    (tmp_path / "keywords.txt").write_text("cries\ncry\n")
    (tmp_path / "shared.txt").write_text("cries\tweep\n")
    with pytest.raises(HeartenError, match="no such keyword: weep"):
        keyword_files.read(tmp_path)
    (tmp_path / "shared.txt").write_text("cries\n")
    with pytest.raises(HeartenError, match="python -m train vocabulary"):
        keyword_files.read(tmp_path)


@pytest.mark.parametrize(
    ("keywords", "shared", "message"),
    [
        ("", "", "holds no keyword"),
        (" \n\n", "", "holds no keyword"),
        ("cry\njoy\ncry\n", "", "keywords.txt names 'cry' twice"),
        ("cry\nJoy\n", "", "'Joy' is not one word in small letters"),
        ("cry\n12\n", "", "'12' is not one word in small letters"),
        (f"cry\n{'x1' * 5000}\n", "", "is not one word in small letters"),
        ("cries\ncry\n", "cries\tcry\ncries\tcry\n", "shared.txt names 'cries' twice"),
        ("cry\n", "wept\tcry\n", "no such keyword: wept"),
        ("cries\ncry\n", "cries\tcry\tweep\n", "python -m train vocabulary"),
    ],
)
def test_absurd_keyword_files_are_refused_in_one_short_line(tmp_path, keywords, shared, message):
    (tmp_path / "keywords.txt").write_text(keywords)
    (tmp_path / "shared.txt").write_text(shared)
    with pytest.raises(HeartenError, match=message) as caught:
        keyword_files.read(tmp_path)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_a_keyword_file_of_other_bytes_is_refused(tmp_path):
    (tmp_path / "keywords.txt").write_bytes(bytes(range(128, 256)))
    with pytest.raises(HeartenError, match="python -m train vocabulary"):
        keyword_files.read(tmp_path)


@pytest.mark.parametrize(("size", "forms"), [(0, 10), (-1, 10), (20, 10), (40_000, 50_000)])
def test_sizes_that_cannot_be_are_refused(tmp_path, size, forms):
    parser = argparse.ArgumentParser()
    vocabulary.add_arguments(parser)
    given = ["--out", str(tmp_path / "text"), "--size", str(size), "--forms", str(forms)]
    with pytest.raises(HeartenError, match="no fewer forms than keywords"):
        vocabulary.run(parser.parse_args(given))
    assert not (tmp_path / "text").exists()


def test_words_without_a_pronunciation_are_no_candidates(english):
    said = [["zzyzx", "joy", "zzyzx"]] * 5
    assert vocabulary.candidates_of(said, english, {"qwxyz": (0.9, 0.0, 0.0)}, False) == sorted(
        {"joy", *keyword_files.NEGATIONS}
    )


def test_words_to_listen_for(tmp_path):
    (tmp_path / "keywords.txt").write_text("cry\njoy\nthe\n")
    assert keyword_files.listened(tmp_path) == ("cry", "joy", "the"), "all without a list"
    (tmp_path / "heard.txt").write_text("joy\ncry\n")
    assert keyword_files.listened(tmp_path) == ("joy", "cry")
    for wrong, message in (("joy\nzonk\n", "no such keyword: zonk"), ("", "holds no keyword")):
        (tmp_path / "heard.txt").write_text(wrong)
        with pytest.raises(HeartenError, match=message):
            keyword_files.listened(tmp_path)

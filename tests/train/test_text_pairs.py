"""Pairs of words: how they are chosen, told in bags, and left out where words are heard."""

import numpy as np
import pytest

from edge.errors import HeartenError
from train import keyword_files, text_data, text_pairs, text_sentences
from train.corpora import Utterance

FORMS = ("can't", "wait", "mild", "can't_wait")
MARKED = ("!", "?", *FORMS)


def test_the_pair_that_changes_what_is_said_is_chosen():
    rng = np.random.default_rng(0)
    words = [*"abcdefgh"]
    told = []
    for n in range(900):
        said = [str(word) for word in rng.choice(words, 5)]
        if n % 3 == 0:
            said[1:3] = "can't", "wait"
        told.append(said)
    value = [("can't wait" in " ".join(said)) - 0.4 * ("a" in said) for said in told]
    rated = [
        Utterance(str(n), text=" ".join(said), valence=v, arousal=rng.normal(), dominance=0.1 * n)
        for n, (said, v) in enumerate(zip(told[:300], value, strict=False))
    ]
    vad = np.array([[v, rng.normal(), rng.normal()] for v in value[300:]], np.float32)
    lines = text_sentences.packed([" ".join(said) for said in told[300:]])
    teacher = {text_sentences.NAME: lines, f"{text_sentences.NAME}/train/vad": vad}
    known = [*words, "can't", "wait"]
    assert text_pairs.chosen(teacher, rated, known, 1) == ("can't_wait",)
    assert len(text_pairs.chosen(teacher, rated, known, 20)) == 20
    assert "can't_wait" not in text_pairs.chosen(teacher, rated, [*words, "wait"], 100)


def test_a_written_text_has_its_pairs_first_and_a_heard_one_none():
    bags = text_data.encode([["mild", "can't", "wait"], ["wait", "can't"]], FORMS, slots=4)
    assert bags.ids.tolist() == [[4, 3, 1, 2], [2, 1, 0, 0]]
    assert bags.written.tolist() == [False] * 4 + [True]
    kept = text_data.keep_share(bags, 1.0, np.random.default_rng(0))
    assert kept.ids.tolist() == [[3, 1, 2, 0], [2, 1, 0, 0]]
    many = bags.take(np.zeros(400, np.int64))
    heard = text_data.as_heard(many, np.ones(5), np.random.default_rng(0))
    whole = (heard.ids == many.ids).all(axis=1)
    assert 0.4 < whole.mean() < 0.6
    assert (heard.ids[~whole][:, 0] != 4).mean() > 0.9  # but for a wrong word that is drawn
    assert text_data.word_counts(bags, 5).tolist() == [0, 2, 2, 1, 0]


def test_keywords_may_end_in_pairs_which_nobody_listens_for(tmp_path):
    rows = ("can't", "wait")
    pairs = ("can't_wait",)
    made = keyword_files.Keywords(
        rows, (*rows, "mild", *pairs), {w: w for w in rows}, ("mild", *pairs)
    )
    keyword_files.write(made, tmp_path)
    assert keyword_files.read(tmp_path) == made
    assert keyword_files.listened(tmp_path) == ("can't", "wait", "mild")
    assert keyword_files.lookup(made).rows.tolist() == [0, 1, 2, 0, 0]
    for strange in ("a_b_c", "_wait", "9_wait"):
        (tmp_path / "keywords.txt").write_text(f"can't\nwait\nmild\n{strange}\n")
        (tmp_path / "linear.txt").write_text(f"mild\n{strange}\n")
        with pytest.raises(HeartenError, match="is not one word"):
            keyword_files.read(tmp_path)


def test_a_mark_is_a_keyword_of_what_is_written():
    said = text_data.written_of(Utterance("a", text="Wait!! [NAME] can't? Wait"))
    assert said == ["wait", "!", "can't", "?", "wait"]
    bags = text_data.encode([said], MARKED, slots=8)
    # "wait can't" is no form; the mark between two words does not part them.
    assert bags.ids.tolist() == [[1, 2, 6, 4, 3, 4, 0, 0]]
    kept = text_data.keep_share(bags, 1.0, np.random.default_rng(0))
    assert kept.ids.tolist() == [[4, 3, 4, 0, 0, 0, 0, 0]]

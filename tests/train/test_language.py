"""The trimmed language model: read, restrict, prune, write; from pocketsphinx's own model."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge.errors import HeartenError
from train.language import Keywords, build, read_dictionary, read_keywords
from train.ngram import boosted, prune, read_trie, restrict, write_arpa

pocketsphinx = pytest.importorskip("pocketsphinx")

WORDS = (
    *("the", "a", "of", "and", "to", "i", "you", "is", "was", "not", "feel", "so"),
    *("angry", "happy", "live", "love", "hate", "very"),
)


def source_path():
    return Path(pocketsphinx.get_model_path()) / "en-us" / "en-us.lm.bin"


def cross_entropy(truth, model):
    """Bits a word that ``model`` needs where ``truth`` is right, histories by frequency."""
    bits = 0.0
    for h, history in enumerate(truth.words):
        for word in truth.words:
            if word != "<s>":
                p = probability(truth, history, word)
                bits -= truth.unigram[h] * p * np.log2(probability(model, history, word))
    return bits


@pytest.fixture(scope="module")
def full():
    return read_trie(source_path())


def mass(model):
    """The sum of each history's distribution over the whole vocabulary."""
    seen = model.sums(model.unigram[model.word])
    return model.sums(model.probability) + model.backoff * (model.unigram.sum() - seen)


def probability(model, history, word):
    h, w = model.words.index(history), model.words.index(word)
    found = np.flatnonzero((model.history == h) & (model.word == w))
    return model.probability[found[0]] if len(found) else model.backoff[h] * model.unigram[w]


def test_the_parser_agrees_with_pocketsphinx(full):
    logmath = pocketsphinx.LogMath()
    model = pocketsphinx.NGramModel(pocketsphinx.Config(), logmath, str(source_path()))
    for history, word in [("very", "angry"), ("<s>", "the"), ("i", "love"), ("gift", "zyman")]:
        # pocketsphinx takes the word first, then its history.
        assert np.log(probability(full, history, word)) == pytest.approx(
            np.log(logmath.exp(model.prob([word, history]))), abs=2e-3
        )


def test_distributions_sum_to_one(full):
    assert full.unigram.sum() == pytest.approx(1.0, abs=1e-5)
    assert np.median(mass(full)) == pytest.approx(1.0, abs=1e-4)
    small = restrict(full, set(WORDS))
    assert mass(small) == pytest.approx(np.ones(len(small.words)))
    assert mass(prune(small, 40)) == pytest.approx(np.ones(len(small.words)))


def test_restricting_keeps_the_ratios_of_kept_words(full):
    small = restrict(full, set(WORDS))
    ratio = probability(full, "very", "angry") / probability(full, "very", "happy")
    assert probability(small, "very", "angry") / probability(
        small, "very", "happy"
    ) == pytest.approx(ratio)
    pruned = prune(small, 40)
    assert len(pruned.probability) == 40
    assert prune(small, 10**6) is small


def test_boosted_words_are_likelier_where_no_bigram_tells(full):
    small = restrict(full, set(WORDS))
    raised = boosted(small, {"angry": 3.0})
    assert mass(raised) == pytest.approx(np.ones(len(raised.words)))
    assert boosted(small, {}) is small
    ratio = [
        probability(m, "live", "angry") / probability(m, "live", "hate") for m in (small, raised)
    ]
    assert ratio[1] == pytest.approx(3 * ratio[0])
    assert probability(raised, "very", "angry") == probability(small, "very", "angry")


def test_pruning_costs_little_and_less_the_more_is_kept(full):
    small = restrict(full, set(WORDS))
    total = len(small.probability)
    entropy = [cross_entropy(small, prune(small, n)) for n in (10, total // 4, total // 2, total)]
    assert all(more > less for more, less in pairwise(entropy))


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        build(Keywords(WORDS, {}), tmp_path / name, 60, 500)
    for file in ("words.lm.bin", "words.dict", "language.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_build_keeps_variants_adds_given_words_and_lists_the_missing(tmp_path):
    keywords = Keywords((*WORDS, "hearten", "qwxyz"), {"hearten": "HH AA R T AH N"})
    summary = build(keywords, tmp_path, 60, 500)
    assert summary["missing"] == ["qwxyz"]
    assert summary["words"] == 60 and summary["bigrams"] == 500
    spoken = read_dictionary(tmp_path / "words.dict")
    assert spoken["hearten"][0]
    assert "HH AA R T AH N" in spoken["hearten"]
    assert len(spoken["live"]) == 2
    written = read_trie(tmp_path / "words.lm.bin")
    assert set(written.words) == {*spoken, "<s>", "</s>"}
    assert mass(written) == pytest.approx(np.ones(len(written.words)), abs=1e-2)


def test_one_pronunciation_a_word(tmp_path):
    build(Keywords(WORDS, {}), tmp_path, 60, 500, variants=False)
    assert [len(said) for said in read_dictionary(tmp_path / "words.dict").values()] == [1] * 60


def test_written_model_holds_the_same_probabilities(full, tmp_path):
    small = prune(restrict(full, set(WORDS)), 60)
    write_arpa(small, tmp_path / "x.arpa")
    logmath = pocketsphinx.LogMath()
    model = pocketsphinx.NGramModel(pocketsphinx.Config(), logmath, str(tmp_path / "x.arpa"))
    for history, word in [("very", "angry"), ("of", "the"), ("so", "live")]:
        heard = logmath.exp(model.prob([word, history]))
        assert heard == pytest.approx(probability(small, history, word), rel=1e-2)


def test_keyword_file(tmp_path):
    path = tmp_path / "keywords.txt"
    path.write_text("# comment\nAngry\n\nhearten\thh aa r t ah n\nangry\n")
    keywords = read_keywords(path)
    assert keywords.words == ("angry", "hearten")
    assert keywords.given == {"hearten": "HH AA R T AH N"}


def test_mistakes_are_named(tmp_path):
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("\n")
    with pytest.raises(HeartenError, match="no keyword"):
        read_keywords(nothing)
    with pytest.raises(HeartenError, match=r"missing\.txt"):
        read_keywords(tmp_path / "missing.txt")
    with pytest.raises(HeartenError, match="raise --words"):
        build(Keywords(WORDS, {}), tmp_path, 5, 100)
    with pytest.raises(HeartenError, match=r"phone.*QQ"):
        build(Keywords(("hearten",), {"hearten": "HH QQ"}), tmp_path, 50, 100)
    with pytest.raises(HeartenError, match="not a binary trie"):
        read_trie(nothing)
    short = tmp_path / "short.bin"
    short.write_bytes(source_path().read_bytes()[:5000])
    with pytest.raises(HeartenError, match="damaged"):
        read_trie(short)

"""A simulated recogniser makes as many mistakes as were measured, and sure ones as sure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edge
from edge.emotion import Word
from edge.errors import HeartenError
from train.mishearing import Mishearing, Rates, measure, read

PACK = Path(edge.__file__).parent / "packs" / "hearten-en-1"
RATES = Rates(0.4, 0.3, (0.3, 0.6, 0.9), (0.1, 0.2, 0.5))


@pytest.fixture(scope="module")
def keywords() -> tuple[str, ...]:
    return tuple((PACK / "keywords.txt").read_text().split())


def spoken(keywords: tuple[str, ...], rng: np.random.Generator) -> list[list[str]]:
    """Sentences in which words are as frequent as the language model has them."""
    likely = Mishearing(RATES, PACK, keywords)
    places = np.searchsorted(likely._likely, rng.random((600, 20)))
    return [[likely._words[p] for p in row] for row in places]


def test_rates_come_out_as_they_went_in(keywords: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    sentences = spoken(keywords, rng)
    hear = Mishearing(RATES, PACK, keywords)
    heard = [(words, hear(words, rng, lost=False)) for words in sentences]
    found = measure(heard, frozenset(keywords))
    # A wrong word may be one that was said and lost: some count as right.
    assert found.recall == pytest.approx(RATES.recall, abs=0.06)
    assert found.inserted == pytest.approx(RATES.inserted, abs=0.06)
    assert found.right[10] == pytest.approx(0.6, abs=0.08)
    assert found.wrong[10] == pytest.approx(0.2, abs=0.05)


def test_long_words_are_heard_more_often_and_unknown_ones_never(
    keywords: tuple[str, ...],
) -> None:
    rng, hear = np.random.default_rng(1), Mishearing(Rates(0.4, 0.0, (1.0, 1.0), (1.0, 1.0)), PACK,
                                                     keywords)  # fmt: skip
    counts = {
        word: sum(len(hear([word], rng, lost=False)) for _ in range(400))
        for word in ("wonderful", "sad", "xylophonist")
    }
    assert counts["wonderful"] > counts["sad"] > 0
    assert counts["xylophonist"] == 0


def test_lost_words_leave_wrong_ones_only(keywords: tuple[str, ...]) -> None:
    words = ["wonderful"] * 20
    loud = Mishearing(Rates(0.9, 2.0, (0.9, 0.9), (0.3, 0.3)), PACK, keywords)
    heard = loud(words, np.random.default_rng(0), lost=True)
    assert heard and {word.confidence for word in heard} == {0.3}
    sure = Mishearing(loud.rates, PACK, keywords, least=0.4)
    kept = sure(words, np.random.default_rng(0), lost=False)
    assert kept and {word.confidence for word in kept} == {0.9}


def test_too_little_and_nothing_to_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(HeartenError, match="too few words"):
        measure([(["sad"], [Word("sad", 0.0, 1.0, 0.5)])], frozenset(["sad"]))
    for content in ("", "{}", '{"rates": {"recall": 1, "inserted": 1, "right": 3, "wrong": []}}'):
        (tmp_path / "rates.json").write_text(content)
        with pytest.raises(HeartenError, match="python -m train mishearing"):
            read(tmp_path / "rates.json")

"""What a false keyword does to valence, with the models of the built-in pack."""

from __future__ import annotations

import pytest

from edge.confidence import Piece
from edge.emotion import Word
from edge.errors import HeartenError
from edge.keywords import RecognizerSettings
from edge.pack import open_pack
from train.corpora import LABELS, Utterance
from train.recognition_acted import acted, chosen, counts
from train.recognition_false import Meaning, effects, summary
from train.recognition_heard import Decoded
from train.recognition_map import Scored, Trust


@pytest.fixture(scope="module")
def meaning():
    pack = open_pack()
    return Meaning(pack.text(), pack.fusion())


def heard(*pairs):
    words = tuple(
        (Piece(word, float(place), place + 0.5, p, 5), right)
        for place, (word, p, right) in enumerate(pairs)
    )
    return Scored("a", ("gift",), 5.0, 0.5, 5.0, words)


def test_a_false_word_moves_valence_by_what_it_is_trusted(meaning):
    item = heard(("gift", 0.9, True), ("horrible", 0.6, False))
    ((sure, alone),) = effects([item], Trust(), 0.4, meaning)
    doubtful = Trust(points=((0.0, 0.05), (1.0, 0.5)))
    ((less, _),) = effects([item], doubtful, 0.2, meaning)
    assert 0.0 < less < sure <= alone
    words = [Word("gift", 0.0, 0.5, 0.9), Word("horrible", 1.0, 1.5, 0.6)]
    moved = meaning.valence(words[:1])[0] - meaning.valence(words)[0]
    assert sure == pytest.approx(moved, abs=1e-6)
    assert len(effects([item], doubtful, 0.4, meaning)) == 0, "below the threshold"


def test_a_false_word_alone_is_measured_against_the_voice(meaning):
    ((moved, _),) = effects([heard(("horrible", 0.9, False))], Trust(), 0.4, meaning)
    assert moved > 0.0
    cells = summary([heard(("horrible", 0.9, False))], Trust(), 0.4, meaning)
    assert cells["false_words"] == 1
    assert cells["result_mean"]["mean"] == pytest.approx(moved, abs=1e-4)
    assert summary([heard(("gift", 0.9, True))], Trust(), 0.4, meaning) == {"false_words": 0}


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(HeartenError, match="train text"):
        Meaning.load(tmp_path, tmp_path)


def test_acted_words_are_counted_by_kind():
    known = frozenset(("kids", "talking", "door", "the", "hate"))
    item = Utterance(id="x", text="Kids are talking by the door.", label="angry")
    said = (("kids", 0.9), ("the", 0.9), ("hate", 0.2), ("door", 0.3))
    pieces = tuple(Piece(word, 0.0, 0.1, p, 3) for word, p in said)
    settings = RecognizerSettings("", "", min_confidence=0.4)
    one = acted(item, "clean", Decoded(3600.0, 20.0, 1.0, pieces), known, settings)
    row = counts([one])
    assert row["words"] == 3
    assert row["recall_heard"] == pytest.approx(2 / 3, abs=1e-3) and row["false_heard"] == 1.0
    assert row["recall_kept"] == pytest.approx(1 / 3, abs=1e-3) and row["false_kept"] == 0.0


def test_acted_recordings_are_of_every_emotion_and_many_actors():
    items = [
        Utterance(id=f"{a}{e}{t}", text=t, label=e, speaker=str(a))
        for a in range(12) for e in LABELS for t in ("kids", "dogs")
    ]  # fmt: skip
    some = chosen(items, 2)
    assert len(some) == 2 * 2 * len(LABELS)
    assert len({u.speaker for u in some}) >= 6

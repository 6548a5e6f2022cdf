"""Partitions: who may be in two parts, who may not, and that nobody is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations

import pytest

from edge.errors import HeartenError
from train import splits
from train.corpora import Utterance


def corpus(sessions: int = 5, takes: int = 4) -> list[Utterance]:
    """Two people a session, as in IEMOCAP; everybody says every sentence."""
    return [
        Utterance(
            id=f"{session}{sex}{take}",
            speaker=f"Ses0{session}{sex}",
            session=str(session),
            sentence=f"s{take}",
            split=("train", "train", "train", "dev", "test")[session - 1],
        )
        for session in range(1, sessions + 1)
        for take in range(takes)
        for sex in "FM"
    ]


def people(part: Sequence[Utterance]) -> set[str | None]:
    return {u.speaker for u in part}


def whole(parts: splits.Parts, items: Sequence[Utterance]) -> bool:
    """Tell whether every utterance is in exactly one part, each part in the given order."""
    order = {u.id: place for place, u in enumerate(items)}
    places = [[order[u.id] for u in part] for part in parts]
    return sorted(chain.from_iterable(places)) == list(range(len(items))) and all(
        place == sorted(place) and place for place in places
    )


def apart(parts: splits.Parts) -> bool:
    return all(not people(a) & people(b) for a, b in combinations(parts, 2))


def every_split(items: list[Utterance]) -> list[splits.Parts]:
    return [
        *(parts for _, parts in splits.each_session_out(items)),
        splits.leave_session_out(items, "5", dev="2"),
        splits.leave_speakers_out(items, ["Ses01F", "Ses05M"], ["Ses03F"]),
        *splits.speaker_folds(items, count=5, seed=3),
        splits.official(items),
    ]


def test_no_speaker_crosses():
    items = corpus()
    found = every_split(items)
    assert len(found) == 5 + 1 + 1 + 5 + 1
    for parts in found:
        assert apart(parts) and whole(parts, items)


def test_speaker_dependent_does_cross_and_says_so():
    items = corpus()
    parts = splits.speaker_dependent(items, test=0.2, dev=0.2, seed=1)
    assert whole(parts, items) and not apart(parts)
    assert [len(part) for part in parts] == [26, 6, 8]  # of 40: 8, then 20 % of 32
    with pytest.raises(HeartenError, match=r"speakers in more than one part: Ses0"):
        splits.demand_apart(parts)
    again = splits.speaker_dependent(items, test=0.2, dev=0.2, seed=1)
    other = splits.speaker_dependent(items, test=0.2, dev=0.2, seed=2)
    assert again == parts and other != parts


def test_each_session_is_tested_once():
    items = corpus()
    tested = []
    for name, (_, dev, test) in splits.each_session_out(items):
        assert {u.session for u in test} == {name} and len({u.session for u in dev}) == 1
        tested += [u.id for u in test]
    assert sorted(tested) == sorted(u.id for u in items)
    _, dev, _ = splits.leave_session_out(items, "1")
    assert {u.session for u in dev} == {"5"}


def test_everybody_is_tested_once():
    items = corpus()
    folds = splits.speaker_folds(items, count=4, seed=0)
    tested = [name for _, _, test in folds for name in people(test)]
    assert sorted(map(str, tested)) == sorted(map(str, people(items)))
    assert splits.speaker_folds(items, count=4, seed=0) == folds
    assert splits.speaker_folds(items, count=4, seed=1) != folds


def test_leaving_sentences_out_keeps_words_apart_not_voices():
    items = corpus()
    parts = splits.leave_sentences_out(items, ["s3"], ["s0"])
    said = [{u.sentence for u in part} for part in parts]
    assert said == [{"s1", "s2"}, {"s0"}, {"s3"}] and whole(parts, items)
    assert people(parts[0]) == people(parts[2])


def test_somebody_in_two_sessions_or_parts_is_refused():
    items = corpus()
    guest = replace(items[0], id="guest", session="3", split="test")
    with pytest.raises(HeartenError, match="more than one part: Ses01F: leave speakers out"):
        splits.leave_session_out([*items, guest], "3")
    with pytest.raises(HeartenError, match="more than one part: Ses01F"):
        splits.official([*items, guest])


def test_a_hidden_test_part_has_no_speakers():
    items = [replace(u, speaker=None) if u.split == "test" else u for u in corpus()]
    assert [len(part) for part in splits.official(items)] == [24, 8, 8]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda i: splits.leave_session_out(i, "9"), "no session '9'; known: 1, 2, 3, 4, 5"),
        (lambda i: splits.leave_session_out(i, "1", "1"), "both development and test: 1"),
        (lambda i: splits.leave_session_out(corpus(2), "1"), "sessions 1, 2 are too few"),
        (lambda i: splits.leave_speakers_out(i, ["Bob"], ["Ses01F"]), "no speaker 'Bob'"),
        (lambda i: splits.leave_speakers_out(i, ["Ses01F"], []), "no speaker is left for dev"),
        (
            lambda i: splits.leave_speakers_out(corpus(1), ["Ses01F"], ["Ses01M"]),
            "no speaker is left for train",
        ),
        (lambda i: splits.leave_sentences_out(i, ["s1"], ["s1"]), "both development and test: s1"),
        (lambda i: splits.speaker_folds(i, count=2), "2 folds of 10 speakers: at least 3"),
        (lambda i: splits.speaker_folds(i, count=11), "11 folds of 10 speakers"),
        (lambda i: splits.speaker_dependent(i, test=1.0), "share 1 of utterances"),
        (lambda i: splits.speaker_dependent(i, test=float("nan")), "share nan of utterances"),
        (lambda i: splits.speaker_dependent(i[:2], test=0.2), "2 utterances are too few"),
        (lambda i: splits.official([replace(i[0], split="eval"), *i]), "unknown split 'eval'"),
        (lambda i: splits.official([replace(i[0], split=None), *i]), "has no split"),
        (lambda i: splits.leave_session_out([replace(i[0], session=None)], "1"), "has no session"),
        (lambda i: splits.speaker_folds([replace(i[0], speaker=None)]), "has no speaker"),
        (lambda i: splits.leave_sentences_out([], ["s1"], ["s2"]), "no sentence 's1'"),
    ],
)
def test_impossible_splits(make, message):
    with pytest.raises(HeartenError, match=message):
        make(corpus())

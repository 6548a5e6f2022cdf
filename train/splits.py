"""Who trains, who develops, who tests, for any corpus: (train, dev, test) by named rules.

Every function keeps the given order within a part, because a metric over batches depends on it,
and raises HeartenError rather than return an empty part. ``train.partition`` has the named folds
of RAVDESS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from edge.errors import HeartenError
from train.corpora import Utterance

Items = list[Utterance]
Parts = tuple[Items, Items, Items]
Key = Callable[[Utterance], str | None]


def speaker_dependent(
    utterances: Sequence[Utterance], test: float = 0.2, dev: float = 0.2, seed: int = 0
) -> Parts:
    """Draw the parts at random over utterances: the same people speak in all of them.

    ``test`` is the share of all, ``dev`` that of what is left, both in (0, 1). Only for comparison
    with older work: it measures memory of a voice, so print it under the words "speaker-dependent".

    Raises:
        HeartenError: a share outside (0, 1), or so few utterances that a part stays empty.
    """
    rest, tested = hold_back(utterances, test, seed)
    train, developed = hold_back(rest, dev, seed)
    return train, developed, tested


def hold_back(utterances: Sequence[Utterance], share: float, seed: int) -> tuple[Items, Items]:
    """Return (kept, held back): a random ``share`` of the utterances, whoever speaks.

    Raises:
        HeartenError: as in ``speaker_dependent``.
    """
    if not 0 < share < 1:
        raise HeartenError(f"share {share:g} of utterances to hold back: give one between 0 and 1")
    count = round(share * len(utterances))
    if not 0 < count < len(utterances):
        raise HeartenError(f"{len(utterances)} utterances are too few to hold back {share:.0%}")
    chosen = np.random.default_rng(seed).permutation(len(utterances))[:count]
    held = set(chosen.tolist())
    return (
        [u for index, u in enumerate(utterances) if index not in held],
        [u for index, u in enumerate(utterances) if index in held],
    )


def leave_session_out(utterances: Sequence[Utterance], test: str, dev: str | None = None) -> Parts:
    """Test one session, develop on ``dev`` (unless given: the one before it), train on the rest.

    For corpora in which every session has people of its own (IEMOCAP, MSP-IMPROV): nobody is in
    two parts.

    Raises:
        HeartenError: no such session, an utterance without one, fewer than three sessions, or
            somebody who speaks in two parts.
    """
    names = _names(utterances, _session, "session")
    if len(names) < 3:
        raise HeartenError(f"sessions {', '.join(names)} are too few: leave speakers out instead")
    if test in names and dev is None:
        dev = names[names.index(test) - 1]
    parts = _assign(utterances, _session, "session", (test,), (dev or "",))
    demand_apart(parts)
    return parts


def each_session_out(utterances: Sequence[Utterance]) -> Iterator[tuple[str, Parts]]:
    """Yield (session, parts) of ``leave_session_out`` for every session in turn."""
    for name in _names(utterances, _session, "session"):
        yield name, leave_session_out(utterances, name)


def leave_speakers_out(
    utterances: Sequence[Utterance], test: Sequence[str], dev: Sequence[str]
) -> Parts:
    """Test some people, develop on others, train on the rest: nobody is in two parts.

    Raises:
        HeartenError: a speaker who is unknown or in both, or an utterance without one.
    """
    return _assign(utterances, _speaker, "speaker", test, dev)


def speaker_folds(utterances: Sequence[Utterance], count: int = 5, seed: int = 0) -> list[Parts]:
    """Return ``count`` folds of people drawn at random; each is tested once, the next develops.

    Raises:
        HeartenError: fewer than three folds, fewer people than folds, or an utterance without one.
    """
    people = _names(utterances, _speaker, "speaker")
    if not 3 <= count <= len(people):
        raise HeartenError(
            f"{count} folds of {len(people)} speakers: at least 3 folds, each with somebody in it"
        )
    order = [people[i] for i in np.random.default_rng(seed).permutation(len(people))]
    groups = [order[start::count] for start in range(count)]
    return [
        leave_speakers_out(utterances, group, groups[(number + 1) % count])
        for number, group in enumerate(groups)
    ]


def leave_sentences_out(
    utterances: Sequence[Utterance], test: Sequence[str], dev: Sequence[str]
) -> Parts:
    """Test some sentences (or scenes), develop on others, train on the rest.

    Words of the test are new, voices are not: speakers cross. It tells what a text model, or the
    text side of a fused one, learnt by heart.

    Raises:
        HeartenError: a sentence that is unknown or in both, or an utterance without one.
    """
    return _assign(utterances, _sentence, "sentence", test, dev)


def official(utterances: Sequence[Utterance]) -> Parts:
    """Return the parts that the corpus itself gives (``split``); nobody may be in two.

    Speakers who are not named, as in a hidden test part, cannot be checked.

    Raises:
        HeartenError: an utterance without a part, an empty part, or somebody in two.
    """
    if strange := set(_names(utterances, _split, "split")) - {"train", "dev", "test"}:
        raise HeartenError(f"unknown split {min(strange)!r}: use train, dev and test")
    parts = _assign(utterances, _split, "split", ("test",), ("dev",))
    demand_apart(parts)
    return parts


def demand_apart(parts: Sequence[Sequence[Utterance]]) -> None:
    """Raise HeartenError, naming them, where people speak in more than one part."""
    seen: set[str] = set()
    for part in parts:
        here = {u.speaker for u in part if u.speaker is not None}
        if both := seen & here:
            raise HeartenError(
                f"speakers in more than one part: {', '.join(sorted(both))}: leave speakers out, "
                "not sessions"
            )
        seen |= here


def _assign(
    utterances: Sequence[Utterance], key: Key, what: str, test: Sequence[str], dev: Sequence[str]
) -> Parts:
    """Part by a key: ``test`` and ``dev`` as named, everything else trains."""
    known = _names(utterances, key, what)
    if strange := [name for name in (*test, *dev) if name not in known]:
        raise HeartenError(f"no {what} {strange[0]!r}; known: {', '.join(known)}")
    if both := set(test) & set(dev):
        raise HeartenError(f"{what} in both development and test: {', '.join(sorted(both))}")
    parts: Parts = ([], [], [])
    for utterance in utterances:
        parts[2 if key(utterance) in test else 1 if key(utterance) in dev else 0].append(utterance)
    for name, part in zip(("train", "dev", "test"), parts, strict=True):
        if not part:
            raise HeartenError(f"no {what} is left for {name}; there are {', '.join(known)}")
    return parts


def _names(utterances: Sequence[Utterance], key: Key, what: str) -> list[str]:
    """Return the sorted values of a key; HeartenError where an utterance has none."""
    found = set()
    for utterance in utterances:
        if (name := key(utterance)) is None:
            raise HeartenError(f"{utterance.id} has no {what}: it cannot be split by {what}")
        found.add(name)
    return sorted(found)


def _speaker(utterance: Utterance) -> str | None:
    return utterance.speaker


def _session(utterance: Utterance) -> str | None:
    return utterance.session


def _sentence(utterance: Utterance) -> str | None:
    return utterance.sentence


def _split(utterance: Utterance) -> str | None:
    return utterance.split

"""Does a negation turn what is said? Valence of "I am happy" beside that of "I am not happy".

The words are keywords that Warriner's norms rate at least 0.35 from the middle in valence, that
stand at least three times behind a word like "am" or "very" in the training sentences, which
leaves adjectives, and never within reach of a negation there: how each sounds when it is negated
was not learnt. Each goes into four frames. The same bag that takes a negation for a word
like any other is scored beside the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from convert.text import TextWeights, reference
from edge.emotion import Floats
from train import text_data
from train.corpora import root, warriner
from train.keyword_files import NEGATIONS
from train.provenance import commit
from train.text_data import Bags
from train.text_model import REACH

LEAST = 0.35
COUNT = 3
BEFORE = frozenset(
    ("am", "is", "are", "was", "were", "been", "feel", "feels", "felt", "so", "very", "really")
)
FRAMES = (
    ("i am {}", "i am not {}"),
    ("it was {}", "it was never {}"),
    ("they are {}", "they aren't {}"),
    ("i feel {}", "i don't feel {}"),
)

Predict = Callable[[Bags], Floats]


def chosen(
    texts: Iterable[Sequence[str]],
    norms: Mapping[str, Sequence[float]],
    keywords: Sequence[str],
) -> list[str]:
    """Return the words of the module's docstring, sorted; ``texts`` are tokenised sentences."""
    rated = {w for w in keywords if w in norms and abs(norms[w][0]) >= LEAST} - {*NEGATIONS}
    behind: Counter[str] = Counter()
    known: set[str] = set()
    for said in texts:
        for place, word in enumerate(said):
            if word in rated:
                behind[word] += place > 0 and said[place - 1] in BEFORE
                if not set(NEGATIONS).isdisjoint(said[max(0, place - REACH) : place]):
                    known.add(word)
    return sorted(word for word in rated - known if behind[word] >= COUNT)


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """Return the sentences with their negations: every word in every frame, frame by frame."""
    return [(plain.format(w), negated.format(w)) for plain, negated in FRAMES for w in words]


def score(
    predict: Predict,
    words: Sequence[str],
    norms: Mapping[str, Sequence[float]],
    keywords: Sequence[str],
) -> dict[str, float]:
    """Return how often valence moves towards the other sign when a sentence is negated.

    ``right_way`` is that share over all pairs, ``right_way_good`` and ``right_way_bad`` over the
    pleasant and the unpleasant words; ``shift`` is how far it moves that way on average, and
    ``told_right`` the share of pleasant-unpleasant pairs of plain sentences in the right order.
    """
    sides = [[s.split() for s in side] for side in zip(*pairs(words), strict=True)]
    plain, negated = (predict(text_data.encode(side, keywords))[:, 0] for side in sides)
    sign = np.tile(np.sign([norms[word][0] for word in words]), len(FRAMES))
    moved = sign * (plain - negated)
    good, bad = sign > 0, sign < 0
    return {
        "words": float(len(words)),
        "pairs": float(len(sign)),
        "right_way": float(np.mean(moved > 0)),
        "right_way_good": float(np.mean(moved[good] > 0)),
        "right_way_bad": float(np.mean(moved[bad] > 0)),
        "shift": float(moved.mean()),
        "told_right": float(np.mean(plain[good][:, None] > plain[bad][None])),
    }


def as_any_word(weights: TextWeights) -> Predict:
    """Return the V/A/D of the float model for which a negation is a word like any other."""
    arrays = weights.arrays | {"negates": np.zeros_like(weights.arrays["negates"])}
    flat = replace(weights, arrays=arrays)
    return lambda bags: reference(flat, bags.ids, bags.weights)[0]


def result(weights: TextWeights, predict: Predict) -> dict[str, Any]:
    """Return the result file: ``predict`` is the shipped graph's V/A/D, ``weights`` its source."""
    parts = text_data.load(root()).values()
    texts = [text_data.words_of(said) for part in parts for said in part["train"]]
    norms = warriner.norms(root())
    words = chosen(texts, norms, weights.keywords)
    said = {"negation turned": predict, "negation as any word": as_any_word(weights)}
    scores = {name: score(one, words, norms, weights.keywords) for name, one in said.items()}
    return {
        "task": "text",
        "corpus": "made pairs",
        "protocol": "sentences with and without a negation, of words never negated in training",
        "artefact": "int8 rows",
        "metrics": {
            name: {key: round(value, 4) for key, value in found.items()}
            for name, found in scores.items()
        },
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "notes": "right way: valence moves towards the other sign",
    }

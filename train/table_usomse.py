"""``python -m train table usomse``: low, medium and high valence and arousal of elderly speakers.

The seed's feature concatenation on ComParE 2020's Elderly Emotion: a linear SVC on voice, on text,
and on both features in one vector; C from 1e-6 to 10 by UAR on the development part, then fitted on
both and scored once on the test part, where its labels are known. A story is one item: statistics
of its pieces averaged, its words counted (tf-idf), or mean and maximum of word vectors.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats
from edge.errors import HeartenError
from edge.text import tokenise
from train import corpora, hsf, table_vad
from train.corpora import Utterance, usoms
from train.intervals import bootstrap
from train.metrics import uar
from train.report_blocks import Table
from train.splits import official
from train.table_cells import store, text
from train.table_text import named_vectors
from train.vad_data import NeedsLicence, Vocabulary, demand_words, needs, read_vectors

TITLE = "Seed: USOMS-e (ComParE 2020)"
COSTS = tuple(10.0**power for power in range(-6, 2))
LEVELS = "LMH"
DIMENSIONS = ("valence", "arousal")
NOTES = (
    "official parts; C chosen by UAR on the development part, whose own number is therefore "
    "optimistic; voice: HSF2 of 23 GeMAPS"
)

Story = list[Utterance]  # its pieces


def run(args: argparse.Namespace) -> int:
    """Fit and score every row, store and print; without the corpus print what was published.

    Raises:
        HeartenError: the corpus is damaged, lacks a part, or has no words.
    """
    try:
        items = usoms.load(corpora.root())
    except HeartenError as error:
        cause = needs(usoms.NAME, error, usoms.LICENCE)
        if isinstance(cause, NeedsLicence):
            return table_vad.lacking(args, TITLE, cause)
        raise
    demand_words(items, usoms.NAME)
    parts = [_stories(part) for part in official(items)]
    source = next(iter(named_vectors(args.vectors).values())) if args.vectors else None
    sides = {"voice": _voice(parts), "text": _text(parts, source)}
    sides["voice and text, concatenated"] = [
        np.concatenate(pair, axis=1) for pair in zip(*sides.values(), strict=True)
    ]
    metrics = {
        name: {k: v for d in DIMENSIONS for k, v in _scores(parts, tables, d).items()}
        for name, tables in sides.items()
    }
    content = {
        "corpus": usoms.NAME,
        "protocol": "official",
        "artefact": "float",
        "model": {"kind": "linear SVC", "text": "tf-idf" if source is None else "word vectors"},
        "seeds": [0],
        "metrics": metrics,
        "notes": NOTES,
    }
    whole = store(args, f"table-usomse-{usoms.NAME}-official", content)
    if args.json:
        print(json.dumps(whole))
        return 0
    print(table_vad.published(TITLE))
    print(text("Ours, UAR in per cent", _table(metrics)))
    return 0


def _stories(part: Sequence[Utterance]) -> list[Story]:
    """Return the stories of a part in file order, each with all its pieces."""
    found: dict[str, Story] = {}
    for piece in part:
        found.setdefault(piece.sentence or piece.id, []).append(piece)
    return list(found.values())


def _voice(parts: Sequence[Sequence[Story]]) -> list[Floats]:
    """Return the mean statistics of the pieces of each story, standardised by training."""
    tables = []
    for part in parts:
        rows = hsf.hsf([piece for story in part for piece in story], table_vad.FEATURES, True)
        ends = np.cumsum([len(story) for story in part])[:-1]
        tables.append(np.stack([piece.mean(axis=0) for piece in np.split(rows, ends)]))
    return _standardised(tables)


def _text(parts: Sequence[Sequence[Story]], source: str | None) -> list[Floats]:
    """Return the words of each story as tf-idf or, with ``source``, by their vectors."""
    texts = [[_words(story) for story in part] for part in parts]
    if source is None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        counts = TfidfVectorizer(analyzer=str.split).fit([" ".join(words) for words in texts[0]])
        return [counts.transform([" ".join(w) for w in part]).toarray() for part in texts]
    numbers = Vocabulary([piece for part in parts for story in part for piece in story]).numbers
    vectors = read_vectors(source, numbers)
    none = np.zeros((1, len(next(iter(vectors.values())))), np.float32)
    tables = []
    for part in texts:
        found = [np.stack([vectors[w] for w in words if w in vectors] or [*none]) for words in part]
        tables.append(np.stack([np.concatenate([f.mean(axis=0), f.max(axis=0)]) for f in found]))
    return _standardised(tables)


def _words(story: Story) -> list[str]:
    """Return the words of a story; a text that all its pieces have counts once."""
    return tokenise(" ".join(dict.fromkeys(piece.text or "" for piece in story)))


def _standardised(tables: Sequence[Floats]) -> list[Floats]:
    mean, std = tables[0].mean(axis=0), tables[0].std(axis=0) + 1e-6
    return [(table - mean) / std for table in tables]


def _scores(
    parts: Sequence[Sequence[Story]], tables: Sequence[Floats], dimension: str
) -> dict[str, Any]:
    """Return UAR on the development and, where labels are known, on the test part."""
    from sklearn.svm import LinearSVC

    truth = [_levels(part, dimension) for part in parts]
    if any((one < 0).any() for one in truth[:2]):
        raise HeartenError(f"{usoms.NAME}: a story of train or devel has no {dimension}: add it")

    def machine(cost: float) -> Any:
        return LinearSVC(C=cost, class_weight="balanced", dual=True, max_iter=5000, random_state=0)

    fitted = [machine(cost).fit(tables[0], truth[0]) for cost in COSTS]
    answers = [one.predict(tables[1]) for one in fitted]
    best = max(range(len(COSTS)), key=lambda index: uar(truth[1], answers[index]))
    found = {f"dev_{dimension}": {"mean": round(uar(truth[1], answers[best]), 4)}}
    if (truth[2] < 0).any():  # hidden, as in the challenge
        return found
    whole = machine(COSTS[best]).fit(np.concatenate(tables[:2]), np.concatenate(truth[:2]))
    said = whole.predict(tables[2])
    people = [story[0].speaker for story in parts[2]]
    row: dict[str, Any] = {"mean": round(uar(truth[2], said), 4)}
    if None not in people:
        row["ci95"] = bootstrap(truth[2], said, people)
    return found | {f"test_{dimension}": row}


def _levels(part: Sequence[Story], dimension: str) -> NDArray[np.int64]:
    """Return 0, 1, 2 for low, medium and high; -1 where it is hidden."""
    levels = [usoms.level(story[0], dimension) for story in part]
    return np.array([-1 if level is None else LEVELS.index(level) for level in levels])


def _table(metrics: dict[str, dict[str, Any]]) -> Table:
    keys = [f"{part}_{d}" for part in ("dev", "test") for d in DIMENSIONS]
    rows = []
    for name, row in metrics.items():
        cells = [f"{100 * row[key]['mean']:.1f}" if key in row else "hidden" for key in keys]
        rows.append([name, *cells])
    return Table(["ours", *(key.replace("_", " ") for key in keys)], rows)

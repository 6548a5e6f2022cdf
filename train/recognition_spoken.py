"""Scores of text models on spoken sentences: from the reference text and from what was heard."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import DIMENSIONS, Word
from edge.errors import HeartenError
from edge.interpreter import Graph
from edge.text import SLOTS
from train import keyword_files, metrics, text_data
from train.intervals import interval
from train.provenance import origin, store
from train.text_data import CATEGORIES, Bags
from train.text_score import predict

if TYPE_CHECKING:
    from train.spoken import Heard

DRAWS = 1000
REFERENCE, RECOGNISED, LOST = "reference text", "recognised", "lost"

Array = NDArray[np.float32]
Score = Callable[[NDArray[np.int64]], dict[str, float]]
Cell = dict[str, Any]


def report(args: argparse.Namespace, corpus: str, items: Sequence[Heard]) -> Path:
    """Score every model of ``args.text``, write ``spoken-CORPUS-CONDITION.json``, return its path.

    Of several, what each further one loses less than the first stands beside, paired.

    Raises:
        HeartenError: a model is missing, or the models have different keywords.
    """
    forms = _forms(args.text)
    bags = {
        REFERENCE: text_data.encode([text_data.words_of(item.utterance) for item in items], forms),
        RECOGNISED: bags_of([item.words for item in items], forms),
    }
    scores = {folder.name: Scores.of(folder, corpus, items, bags) for folder in args.text}
    models = {name: found.cells() for name, found in scores.items()}
    first, *others = scores
    less = {name: scores[first].loses_more_than(scores[name]) for name in others}
    row = {
        "task": "spoken",
        "corpus": corpus,
        "protocol": f"{len(items)} {args.part} sentences, flite {_voices(items)}, {args.condition}",
        "artefact": "int8 rows, pocketsphinx",
        "model": {},
        "seeds": [args.seed],
        "metrics": {
            f"{name}: {condition}": cells
            for name, found in models.items()
            for condition, cells in found.items()
        }
        | {f"{name} loses less than {first} by": cells for name, cells in less.items()},
        "keywords": keyword_counts(items, keyword_files.listened(args.text[0])),
        **origin(),
        "notes": "95 % intervals over sentences; what is lost is paired, reference less recognised",
    }
    path = args.results / f"spoken-{corpus}-{args.condition}.json"
    store(path, row)
    for name, cells in row["metrics"].items():
        print(f"{corpus} {name}: " + ", ".join(f"{k} {c['mean']:.3f}" for k, c in cells.items()))
    print(f"{path}: keywords {row['keywords']}", file=sys.stderr)
    return path


def bags_of(words: Sequence[Sequence[Word]], forms: Sequence[str]) -> Bags:
    """Return recognised words as bags, weighted by confidence; the first ``SLOTS`` of each."""
    row = {form: i for i, form in enumerate(forms, start=1)}
    ids = np.zeros((len(words), SLOTS), np.int32)
    weights = np.zeros((len(words), SLOTS), np.float32)
    for i, found in enumerate(words):
        known = [word for word in found if word.word in row][:SLOTS]
        ids[i, : len(known)] = [row[word.word] for word in known]
        weights[i, : len(known)] = [word.confidence for word in known]
    return Bags(ids, weights)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model scores in each condition: on the sentences, and on draws of them."""

    whole: Mapping[str, dict[str, float]]
    drawn: Mapping[str, Sequence[dict[str, float]]]

    @classmethod
    def of(
        cls, folder: Path, corpus: str, items: Sequence[Heard], bags: Mapping[str, Bags]
    ) -> Scores:
        """Score a model as it would be shipped; the draws are the same for every model."""
        from convert.text import build

        graph = Graph(build(folder), "text.tflite")
        scorer = _rated if corpus == "emobank" else _named
        rng = np.random.default_rng(0)
        draws = [rng.integers(len(items), size=len(items)) for _ in range(DRAWS)]
        one = {name: scorer(items, *predict(graph, some)) for name, some in bags.items()}
        whole = {name: score(np.arange(len(items))) for name, score in one.items()}
        drawn = {name: [score(rows) for rows in draws] for name, score in one.items()}
        whole[LOST] = _less(whole[REFERENCE], whole[RECOGNISED])
        drawn[LOST] = list(map(_less, drawn[REFERENCE], drawn[RECOGNISED]))
        return cls(whole, drawn)

    def cells(self) -> dict[str, dict[str, Cell]]:
        """Return the cells of each condition and of what is lost between them."""
        return {name: _cells(self.whole[name], self.drawn[name]) for name in self.whole}

    def loses_more_than(self, other: Scores) -> dict[str, Cell]:
        """Return the cells of how much more is lost here, on the same sentences."""
        drawn = list(map(_less, self.drawn[LOST], other.drawn[LOST]))
        return _cells(_less(self.whole[LOST], other.whole[LOST]), drawn)


def keyword_counts(items: Sequence[Heard], words: Sequence[str]) -> dict[str, float]:
    """Return how many of the words listened for were said and heard, and seconds of audio."""
    known = set(words)
    said = heard = hits = 0
    for item in items:
        spoken = Counter(w for w in text_data.words_of(item.utterance) if w in known)
        found = Counter(word.word for word in item.words)
        said, heard = said + spoken.total(), heard + found.total()
        hits += (spoken & found).total()
    return {
        "spoken": said,
        "heard": heard,
        "precision": round(hits / max(heard, 1), 4),
        "recall": round(hits / max(said, 1), 4),
        "seconds": round(sum(item.seconds for item in items), 1),
    }


def _rated(items: Sequence[Heard], vad: Array, shares: Array) -> Score:
    truth = text_data.vad_targets([item.utterance for item in items])

    def of(rows: NDArray[np.int64]) -> dict[str, float]:
        pairs = [(name, truth[rows, i], vad[rows, i]) for i, name in enumerate(DIMENSIONS)]
        found = {f"r_{name}": metrics.pearson(r, p) for name, r, p in pairs}
        return found | {f"ccc_{name}": metrics.ccc(r, p) for name, r, p in pairs}

    return of


def _named(items: Sequence[Heard], vad: Array, shares: Array) -> Score:
    truth = text_data.category_targets([item.utterance for item in items]).argmax(axis=1)
    said = shares.argmax(axis=1)
    present = sorted(set(truth.tolist()))

    def of(rows: NDArray[np.int64]) -> dict[str, float]:
        right = truth[rows] == said[rows]
        recalls = {CATEGORIES[c]: _mean(right[truth[rows] == c]) for c in present}
        uar = float(np.mean(list(recalls.values())))
        return {"uar": uar} | {f"recall_{name}": value for name, value in recalls.items()}

    return of


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _less(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    return {name: one[name] - other[name] for name in one}


def _cells(values: dict[str, float], drawn: Sequence[dict[str, float]]) -> dict[str, Cell]:
    return {
        name: {"mean": round(value, 4), "ci95": interval(np.array([d[name] for d in drawn]))}
        for name, value in values.items()
    }


def _forms(folders: Sequence[Path]) -> tuple[str, ...]:
    every = {keyword_files.read(folder).forms for folder in folders}
    if len(every) > 1:
        raise HeartenError("these text models have different keywords: score them one by one")
    return every.pop()


def _voices(items: Sequence[Heard]) -> str:
    return " and ".join(dict.fromkeys(item.voice for item in items))

"""Measure the keyword recogniser on real recordings and fit its confidence map."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from edge.audio.files import read
from edge.decoder import RecognizerSettings
from edge.errors import HeartenError
from edge.keywords import RATE, Recognizer
from train.corpora import Utterance, coffee, librispeech, root
from train.language import read_keywords

KNOTS = 11
DRAWS = 500
BINS = 10

Points = tuple[tuple[float, float], ...]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one recording gave: reference keywords, and (keyword, posterior, right) heard."""

    speaker: str
    spoken: int
    words: tuple[tuple[str, float, bool], ...]
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train recognition``."""
    parser.add_argument("--language", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--keywords", type=Path, required=True, metavar="FILE")
    parser.add_argument("--corpora", type=Path, default=None, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--limit", type=int, default=None, help="recordings of each corpus")
    parser.add_argument("--settle", type=float, default=RecognizerSettings("", "").settle)
    parser.add_argument("--threshold", type=float, default=0.5, help="confidence that counts")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Measure, fit the map on half of the speakers, score it on the others; return exit code."""
    settings, keywords = _settings(args), frozenset(read_keywords(args.keywords).words)
    recognizer, cost = _load(settings, keywords)
    corpora = args.corpora or root()
    orders = coffee.load(corpora)[: args.limit]
    menu = {word for order in orders for word in order.keywords}
    reading, rtf = hear(recognizer, librispeech.load(corpora)[: args.limit], keywords)
    drinks, _ = hear(recognizer, orders, keywords & menu)
    recognizer.close()
    cost |= {"rtf": rtf, "rss_mb": _rss()}
    fit, test = _halves(reading)
    points = fit_map(fit)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "confidence.json").write_text(json.dumps({"confidence_map": points}) + "\n")
    unseen = "speakers not used for the map"
    rows = {
        "as-decoded": _result(args, cost, reading, ((0.0, 0.0), (1.0, 1.0)), "all speakers"),
        "calibrated": _result(args, cost, test, points, unseen),
        # Only the words of the menu are scored: the orders have no full transcript, and their
        # precision is too good to calibrate free speech with.
        "coffee": _result(args, cost, drinks, points, unseen) | {"corpus": "picovoice-coffee"},
    }
    _store(args, rows)
    if args.json:
        print(json.dumps(rows, indent=1))
    return 0


def hear(
    recognizer: Recognizer, items: Sequence[Utterance], keywords: frozenset[str]
) -> tuple[list[Heard], float]:
    """Decode recordings; return what was heard of ``keywords``, and CPU time over audio time.

    A keyword is right as often as it is in the transcript; when it was said does not matter.
    """
    heard: list[Heard] = []
    busy = 0.0
    for number, item in enumerate(items, 1):
        if item.path is None:
            continue
        samples = read(item.path)
        began = time.process_time()
        recognizer.begin(0.0)
        recognizer.push(samples)
        words = recognizer.end()
        busy += time.process_time() - began
        spoken = Counter(w for w in item.keywords or (item.text or "").split() if w in keywords)
        pairs = [(w.word, w.confidence) for w in words if w.word in keywords]
        seconds = len(samples) / RATE
        heard.append(Heard(item.speaker or item.id, spoken.total(), _judge(pairs, spoken), seconds))
        print(f"\r{number}/{len(items)} recordings", end="", file=sys.stderr)
    print(file=sys.stderr)
    return heard, busy / max(sum(h.seconds for h in heard), 1e-9)


def fit_map(heard: Sequence[Heard]) -> Points:
    """Fit the probability that a word is right to its posterior, rising; at most 11 points.

    Raises:
        HeartenError: too few words were heard.
    """
    posterior, right = _columns(heard)
    if len(posterior) < KNOTS:
        raise HeartenError("too few keywords were heard to fit a confidence map; use more audio")
    model = IsotonicRegression(y_min=0.02, y_max=0.98, out_of_bounds="clip").fit(posterior, right)
    edges = np.quantile(posterior, np.linspace(0, 1, KNOTS))
    knots = np.unique(np.round([0.0, *((edges[:-1] + edges[1:]) / 2), 1.0], 4))
    # A word counts for the mean of its tenth: single steps of the regression are noise.
    middle = np.interp(knots, *_smooth(posterior, model.predict(posterior), edges))
    return tuple((float(p), round(float(c), 4)) for p, c in zip(knots, middle, strict=True))


def metrics(heard: Sequence[Heard], points: Points, threshold: float) -> dict[str, float]:
    """Precision, recall, F1, false alarms an hour, and calibration error of the confidence."""
    posterior, right = _columns(heard)
    confidence = np.interp(posterior, *np.array(points).T) if len(posterior) else posterior
    kept = confidence >= threshold
    hits, shown = float(right[kept].sum()), float(kept.sum())
    spoken = sum(h.spoken for h in heard)
    precision, recall = hits / max(shown, 1.0), hits / max(spoken, 1)
    hours = sum(h.seconds for h in heard) / 3600
    return {
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "false_alarms_per_hour": (shown - hits) / max(hours, 1e-9),
        "ece": _calibration_error(confidence, right),
    }


def _settings(args: argparse.Namespace) -> RecognizerSettings:
    model, words = args.language / "words.lm.bin", args.language / "words.dict"
    return RecognizerSettings(
        str(model), str(words), min_confidence=0.0, partial_confidence=0.0, settle=args.settle
    )


def _load(
    settings: RecognizerSettings, keywords: frozenset[str]
) -> tuple[Recognizer, dict[str, float]]:
    """Load a recogniser; return it with the time (pocketsphinx's import included) and memory."""
    before, began = _rss(), time.perf_counter()
    recognizer = Recognizer(settings, keywords)
    spent = time.perf_counter() - began
    return recognizer, {"load_s": spent, "load_mb": _rss() - before}


def _judge(pairs: list[tuple[str, float]], spoken: Counter[str]) -> tuple[Any, ...]:
    left = spoken.copy()
    judged = []
    for word, confidence in sorted(pairs, key=lambda pair: -pair[1]):
        judged.append((word, confidence, left[word] > 0))
        left[word] -= 1
    return tuple(judged)


def _columns(heard: Sequence[Heard]) -> tuple[Values, Values]:
    rows = [(posterior, right) for item in heard for _, posterior, right in item.words]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return np.clip(table[:, 0], 0.0, 1.0), table[:, 1]


def _smooth(posterior: Values, fitted: Values, edges: Values) -> tuple[Values, Values]:
    """Return the mean posterior and the mean fitted value of each interval between ``edges``."""
    place = np.clip(np.searchsorted(edges, posterior, "right") - 1, 0, len(edges) - 2)
    used = np.unique(place)
    means = [(posterior[place == i].mean(), fitted[place == i].mean()) for i in used]
    table = np.array(means)
    return table[:, 0], table[:, 1]


def _calibration_error(confidence: Values, right: Values) -> float:
    if not len(confidence):
        return 0.0
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[place == i].sum() - right[place == i].sum()) for i in range(BINS)]
    return float(sum(gaps) / len(confidence))


def _halves(heard: Sequence[Heard]) -> tuple[list[Heard], list[Heard]]:
    """Part the recordings by speaker: every other speaker of the sorted list."""
    speakers = sorted({h.speaker for h in heard})
    first = set(speakers[::2])
    return [h for h in heard if h.speaker in first], [h for h in heard if h.speaker not in first]


def _interval(heard: Sequence[Heard], score: Callable[[list[Heard]], float]) -> list[float]:
    """Return the bootstrap 95 % interval of a score, drawing speakers."""
    groups: dict[str, list[Heard]] = {}
    for item in heard:
        groups.setdefault(item.speaker, []).append(item)
    names = sorted(groups)
    rng = np.random.default_rng(0)
    drawn = [
        score([h for i in rng.integers(0, len(names), len(names)) for h in groups[names[i]]])
        for _ in range(DRAWS)
    ]
    return [float(x) for x in np.percentile(drawn, [2.5, 97.5])]


def _result(
    args: argparse.Namespace,
    cost: dict[str, float],
    heard: Sequence[Heard],
    points: Points,
    who: str,
) -> dict[str, Any]:
    def score(name: str) -> dict[str, Any]:
        interval = _interval(heard, lambda some: metrics(some, points, args.threshold)[name])
        return {"mean": metrics(heard, points, args.threshold)[name], "ci95": interval}

    files = [args.language / name for name in ("words.lm.bin", "words.dict")]
    return {
        "task": "recognition",
        "corpus": "librispeech-test-other",
        "protocol": f"{who}, confidence >= {args.threshold}, {len(heard)} utterances",
        "artefact": "pocketsphinx",
        "model": {"bytes": sum(path.stat().st_size for path in files)},
        "seeds": [],
        "metrics": {name: score(name) for name in metrics(heard, points, args.threshold)}
        | {name: {"mean": value} for name, value in cost.items()},
        "command": " ".join(["python -m train recognition", *sys.argv[2:]]),
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "notes": f"settle {args.settle} s, {sum(h.spoken for h in heard)} keywords spoken",
    }


def _store(args: argparse.Namespace, rows: dict[str, dict[str, Any]]) -> None:
    args.results.mkdir(parents=True, exist_ok=True)
    for name, row in rows.items():
        path = args.results / f"recognition-{name}.json"
        path.write_text(json.dumps(row, indent=1, allow_nan=False) + "\n")
        values = ", ".join(f"{key} {cell['mean']:.3f}" for key, cell in row["metrics"].items())
        print(f"{path}: {row['protocol']}: {values}", file=sys.stderr)


def _rss() -> float:
    """Return the highest memory use so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _commit() -> str:
    try:
        call = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return call.stdout.strip()

"""``python -m train unknown``: does it know when it does not know?

Calibration of trained folds on test speakers, before and after temperature scaling; what the
reject thresholds refuse, and how right the rest is; and how often a whole engine takes noise, music
or silence for somebody's emotion (``train.intruders``), with the built-in pack, and with the folds'
models. Temperature and thresholds come from development speakers, as do gates (``train gate``).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from edge.gate import LEAST
from edge.pack import open_pack
from train import fusion, intruders, recordings, trained, trials
from train.intervals import bootstrap
from train.metrics import ece, nll, uar
from train.pairs import Voices

BINS = 10
POINTS = 50  # of the risk-coverage curve
NOTES = (
    "temperature and reject thresholds from development speakers",
    "coverage: share answered; risk: share of the answers that are wrong",
    "false rate: sounds without speech through a whole engine with its pack, a class of sounds in "
    "one stream; music is constructed; new to the gate: ESC clips and kinds of made sounds that no "
    "gate has learned from",
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Test utterances of all folds and seeds: logits (n, labels), classes (n,), speakers (n,), and
    for each the temperature and the named thresholds of its fold, and whether its gate refuses it.
    """

    logits: NDArray[np.float64]
    classes: NDArray[np.int64]
    speakers: NDArray[np.str_]
    temperature: NDArray[np.float64]
    thresholds: Mapping[str, NDArray[np.float64]]
    refused: NDArray[np.bool_]

    @classmethod
    def of(cls, done: Sequence[Mapping[str, Any]]) -> Answers:
        """Join what the jobs returned."""
        sizes = [len(row["truth"]) for row in done]
        names = done[0]["thresholds"]
        return cls(
            np.concatenate([np.array(row["logits"], np.float64) for row in done]),
            np.concatenate([np.array(row["truth"]) for row in done]),
            np.concatenate([np.array(row["speakers"]) for row in done]),
            np.repeat([row["temperature"] for row in done], sizes),
            {n: np.repeat([row["thresholds"][n] for row in done], sizes) for n in names},
            np.concatenate([np.array(row["speech"]) < LEAST for row in done]),
        )

    @property
    def before(self) -> NDArray[np.float64]:
        """Probabilities as trained, shape (n, labels)."""
        return np.asarray(fusion.calibrated(_voices(self.logits, self.classes), 1.0), np.float64)

    @property
    def after(self) -> NDArray[np.float64]:
        """Probabilities at each fold's temperature."""
        scaled = self.logits / self.temperature[:, None]
        return np.asarray(fusion.calibrated(_voices(scaled, self.classes), 1.0), np.float64)


def _voices(logits: NDArray[np.float64], classes: NDArray[np.int64]) -> Voices:
    nothing = np.zeros((len(classes), 3), np.float32)
    return Voices(logits.astype(np.float32), nothing, nothing, classes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    trials.add_arguments(parser, "runs/unknown")
    parser.add_argument(
        "--reject",
        nargs="+",
        default=["balanced", "cautious", "0.5", "0.7"],
        metavar="LEVEL",
        help="balanced, cautious, or a confidence in 0..1",
    )
    parser.add_argument("--pack", type=Path, help="for the false rate (the built-in pack)")
    parser.add_argument("--no-words", action="store_true", help="false rate of the voice alone")


def run(args: argparse.Namespace) -> int:
    """Measure and store; return 0.

    Raises:
        HeartenError: a reject level that cannot be, and as ``trials.run``.
    """
    for level in args.reject:
        _level(level, {"balanced": 0.0, "cautious": 0.0})
    cells, done = trials.run(args, f"{__name__}:job", {"levels": args.reject})
    answers = Answers.of(done)
    corpus = trials.corpus_of(args)
    result = trials.content(args, "unknown", corpus, cells, NOTES)
    result["metrics"] = calibration(answers)
    result["reliability"] = {
        f"{when}": reliability(odds, answers.classes)
        for when, odds in (("before", answers.before), ("after", answers.after))
    }
    result["risk_coverage"] = risk_coverage(answers.after, answers.classes)
    heard = intruders.hear(open_pack(args.pack), words=not args.no_words, smoke=args.smoke)
    result["intruders"] = heard.to_dict()
    result["tables"] = {
        "What a reject threshold refuses, on test speakers": {
            name: selected(answers, name) for name in args.reject
        },
        f"Sounds without speech, {heard.pack}: final events an hour, and those not unknown": {
            **heard.rates(args.reject)
        },
        "The same of the folds' models, voice only, sounds new to the gate": _means(
            [row["intruders"] for row in done]
        ),
    }
    return trials.store(args, result, lines(result))


def job(
    folder: str, quantization: str, kind: str, smoke: bool, levels: Sequence[str]
) -> dict[str, Any]:
    """Return what one fold's streaming artefact says of its test speakers, as logits, and how often
    it takes other sounds for speech at some reject levels."""
    from convert.parity import stream
    from edge.audio.files import read

    run_ = trained.load(Path(folder), quantization)
    items = trained.drawn(run_.test(kind), 1.0, smoke)
    voice, settings = run_.voice, run_.pack.manifest
    temperature = settings.voice.temperature
    logits: list[Any] = []
    speech = []
    for index, item in enumerate(items):
        if index % 100 == 0:
            print(f"{index} of {len(items)} recordings", file=sys.stderr, flush=True)
        assert item.path is not None
        odds = stream(voice, recordings.speech(read(item.path), settings.endpoint)).probabilities
        logits.append(np.log(np.maximum(odds, 1e-30)) * temperature)
        pooled = voice.pooled()
        speech.append(settings.gate(pooled) if settings.gate and pooled is not None else 1.0)
    heard = intruders.hear(run_.pack, words=False, smoke=smoke, parts=["test"])
    return {
        **trained.facts(items),
        "logits": np.array(logits, np.float64).round(5).tolist(),
        "temperature": temperature,
        "thresholds": dict(settings.reject),
        "speech": np.round(speech, 4).tolist(),
        "intruders": heard.rates(levels),
    }


def _means(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the mean over folds of every number of a table."""
    return {
        name: {key: round(float(np.mean([row[name][key] for row in rows])), 2) for key in first}
        for name, first in rows[0].items()
    }


def calibration(answers: Answers) -> dict[str, dict[str, float]]:
    """Return calibration error and likelihood before and after scaling."""
    rows = {"before scaling": answers.before, "after scaling": answers.after}
    truth = answers.classes
    return {
        name: {
            "ece": round(ece(truth, odds), 4),
            "nll": round(nll(truth, odds), 4),
            "mean_confidence": round(float(odds.max(axis=1).mean()), 4),
            "accuracy": round(float(np.mean(odds.argmax(axis=1) == truth)), 4),
            "temperature": round(float(t.mean()), 3),
        }
        for (name, odds), t in zip(rows.items(), (np.ones(1), answers.temperature), strict=True)
    }


def reliability(
    odds: NDArray[np.float64], truth: NDArray[np.int64]
) -> list[dict[str, float | int]]:
    """Return mean confidence and accuracy of the utterances in each bin of confidence."""
    sure, right = odds.max(axis=1), odds.argmax(axis=1) == truth
    place = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return [
        {
            "confidence": round(float(sure[place == b].mean()), 4),
            "accuracy": round(float(right[place == b].mean()), 4),
            "count": int(np.sum(place == b)),
        }
        for b in range(BINS)
        if np.any(place == b)
    ]


def risk_coverage(odds: NDArray[np.float64], truth: NDArray[np.int64]) -> list[list[float]]:
    """Return (coverage, risk): the surest utterances answered, and the share of them wrong."""
    order = np.argsort(-odds.max(axis=1), kind="stable")
    wrong = (odds.argmax(axis=1) != truth)[order]
    risk = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    first = max(1, len(wrong) // POINTS)
    counts = np.unique(np.linspace(first, len(wrong), POINTS).astype(np.int64))
    return [[round(float(n / len(wrong)), 4), round(float(risk[n - 1]), 4)] for n in counts]


def selected(answers: Answers, level: str) -> dict[str, Any]:
    """Return what a threshold lets through: coverage, risk, UAR of the accepted, and of all."""
    odds, truth = answers.after, answers.classes
    said, threshold = odds.argmax(axis=1), _level(level, answers.thresholds)
    kept = (odds.max(axis=1) >= threshold) & ~answers.refused
    row: dict[str, Any] = {
        "threshold": round(float(np.mean(threshold)), 3),
        "coverage": round(float(kept.mean()), 4),
    }
    if not kept.any():
        return row | {"risk": None, "uar_accepted": None}
    everybody = uar(truth, said)
    return row | {
        "risk": round(float(np.mean(said[kept] != truth[kept])), 4),
        "uar_accepted": {
            "mean": round(uar(truth[kept], said[kept]), 4),
            "ci95": bootstrap(truth[kept], said[kept], answers.speakers[kept]),
        },
        "classes_accepted": f"{len(np.unique(truth[kept]))} of {len(np.unique(truth))}",
        "uar_all": round(everybody, 4),
    }


def _level(level: str, named: Mapping[str, Any]) -> Any:
    """Return a threshold by name or number; HeartenError where it is neither."""
    if level in named:
        return named[level]
    try:
        value = float(level)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise HeartenError(f"--reject {level}: give {', '.join(named)}, or a number in 0..1")
    return value


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return the results for people."""
    found = [f"{result['corpus']}, {result['protocol']}, {result['artefact']}"]
    for name, row in result["metrics"].items():
        found.append(f"{name:<15} " + "  ".join(f"{k} {v:.3f}" for k, v in row.items()))
    refused, *others = result["tables"].values()
    for name, row in refused.items():
        text = f"reject {name:<9} ({row['threshold']:.2f}) coverage {row['coverage']:.3f}"
        if row["risk"] is not None:
            low, high = row["uar_accepted"]["ci95"]
            text += f"  risk {row['risk']:.3f}  UAR of the accepted "
            text += f"{row['uar_accepted']['mean']:.3f} ({low:.3f}-{high:.3f})"
        found.append(text)
    for title, rows in zip(list(result["tables"])[1:], others, strict=True):
        found.append(f"{title}:")
        for name, row in rows.items():
            numbers = "  ".join(f"{k} {v:.0f}" for k, v in row.items() if k != "minutes")
            found.append(f"{name:<28} {row['minutes']:4.1f} min  {numbers}")
    return found

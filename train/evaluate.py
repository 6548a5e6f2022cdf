"""``python -m train evaluate``: every fold of a protocol trained, converted and scored.

Each fold and seed is a job with a folder of its own under ``--out``; a job that is done is not
done again, one that was cut short goes on. The results of all go to ``results/``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train import corpora, fusion, recordings, voice
from train.corpora import LABELS
from train.metrics import confusion, uar
from train.pairs import load_voices
from train.partition import FOLDS
from train.provenance import commit

RESULTS = Path("results")
RESAMPLES = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("task", choices=["voice", "text"])
    parser.add_argument("--protocol", choices=list(FOLDS), default="luna-jimenez")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=voice.EPOCHS)
    parser.add_argument("--quantize", default="int8-dynamic")
    parser.add_argument("--out", type=Path, default=Path("runs/evaluate"))
    parser.add_argument("--text", type=Path, default=Path("runs/text"), help="a trained text model")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Run every job and write one result file for each artefact."""
    if args.task == "text":
        from train import text_score

        return text_score.run(args)
    jobs = [(fold, seed) for seed in args.seeds for fold in range(len(FOLDS[args.protocol]))]
    done = []
    for number, (fold, seed) in enumerate(jobs, 1):
        print(f"job {number}/{len(jobs)}: fold {fold}, seed {seed}", file=sys.stderr)
        done.append(job(args, fold, seed))
    args.results.mkdir(parents=True, exist_ok=True)
    for artefact in done[0]["classes"]:
        content = result(args, artefact, jobs, done)
        name = f"voice-ravdess-speech-{args.protocol}-{artefact}.json"
        (args.results / name).write_text(json.dumps(content, indent=1) + "\n")
        print(json.dumps(content) if args.json else _line(content))
    return 0


def job(args: argparse.Namespace, fold: int, seed: int) -> dict[str, Any]:
    """Train, convert and score one fold with one seed; return speakers, truth and what was said."""
    out = args.out / f"{args.protocol}-{fold}-seed-{seed}"
    place = out / f"scored-{args.quantize}.json"
    if not place.exists():
        given = ["--fold", f"{args.protocol}:{fold}", "--seed", str(seed), "--out", str(out)]
        parser = argparse.ArgumentParser()
        voice.add_arguments(parser)
        voice.run(parser.parse_args([*given, "--epochs", str(args.epochs)]))
        place.write_text(json.dumps(score(out, args.quantize)))
    return dict(json.loads(place.read_text()))


def score(folder: Path, quantization: str) -> dict[str, Any]:
    """Return what float, quantised and streaming artefacts say of the test actors' speech."""
    from convert import artefacts
    from convert.voice import VoiceModel, graphs

    model = VoiceModel.load(folder)
    temperature = fusion.fit_temperature(load_voices(folder, "dev"))
    frames = artefacts.calibration_frames(model) if quantization in ("int8", "int16x8") else []
    files = dict(
        zip(("voice.tflite", "head.tflite"), graphs(model, quantization, frames), strict=True)
    )
    found = artefacts.score(model, folder, files, temperature)["test"]
    saved = artefacts.predictions(folder)
    speech = np.char.startswith(saved["test/ids"], "03-01")
    speakers = {u.id: u.speaker for u in recordings.load(corpora.root(), ["ravdess-speech"])}
    return {
        "parameters": model.parameters,
        "bytes": sum(len(content) for content in files.values()),
        "speakers": [speakers[str(name)] for name in saved["test/ids"][speech]],
        "truth": saved["test/classes"][speech].tolist(),
        "classes": {name: said.classes[speech].tolist() for name, said in found.items()},
    }


def result(
    args: argparse.Namespace,
    artefact: str,
    jobs: Sequence[tuple[int, int]],
    done: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return the result of one artefact in the form that the report reads."""
    folds = [uar(row["truth"], row["classes"][artefact]) for row in done]
    runs = [
        float(np.mean([u for u, (_, s) in zip(folds, jobs, strict=True) if s == seed]))
        for seed in args.seeds
    ]
    truth, said, speakers = (
        np.concatenate([row[key] if key != "classes" else row[key][artefact] for row in done])
        for key in ("truth", "classes", "speakers")
    )
    quantised = "float" if artefact == "float" else f"{args.quantize} {artefact}"
    return {
        "task": "voice",
        "corpus": "ravdess-speech",
        "protocol": args.protocol,
        "artefact": quantised,
        "model": {"parameters": done[0]["parameters"], "bytes": done[0]["bytes"]},
        "seeds": args.seeds,
        "metrics": {
            "uar": {
                "mean": round(float(np.mean(runs)), 4),
                "sd": round(float(np.std(runs)), 4),
                "ci95": bootstrap(truth, said, speakers),
                "runs": [round(value, 4) for value in runs],
                "folds": [round(value, 4) for value in folds],
            }
        },
        "labels": list(LABELS),
        "confusion": confusion(truth, said, len(LABELS)).tolist(),
        "command": f"python -m train {' '.join(sys.argv[1:])}",
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "notes": "actors apart; epoch and temperature chosen on development actors",
    }


def bootstrap(
    truth: NDArray[np.int64], said: NDArray[np.int64], speakers: NDArray[np.str_]
) -> list[float]:
    """Return the 95 % interval of UAR over speakers drawn with replacement."""
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(speakers == name) for name in np.unique(speakers)]
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        values.append(uar(truth[drawn], said[drawn]))
    return [round(float(x), 4) for x in np.quantile(values, (0.025, 0.975))]


def _line(content: dict[str, Any]) -> str:
    row = content["metrics"]["uar"]
    low, high = row["ci95"]
    return (
        f"{content['corpus']}, {content['protocol']}, {content['artefact']}: UAR {row['mean']:.3f} "
        f"(95 % over speakers {low:.3f}-{high:.3f}, seeds {content['seeds']})"
    )

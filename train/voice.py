"""``python -m train voice``: train the voice model on recordings, speakers apart."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import FeatureSettings
from train import corpora, licence, recordings
from train.corpora import LABELS, Utterance
from train.partition import Partition, chosen
from train.voice_data import VoiceData

SMOKE = 48  # recordings of a smoke run
EPOCHS = 140


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train; ``patience`` counts epochs without a better dev score."""

    epochs: int = EPOCHS
    batch: int = 32
    rate: float = 3e-3
    decay: float = 1e-4
    patience: int = 60
    average: float = 0.995
    smoothing: float = 0.05
    vad_weight: float = 0.3
    seed: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    names = list(recordings.CORPORA)
    parser.add_argument(
        "--corpora", nargs="+", default=names, metavar="NAME", help=", ".join(recordings.KNOWN)
    )
    parser.add_argument(
        "--commercial", action="store_true", help="refuse corpora that forbid commercial use"
    )
    parser.add_argument("--fold", default="luna-jimenez:0", help="actors kept out for the test")
    parser.add_argument("--kind", choices=["mfcc", "logmel"], default="mfcc", help="features")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"at most ({EPOCHS})")
    parser.add_argument("--seed", type=int, default=0, help="of weights and variations")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/voice"), help="resumes what is there"
    )
    parser.add_argument("--restart", action="store_true", help="do not resume a run in --out")
    parser.add_argument("--smoke", action="store_true", help="a handful of recordings, 2 epochs")


def run(args: argparse.Namespace) -> int:
    """Train, score the development and test speakers, and write the model to ``--out``."""
    from train.voice_training import Training  # TensorFlow takes seconds to import

    if args.epochs < 1:
        raise HeartenError(f"--epochs must be at least 1, not {args.epochs}")
    if args.commercial:
        licence.demand_commercial([*args.corpora, "noise"])
    data, partition = prepare(args)
    schedule = Schedule(epochs=2 if args.smoke else args.epochs, seed=args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    training = Training(data, schedule, args.out)
    if not args.restart:
        training.resume()
    training.run()
    report = training.report()
    training.save_predictions()
    save(args.out, data, training.settings.to_dict(), report, partition, args)
    print(
        f"dev UAR {report['dev']['uar']:.3f}, test UAR {report['test']['uar']:.3f} "
        f"({training.parameters:,} parameters) -> {args.out}"
    )
    return 0


def prepare(args: argparse.Namespace) -> tuple[VoiceData, Partition]:
    """Load the corpora, compute or fetch the frames, and split them by speaker."""
    folder = corpora.root()
    items = recordings.load(folder, args.corpora)
    partition = chosen(args.fold, items)
    parts = partition.split(items)
    if args.smoke:
        parts = tuple(_handful(part) for part in parts)  # type: ignore[assignment]
    features = FeatureSettings(kind=args.kind, floor=1.0)
    return VoiceData.load(parts, features, EndpointSettings(), folder), partition


def save(
    out: Path,
    data: VoiceData,
    model: dict[str, object],
    report: dict[str, object],
    partition: Partition,
    args: argparse.Namespace,
) -> None:
    """Write ``model.json`` beside ``model.npz``: all that a pack needs to know of the training."""
    content = {
        "labels": LABELS,
        "features": data.features.to_dict(),
        "endpoint": data.endpoint.to_dict(),
        "mean": [round(float(x), 6) for x in data.mean],
        "std": [round(float(x), 6) for x in data.std],
        "model": model,
        "corpora": args.corpora,
        "licence": licence.of_weights(args.corpora),
        "partition": asdict(partition),
        "seed": args.seed,
        "metrics": report,
        "command": f"python -m train {' '.join(sys.argv[1:])}",
    }
    (out / "model.json").write_text(json.dumps(content, indent=1))


def _handful(items: list[Utterance]) -> list[Utterance]:
    """Return a few recordings of every label."""
    order = np.random.default_rng(0).permutation(len(items))
    count = dict.fromkeys(LABELS, 0)
    chosen = []
    for index in order:
        label = items[index].label or ""
        if count[label] < SMOKE // len(LABELS):
            count[label] += 1
            chosen.append(items[index])
    return chosen

"""``python -m train voice``: train the voice model on recordings, speakers apart."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import FeatureSettings
from train import corpora, licence, recordings
from train.corpora import LABELS, Utterance
from train.partition import Partition, chosen
from train.scored import kind_of
from train.voice_data import ENVELOPE, PITCH, VoiceData
from train.voice_guide import Guide

SMOKE = 48  # recordings of a smoke run
EPOCHS = 120
DESIGN = 5  # raised by what changes a voice but no option: results of before do not count then
REACH_DB = 75.0  # less costs clean speech, see train/voice.md


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train; ``average`` is the momentum of the averaged weights.

    Melody is learnt for ``melody`` epochs after the others.
    """

    epochs: int = EPOCHS
    batch: int = 32
    rate: float = 3e-3
    decay: float = 1e-4
    average: float = 0.995
    smoothing: float = 0.05
    vad_weight: float = 0.3
    melody: int = 30
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
    parser.add_argument(
        "--cepstra",
        type=int,
        choices=range(ENVELOPE, PITCH + 1),
        metavar="N",
        help="20 to 40 (40 where the corpora hold song, or 20): those after the 20th tell melody",
    )
    parser.add_argument(
        "--warps",
        nargs="*",
        type=float,
        default=[],
        metavar="W",
        help="vocal tracts, that many times as short, that the device also hears the voice with "
        "(none: they cost the V/A/D of song); training is the same for all",
    )
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"({EPOCHS})")
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="soft labels of this fold: python -m train voice_teacher",
    )
    parser.add_argument(
        "--sibling",
        type=Path,
        metavar="FOLDER",
        help="train on the development speakers too; what is fitted on them (temperature, reject, "
        "fusion) comes from this run of the same fold, which kept them apart",
    )
    parser.add_argument(
        "--voice",
        type=Path,
        metavar="FOLDER",
        help="take over a voice of the same fold that was trained with --cepstra 20, and learn "
        "melody alone",
    )
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
        licence.demand_commercial(_sources(args))
    sibling = Sibling.load(args.sibling, args) if args.sibling else None
    taken = Taken.load(args.voice, args) if args.voice else None
    data, partition = prepare(args)
    if taken:
        data.mean[: len(taken.mean)], data.std[: len(taken.std)] = taken.mean, taken.std
    schedule = Schedule(epochs=2 if args.smoke else args.epochs, seed=args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    training = Training(data, schedule, args.out, taken.arrays if taken else None)
    if not args.restart:
        training.resume()
    training.run()
    report = training.report()
    if sibling:
        report["dev"] = sibling.about["metrics"]["dev"]
    training.save_predictions(sibling.predictions if sibling else None)
    save(args.out, data, training.settings.to_dict(), report, partition, args)
    print(
        f"dev UAR {report['dev']['uar']:.3f}, test UAR {report['test']['uar']:.3f} "
        f"({training.parameters:,} parameters) -> {args.out}"
    )
    return 0


@dataclass(frozen=True, slots=True)
class Sibling:
    """A run that kept the development speakers apart: its ``model.json`` and its predictions."""

    about: dict[str, Any]
    predictions: dict[str, NDArray[Any]]

    @classmethod
    def load(cls, folder: Path, args: argparse.Namespace) -> Sibling:
        """Read a run; raises HeartenError where it is none, or of another fold or other corpora."""
        try:
            about = json.loads((folder / "model.json").read_text())
            with np.load(folder / "predictions.npz") as saved:
                rows = {n: saved[n] for n in saved.files if n.startswith("dev/")}
        except (OSError, ValueError):
            raise HeartenError(f"{folder} holds no trained voice: python -m train voice") from None
        fold = f"{about['partition']['protocol']}:{about['partition']['fold']}"
        if (fold, about["corpora"]) != (args.fold, args.corpora) or about.get("sibling"):
            raise HeartenError(
                f"{folder} is no sibling: it must be of {args.fold} and the same corpora, and must "
                "have kept the development speakers apart"
            )
        return cls(about, rows)


@dataclass(frozen=True, slots=True)
class Taken:
    """A voice without melody: what it is made from, its weights, its normalisation (values of a
    frame,)."""

    sources: list[str]
    arrays: dict[str, NDArray[Any]]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def load(cls, folder: Path, args: argparse.Namespace) -> Taken:
        """Read a run; raises HeartenError where it is none, or of other recordings."""
        try:
            about = json.loads((folder / "model.json").read_text())
            with np.load(folder / "model.npz") as saved:
                arrays = {name: saved[name] for name in saved.files}
        except (OSError, ValueError):
            raise HeartenError(f"{folder} holds no trained voice: python -m train voice") from None
        fold = f"{about['partition']['protocol']}:{about['partition']['fold']}"
        own = fold, about["corpora"], bool(about["sibling"]), about["features"]["kind"]
        if own != (args.fold, args.corpora, bool(args.sibling), args.kind):
            raise HeartenError(
                f"{folder} is of {fold} and {', '.join(about['corpora'])}: it must be of the same "
                "fold, corpora, kind of features and development speakers"
            )
        if about["model"]["size"] >= (args.cepstra or PITCH):
            raise HeartenError(f"{folder} has no fewer than {args.cepstra or PITCH} cepstra")
        mean, std = (np.array(about[name], np.float32) for name in ("mean", "std"))
        return cls(about["sources"], arrays, mean, std)


def prepare(args: argparse.Namespace) -> tuple[VoiceData, Partition]:
    """Load the corpora, compute or fetch the frames, and split them by speaker.

    With a sibling the development speakers are in the training part too. Who brings no song gets
    no melody, which would cost the device and say nothing.
    """
    folder = corpora.root()
    items = recordings.load(folder, args.corpora)
    tuneful = any(kind_of(item.id) == "song" for item in items)
    partition = chosen(args.fold, items)
    train, dev, test = partition.split(items)
    if args.sibling:
        train = train + dev
    parts = [_handful(part) if args.smoke else part for part in (train, dev, test)]
    features = _features(args, tuneful)
    guide = Guide.load(args.teacher, everyone=bool(args.sibling)) if args.teacher else None
    return VoiceData.load(parts, features, EndpointSettings(), folder, guide), partition


def _features(args: argparse.Namespace, tuneful: bool) -> FeatureSettings:
    try:
        return FeatureSettings(
            kind=args.kind,
            floor=1e-3,
            cepstra=args.cepstra or (PITCH if tuneful else ENVELOPE),
            relative=args.kind == "mfcc",
            reach=REACH_DB,
            warps=tuple(args.warps),
        )
    except ValueError as error:
        raise HeartenError(str(error)) from None


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
        "sources": _sources(args),
        "licence": licence.of_weights(_sources(args)),
        "present": [LABELS[n] for n in np.unique(data.parts["train"].classes)],
        "partition": asdict(partition),
        "teacher": str(args.teacher) if args.teacher else None,
        "sibling": str(args.sibling) if args.sibling else None,
        "voice": str(args.voice) if args.voice else None,
        "seed": args.seed,
        "metrics": report,
        "command": f"python -m train {' '.join(sys.argv[1:])}",
    }
    (out / "model.json").write_text(json.dumps(content, indent=1))


def _sources(args: argparse.Namespace) -> list[str]:
    """Return all that the model is made from, what the teacher's heads learnt from included."""
    taught = Guide.corpora(args.teacher) if args.teacher else []
    own = licence.of_voice([*args.corpora, *taught], bool(args.teacher))
    before = Taken.load(args.voice, args).sources if args.voice else []
    return own + [name for name in before if name not in own]


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

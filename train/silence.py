"""``python -m train silence``: is silence information? Removed, kept, or told as a feature.

One of the open questions of the seed work (Atmaja & Akagi 2020, Speech Prosody: the silence
feature in dimensional speech emotion recognition), asked of RAVDESS speech with actors apart. Mean
and deviation of the 23 GeMAPS descriptors are taken over all frames (kept), over those that are
not quiet (removed), or over all with the share of quiet frames beside them (used); ``ratio`` is
that share alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.audio.files import read
from edge.emotion import DIMENSIONS, Floats
from train import corpora, hsf, lld_models, recordings
from train.corpora import DERIVED, LABELS, Utterance
from train.evaluate import compact
from train.intervals import Speakers, interval, uars
from train.kept import kept
from train.lld_models import Part, Parts, Said
from train.partition import FOLDS, named
from train.provenance import origin
from train.table_cells import Cell, judge, said

CORPUS, FEATURES = "ravdess-speech", "gemaps"
WAYS = ("removed", "kept", "used", "ratio")
MODELS = ("mlp", "svm")
UNITS, EPOCHS, BATCH, RATE = 128, 40, 32, 1e-3
NOTES = (
    "actors apart; 23 GeMAPS descriptors, mean and deviation over time; quiet: an RMS at or below "
    f"{hsf.QUIET} x its mean; epoch and cost chosen on development actors; the SVM has no seed; "
    f"gains are against silence kept, over the same speakers; V/A/D: {DERIVED}"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--protocol", choices=["luna-jimenez", "emobox"], default="luna-jimenez")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the MLP")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of the MLP ({EPOCHS})")
    parser.add_argument("--folds", type=int, nargs="+", help="only these (all)")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Train and test every way on every fold, some minutes; store and print what it is worth.

    Raises:
        HeartenError: no such corpus or fold, or a library is missing.
    """
    items = recordings.load(corpora.root(), [CORPUS])
    tables = {way: features(items, way) for way in WAYS}
    folds = args.folds or list(range(len(FOLDS[args.protocol])))
    found: dict[str, tuple[list[Cell], list[Mapping[str, Any]]]] = {}
    for fold in folds:
        split = named(f"{args.protocol}:{fold}").split(items)
        places = {item.id: index for index, item in enumerate(items)}
        rows = [[places[item.id] for item in part] for part in split]
        for model, way, seed in _tasks(args.seeds):
            parts = _parts(items, tables[way], rows)
            told = (
                lld_models.predict("svm", parts, 0, seed)
                if model == "svm"
                else mlp(parts, args.epochs, seed)
            )
            cells, answers = found.setdefault(f"{model}, {_name(way)}", ([], []))
            cells.append(Cell(model, way, fold, seed))
            answers.append(_answer(parts[2], told, split[2]))
        print(f"fold {fold} done", file=sys.stderr)
    content = _content(args, {name: judged(*both) for name, both in found.items()}, folds)
    content["metrics"] = with_gains(content["metrics"], found)
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / f"silence-{CORPUS}-{args.protocol}.json").write_text(compact(content))
    print(json.dumps(content) if args.json else "\n".join(lines(content["metrics"])))
    return 0


def features(items: Sequence[Utterance], way: str) -> Floats:
    """Return the statistics of recordings with silence treated in one of ``WAYS``."""
    if way == "ratio":
        return np.stack(hsf.each(items, "silence"))
    if way in ("kept", "used"):
        return hsf.hsf(items, FEATURES, pauses=way == "used")
    frames = hsf.llds(items, FEATURES)
    loudness = [kept(hsf.CACHE / "rms", ["rms", 1], _path(item), rms) for item in items]
    spoken = [loud(f, r) for f, r in zip(frames, loudness, strict=True)]
    return np.stack([hsf.functionals(frames) for frames in spoken])


def rms(path: Path) -> Floats:
    """Return the RMS of a recording every 32 ms, by which silence is told; shape (frames,)."""
    import librosa

    signal = (read(path) / 32768.0).astype(np.float32)
    found = librosa.feature.rms(y=signal, frame_length=hsf.RMS_WINDOW, hop_length=hsf.RMS_STEP)
    return np.asarray(found[0], np.float32)


def loud(frames: Floats, level: Floats) -> Floats:
    """Return the frames (every 10 ms) at which ``level`` (every 32 ms) is not quiet.

    Of a recording of nothing but silence all are returned.
    """
    place = np.rint(np.arange(len(frames)) * (hsf.STEP / hsf.RMS_STEP)).astype(np.int64)
    heard = (level > hsf.QUIET * level.mean())[np.minimum(place, len(level) - 1)]
    return frames[heard] if heard.any() else frames


def mlp(parts: Parts, epochs: int, seed: int) -> Said:
    """Return what a network of one hidden layer says of classes and V/A/D of the test part."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    mean, std = (getattr(np.concatenate(parts[0].frames), name)(axis=0) for name in ("mean", "std"))
    train, dev, test = ((np.concatenate(p.frames) - mean) / (std + 1e-6) for p in parts)
    settings = {
        "hidden_layer_sizes": (UNITS,),
        "batch_size": min(BATCH, len(train)),
        "learning_rate_init": RATE,
        "random_state": seed,
    }
    classifier, regressor = MLPClassifier(**settings), MLPRegressor(**settings)
    best, answers = [-np.inf] * 2, [np.zeros(0)] * 2
    for _ in range(epochs):  # each call is an epoch
        classifier.partial_fit(train, parts[0].classes, classes=np.arange(len(LABELS)))
        regressor.partial_fit(train, parts[0].vad)
        scores = lld_models.judged(parts[1], (classifier.predict(dev), regressor.predict(dev)))
        for index, machine in enumerate((classifier, regressor)):
            if scores[index] > best[index]:
                best[index], answers[index] = scores[index], machine.predict(test)
    return answers[0], answers[1]


def judged(cells: Sequence[Cell], answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return UAR, accuracy and CCCs with intervals over speakers; the SVM counts once."""
    metrics = judge(cells, answers, apart=True)["metrics"]
    return {name: value for name, value in metrics.items() if "batch" not in name}


def with_gains(
    metrics: Mapping[str, Mapping[str, Any]],
    found: Mapping[str, tuple[Sequence[Cell], Sequence[Mapping[str, Any]]]],
) -> dict[str, dict[str, Any]]:
    """Return the metrics with what each way gains on silence kept, over resampled speakers."""
    told = {}
    for name, row in metrics.items():
        reference = f"{name.split(', ')[0]}, {_name('kept')}"
        told[name] = dict(row)
        if name == reference:
            continue
        draws = _draws(found[name][1]), _draws(found[reference][1])
        for metric in draws[0]:
            told[name][f"gain_{metric}"] = {
                "mean": round(row[metric]["mean"] - metrics[reference][metric]["mean"], 4),
                "ci95": interval(draws[0][metric] - draws[1][metric]),
            }
    return told


def lines(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the result as aligned lines: UAR and mean CCC, and gains with intervals."""
    rows = [f"{'':<28}UAR    gain (95 %)                CCC V  A      D"]
    for name, row in metrics.items():
        gain, told = row.get("gain_uar"), ""
        if gain:
            low, high = gain["ci95"]
            told = f"{gain['mean']:+.3f} ({low:+.3f} to {high:+.3f})"
        cccs = "  ".join(f"{row[f'ccc_{d}']['mean']:.3f}" for d in DIMENSIONS)
        rows.append(f"{name:<28}{row['uar']['mean']:.3f}  {told:<27}{cccs}")
    return rows


def _draws(answers: Sequence[Mapping[str, Any]]) -> dict[str, Floats]:
    """Return UAR and CCCs of resampled speakers; of two sets of answers the draws are the same."""
    joined = {key: np.concatenate([row[key] for row in answers]) for key in answers[0]}
    drawn = Speakers(joined["speakers"])
    vad = zip(DIMENSIONS, joined["vad"].T, joined["said_vad"].T, strict=True)
    return {
        "uar": uars(drawn, joined["truth"], joined["said"]),
        **{f"ccc_{name}": drawn.ccc(truth, guess) for name, truth, guess in vad},
    }


def _tasks(seeds: Sequence[int]) -> list[tuple[str, str, int]]:
    return [
        (model, way, seed)
        for model in MODELS
        for way in WAYS
        for seed in (seeds if model == "mlp" else seeds[:1])
    ]


def _name(way: str) -> str:
    return "silence ratio alone" if way == "ratio" else f"silence {way}"


def _parts(items: Sequence[Utterance], table: Floats, rows: Sequence[Sequence[int]]) -> Parts:
    train, dev, test = (_part([items[i] for i in one], table[list(one)]) for one in rows)
    return train, dev, test


def _part(items: Sequence[Utterance], table: Floats) -> Part:
    classes = np.array([LABELS.index(u.label or "") for u in items])
    vad = np.array([[u.valence, u.arousal, u.dominance] for u in items], np.float64)
    return Part(list(table[:, None]), classes, vad)


def _answer(part: Part, told: Said, items: Sequence[Utterance]) -> Mapping[str, Any]:
    found = said(part.classes.tolist(), told[0].tolist(), [u.speaker for u in items])
    return {**found, "vad": part.vad.round(4).tolist(), "said_vad": told[1].round(4).tolist()}


def _path(item: Utterance) -> Path:
    assert item.path is not None  # every recording of this corpus has one
    return item.path


def _content(
    args: argparse.Namespace, metrics: dict[str, Any], folds: Sequence[int]
) -> dict[str, Any]:
    every = len(folds) == len(FOLDS[args.protocol])
    return {
        "task": "silence",
        "corpus": CORPUS,
        "protocol": args.protocol,
        "artefact": "float, statistics of descriptors",
        "model": {"hidden units": UNITS},
        "seeds": args.seeds,
        "folds": [list(FOLDS[args.protocol][fold]) for fold in folds],
        "metrics": metrics,
        **origin(),
        "notes": NOTES if every else f"only folds {', '.join(map(str, folds))}; {NOTES}",
    }

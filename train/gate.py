"""``python -m train gate``: is it speech? What a pack needs to refuse music, wind and drills.

The gate is a logistic regression on what the voice branch pools. It learns from speech of the run's
training speakers and of LibriSpeech against sounds of ``train.backgrounds``; its bias is set on
development speakers. The test parts of both, which it has not heard, tell how good it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import QUANTIZATION
from edge.gate import LEAST, Gate
from train import backgrounds, corpora, recordings, trained
from train.corpora import Utterance, plain
from train.evaluate import RESULTS
from train.gate_sounds import Listener, Rows, others, speech
from train.partition import FOLDS
from train.provenance import origin, store

LOST = 0.01  # share of the development speakers' speech that may be refused
PENALTY = 0.05  # C of the regression, on standardised values
COUNTS = {"train": 400, "dev": 100, "test": 60}  # recordings, drawn at random
SMOKE = 4
NOTES = (
    "speech: share kept, of test actors, EmoDB speakers and LibriSpeech talkers that the gate has "
    "not heard, and of Mozilla's coffee commands; other sounds: share of utterances passed, of ESC "
    "clips and kinds of made sounds that it has not heard; both with their beginnings"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """Recordings of speech: to learn from, to set the bias on, and to test on, by corpus."""

    train: Sequence[Utterance]
    dev: Sequence[Utterance]
    test: Mapping[str, Sequence[Utterance]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"), help="the pack's run")
    parser.add_argument("--runs", type=Path, help="of the folds: gates for these, in its place")
    parser.add_argument("--protocol", choices=list(FOLDS), default="luna-jimenez")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the folds' runs")
    parser.add_argument("--quantize", default=QUANTIZATION)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--smoke", action="store_true", help="a handful of recordings")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Write ``gate.json`` into the run, or into those of all folds, and print how good it is.

    Raises:
        HeartenError: no such run, or a corpus is missing.
    """
    folders = [args.voice]
    if args.runs is not None:
        folders = trained.folders(args.runs, args.protocol, args.seeds)
    for folder in folders:
        trained.demand(folder)
    found = [fit(folder, args.quantize, args.smoke) for folder in folders]
    content = _content(args, found)
    if args.runs is not None:
        store(args.results / f"voice-gate-{args.protocol}.json", content)
    print(json.dumps(content) if args.json else "\n".join(lines(content["tables"])))
    return 0


def fit(folder: Path, quantization: str, smoke: bool = False) -> dict[str, Any]:
    """Fit the gate of a run, write it into its folder, and return what is measured of it."""
    print(f"listening with {folder}", file=sys.stderr, flush=True)
    one = trained.load(folder, quantization, gate=False)
    root, listener = corpora.root(), Listener(one.pack)
    parts = divided(one.about, smoke)
    noises = {part: backgrounds.load(root, part) for part in ("train", "test")}
    heard = Rows.of(speech(listener, parts.train, noises["train"], every=False))
    dev = Rows.of(speech(listener, parts.dev, noises["train"], every=False))
    sounds = Rows.of(others(listener, root, "train", smoke))
    gate = learned(heard.pooled, sounds.pooled, dev.pooled)
    kept: dict[str, Any] = {}
    for name, items in parts.test.items():
        said = Rows.of(speech(listener, items, noises["test"], every=True))
        kept |= {f"{name}, {k}": v for k, v in passed(gate, said).items()}
    found = {"kept": kept, "passed": passed(gate, Rows.of(others(listener, root, "test", smoke)))}
    section = {"weights": [float(f"{w:.6g}") for w in gate.weights], "bias": round(gate.bias, 6)}
    command = f"python -m train {' '.join(sys.argv[1:])}"
    place = folder / trained.GATE
    content = {"gate": section, "measured": found, "command": command}
    store(place, content)
    print(f"gate -> {place}", file=sys.stderr, flush=True)
    return found


def divided(about: Mapping[str, Any], smoke: bool = False) -> Parts:
    """Part the recordings as the run did; each fifth speaker of EmoDB, which no fold tests, and
    the talkers of ``train.backgrounds``' test part are left for the test, one talker for the bias.
    """
    partition, root = about["partition"], corpora.root()
    used = {*partition["test"], *partition["dev"]}
    items = recordings.load(root, plain.without(about["corpora"]))  # its speech comes below
    german = sorted({str(u.speaker) for u in items if str(u.speaker).startswith("emodb-")})
    apart = [name for name in german if name not in used][::5]
    known = [u for u in items if u.speaker not in {*used, *apart}]
    _, talkers = backgrounds.chosen(root, "train")
    *heard, last = talkers.values()
    _, strangers = backgrounds.chosen(root, "test")
    of = {key: [u for u in items if u.speaker in partition[key]] for key in ("dev", "test")}
    test = {
        "speech": [u for u in of["test"] if not _song(u)],
        "song": [u for u in of["test"] if _song(u)],
        "EmoDB": [u for u in items if u.speaker in apart],
        "LibriSpeech": [u for said in strangers.values() for u in said],
        "coffee": [u for u in plain.load(root, "test") if not u.text],
    }
    return Parts(
        _drawn(known, "train", smoke) + [u for said in heard for u in said[: 1 if smoke else None]],
        _drawn(of["dev"], "dev", smoke) + last[: 1 if smoke else None],
        {name: _drawn(each, "test", smoke) for name, each in test.items() if each},
    )


def _song(item: Utterance) -> bool:
    return item.id.startswith("03-02")


def _drawn(items: Sequence[Utterance], part: str, smoke: bool) -> list[Utterance]:
    return trained.some(items, SMOKE if smoke else COUNTS[part])


def learned(said: NDArray[Any], sounds: NDArray[Any], dev: NDArray[Any]) -> Gate:
    """Return the gate between speech and other sounds, shapes (n, size), that refuses ``LOST`` of
    the speech in ``dev``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rows = np.concatenate([said, sounds]).astype(np.float64)
    truth = np.repeat([1, 0], [len(said), len(sounds)])
    scale = StandardScaler().fit(rows)
    model = LogisticRegression(C=PENALTY, max_iter=2000, class_weight="balanced")
    model.fit(scale.transform(rows), truth)
    weights = (model.coef_[0] / scale.scale_).astype(np.float32)
    return Gate(weights, -float(np.quantile(dev @ weights, LOST)))


def passed(gate: Gate, rows: Rows) -> dict[str, dict[str, float]]:
    """Return for each name among the rows the share that counts as speech, and their number."""
    speaks = np.array([gate(row) >= LEAST for row in rows.pooled])
    named = {str(name): rows.names == name for name in dict.fromkeys(rows.names)}
    return {
        name: {"share": round(float(speaks[of].mean()), 4), "count": int(of.sum())}
        for name, of in named.items()
    }


def _content(args: argparse.Namespace, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means over runs."""
    return {
        "task": "voice-gate",
        "corpus": "ravdess-speech",
        "protocol": args.protocol,
        "artefact": f"{args.quantize} streaming",
        "seeds": args.seeds,
        "tables": {
            "Speech that is kept": _means([one["kept"] for one in found]),
            "Other sounds that pass": _means([one["passed"] for one in found]),
        },
        **origin(),
        "notes": NOTES,
    }


def _means(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the share over the utterances of all runs."""
    found = {}
    for name in rows[0]:
        counts = np.array([row[name]["count"] for row in rows if name in row])
        shares = np.array([row[name]["share"] for row in rows if name in row])
        share = round(float(shares @ counts / counts.sum()), 4)
        found[name] = {"share": share, "count": int(counts.sum())}
    return found


def lines(tables: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Return the results for people."""
    found = []
    for title, rows in tables.items():
        found.append(f"{title}:")
        found += [f"  {n:<26}{row['share']:.3f} of {row['count']}" for n, row in rows.items()]
    return found

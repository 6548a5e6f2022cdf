"""``python -m train novelty``: how unlike acted speech it sounds; what a pack needs to doubt it.

The voice learned emotions from actors. Of other speech - read aloud, synthetic, far away - it says
something too, and surely; the fusion must know. The measure is what is left of a pooled vector
beside the ``BASIS`` directions in which acted training speech varies most. Nothing else is fitted
on: plain speech is only listened to, for ``python -m train fusion``.
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

from convert import QUANTIZATION
from convert.parity import stream
from edge.audio.files import read
from edge.emotion import Floats
from edge.gate import Novelty
from edge.pack import Pack
from train import corpora, recordings, trained
from train.corpora import Utterance, plain
from train.evaluate import RESULTS
from train.pairs import HEARD, NOVELTY
from train.partition import FOLDS
from train.provenance import origin, store
from train.scored import kind_of

BASIS = 16
COUNT = 400  # recordings of actors, drawn at random
PLAIN = 80  # recordings of plain speech of a part
NOTES = (
    "median, and share above what 95 % of the development actors' speech stays below; test actors "
    "and the test part of plain speech (readers, drink orders) were not heard in training"
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the device's voice branch makes of recordings: (n, size), (n, labels), (n, 3)."""

    ids: tuple[str, ...]
    pooled: Floats
    logits: Floats
    vad: Floats


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"), help="the pack's run")
    parser.add_argument("--runs", type=Path, help="of the folds: for these, in its place")
    parser.add_argument("--protocol", choices=list(FOLDS), default="luna-jimenez")
    parser.add_argument("--seed", type=int, default=0, help="of the folds' runs")
    parser.add_argument("--quantize", default=QUANTIZATION)
    parser.add_argument("--results", type=Path, default=RESULTS)


def run(args: argparse.Namespace) -> int:
    """Write ``novelty.json`` and ``novelty.npz`` into the run, or into those of all folds.

    Raises:
        HeartenError: no such run, or a corpus is missing.
    """
    folders = [args.voice]
    if args.runs is not None:
        folders = trained.folders(args.runs, args.protocol, [args.seed])
    for folder in folders:
        trained.demand(folder)
    found = [fit(folder, args.quantize) for folder in folders]
    if args.runs is not None:
        store(args.results / f"voice-novelty-{args.protocol}.json", _content(args, found))
    for name in found[0]:
        shown = ", ".join(f"{f[name]['median']:.2f} ({f[name]['above']:.0%} above)" for f in found)
        print(f"{name:<14} {shown}")
    return 0


def fit(folder: Path, quantization: str) -> dict[str, dict[str, float]]:
    """Fit the measure of a run, write it into its folder, and return how novel what is."""
    one = trained.load(folder, quantization, gate=False)
    acted, parts = divided(one.about)
    known = listen(one.pack, acted)
    heard = {name: listen(one.pack, items) for name, items in parts.items() if items}
    measure = learned(known.pooled, heard["dev"].pooled)
    saved: dict[str, NDArray[Any]] = {}
    for name, part in heard.items():
        values = (np.array(part.ids), part.logits, part.vad, novelties(measure, part.pooled))
        saved |= {f"{name}/{key}": value for key, value in zip(HEARD, values, strict=True)}
    np.savez(folder / NOVELTY, **saved)
    told = summary({name: saved[f"{name}/novelty"] for name in heard})
    command = f"python -m train {' '.join(sys.argv[1:])}"
    content = {"novelty": section(measure), "measured": told, "command": command}
    store(folder / trained.NOVELTY, content)
    print(f"novelty -> {folder / trained.NOVELTY}", file=sys.stderr, flush=True)
    return told


def divided(
    about: Mapping[str, Any],
) -> tuple[list[Utterance], dict[str, list[Utterance]]]:
    """Return the acted recordings to learn from, and what is listened to beside, by part.

    Of the development and test speakers all speech, since constructed pairs need all of it.
    """
    partition, root = about["partition"], corpora.root()
    items = recordings.load(root, plain.without(about["corpora"]))
    used = {*partition["dev"], *partition["test"]}
    known = trained.some([u for u in items if u.speaker not in used], COUNT)
    parts = {
        key: [u for u in items if u.speaker in partition[key] and kind_of(u.id) == "speech"]
        for key in ("dev", "test")
    }
    for key in ("train", "test"):
        parts[f"plain-{key}"] = trained.some(plain.load(root, key), PLAIN)
    return known, parts


def listen(pack: Pack, items: Sequence[Utterance]) -> Heard:
    """Return what the pack's voice branch makes of recordings, the silence around speech cut."""
    voice, endpoint = pack.voice(), pack.manifest.endpoint
    pooled, said = [], []
    for index, item in enumerate(items):
        if index % 100 == 0:
            print(f"{index} of {len(items)} recordings", file=sys.stderr, flush=True)
        samples = read(recordings.place(item))
        said.append(stream(voice, recordings.speech(samples, endpoint)))
        value = voice.pooled()
        assert value is not None
        pooled.append(value)
    shares = np.stack([scores.probabilities for scores in said])
    logits = np.log(np.maximum(shares, 1e-12)) * pack.manifest.voice.temperature
    ids = tuple(item.id for item in items)
    return Heard(ids, np.stack(pooled), logits, np.stack([scores.vad for scores in said]))


def learned(acted: Floats, strangers: Floats) -> Novelty:
    """Return the measure of acted speech, shape (n, size), usual for actors who were not heard."""
    mean, std = acted.mean(axis=0), np.maximum(acted.std(axis=0), 1e-3)
    _, _, rows = np.linalg.svd((acted - mean) / std, full_matrices=False)
    # Rounded, as the manifest has it: what is fitted on it later is what a device measures.
    parts = (_rounded(values) for values in (mean, std, rows[:BASIS]))
    one = Novelty(*parts, 1.0)
    return Novelty(
        one.mean, one.std, one.basis, round(float(np.median(novelties(one, strangers))), 4)
    )


def _rounded(values: Floats) -> Floats:
    return np.asarray(np.round(values, 4), np.float32)


def novelties(measure: Novelty, pooled: Floats) -> NDArray[np.float64]:
    """Return the novelty of pooled vectors, shape (n,)."""
    return np.array([measure(row) for row in pooled])


def section(measure: Novelty) -> dict[str, Any]:
    """Return the manifest's section."""
    arrays = {key: getattr(measure, key) for key in ("mean", "std", "basis")}
    shown = {key: np.round(a.astype(np.float64), 4).tolist() for key, a in arrays.items()}
    return {**shown, "usual": measure.usual}


def summary(found: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, float]]:
    """Return, by part, the median, the share above 95 % of "dev", and how many there are."""
    limit = float(np.quantile(found["dev"], 0.95))
    return {
        name: {
            "median": round(float(np.median(values)), 4),
            "above": round(float((values > limit).mean()), 4),
            "count": len(values),
        }
        for name, values in found.items()
    }


def _content(
    args: argparse.Namespace, found: Sequence[Mapping[str, Mapping[str, float]]]
) -> dict[str, Any]:
    """Return the means over folds."""
    keys = ("median", "above")
    metrics = {
        name: {k: {"mean": round(float(np.mean([f[name][k] for f in found])), 4)} for k in keys}
        for name in found[0]
    }
    return {
        "task": "voice-novelty",
        "corpus": "ravdess-speech",
        "protocol": args.protocol,
        "artefact": f"{args.quantize} streaming",
        "seeds": [args.seed],
        "metrics": metrics,
        **origin(),
        "notes": NOTES,
    }

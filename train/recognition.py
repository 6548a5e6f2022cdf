"""Measure the keyword recogniser on real recordings, and fit its confidence map.

LibriSpeech is decoded as it is and with noise of ESC-10 at several SNRs. The map is fitted on
every other speaker with the noises of training, and scored on the others with other noises. What
was decoded is kept; with the same models and options nothing is decoded twice. Beside the map
stand the errors of the development speakers (``train.recognition_errors``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.audio.files import read
from edge.decoder import RecognizerSettings
from edge.errors import HeartenError
from train import backgrounds, conditions
from train.conditions import KNOWN, SNRS, Sources
from train.corpora import Utterance, coffee, librispeech, root
from train.language import read_keywords
from train.provenance import origin, store
from train.recognition_errors import measure
from train.recognition_false import Meaning, summary
from train.recognition_heard import Decoded, Listener, Store
from train.recognition_map import Scored, Trust, fit, judge, reliability, scores
from train.recognition_setup import LEAST, device_settings

CLEAN = "clean"
PARTS = ("dev", "test")
CONDITIONS = (CLEAN, *(f"noise-{snr}" for snr in SNRS))
FITTED_ON = CONDITIONS[:3]  # down to 10 dB: below, next to nothing is heard, and little is right

# The highest memory use so far would be that of the process that starts this one.
LOADS = """
import sys, time
from pathlib import Path
from train.recognition_setup import device_settings
from edge.keywords import Recognizer
def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
settings = device_settings(Path(sys.argv[1]))
before, began = rss(), time.perf_counter()
recognizer = Recognizer(settings, frozenset())
print(time.perf_counter() - began, rss() - before)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train recognition``."""
    parser.add_argument("--language", type=Path, default=Path("runs/language"), metavar="DIR")
    parser.add_argument("--keywords", type=Path, required=True, metavar="FILE")
    parser.add_argument("--corpora", type=Path, default=None, metavar="DIR")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="of the map")
    parser.add_argument("--kept", type=Path, default=Path("runs/recognition"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--limit", type=int, default=None, help="recordings of each corpus")
    parser.add_argument("--every", type=int, default=1, help="noise: on one recording in N")
    parser.add_argument("--settle", type=float, default=RecognizerSettings("", "").settle)
    parser.add_argument("--threshold", type=float, default=LEAST, help="confidence that counts")
    parser.add_argument("--text", type=Path, help="text model, for what a false keyword does")
    parser.add_argument("--fusion", type=Path, default=Path("runs/fusion"), metavar="DIR")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Measure, fit the map on half of the speakers, score it on the others; return exit code."""
    if not 0.0 <= args.threshold <= 1.0 or args.every < 1:
        raise HeartenError("--threshold lies in 0..1, --every is 1 or more")
    keywords, corpora = frozenset(read_keywords(args.keywords).words), args.corpora or root()
    found = heard(args, librispeech.load(corpora)[: args.limit], corpora, keywords)
    drinks = orders(args, coffee.load(corpora)[: args.limit], keywords)
    known = together({name: found["dev"][name] for name in FITTED_ON})
    trust, plain = (fit(known, only) for only in (False, True))
    out = args.out or args.language
    out.mkdir(parents=True, exist_ok=True)
    content = trust.to_dict() | {"min_confidence": args.threshold}
    (out / "confidence.json").write_text(json.dumps(content) + "\n", encoding="utf-8")
    errors = measure(found["dev"], trust, args.threshold)
    (out / "errors.json").write_text(json.dumps(errors, indent=1) + "\n", encoding="utf-8")
    every, unseen = found["dev"][CLEAN] + found["test"][CLEAN], found["test"][CLEAN]
    noisy = together(found["test"])
    cost = load_cost(args.language) | {"rtf": {"mean": round(rtf(every), 4)}}
    calibrated = scores(unseen, trust, args.threshold)
    rows = {
        "as-decoded": _result(args, every, scores(every, Trust(), 0.0) | cost, "all speakers"),
        "calibrated": _result(args, unseen, calibrated | cost),
        # Only the words of the menu are scored: the orders have no full transcript, and their
        # precision is too good to calibrate free speech with.
        "coffee": _result(args, drinks, scores(drinks, trust, args.threshold))
        | {"corpus": "picovoice-coffee"},
        "noise": _result(args, unseen, in_noise(found["test"], trust, plain, args.threshold)),
        "reliability": _result(args, noisy, reliability(noisy, trust))
        | _curves(noisy, trust, plain),
    }
    if args.text:
        rows["false"] = _result(args, noisy, _false(args, found["test"], trust))
    _store(args, rows)
    if args.json:
        print(json.dumps(rows, indent=1))
    return 0


def heard(
    args: argparse.Namespace, items: Sequence[Utterance], corpora: Path, keywords: Collection[str]
) -> dict[str, dict[str, list[Scored]]]:
    """Return part ("dev", "test") -> condition -> recordings, decoded and judged.

    Speakers and noises belong to one part.
    """
    found: dict[str, dict[str, list[Scored]]] = {}
    with opened(args, keywords, "librispeech") as (listener, store):
        for part, some in zip(PARTS, halves(items), strict=True):
            sources = noises(corpora, "train" if part == "dev" else "test")
            found[part] = {name: [] for name in CONDITIONS}
            for name, item in planned(some, args.every):
                decoded = listen(listener, store, item, name, sources)
                said, speaker = (item.text or "").split(), item.speaker or item.id
                found[part][name].append(judge(decoded, said, keywords, speaker))
                print(f"\r{part} {name}: {len(found[part][name])}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return found


def noises(corpora: Path, part: str) -> Sources:
    """Return the noises of a part of ``train.backgrounds``: "train" or "test"."""
    clips, _ = backgrounds.chosen(corpora, part)
    return Sources([read(clip.path) for clip in clips if clip.path is not None])


def planned(items: Sequence[Utterance], every: int) -> Iterator[tuple[str, Utterance]]:
    """Yield (condition, recording): all of them clean, every so many-th in each of the noises."""
    for place, name in enumerate(CONDITIONS):
        for number, item in enumerate(items):
            if name == CLEAN or number % every == place % every:
                yield name, item


def orders(
    args: argparse.Namespace, items: Sequence[Utterance], keywords: Collection[str]
) -> list[Scored]:
    """Return the drink orders, decoded and judged by the words of their menu."""
    menu = {word for item in items for word in item.keywords} & set(keywords)
    with opened(args, keywords, "coffee") as (listener, store):
        return [
            judge(listen(listener, store, item), item.keywords, menu, item.speaker or item.id)
            for item in items
        ]


@contextmanager
def opened(
    args: argparse.Namespace, keywords: Collection[str], name: str
) -> Iterator[tuple[Listener, Store]]:
    """Open the recogniser of ``args.language`` and the store of a corpus."""
    settings = replace(device_settings(args.language), settle=args.settle)
    place = args.kept / f"{name}.json"
    with Store(place, settings) as store, Listener(settings, keywords) as listener:
        yield listener, store


def listen(
    listener: Listener,
    store: Store,
    item: Utterance,
    condition: str = CLEAN,
    sources: Sources | None = None,
) -> Decoded:
    """Return what is found in a recording under a condition of ``train.conditions``."""
    name = f"{item.id} {condition}"
    found = store.get(name)
    if found is None:
        assert item.path is not None
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        samples = read(item.path)
        samples, _ = conditions.degrade(samples, KNOWN[condition], sources or Sources(), rng)
        found = listener.hear(samples)
        store.put(name, found)
    return found


def halves(items: Sequence[Utterance]) -> tuple[list[Utterance], list[Utterance]]:
    """Part recordings by speaker: every other speaker of the sorted list is for development."""
    speakers = sorted({item.speaker or item.id for item in items})
    first = set(speakers[::2])
    chosen = [(item.speaker or item.id) in first for item in items]
    pairs = list(zip(items, chosen, strict=True))
    return [item for item, dev in pairs if dev], [item for item, dev in pairs if not dev]


def together(found: Mapping[str, Sequence[Scored]]) -> list[Scored]:
    """Return the recordings of all conditions."""
    return [item for items in found.values() for item in items]


def rtf(items: Sequence[Scored]) -> float:
    """Return the time on a core over the length of the recordings."""
    return sum(item.cpu_s for item in items) / max(sum(item.seconds for item in items), 1e-9)


def in_noise(
    found: Mapping[str, Sequence[Scored]], trust: Trust, plain: Trust, threshold: float
) -> dict[str, Any]:
    """Return the scores by condition, and the calibration error of the posterior's map alone."""
    return {
        name: scores(items, trust, threshold)
        | {"ece_posterior_alone": scores(items, plain, threshold)["ece"]}
        for name, items in found.items()
    }


def _curves(items: Sequence[Scored], trust: Trust, plain: Trust) -> dict[str, Any]:
    """Return the reliability as a picture of the report: see ``report_curves.drawn``."""
    named = {"posterior, SNR, length": trust, "posterior": plain, "as decoded": Trust()}
    curves: list[dict[str, Any]] = [
        {"name": name, "points": [(b["confidence"], b["right"]) for b in bins.values()]}
        for name, one in named.items()
        if (bins := reliability(items, one))
    ]
    even = {"name": "as sure as right", "points": [(0.0, 0.0), (1.0, 1.0)], "ours": False}
    axes = {"across": {"name": "confidence"}, "up": {"name": "share right"}}
    limits = {"low": 0.0, "high": 1.0}
    return {
        "curves": {
            "title": "Reliability of the words",
            **{key: axis | limits for key, axis in axes.items()},
            "curves": [*curves, even],
        }
    }


def _false(
    args: argparse.Namespace, found: Mapping[str, Sequence[Scored]], trust: Trust
) -> dict[str, Any]:
    """Return how far false keywords move valence, with the map and as sure as if they were said."""
    meaning = Meaning.load(args.text, args.fusion)
    surely = Trust(points=((0.0, 1.0), (1.0, 1.0)), unsure=1.0)
    kinds = {"": (trust, args.threshold), ", every word kept": (trust, 0.0)}
    kinds[", every word kept and sure"] = (surely, 0.0)
    return {
        name + kind: summary(items, *how, meaning)
        for name, items in found.items()
        for kind, how in kinds.items()
    }


def load_cost(language: Path) -> dict[str, Any]:
    """Return what loading takes in a process of its own: seconds, and MB of memory."""
    command = [sys.executable, "-c", LOADS, str(language)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, megabytes = (float(x) for x in done.stdout.split())
    return {"load_s": {"mean": round(seconds, 3)}, "load_mb": {"mean": round(megabytes, 1)}}


def _result(
    args: argparse.Namespace,
    items: Sequence[Scored],
    metrics: Mapping[str, Any],
    who: str = "speakers and noises not used for the map",
) -> dict[str, Any]:
    files = [args.language / name for name in ("words.lm.bin", "words.dict")]
    return {
        "task": "recognition",
        "corpus": "librispeech-test-other",
        "protocol": f"{who}, confidence >= {args.threshold}, {len(items)} utterances",
        "artefact": "pocketsphinx",
        "model": {"bytes": sum(path.stat().st_size for path in files)},
        "seeds": [],
        "metrics": dict(metrics),
        **origin(),
        "notes": f"settle {args.settle} s, {sum(len(i.said) for i in items)} keywords spoken",
    }


def _store(args: argparse.Namespace, rows: Mapping[str, Mapping[str, Any]]) -> None:
    for name, row in rows.items():
        path = args.results / f"recognition-{name}.json"
        store(path, row)
        values = [f"{k} {c['mean']:.3f}" for k, c in row["metrics"].items() if "mean" in c]
        print(f"{path}: {row['protocol']}: {', '.join(values)}", file=sys.stderr)

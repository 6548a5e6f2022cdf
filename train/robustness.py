"""``python -m train robustness``: what noise, rooms, level and microphones cost a trained voice.

The whole recording is degraded, then the device's endpointer looks for speech in it, and the
quantised model hears what it finds, in pieces of 100 ms. A recording in which the endpointer finds
nothing counts as wrong, with the confidence of chance and V/A/D 0. ``--on emodb`` tests on a corpus
that the folds were not trained on: zero-shot.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from train import backgrounds, conditions, corpora, recordings, trained, trials
from train.conditions import KNOWN, Samples
from train.corpora import Utterance
from train.intervals import Speakers, interval, uars
from train.metrics import uar
from train.scored import Scored

CLEAN = "clean"
NOTES = (
    "the whole recording is degraded, endpointer included; what it misses counts as wrong",
    f"noise: ESC-10 clips of fold {backgrounds.TEST_FOLD}; babble: {conditions.VOICES} LibriSpeech "
    f"speakers; SNR over frames within {conditions.ACTIVE_DB:.0f} dB of the loudest",
    f"rooms: decaying noise, {conditions.VOLUME:.0f} m3, {conditions.DISTANCE} m away",
    "clipped at a share of the peak, then as loud as before",
    "V/A/D labels are derived from the emotion word, not rated",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    trials.add_arguments(parser, "runs/robustness")
    parser.add_argument(
        "--conditions",
        nargs="+",
        default=list(KNOWN),
        metavar="NAME",
        help=", ".join(KNOWN).replace("%", "%%"),
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the test utterances, 0 to 1")
    parser.add_argument("--noise-seed", type=int, default=0, help="which noise meets which")
    parser.add_argument("--on", metavar="CORPUS", help="test on a corpus not trained on: emodb")


def run(args: argparse.Namespace) -> int:
    """Degrade, score and store; return 0.

    Raises:
        HeartenError: an unknown condition, a share outside 0 to 1, and as ``trials.run``.
    """
    if strange := [name for name in args.conditions if name not in KNOWN]:
        raise HeartenError(f"unknown condition {strange[0]!r}; known: {', '.join(KNOWN)}")
    if not 0.0 < args.share <= 1.0:
        raise HeartenError(f"--share must be above 0 and up to 1, not {args.share}")
    names = list(dict.fromkeys([CLEAN, *args.conditions]))  # all else is compared with it
    more = {
        "names": names,
        "share": args.share,
        "seed": args.noise_seed,
        "on": args.on,
    }
    cells, done = trials.run(args, f"{__name__}:job", more)
    corpus = args.on or trials.corpus_of(args)
    zero = "trained without this corpus (zero-shot)" if args.on else ""
    some = f"{args.share:.0%} of the test utterances" if args.share < 1.0 else ""
    result = trials.content(args, "robustness", corpus, cells, [zero, some, *NOTES])
    result["metrics"] = measure(cells, done, names, "speech" if args.on else args.kind)
    return trials.store(args, result, lines(result))


def job(
    folder: str,
    quantization: str,
    kind: str,
    smoke: bool,
    names: Sequence[str],
    share: float,
    seed: int,
    on: str | None,
) -> dict[str, Any]:
    """Return what one fold's artefact says under every condition; plain arguments only."""
    run_ = trained.load(Path(folder), quantization)
    every = _apart(run_.about, on) if on else run_.test(kind)
    items = trained.drawn(every, share, smoke)
    needed = {KNOWN[name].kind for name in names} & {"noise", "babble"}
    sources = backgrounds.load(corpora.root()) if needed else conditions.Sources()
    hearer = _Hearer(run_, sources, seed)
    found: dict[str, dict[str, list[Any]]] = {
        name: {"probabilities": [], "vad": [], "heard": [], "clipped": []} for name in names
    }
    for index, item in enumerate(items):
        if index % 50 == 0:
            print(f"{index} of {len(items)} recordings", file=sys.stderr, flush=True)
        for name, row in hearer(item, names).items():
            for key, value in row.items():
                found[name][key].append(value)
    facts = trained.facts(items)
    for row in found.values():
        row["probabilities"] = trained.with_silence(row["probabilities"], facts["truth"])
    return {**facts, "said": found}


def _apart(about: Mapping[str, Any], corpus: str) -> list[Utterance]:
    """Return the recordings of a corpus that a model was not trained on."""
    if corpus in about["corpora"]:
        names = " ".join(name for name in about["corpora"] if name != corpus)
        raise HeartenError(
            f"these folds were trained on {corpus}, so this is no zero-shot test; train others: "
            f'python -m train evaluate voice --training="--corpora {names}" --out runs/without-'
            f"{corpus}, and give --runs runs/without-{corpus}"
        )
    return recordings.load(corpora.root(), [corpus])


class _Hearer:
    """Hears a recording under many conditions, as the device would."""

    def __init__(self, run_: trained.Trained, sources: conditions.Sources, seed: int) -> None:
        self._voice, self._endpoint = run_.voice, run_.pack.manifest.endpoint
        self._sources, self._seed = sources, seed

    def __call__(self, item: Utterance, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return {condition: what was said, whether it was heard, share clipped}."""
        from convert.parity import stream
        from edge.audio.files import read

        assert item.path is not None
        samples = read(item.path)
        found = {}
        for name in names:
            condition = KNOWN[name]
            key = zlib.crc32(f"{condition.kind} {item.id}".encode())  # one noise for every SNR
            rng = np.random.default_rng([self._seed, key])
            worse, clipped = conditions.degrade(samples, condition, self._sources, rng)
            speech = heard(worse, self._endpoint)
            scores = None if speech is None else stream(self._voice, speech)
            found[name] = {
                "probabilities": None if scores is None else _plain(scores.probabilities, 6),
                "vad": [0.0, 0.0, 0.0] if scores is None else _plain(scores.vad, 4),
                "heard": scores is not None,
                "clipped": round(clipped, 6),
            }
        return found


def heard(samples: Samples, settings: EndpointSettings) -> Samples | None:
    """Return what the device would take as utterance; None where it hears no speech."""
    found = recordings.speech(samples, settings)
    return None if found is samples else found  # it returns the very same where nothing is found


def _plain(values: Any, places: int) -> list[float]:
    return [round(float(value), places) for value in values]


def measure(
    cells: trials.Cells, done: Sequence[Mapping[str, Any]], names: Sequence[str], kind: str
) -> dict[str, Any]:
    """Return the metrics of every condition, with the loss of UAR against clean in points."""
    clean = Scored.of(cells, done, kind, CLEAN)
    found = {}
    for name in names:
        scored = Scored.of(cells, done, kind, name)
        kept = {k: v for k, v in scored.metrics().items() if not k.startswith("recall_")}
        rows = [row["said"][name] for row in done]
        found[name] = {
            "uar": kept["uar"],
            "points_lost": _loss(clean, scored),
            **kept,
            "unheard": round(float(np.mean([not x for row in rows for x in row["heard"]])), 4),
            "clipped": round(float(np.mean([x for row in rows for x in row["clipped"]])), 4),
        }
    return found


def _loss(clean: Scored, scored: Scored) -> dict[str, Any]:
    """Return how many points of UAR are lost over the same utterances; interval over speakers."""
    people = Speakers(scored.speakers)
    before, after = (uars(people, scored.truth, one.said) for one in (clean, scored))
    whole = uar(clean.truth, clean.said) - uar(scored.truth, scored.said)
    return {"mean": round(100.0 * whole, 2), "ci95": interval(100.0 * (before - after))}


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return a table for people."""
    head = f"{'condition':<12} {'UAR':<20}  loss in points          WAR   ECE   CCC V A D         "
    found = [f"{result['corpus']}, {result['protocol']}, {result['artefact']}", f"{head} unheard"]
    for name, row in result["metrics"].items():
        low, high = row["uar"]["ci95"]
        ccc = " ".join(f"{row[f'ccc_{d}']['mean']:+.2f}" for d in ("valence", "arousal"))
        loss = row["points_lost"]
        found.append(
            f"{name:<12} {row['uar']['mean']:.3f} ({low:.3f}-{high:.3f})  "
            f"{loss['mean']:+5.1f} ({loss['ci95'][0]:+.1f} to {loss['ci95'][1]:+.1f})".ljust(58)
            + f" {row['war']['mean']:.3f} {row['ece']['mean']:.3f} {ccc} "
            f"{row['ccc_dominance']['mean']:+.2f}  {row['unheard']:.1%}"
            + (f"  clipped {row['clipped']:.2%}" if row["clipped"] else "")
        )
    return found

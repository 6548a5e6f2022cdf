"""``python -m train speaker``: what a pack needs to learn voices, and what that is worth.

Every fold of a protocol chooses how far evidence is trusted on development actors that are not its
test actors, and is scored on these; the pack's run chooses likewise and keeps ``speaker.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert import QUANTIZATION
from edge.audio.files import read
from edge.endpoint import EndpointSettings
from edge.speaker import KINDS, Trust
from train import corpora, recordings, trained
from train.corpora import LABELS
from train.evaluate import RESULTS
from train.intervals import Speakers, bootstrap, interval, uars
from train.metrics import uar
from train.partition import FOLDS
from train.provenance import origin, store
from train.speaker_trial import (
    ALL,
    ANGRY,
    MOST,
    QUIET,
    Development,
    Draw,
    Trial,
    load,
    said,
    session,
    spoken,
)

FILE = "speaker.json"
ORDERS = 5  # random orders of a session
EARLY = 10  # utterances
DRAWS = {
    "neutral-4": Draw("neutral", 4),
    "neutral-2": Draw("neutral", 2),
    "neutral-1": Draw("neutral", 1),
    "past": Draw("past", ALL),
    "past-16": Draw("past", 16),
    "past-4": Draw("past", 4),
    "past-quiet": Draw("past", ALL, QUIET),
    "past-angry": Draw("past", ALL, ANGRY),
    "balanced": Draw("balanced", ALL),
    "balanced-quiet": Draw("balanced", ALL, QUIET),
    "balanced-angry": Draw("balanced", ALL, ANGRY),
    "neutral-4-of-another": Draw("neutral", 4, other=True),
    "past-of-another": Draw("past", ALL, other=True),
    "balanced-of-another": Draw("balanced", ALL, other=True),
}
SESSIONS = {"session": False, "neutral-2-and-session": True}
NOTES = (
    "actors apart; trust chosen on the runs' development actors, a fold's test actors left out; "
    "labels of past speech unused. "
    "RAVDESS is balanced over emotions by construction, life is not: 'past' judges for itself what "
    "was said, 'balanced' assumes it; 'quiet' is neutral and calm speech only, 'angry' angry only, "
    "'of-another' another actor's profile. An utterance is never in its own evidence; neutral "
    "utterances have 3 others at most. Sessions: random orders, learned after each utterance; "
    "'early' is the first 10, 'later' the rest"
)

Strings = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows of test utterances, all folds: truth, what was said, what is said without knowing the
    speaker, whose they are, which fold."""

    truth: NDArray[np.int64]
    said: NDArray[np.int64]
    without: NDArray[np.int64]
    speakers: Strings
    folds: NDArray[np.int64]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"), help="the pack's run")
    parser.add_argument("--runs", type=Path, default=Path("runs/evaluate"), help="of the folds")
    parser.add_argument("--protocol", choices=list(FOLDS), default="luna-jimenez")
    parser.add_argument("--seed", type=int, default=0, help="of the folds' runs")
    parser.add_argument("--quantize", default=QUANTIZATION)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--no-folds",
        action="store_true",
        help="only what the pack needs; trust as measured before (--results), if it was",
    )
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(args: argparse.Namespace) -> int:
    """Write ``speaker.json`` for the pack, then measure on every fold."""
    items = recordings.load(corpora.root(), spoken(args.voice))
    hear = _Hear(args.quantize, items)
    mine = hear(args.voice)
    if args.no_folds:
        chosen = _measured(args) or _trust(mine, Development([_apart(hear, args.voice)]))
        _keep(args.voice, mine, chosen)
        return 0
    folders = trained.folders(args.runs, args.protocol, [args.seed])
    trials = [hear(folder) for folder in folders]
    development = Development([_apart(hear, folder) for folder in folders])
    _keep(args.voice, mine, _trust(mine, development))
    content = measure(args, trials, development)
    store(args.results / f"voice-speaker-{args.protocol}.json", content)
    print(json.dumps(content) if args.json else "\n".join(lines(content)))
    return 0


class _Hear:
    """Loads runs; the recordings are read once."""

    def __init__(self, quantization: str, items: Sequence[Any]) -> None:
        self._quantization, self._items = quantization, items
        self._sounds: dict[str, NDArray[np.int16]] = {}
        self._trials: dict[Path, Trial] = {}

    def __call__(self, folder: Path) -> Trial:
        """Return the trial of a run; raises HeartenError where there is no such run."""
        if folder in self._trials:
            return self._trials[folder]
        trained.demand(folder)
        if not self._sounds:
            settings = EndpointSettings.from_dict(json.loads(_text(folder))["endpoint"])
            for item in self._items:
                self._sounds[item.id] = recordings.speech(read(item.path), settings)
        print(f"hearing {len(self._items)} recordings with {folder}", file=sys.stderr)
        self._trials[folder] = load(folder, self._quantization, self._sounds, self._items)
        return self._trials[folder]


def _apart(hear: Callable[[Path], Trial], folder: Path) -> Trial:
    """Return the trial of the run that kept the development actors apart: this or its sibling."""
    path = folder / "model.json"
    sibling = json.loads(path.read_text()).get("sibling") if path.is_file() else None
    return hear(Path(sibling) if sibling else folder)


def _text(folder: Path) -> str:
    return (folder / "model.json").read_text()


def _keep(folder: Path, trial: Trial, trust: Mapping[str, Trust]) -> None:
    """Write the pack's section into its run."""
    rows = zip(LABELS, trial.reference, strict=True)
    section = {
        "trust": {kind: asdict(one) for kind, one in trust.items()},
        "most": MOST,
        "reference": {label: [round(float(x), 4) for x in row] for label, row in rows},
    }
    command = f"python -m train {' '.join(sys.argv[1:])}"
    place = folder / FILE
    store(place, {"speaker": section, "command": command})
    print(f"trust {section['trust']} -> {place}")


def _measured(args: argparse.Namespace) -> dict[str, Trust] | None:
    """Return the trust that was measured for the fold of the pack's run, None if none was.

    Four development actors alone are too few to choose on.
    """
    partition = json.loads(_text(args.voice))["partition"]
    place = args.results / f"voice-speaker-{partition['protocol']}.json"
    if not place.is_file():
        return None
    found = json.loads(place.read_text())["trust"][partition["fold"]]
    return {kind: Trust(**values) for kind, values in found.items()}


def _trust(trial: Trial, development: Development) -> dict[str, Trust]:
    """Choose without the test actors of the run."""
    apart = [str(name) for name in np.unique(trial.parts["test"].speakers)]
    return {kind: development.choose(kind, apart) for kind in KINDS}


def measure(
    args: argparse.Namespace, trials: Sequence[Trial], development: Development
) -> dict[str, Any]:
    """Return the results of all conditions over the test actors of every run."""
    trusts = [_trust(trial, development) for trial in trials]
    settings = [trial.settings(trust) for trial, trust in zip(trials, trusts, strict=True)]
    without = [said(t, "test", s, None) for t, s in zip(trials, settings, strict=True)]
    every = [np.arange(len(one)) for one in without]
    found = {"without": _joined(trials, every, without, without)}
    for name, draw in DRAWS.items():
        rows = [said(t, "test", s, draw) for t, s in zip(trials, settings, strict=True)]
        found[name] = _joined(trials, every, rows, without)
    for name, known in SESSIONS.items():
        found |= _sessions(name, trials, settings, without, known)
    metrics = {name: _metrics(outcome) for name, outcome in found.items()}
    return {
        "task": "voice-speaker",
        "corpus": "ravdess-speech",
        "protocol": args.protocol,
        "artefact": f"{args.quantize} streaming",
        "seeds": [args.seed],
        "metrics": metrics,
        "trust": [{kind: asdict(one) for kind, one in trust.items()} for trust in trusts],
        **origin(),
        "notes": NOTES,
    }


def _joined(
    trials: Sequence[Trial], rows: Sequence[Any], classes: Sequence[Any], without: Sequence[Any]
) -> Outcome:
    """Join what was said of some rows of each trial's test part; ``without`` is of all rows."""
    parts = [trial.parts["test"] for trial in trials]
    pairs = list(zip(parts, rows, strict=True))
    return Outcome(
        np.concatenate([part.classes[index] for part, index in pairs]),
        np.concatenate(classes),
        np.concatenate([one[index] for one, index in zip(without, rows, strict=True)]),
        np.concatenate([part.speakers[index] for part, index in pairs]),
        np.concatenate([np.full(len(index), fold) for fold, index in enumerate(rows)]),
    )


def _sessions(
    name: str,
    trials: Sequence[Trial],
    settings: Sequence[Any],
    without: Sequence[Any],
    known: bool,
) -> dict[str, Outcome]:
    """Return the outcomes of a session: all of it, its first utterances, and the later ones."""
    heard = [
        np.array([row for seed in range(ORDERS) for row in session(t, "test", s, known, seed)])
        for t, s in zip(trials, settings, strict=True)
    ]
    when: dict[str, Callable[[Any], Any]] = {
        name: lambda places: places >= 0,
        f"{name}-early": lambda places: places < EARLY,
        f"{name}-later": lambda places: places >= EARLY,
    }
    found = {}
    for key, chosen in when.items():
        kept = [rows[chosen(rows[:, 1])] for rows in heard]
        rows, classes = ([one[:, column] for one in kept] for column in (0, 2))
        found[key] = _joined(trials, rows, classes, without)
    return found


def _metrics(outcome: Outcome) -> dict[str, Any]:
    """Return UAR with its interval, and the gain over not knowing the speaker."""
    numbers = np.unique(outcome.folds)
    rows = [outcome.folds == fold for fold in numbers]
    folds = [uar(outcome.truth[row], outcome.said[row]) for row in rows]
    return {
        "uar": {
            "mean": round(float(np.mean(folds)), 4),
            "ci95": bootstrap(outcome.truth, outcome.said, outcome.speakers),
            "folds": [round(value, 4) for value in folds],
        },
        "gain": gain(outcome),
    }


def gain(outcome: Outcome) -> dict[str, Any]:
    """Return the difference of UAR over the same utterances, and its 95 % interval over speakers
    drawn with replacement."""
    drawn = Speakers(outcome.speakers)
    with_it, without = (
        uars(drawn, outcome.truth, said) for said in (outcome.said, outcome.without)
    )
    whole = uar(outcome.truth, outcome.said) - uar(outcome.truth, outcome.without)
    return {"mean": round(whole, 4), "ci95": interval(with_it - without)}


def lines(content: dict[str, Any]) -> list[str]:
    """Return the results as readable lines."""
    found = [f"{content['corpus']}, {content['protocol']}, {content['artefact']}, test actors"]
    for name, values in content["metrics"].items():
        row = values["uar"]
        text = f"{name:<30} UAR {row['mean']:.3f} ({row['ci95'][0]:.3f}-{row['ci95'][1]:.3f})"
        low, high = values["gain"]["ci95"]
        found.append(f"{text}  gain {values['gain']['mean']:+.3f} ({low:+.3f} to {high:+.3f})")
    return found

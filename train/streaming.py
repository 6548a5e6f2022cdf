"""``python -m train streaming``: how early a voice decides, how steadily, and alike in any pieces.

Every test recording goes through a whole engine with the fold's quantised model, in pieces of
100 ms; what it says after some time is its last event by then. Of a recording in which the
endpointer hears several utterances, the longest counts. Then the quantised voice branch hears the
trimmed recording whole and in pieces of several lengths, beside what Keras said of it in float.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.choices import EngineSettings
from edge.emotion import DIMENSIONS, UNKNOWN, Emotion
from edge.endpoint import EndpointSettings
from edge.engine import LEAD, Engine
from edge.features import HOP, RATE
from edge.voice import Voice
from train import recordings, trained, trials
from train.conditions import Samples
from train.corpora import LABELS
from train.intervals import RESAMPLES, interval
from train.scored import Scored

AFTER = (0.5, 1.0, 2.0)  # seconds of speech
END = "end"
PIECE = 1600  # samples a push, 100 ms
PIECES_MS = (10, 32, 80, 100, 1000)
FLOAT, WHOLE = "float", "quantised whole"
NOTES = (
    "a whole engine, voice only; seconds count from the onset; nothing said yet counts as wrong",
    "changes: of category between one partial event and the next, over the time between the first "
    "and the last one",
    "pieces: decisions and V/A/D of the trimmed recording",
)


@dataclass(frozen=True, slots=True)
class Followed:
    """The events of one utterance with the seconds when they came, and how many there were."""

    onset: float
    events: Sequence[tuple[float, Emotion]]
    utterances: int

    def after(self, seconds: float) -> Emotion | None:
        """Return the last event by then, None if there is none."""
        known = [event for time, event in self.events if time <= self.onset + seconds + 1e-9]
        return known[-1] if known else None

    @property
    def final(self) -> Emotion | None:
        """The last word on the utterance."""
        return self.events[-1][1] if self.events else None

    @property
    def partials(self) -> list[tuple[float, Emotion]]:
        """The events while it lasted."""
        return [(time, event) for time, event in self.events if event.type == "partial"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    trials.add_arguments(parser, "runs/streaming")


def run(args: argparse.Namespace) -> int:
    """Measure and store; return 0; raises as ``trials.run``."""
    cells, done = trials.run(args, f"{__name__}:job", {})
    result = trials.content(args, "streaming", trials.corpus_of(args), cells, NOTES)
    result["metrics"] = {
        name: _metrics(Scored.of(cells, done, args.kind, name)) for name in done[0]["said"]
    }
    several = [n for row in done for n in row["utterances"]]
    result["utterances"] = {str(n): several.count(n) for n in sorted(set(several))}
    result["tables"] = {
        "Changes of category in partial events": flicker(done),
        "Decisions that differ": alike(done),
    }
    return trials.store(args, result, lines(result))


def _metrics(scored: Scored) -> dict[str, Any]:
    wanted = ("uar", "war", "ece", *(f"ccc_{name}" for name in DIMENSIONS))
    return {name: row for name, row in scored.metrics().items() if name in wanted}


def job(folder: str, quantization: str, kind: str, smoke: bool) -> dict[str, Any]:
    """Return what one fold's artefact says over time and in pieces; plain arguments only."""
    from edge.audio.files import read

    run_ = trained.load(Path(folder), quantization)
    items = trained.drawn(run_.test(kind), 1.0, smoke)
    facts = trained.facts(items)
    times = {f"{seconds:g} s": seconds for seconds in AFTER}
    said: dict[str, list[Any]] = {name: [] for name in (*times, END)}
    found: dict[str, list[Any]] = {"utterances": [], "partials": []}
    pieces: dict[str, list[Any]] = {name: [] for name in (WHOLE, *map(_piece, PIECES_MS))}
    voice = run_.voice
    trimmed = EndpointSettings.from_dict(run_.about["endpoint"])  # as Keras heard it
    with Engine(run_.pack, EngineSettings(words=False)) as engine:
        for index, item in enumerate(items):
            if index % 50 == 0:
                print(f"{index} of {len(items)} recordings", file=sys.stderr, flush=True)
            assert item.path is not None
            samples = read(item.path)
            one = follow(engine, samples)
            for name, seconds in times.items():
                said[name].append(_said(one.after(seconds)))
            said[END].append(_said(one.final))
            found["utterances"].append(one.utterances)
            found["partials"].append([_partial(t, e) for t, e in one.partials])
            speech = recordings.speech(samples, trimmed)
            for name, answer in in_pieces(voice, speech).items():
                pieces[name].append(answer)
    return {
        **facts,
        **found,
        "said": {name: _odds(rows, facts["truth"]) for name, rows in said.items()},
        "pieces": {FLOAT: _keras(run_.saved, facts["ids"]), **pieces},
        "reject": dict(run_.pack.manifest.reject),
    }


def follow(engine: Engine, samples: Samples) -> Followed:
    """Return the events of the longest utterance of a recording, as they come."""
    engine.reset()
    events: list[tuple[float, Emotion]] = []
    for first in range(0, len(samples), PIECE):
        for event in engine.push(samples[first : first + PIECE].tobytes()):
            events.append((engine.seconds, event))
    events += [(engine.seconds, event) for event in engine.flush()]
    finals = [event for _, event in events if event.type == "final"]
    if not finals:
        return Followed(0.0, [], 0)
    longest = max(finals, key=lambda event: event.end - event.start)
    mine = [(time, event) for time, event in events if event.start == longest.start]
    return Followed(longest.start + LEAD * HOP / RATE, mine, len(finals))


def in_pieces(voice: Voice, speech: Samples) -> dict[str, list[float]]:
    """Return {length of the pieces: class, V, A, D} of a trimmed recording."""
    from convert.parity import stream

    lengths = {WHOLE: max(1, len(speech))} | {_piece(ms): ms * RATE // 1000 for ms in PIECES_MS}
    found = {}
    for name, length in lengths.items():
        scores = stream(voice, speech, length)
        found[name] = [int(scores.probabilities.argmax()), *map(float, scores.vad)]
    return found


def _piece(milliseconds: int) -> str:
    return f"{milliseconds} ms"


def _keras(saved: Mapping[str, Any], ids: Sequence[str]) -> list[list[float]]:
    """Return class, V, A, D as the float model gave them."""
    place = {str(name): index for index, name in enumerate(saved["test/ids"])}
    rows = [place[name] for name in ids]
    classes, vad = saved["test/logits"][rows].argmax(axis=1), saved["test/vad"][rows]
    return [[int(c), *map(float, v)] for c, v in zip(classes, vad, strict=True)]


def _said(event: Emotion | None) -> tuple[list[float] | None, list[float]]:
    if event is None:
        return None, [0.0, 0.0, 0.0]
    odds = [round(event.probabilities[label], 6) for label in LABELS]
    return odds, [round(getattr(event, name), 4) for name in DIMENSIONS]


def _partial(time: float, event: Emotion) -> list[Any]:
    """Return when a partial event came, its likeliest category, and the one that it named."""
    likeliest = max(event.probabilities, key=lambda label: event.probabilities[label])
    return [round(time, 3), likeliest, event.category, round(event.confidence, 4)]


def _odds(
    rows: Sequence[tuple[list[float] | None, list[float]]], truth: Sequence[int]
) -> dict[str, list[Any]]:
    odds = trained.with_silence([row[0] for row in rows], truth)
    return {"probabilities": odds, "vad": [row[1] for row in rows]}


def flicker(done: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return changes a second of the likeliest category, and of the one that events name."""
    speakers = [name for row in done for name in row["speakers"]]
    partials = [events for row in done for events in row["partials"]]
    seconds = np.array([e[-1][0] - e[0][0] if len(e) > 1 else 0.0 for e in partials])
    seen, told = ([[event[column] for event in e] for e in partials] for column in (1, 2))
    rows = {
        "likeliest category": [changes(names) for names in seen],
        'as told, with "unknown"': [changes(names) for names in told],
        "a category that was told": [changes(names, UNKNOWN) for names in told],
    }
    found = {}
    for name, row in rows.items():
        counts = np.array(row)
        found[name] = {
            "changes_a_second": _rate(counts, seconds, speakers),
            "utterances_without_a_change": round(float(np.mean(counts == 0)), 4),
            "partial_events": sum(map(len, partials)),
            "seconds": round(float(seconds.sum()), 1),
        }
    return found


def changes(names: Sequence[str], but: str | None = None) -> int:
    """Return how often a name differs from the one before, changes from the name ``but`` aside."""
    return sum(one not in (other, but) for one, other in pairwise(names))


def _rate(
    counts: NDArray[np.int64], seconds: NDArray[np.float64], speakers: Sequence[str]
) -> dict[str, Any]:
    """Return counts a second, with an interval over speakers drawn with replacement."""
    names, index = np.unique(np.array(speakers), return_inverse=True)
    each = np.zeros((len(names), 2))
    np.add.at(each, index, np.stack([counts, seconds], axis=1))
    drawn = np.random.default_rng(0).integers(len(names), size=(RESAMPLES, len(names)))
    some = each[drawn].sum(axis=1)
    mean = float(counts.sum() / max(seconds.sum(), 1e-9))
    return {"mean": round(mean, 3), "ci95": interval(some[:, 0] / np.maximum(some[:, 1], 1e-9))}


def alike(done: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return for every way to hear a recording: the share of decisions that differ from float and
    from pieces of 100 ms, and the largest difference of V/A/D."""
    said = {
        name: np.array([row for one in done for row in one["pieces"][name]])
        for name in done[0]["pieces"]
    }
    found = {}
    for name, mine in said.items():
        row = {}
        for against, key in ((FLOAT, "float"), (_piece(100), "100_ms")):
            other = said[against]
            row[f"decisions_unlike_{key}"] = round(float(np.mean(mine[:, 0] != other[:, 0])), 5)
            row[f"largest_vad_from_{key}"] = round(float(np.abs(mine - other)[:, 1:].max()), 5)
        found[name] = row
    return found


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return the results for people."""
    found = [f"{result['corpus']}, {result['protocol']}, {result['artefact']}"]
    for name, row in result["metrics"].items():
        low, high = row["uar"]["ci95"]
        ccc = " ".join(f"{row[f'ccc_{d}']['mean']:+.2f}" for d in DIMENSIONS)
        uar = f"{row['uar']['mean']:.3f} ({low:.3f}-{high:.3f})"
        found.append(f"after {name:<6} UAR {uar}  WAR {row['war']['mean']:.3f}  CCC V A D {ccc}")
    found.append(f"utterances heard in a recording: {result['utterances']}")
    steady, pieces = result["tables"].values()
    for name, row in steady.items():
        rate, (low, high) = row["changes_a_second"]["mean"], row["changes_a_second"]["ci95"]
        kept = row["utterances_without_a_change"]
        found.append(
            f"{name}: {rate:.2f} changes a second ({low:.2f}-{high:.2f}), none in {kept:.0%}"
        )
    for name, row in pieces.items():
        found.append(
            f"{name:<16} unlike float {row['decisions_unlike_float']:.2%} (V/A/D by at most "
            f"{row['largest_vad_from_float']:.4f}), unlike 100 ms "
            f"{row['decisions_unlike_100_ms']:.2%} ({row['largest_vad_from_100_ms']:.4f})"
        )
    return found

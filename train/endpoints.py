"""``python -m train endpoints``: the endpointer beside WebRTC's voice activity detector.

Sentences of LibriSpeech lie between pauses, under noises of ESC-10 at several SNRs. An utterance is
what an engine hears: from ``LEAD`` before its first loud frame to ``TAIL`` after its last.

Missed: the share of active speech (frames at most ``ACTIVE_DB`` below the loudest of the clean
recording) outside of utterances. False: the share of the pauses, without what belongs to an
utterance at their ends, inside of them. Frame decisions: the same shares of what each side says of
single frames, before onset, hang-over and length make utterances of them. Noise alone: the share of
time with an open utterance.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from edge.features import HOP, RATE
from edge.pack import open_pack
from train import backgrounds, corpora
from train.conditions import Samples
from train.detectors import (
    CLOSE,
    MODES,
    OURS,
    SHIFTS,
    Detector,
    Flags,
    Spans,
    covered,
    curve,
    frames,
    named,
    rivals,
)
from train.evaluate import RESULTS, compact
from train.intervals import interval
from train.mixtures import Mixture, mixtures, sounds
from train.provenance import origin

# SNR and gain of the whole stream in dB, by name: people sit near a microphone, and far away.
NEAR = {f"{snr} dB": (snr, 0) for snr in (20, 10, 5, 0)}
TOGETHER = "20 to 0 dB"  # all that are near, as one
CONDITIONS = {
    **NEAR,
    "20 dB, 20 dB softer": (20, -20),
    "5 dB, 20 dB softer": (5, -20),
}
HARD = "5 dB"  # at which speech has to be found
FOUND = 0.5  # of its active speech: then a sentence counts as found
SETTLED = 5.0  # seconds after which steady noise must not be open any more
DRAWS = 1000
RIVALS = [f"WebRTC mode {mode}" for mode in MODES]
T = TypeVar("T", Spans, Flags)
Rows = Mapping[str, Mapping[str, Any]]
NOTES = (
    "sentences and noises of the test part (train.backgrounds), by which no setting was chosen; "
    "thresholds: the pack's and, for the curve, both shifted by some dB; near: for one person near "
    "the microphone (--endpointer near)",
    "missed: share of active speech outside of utterances; false: share of the pauses inside; "
    f"found: streams with at least {FOUND:.0%} of the active speech in utterances; intervals: 95 % "
    "over sentences",
    "active speech is told by the level of the clean recording, which suits an endpointer by level",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--pack", help="whose endpointer; the built-in one by default")
    parser.add_argument("--part", choices=backgrounds.PARTS, default="test", help="of the sounds")
    parser.add_argument("--limit", type=int, metavar="N", help="sentences (all)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure, store and print; return 0.

    Raises:
        HeartenError: webrtcvad or a corpus is not here, or --limit is no number of sentences.
    """
    if args.limit is not None and args.limit < 2:
        raise HeartenError(f"--limit must be at least 2, not {args.limit}")
    settings = open_pack(args.pack).manifest.endpoint
    detectors = {**curve(settings), **rivals(settings)}
    folder = corpora.root()
    spoken, noises = sounds(folder, args.part, args.limit)
    counted = {
        name: count(detectors, mixtures(spoken, noises, *condition))
        for name, condition in CONDITIONS.items()
    }
    single = {
        name: count(frames(settings), mixtures(spoken, noises, *condition), lambda said, _: said)
        for name, condition in CONDITIONS.items()
    }
    for found in (counted, single):
        found[TOGETHER] = together([found[name] for name in NEAR if name in found])
    shown = {name: detectors[name] for name in (OURS, CLOSE, *RIVALS)}
    alone = noise_alone(shown, backgrounds.intruders(folder, args.part))
    result = _about(args, len(spoken)) | results(counted, single, alone)
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / "endpoint-vad.json").write_text(compact(result), encoding="utf-8")
    print(json.dumps(result) if args.json else "\n".join(lines(result)))
    return 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What detectors did: frames missed, active, false and of a pause, a row a stream, for each;
    and each stream's kind of noise and sentence, shape (streams,)."""

    rows: Mapping[str, NDArray[np.float64]]
    kinds: NDArray[np.str_]
    sentences: NDArray[np.int64]


def count(
    detectors: Mapping[str, Callable[[Samples], T]],
    streams: Iterable[Mixture],
    inside: Callable[[T, int], Flags] = covered,
) -> Counts:
    """Let every detector hear every stream; ``inside`` makes frames of what it says."""
    rows: dict[str, list[list[int]]] = {name: [] for name in detectors}
    about = []
    for stream in streams:
        about.append((stream.kind, stream.sentence))
        for name, detect in detectors.items():
            found = inside(detect(stream.samples), len(stream.active))
            parts = (stream.active & ~found, stream.active, stream.pause & found, stream.pause)
            rows[name].append([int(part.sum()) for part in parts])
    kinds, sentences = zip(*about, strict=True)
    all_rows = {name: np.array(row, np.float64) for name, row in rows.items()}
    return Counts(all_rows, np.array(kinds), np.array(sentences))


def together(counts: Sequence[Counts]) -> Counts:
    """Return the streams of several conditions as one."""
    rows = {name: np.concatenate([one.rows[name] for one in counts]) for name in counts[0].rows}
    kinds = np.concatenate([one.kinds for one in counts])
    return Counts(rows, kinds, np.concatenate([one.sentences for one in counts]))


def noise_alone(
    detectors: Mapping[str, Detector], sounds: Mapping[str, Samples]
) -> dict[str, dict[str, float]]:
    """Return for every sound the share of time, after it settled, that lies in utterances."""
    found: dict[str, dict[str, float]] = {}
    settled = int(SETTLED * RATE / HOP)
    for sound, samples in sounds.items():
        frames = len(samples) // HOP
        if frames <= settled:
            continue
        shares = {n: covered(d(samples), frames)[settled:].mean() for n, d in detectors.items()}
        kept = {name: round(float(share), 4) for name, share in shares.items()}
        found[sound] = {
            name: kept[name] for name in kept if name in (OURS, CLOSE) or "WebRTC" in name
        }
    return found


def scores(rows: NDArray[np.float64], sentences: NDArray[np.int64]) -> dict[str, Any]:
    """Return the shares that rows of ``Counts`` make, with intervals over sentences."""
    each = np.zeros((sentences.max() + 1, rows.shape[1]))
    np.add.at(each, sentences, rows)
    draws = np.random.default_rng(0).integers(len(each), size=(DRAWS, len(each)))
    drawn, total = each[draws].sum(axis=1), rows.sum(axis=0)
    found: dict[str, Any] = {}
    for name, part, whole in (("missed", 0, 1), ("false", 2, 3)):
        ends = interval(drawn[:, part] / drawn[:, whole])
        found[name] = {"mean": round(float(total[part] / total[whole]), 4), "ci95": ends}
    found["found"] = round(float(np.mean(rows[:, 0] <= (1.0 - FOUND) * rows[:, 1])), 4)
    return found


def by_kind(counts: Counts) -> dict[str, dict[str, float]]:
    """Return missed and false share under each kind of noise, for the pack's endpointer and for
    WebRTC's strictest mode."""
    found: dict[str, dict[str, float]] = {}
    for kind in sorted(set(counts.kinds)):
        row = found[str(kind)] = {}
        for name in (OURS, CLOSE, [*counts.rows][-1]):
            sums = counts.rows[name][counts.kinds == kind].sum(axis=0)
            row[f"{name}, missed"] = round(float(sums[0] / sums[1]), 4)
            row[f"{name}, false"] = round(float(sums[2] / sums[3]), 4)
    return found


def at_equal_missed(
    rows: Mapping[str, Mapping[str, Any]], missed: float, whose: str = OURS
) -> float:
    """Return the false share of an endpointer where it misses as much; thresholds interpolated.

    Where no threshold misses so little, that of the lowest; where none so much, of the highest.
    """
    pairs = sorted(
        (rows[name]["missed"]["mean"], rows[name]["false"]["mean"])
        for name in (named(shift, whose) for shift in SHIFTS)
    )
    return float(np.interp(missed, *zip(*pairs, strict=True)))


def scored(counted: Mapping[str, Counts]) -> Rows:
    """Return the shares of every detector in every condition."""
    return {
        place: {name: scores(r, of.sentences) for name, r in of.rows.items()}
        for place, of in counted.items()
    }


def equal(rows: Rows) -> dict[str, dict[str, float]]:
    """Return the false share of WebRTC's modes, and the endpointers' where they miss as much."""
    return {
        f"{name}, {place}": {
            "missed": of[name]["missed"]["mean"],
            "false": of[name]["false"]["mean"],
            **{
                f"false, {whose}": round(at_equal_missed(of, of[name]["missed"]["mean"], whose), 4)
                for whose in (OURS, CLOSE)
            },
        }
        for place, of in rows.items()
        for name in RIVALS
    }


def results(
    counted: Mapping[str, Counts],
    single: Mapping[str, Counts],
    alone: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Return metrics, and tables: the curve, equal misses, kinds of noise, and noise alone."""
    rows = scored(counted)
    main = [OURS, CLOSE, *RIVALS]
    return {
        "metrics": {f"{name}, {place}": of[name] for place, of in rows.items() for name in main},
        "tables": {
            "The endpointers' thresholds": {
                f"{name}, {place}": of[name]
                for place, of in rows.items()
                for name in (named(shift, whose) for whose in (OURS, CLOSE) for shift in SHIFTS)
            },
            "False speech at equal missed speech": equal(rows),
            "The same, frame decisions": equal(scored(single)),
            f"Kinds of noise, at {HARD}": by_kind(counted[HARD]),
            f"Sounds without speech: share of time in utterances, after {SETTLED:g} s": alone,
        },
    }


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return the report for people."""
    found = [f"{'':<26}{'missed':>8}{'false':>8}{'found':>8}"]
    for name, row in result["metrics"].items():
        shares = (row["missed"]["mean"], row["false"]["mean"], row["found"])
        found.append(f"{name:<26}" + "".join(f"{share:>8.1%}" for share in shares))
    for title, rows in list(result["tables"].items())[1:]:
        found += ["", title]
        for name, row in rows.items():
            cells = ", ".join(f"{key} {value:.1%}" for key, value in row.items())
            found.append(f"  {name}: {cells}")
    return found


def _about(args: argparse.Namespace, sentences: int) -> dict[str, Any]:
    return {
        "task": "endpoint",
        "corpus": "librispeech under esc10",
        "protocol": f"{args.part} part, {sentences} sentences under two kinds of noise each",
        "artefact": f"endpointer of {open_pack(args.pack).manifest.name}",
        **origin(),
        "notes": "; ".join(NOTES),
    }

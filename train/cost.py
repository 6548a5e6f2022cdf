"""``python -m train cost``: what the voice costs beside what others take for the same audio.

Three paths hear the same recordings, one after the other, on one core and one thread, and take
turns: the device's voice (features, graph and pooling, streaming as the engine does),
eGeMAPSv02 functionals of openSMILE (a call an utterance), and openWakeWord's front end (mel
spectrogram and embedding). Times are seconds on the processor; a ratio is one of a round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from edge.audio.files import read
from edge.bench import machine, stages
from edge.choices import EngineSettings
from edge.emotion import Floats
from edge.engine import Engine
from edge.errors import HeartenError
from edge.features import HOP, RATE
from edge.interpreter import interpreter_class
from edge.pack import Pack, open_pack
from train.conditions import Samples
from train.evaluate import RESULTS, compact
from train.provenance import origin

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
CHUNK = 1280  # samples, 80 ms: the step of openWakeWord
OVERLAP = 480  # samples of the step before that its mel spectrogram needs
MELS, BANDS = 76, 32  # what its embedding looks at
PATH, ENGINE, EGEMAPS, WAKE = "voice path", "engine, voice only", "eGeMAPSv02", "openWakeWord"
WANTED = {EGEMAPS: 15.0, WAKE: 5.0}  # times the voice path, at least
BETWEEN = (5, 95)  # percentiles of the rounds
NOTES = (
    "processor time of one thread on one core; ratios are paired: the same round, the same "
    "recordings",
    f"voice path: features, graph and pooling in chunks of {CHUNK} samples, from begin to the "
    "pooled vector; engine: the whole of push, partial events too",
    "eGeMAPSv02: functionals by opensmile.Smile, one call an utterance; openWakeWord: the models "
    "melspectrogram and embedding of pyopen-wakeword, in the same chunks and in the interpreter "
    "that the voice uses (the library that comes with them takes six times as long)",
)

Hear = Callable[[Samples], object]
Rounds = Mapping[str, Sequence[float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--pack", help="folder or .zip; the built-in one by default")
    parser.add_argument("--rounds", type=int, default=25, metavar="N", help="of all paths (25)")
    parser.add_argument("--samples", type=Path, default=SAMPLES, metavar="DIR", help="recordings")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Measure, store and print; 1 where a rival is not as much dearer as it has to be.

    Raises:
        HeartenError: too few rounds, no recordings, or a package that is not installed.
    """
    if args.rounds < 2:
        raise HeartenError(f"--rounds must be at least 2, not {args.rounds}")
    recordings = _recordings(args.samples)
    pack = open_pack(args.pack)
    with _one_core():
        rounds = measure(paths(pack), recordings, args.rounds)
    result = _content(pack, recordings, args.rounds) | {"metrics": metrics(rounds)}
    name = f"cost-{platform.machine()}.json"
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / name).write_text(compact(result), encoding="utf-8")
    print(json.dumps(result) if args.json else "\n".join(lines(result["metrics"])))
    return 0 if all(row["met"] for row in result["metrics"].values() if "met" in row) else 1


def paths(pack: Pack) -> dict[str, Hear]:
    """Return what hears a recording, by name.

    Raises:
        HeartenError: opensmile or pyopen-wakeword is not installed.
    """
    try:
        return {
            PATH: voice_path(pack),
            ENGINE: whole_engine(pack),
            EGEMAPS: egemaps(),
            WAKE: wake_word(),
        }
    except ImportError as error:
        raise HeartenError(f"{error}: pip install -e '.[train]'") from error


def voice_path(pack: Pack) -> Hear:
    """Return the device's features, graph and pooling; what is heard gives the pooled vector."""
    voice = pack.voice()

    def hear(samples: Samples) -> object:
        voice.begin()
        stages.hear(voice, np.split(samples, range(CHUNK, len(samples), CHUNK)))
        voice.finish()
        voice.mark(sys.maxsize)
        return voice.pooled()

    return hear


def whole_engine(pack: Pack) -> Hear:
    """Return all that a device does for the voice, from bytes to events."""
    engine = Engine(pack, EngineSettings(words=False))

    def hear(samples: Samples) -> object:
        engine.reset()
        events = []
        for first in range(0, len(samples), CHUNK):
            events += engine.push(samples[first : first + CHUNK].tobytes())
        return events + engine.flush()

    return hear


def egemaps() -> Hear:
    """Return openSMILE's 88 functionals of an utterance."""
    import opensmile

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
    )
    return lambda samples: smile(samples.astype(np.float32) / 32768.0, RATE)


def wake_word() -> Hear:
    """Return openWakeWord's embeddings, one for each 80 ms, from the interpreter that we use."""
    import pyopen_wakeword

    models = Path(pyopen_wakeword.__file__).with_name("models")
    mels = _Model(models / "melspectrogram.tflite", (1, CHUNK + OVERLAP))
    embedding = _Model(models / "embedding_model.tflite", (1, MELS, BANDS, 1))

    def hear(samples: Samples) -> object:
        tail, rows = np.zeros(OVERLAP, np.float32), np.ones((MELS, BANDS), np.float32)
        found = []
        for first in range(0, len(samples) - CHUNK + 1, CHUNK):
            piece = np.concatenate([tail, samples[first : first + CHUNK]], dtype=np.float32)
            tail = piece[CHUNK:]
            new = mels(piece[None])[0, 0] / 10.0 + 2.0
            rows = np.concatenate([rows[len(new) :], new])
            found.append(embedding(rows[None, :, :, None]))
        return found

    return hear


class _Model:
    """A TFLite model with one input, one output and one thread."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self._interpreter = interpreter_class()[0](model_path=str(path), num_threads=1)
        self._in = self._interpreter.get_input_details()[0]["index"]
        self._interpreter.resize_tensor_input(self._in, shape)
        self._interpreter.allocate_tensors()
        self._out = self._interpreter.get_output_details()[0]["index"]

    def __call__(self, values: Floats) -> Floats:
        self._interpreter.set_tensor(self._in, values)
        self._interpreter.invoke()
        answer: Floats = self._interpreter.get_tensor(self._out)
        return answer


def measure(hear: Mapping[str, Hear], recordings: Sequence[Samples], rounds: int) -> Rounds:
    """Return microseconds a 10 ms frame of every round, by path; one more round warms up.

    In a round each path hears all recordings in a row, as a stream goes on; the next round begins
    with another path.
    """
    names = list(hear)
    frames = sum(len(samples) // HOP for samples in recordings)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        order = names[number % len(names) :] + names[: number % len(names)]
        for name in order:
            before = time.process_time()
            for samples in recordings:
                hear[name](samples)
            if number:
                found[name].append(1e6 * (time.process_time() - before) / frames)
    return found


def metrics(rounds: Rounds) -> dict[str, dict[str, Any]]:
    """Return for each path its median cost and, for a rival, its ratio to the voice path."""
    ours = np.array(rounds[PATH])
    found: dict[str, dict[str, Any]] = {}
    for name, costs in rounds.items():
        row: dict[str, Any] = {"us_a_frame": _spread(np.array(costs), 2)}
        if name in WANTED:
            row["ratio"] = _spread(np.array(costs) / ours, 2)
            row["wanted"] = WANTED[name]
            row["met"] = row["ratio"]["median"] >= WANTED[name]
        found[name] = row
    return found


def lines(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the table for people."""
    found = [f"{'':<20}{'us a frame':>12}{'ratio':>8}  {'p5-p95':>13}  wanted"]
    for name, row in rows.items():
        text = f"{name:<20}{row['us_a_frame']['median']:>12.2f}"
        if ratio := row.get("ratio"):
            between = f"{ratio['p5']:.1f}-{ratio['p95']:.1f}"
            verdict = "met" if row["met"] else "missed"
            text += f"{ratio['median']:>8.1f}  {between:>13}  {row['wanted']:g} {verdict}"
        found.append(text)
    return found


def _spread(values: np.ndarray[Any, np.dtype[np.float64]], digits: int) -> dict[str, float]:
    low, high = np.percentile(values, BETWEEN)
    named = {"median": np.median(values), f"p{BETWEEN[0]}": low, f"p{BETWEEN[1]}": high}
    return {name: round(float(value), digits) for name, value in named.items()}


def _recordings(folder: Path) -> list[Samples]:
    found = [read(path) for path in sorted(folder.glob("*.wav"))]
    if not found:
        raise HeartenError(f"no recordings (*.wav) in {folder}: name a folder with --samples")
    return found


def _content(pack: Pack, recordings: Sequence[Samples], rounds: int) -> dict[str, Any]:
    """Return what the result says of itself."""
    seconds = sum(map(len, recordings)) / RATE
    about = {**machine.describe(), **machine.condition()}
    packages = ("opensmile", "pyopen-wakeword", "numpy")
    return {
        "task": "cost",
        "protocol": f"{rounds} paired rounds, {len(recordings)} recordings of {seconds:.0f} s",
        "artefact": f"{pack.manifest.name} {pack.manifest.raw['voice'].get('quantization')}",
        "machine": {name: about[name] for name in ("board", "cpu", "python", "interpreter", "load")}
        | {name: metadata.version(name) for name in packages},
        **origin(),
        "notes": "; ".join(NOTES),
    }


class _one_core:
    """Keep to one core, so that threads would show as time."""

    def __enter__(self) -> None:
        self._before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(self._before)})

    def __exit__(self, *_: object) -> None:
        os.sched_setaffinity(0, self._before)

"""Run by any Python that has the runtime: what the voice of each pack says of utterances.

``python voiced.py UTTERANCES.npz EVERY PACK...`` prints, as JSON by pack, a class and V/A/D for
each EVERY-th utterance, frames, and microseconds of processor time a 10 ms frame, which mean
nothing under emulation; there two marks for the counter stand around each utterance. Packs take
turns, so that a machine that slows down slows all of them.
"""

import json
import os
import statistics
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from edge.bench.stages import hear
from edge.errors import HeartenError
from edge.features import HOP
from edge.interpreter import interpreter_class
from edge.pack import open_pack
from edge.voice import Voice

MARK = 0x68656172  # a file descriptor that nobody has: count_instructions.c
PIECE = 1600  # samples, 100 ms


def main() -> None:
    """Run every pack over the utterances and print what was found."""
    with np.load(sys.argv[1]) as saved:
        spoken = [saved[name] for name in saved.files][:: int(sys.argv[2])]
    found: dict[str, dict[str, Any]] = {}
    voices = {}
    for name in sys.argv[3:]:
        found[name] = {"classes": [], "vad": [], "us": [], "frames": 0}
        try:
            voices[name] = open_pack(name).voice()
        except HeartenError as error:
            found[name] = {"error": str(error)}
    for samples in spoken:
        for name, voice in voices.items():
            add(found[name], voice, samples)
    for name in voices:
        found[name]["us"] = statistics.median(found[name]["us"])
    module = interpreter_class()[1].partition(".")[0].replace("_", "-")
    print(json.dumps({"interpreter": f"{module} {version(module)}", "packs": found}))


def add(found: dict[str, Any], voice: Voice, samples: np.ndarray) -> None:
    """Add what the voice says of one utterance that arrives in pieces."""
    os.isatty(MARK)
    before = time.process_time()
    voice.begin()
    hear(voice, np.split(samples, range(PIECE, len(samples), PIECE)))
    scores = voice.end()
    seconds = time.process_time() - before
    os.isatty(MARK)
    if scores is None:
        raise SystemExit("an utterance gave no score")
    found["frames"] += len(samples) // HOP
    found["us"].append(1e6 * seconds * HOP / len(samples))
    found["classes"].append(int(scores.probabilities.argmax()))
    found["vad"].append([round(float(value), 5) for value in scores.vad])


main()

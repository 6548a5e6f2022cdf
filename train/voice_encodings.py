"""What a large speech encoder says of recordings, at several speeds, kept on disk between runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import read
from edge.emotion import Floats
from edge.endpoint import EndpointSettings
from edge.features import RATE
from train import recordings
from train.conditions import at_speed
from train.corpora import Utterance
from train.kept import kept
from train.progress import duration
from train.scored import kind_of
from train.speech_encoder import STRIDE, SpeechEncoder, Weights
from train.voice_guide import SPEEDS

LAYERS = (2, 3, 4, 5)
SHOWN = LAYERS.index(3)  # the layer of vectors and frames
MARGIN = RATE // 5  # samples on both sides of what the endpointer takes as utterance
VERSION = 2  # of what is kept; a change in how it is computed raises it
EVERY = 50  # recordings between two lines of progress

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encodings:
    """What the encoder says of utterances at one speed: their ``rows`` among all, means and
    deviations (n, layers, 2, width), and the frames (any, width) of one layer of each."""

    rows: Rows
    statistics: Floats
    frames: list[Floats]


def encode(items: Sequence[Utterance], weights: Weights, folder: Path) -> dict[float, Encodings]:
    """Return {speed: what the encoder says}, kept on disk; song has its own speed only.

    Raises:
        HeartenError: a recording that cannot be read, or too few layers.
    """
    encoder = SpeechEncoder(weights, LAYERS)
    speech = [row for row, item in enumerate(items) if kind_of(item.id) == "speech"]
    rows = {1.0: list(range(len(items)))} | dict.fromkeys(SPEEDS, speech)
    total, done, started = sum(map(len, rows.values())), 0, time.monotonic()
    found = {}
    for speed, chosen in rows.items():
        key = [weights.sha256, VERSION, LAYERS, MARGIN, EndpointSettings().to_dict(), speed]
        kept_here = []
        for row in chosen:
            path = recordings.place(items[row])
            kept_here.append(kept(folder, key, path, lambda p, at=speed: _array(encoder, p, at)))
            done += 1
            if done % EVERY == 0 or done == total:
                left = (time.monotonic() - started) / done * (total - done)
                told = f"\rencodings {done}/{total}, {duration(left)} to go   "
                print(told, end="", file=sys.stderr, flush=True)
        size = len(LAYERS) * 2
        statistics = np.stack([one[:size] for one in kept_here])
        shape = (len(chosen), len(LAYERS), 2, statistics.shape[-1])
        frames = [one[size:] for one in kept_here]
        found[speed] = Encodings(np.array(chosen, np.int64), statistics.reshape(shape), frames)
    print(file=sys.stderr)
    return found


def _array(encoder: SpeechEncoder, path: Path, speed: float) -> Floats:
    """Return statistics and then frames as rows, shape (2 layers + frames, width)."""
    samples, lead = _heard(at_speed(read(path), speed))
    statistics, frames = encoder.heard(samples, LAYERS[SHOWN], lead)
    return np.concatenate([statistics.reshape(-1, frames.shape[1]), frames])


def _heard(samples: NDArray[np.int16]) -> tuple[NDArray[np.int16], int]:
    """Return the utterance with some of what surrounds it, and where in it the utterance begins.

    That is a whole number of the encoder's steps.
    """
    utterance = recordings.speech(samples, EndpointSettings())  # a view into the samples
    first = (utterance.ctypes.data - samples.ctypes.data) // samples.itemsize
    lead = min(MARGIN, first) // STRIDE * STRIDE
    return samples[first - lead : first + len(utterance) + MARGIN], lead

"""Does the artefact decide like the model it came from? Float, quantised and streaming compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats, Scores
from edge.errors import HeartenError
from edge.voice import Voice
from train.metrics import ccc, uar

PIECE = 1600  # samples a push in the streaming comparison: 100 ms
MOST_DECISIONS = 0.01  # share of utterances whose class may differ from the float model's
MOST_VAD = 0.02  # mean absolute difference of V/A/D


class ParityError(HeartenError):
    """A pack that does not decide like its float model; it is not written."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one artefact says of a set of utterances: classes (n,) and V/A/D (n, 3)."""

    classes: NDArray[np.int64]
    vad: Floats

    @classmethod
    def of(cls, scores: Iterable[Scores]) -> Said:
        """Collect scores."""
        rows = list(scores)
        return cls(
            np.array([row.probabilities.argmax() for row in rows]),
            np.array([row.vad for row in rows], np.float32),
        )


def quantised(voice: Voice, utterances: Sequence[Floats]) -> Said:
    """Run whole utterances of normalised frames, shape (n, size) each, through the graphs."""
    return Said.of(_whole(voice, frames) for frames in utterances)


def streaming(voice: Voice, recordings: Iterable[NDArray[np.int16]]) -> Said:
    """Run recordings through the device's voice branch in pieces of 100 ms."""
    return Said.of(stream(voice, samples) for samples in recordings)


def stream(voice: Voice, samples: NDArray[np.int16], piece: int = PIECE) -> Scores:
    """Return the scores of one utterance that arrives in pieces."""
    voice.begin()
    for first in range(0, len(samples), piece):
        voice.push(samples[first : first + piece])
    return _ended(voice)


def _whole(voice: Voice, frames: Floats) -> Scores:
    voice.begin()
    voice.push_frames(frames)
    return _ended(voice)


def _ended(voice: Voice) -> Scores:
    scores = voice.end()
    if scores is None:
        raise ParityError("an utterance gave no score")
    return scores


def quality(said: Said, classes: NDArray[np.int64], vad: Floats) -> dict[str, Any]:
    """Return UAR and CCC of an artefact against the labels."""
    values = [round(ccc(vad[:, i], said.vad[:, i]), 4) for i in range(3)]
    return {"uar": round(uar(classes, said.classes), 4), "ccc": values}


def difference(model: Said, artefact: Said) -> dict[str, float]:
    """Return the share of decisions that differ and the mean absolute difference of V/A/D."""
    return {
        "decisions": round(float(np.mean(model.classes != artefact.classes)), 4),
        "vad": round(float(np.abs(model.vad - artefact.vad).mean()), 5),
    }


def demand(name: str, found: dict[str, float]) -> None:
    """Raise ParityError where an artefact differs too much from its float model."""
    if not (found["decisions"] <= MOST_DECISIONS and found["vad"] <= MOST_VAD):
        raise ParityError(
            f"refused: the {name} artefact decides differently from the float model on "
            f"{found['decisions']:.1%} of utterances (at most {MOST_DECISIONS:.0%}) and its V/A/D "
            f"differ by {found['vad']:.4f} (at most {MOST_VAD}); try --quantize float16"
        )

"""Sentences between pauses, under noise: streams of which it is known where the speech is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.audio.files import read
from edge.endpoint import levels_db
from edge.engine import LEAD, TAIL
from edge.features import RATE
from train import backgrounds
from train.conditions import ACTIVE_DB, Condition, Samples, Sources, degrade
from train.detectors import Flags
from train.recordings import place

PAUSE, LONGEST = 3.0, 8.0  # seconds of noise before and after a sentence, and of a sentence
KINDS = 2  # of noise that each sentence is mixed with


@dataclass(frozen=True, slots=True)
class Mixture:
    """A stream: its kind of noise, the number of its sentence, the frames that are active, and
    those that are a pause for certain."""

    samples: Samples
    kind: str
    sentence: int
    active: Flags
    pause: Flags


def sounds(
    folder: Path, part: str, limit: int | None
) -> tuple[list[Samples], dict[str, list[Samples]]]:
    """Return the sentences and the noises, by kind, of a part; HeartenError as backgrounds."""
    clips, talkers = backgrounds.chosen(folder, part)
    noises: dict[str, list[Samples]] = {}
    for clip in clips:
        noises.setdefault(clip.published[0], []).append(read(place(clip)))
    spoken = [item for name in sorted(talkers) for item in talkers[name]][:limit]
    return [read(place(item))[: int(LONGEST * RATE)] for item in spoken], noises


def mixtures(
    spoken: Sequence[Samples], noises: Mapping[str, Sequence[Samples]], snr: float, gain: float = 0
) -> Iterator[Mixture]:
    """Yield every sentence between pauses, under noises at an SNR in dB, with a gain in dB.

    Kinds of noise take turns; the same ones for each condition, and every time.
    """
    silence, kinds = np.zeros(int(PAUSE * RATE), np.int16), sorted(noises)
    for number, sentence in enumerate(spoken):
        clean = np.concatenate([silence, sentence, silence])
        levels = np.array(levels_db(clean))
        active = levels > levels.max() - ACTIVE_DB
        first, last = np.flatnonzero(active)[[0, -1]]
        pause = np.ones(len(levels), bool)
        pause[max(0, first - LEAD) : last + 1 + TAIL] = False
        for kind in (kinds[(KINDS * number + n) % len(kinds)] for n in range(KINDS)):
            rng = np.random.default_rng([number, len(kind)])
            heard = degrade(clean, Condition("noise", snr), Sources(noises[kind]), rng)[0]
            heard = degrade(heard, Condition("level", gain), Sources(), rng)[0] if gain else heard
            yield Mixture(heard, kind, number, active, pause)

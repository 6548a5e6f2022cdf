"""Sounds that are no speech of the user: what is added to recordings, and what may fool a device.

Noises and talkers are parted, so that training can take one part and the tests the other: clips of
ESC-50's fold 5 test, like the second half of LibriSpeech's speakers; sounds that are made are
parted by kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import read
from edge.features import RATE
from train.conditions import Samples, Sources, to_int16
from train.corpora import Utterance, librispeech, noise

PARTS = ("train", "test")
TEST_FOLD = "5"
SECONDS = 60  # of each sound that is made here
NOTES = (220.0, 261.6, 329.6, 392.0, 440.0, 523.3, 659.3, 784.0)  # A minor 7, two octaves

Signal = NDArray[np.float64]  # full scale is 1


def chosen(folder: Path, part: str) -> tuple[list[Utterance], dict[str, list[Utterance]]]:
    """Return the clips of noise and the speech of each talker of a part: "train" or "test".

    Raises:
        HeartenError: one of the corpora is missing.
    """
    test = part == "test"
    clips = [c for c in noise.load(folder) if (c.session == TEST_FOLD) == test]
    spoken = librispeech.load(folder)
    names = sorted({str(u.speaker) for u in spoken})
    half = names[len(names) // 2 :] if test else names[: len(names) // 2]
    return clips, {name: [u for u in spoken if u.speaker == name] for name in half}


def load(folder: Path, part: str = "test") -> Sources:
    """Return the sounds of a part; raises as ``chosen``."""
    clips, talkers = chosen(folder, part)
    return Sources(
        [_samples(clip) for clip in clips],
        {name: [_samples(u) for u in spoken] for name, spoken in talkers.items()},
    )


def intruders(folder: Path, part: str | None = None) -> dict[str, Samples]:
    """Return {name: stream} of sounds that hold no speech: clips by class, and made ones.

    ``part`` is "train", "test", or None for all.

    Raises:
        HeartenError: no noise corpus.
    """
    found: dict[str, list[Samples]] = {}
    for clip in noise.load(folder):
        if part is None or (clip.session == TEST_FOLD) == (part == "test"):
            found.setdefault(f"esc10 {clip.published[0]}", []).append(_samples(clip))
    return {name: np.concatenate(pieces) for name, pieces in found.items()} | made(part)


def made(part: str | None = None) -> dict[str, Samples]:
    """Return {name: stream} of the sounds that are made here, the same every time."""
    return {
        name: to_int16(MADE[name](np.random.default_rng(0)) * 32768.0)[0] for name in kinds(part)
    }


def kinds(part: str | None = None) -> list[str]:
    """Return the names of the made sounds of a part, or of all."""
    return [name for name in MADE if part is None or (name in TEST_KINDS) == (part == "test")]


def group(name: str) -> str:
    """Return the group of an intruder: "esc10", "noise", "hum", "silence" or "music"."""
    return name.split(maxsplit=1)[0]


def _samples(clip: Utterance) -> Samples:
    assert clip.path is not None
    return read(clip.path)


def _time(seconds: float = SECONDS) -> Signal:
    return np.arange(int(seconds * RATE)) / RATE


def _white(rng: np.random.Generator, level_db: float) -> Signal:
    return rng.normal(size=SECONDS * RATE) * 10.0 ** (level_db / 20.0)


def _pink(rng: np.random.Generator, level_db: float) -> Signal:
    spectrum = np.fft.rfft(rng.normal(size=SECONDS * RATE))
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)))
    return np.asarray(shaped / shaped.std() * 10.0 ** (level_db / 20.0))


def _gusts(rng: np.random.Generator) -> Signal:
    """Pink noise that swells and fades, as wind or traffic do."""
    return _pink(rng, -30.0) * (0.2 + np.sin(2 * np.pi * 0.15 * _time()) ** 2)


def _hum(rng: np.random.Generator) -> Signal:
    """Mains at 50 Hz with harmonics, -40 dB, over a little noise."""
    tones = sum(np.sin(2 * np.pi * 50.0 * k * _time()) / k for k in range(1, 8))
    return np.asarray(0.01 * tones + _white(rng, -70.0))


def _note(hertz: float, seconds: float, decay: float, vibrato: float = 0.0) -> Signal:
    """Return a tone of eight harmonics; ``decay`` is its time constant in seconds."""
    time = _time(seconds)
    phase = 2 * np.pi * hertz * time + vibrato * np.sin(2 * np.pi * 5.5 * time)
    tone = sum(np.sin(k * phase) / k**1.2 for k in range(1, 9) if k * hertz < RATE / 2)
    ends = np.minimum(1.0, np.minimum(time, seconds - time) / 0.01)
    return np.asarray(tone * np.exp(-time / decay) * ends)


def _tune(rng: np.random.Generator, length: float, decay: float, vibrato: float = 0.0) -> Signal:
    """Return notes one after the other, a rest at times."""
    notes = []
    for _ in range(int(SECONDS / length)):
        note = _note(float(rng.choice(NOTES)), length, decay, vibrato)
        notes.append(note * (rng.random() > 0.1) * rng.uniform(0.5, 1.0))
    return 0.1 * np.concatenate(notes)


def _chords(rng: np.random.Generator) -> Signal:
    """Return three tunes at once, of long notes."""
    return np.asarray(sum(_tune(rng, 2.0, 1.5) for _ in range(3)) / 2)


MADE: Mapping[str, Callable[[np.random.Generator], Signal]] = {
    "silence digital": lambda rng: np.zeros(SECONDS * RATE),
    "noise white -60 dB": lambda rng: _white(rng, -60.0),
    "noise white -30 dB": lambda rng: _white(rng, -30.0),
    "noise pink -30 dB": lambda rng: _pink(rng, -30.0),
    "noise pink gusts": _gusts,
    "hum 50 Hz": _hum,
    "music arpeggio": lambda rng: _tune(rng, 0.25, 0.3),
    "music plucked": lambda rng: _tune(rng, 1.0, 0.25),
    "music melody with vibrato": lambda rng: _tune(rng, 0.5, 2.0, vibrato=0.4),
    "music chords": _chords,
}
TEST_KINDS = (
    "noise pink gusts",
    "hum 50 Hz",
    "music plucked",
    "music melody with vibrato",
)

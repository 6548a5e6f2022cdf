"""Features of the seed work: low-level descriptors (LLD) and their statistics (HSF).

The libraries are those of the papers: librosa, openSMILE and pyAudioAnalysis. They are used here
only, never on the device. openSMILE is free for research, not for products.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.audio.files import read
from edge.emotion import Floats
from edge.errors import HeartenError
from edge.features import RATE
from train import recordings
from train.corpora import Utterance
from train.kept import kept
from train.scored import kind_of

CACHE = Path("runs/hsf")
SEED_RATE = 22_050  # librosa's default, and so the seed's
WINDOW, STEP = 400, 160  # samples at 16 kHz: 25 ms every 10 ms
POINTS = 1024  # of the transform: with 512, some of 128 mel bands would hold no bin
SHORTEST = 2048  # samples
RMS_WINDOW, RMS_STEP = 2048, 512
QUIET = 0.3  # of the mean RMS


def seed_functionals(path: Path) -> Floats:
    """Return mean and deviation over time of MFCC 40, chroma 12, mel 128 (power), contrast 7 and
    tonnetz 6, with librosa's defaults; shape (386,)."""
    import librosa

    signal = librosa.resample(_signal(path), orig_sr=RATE, target_sr=SEED_RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a recording shorter than the longest filter
        spectrum = np.abs(librosa.stft(signal))
        frames = np.concatenate(
            [
                librosa.feature.mfcc(y=signal, sr=SEED_RATE, n_mfcc=40),
                librosa.feature.chroma_stft(S=spectrum, sr=SEED_RATE),
                librosa.feature.melspectrogram(y=signal, sr=SEED_RATE),
                librosa.feature.spectral_contrast(S=spectrum, sr=SEED_RATE),
                librosa.feature.tonnetz(y=signal, sr=SEED_RATE),
            ]
        ).T
    return functionals(frames)


def mfcc(path: Path) -> Floats:
    """Return 40 cepstral coefficients every 10 ms, shape (frames, 40)."""
    import librosa

    decibels = logmel(path).T
    return np.asarray(librosa.feature.mfcc(S=decibels, n_mfcc=40).T)


def logmel(path: Path) -> Floats:
    """Return 128 mel bands in decibels every 10 ms, shape (frames, 128)."""
    import librosa

    power = librosa.feature.melspectrogram(
        y=_signal(path), sr=RATE, n_fft=POINTS, win_length=WINDOW, hop_length=STEP
    )
    return np.asarray(librosa.power_to_db(power, top_db=None).T)


def gemaps(path: Path) -> Floats:
    """Return the 23 descriptors of eGeMAPSv01a (Eyben et al. 2016) every 10 ms."""
    return np.asarray(_smile().process_signal(_signal(path), RATE).to_numpy())


def paa(path: Path) -> Floats:
    """Return pyAudioAnalysis's 34 short-term features every 10 ms, and their 34 deltas."""
    from pyAudioAnalysis import ShortTermFeatures

    samples = np.rint(_signal(path) * 32768.0)  # it wants the scale of 16 bits
    return np.asarray(ShortTermFeatures.feature_extraction(samples, RATE, WINDOW, STEP)[0].T)


def silence(path: Path) -> Floats:
    """Return the share of frames with an RMS at or below 0.3 x the mean RMS; shape (1,)."""
    import librosa

    rms = librosa.feature.rms(y=_signal(path), frame_length=RMS_WINDOW, hop_length=RMS_STEP)[0]
    return np.array([np.mean(rms <= QUIET * rms.mean())])


def level_free(table: Floats) -> Floats:
    """Return what of ``seed_functionals``, shape (n, 386), does not hang on the level: MFCC 1 to
    39, chroma, contrast and tonnetz; shape (n, 128)."""
    return np.asarray(table[:, LEVEL_FREE.ravel()])


def sung(items: Sequence[Utterance]) -> Floats:
    """Return functionals of song that do not hang on the level, shape (n, 128), 0 of speech.

    Kernel ridge regression on them knows song better than a large encoder of speech does.
    """
    songs = [row for row, item in enumerate(items) if kind_of(item.id) == "song"]
    found = np.zeros((len(items), LEVEL_FREE.size), np.float32)
    if songs:
        found[songs] = level_free(np.stack(each([items[row] for row in songs], "seed")))
    return found


def functionals(frames: Floats) -> Floats:
    """Return mean and deviation over time, in this order; (frames, n) becomes (2 n,)."""
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)])


# Of the seed's functionals, means and deviations, those that do not hang on the level.
LEVEL_FREE = np.r_[1:52, 180:193] + np.array([[0], [193]])
# What is computed and kept; a change in how raises the number.
COMPUTED: dict[str, tuple[Callable[[Path], Floats], int]] = {
    "seed": (seed_functionals, 1),
    "mfcc": (mfcc, 1),
    "logmel": (logmel, 1),
    "gemaps": (gemaps, 1),
    "paa": (paa, 1),
    "silence": (silence, 1),
}
# Descriptors by the names of the table: what they are computed as, how many of its columns.
LLDS = {
    "mfcc": ("mfcc", 40),
    "logmel": ("logmel", 128),
    "gemaps": ("gemaps", 23),
    "paa": ("paa", 34),
    "paa-deltas": ("paa", 68),
}


def each(items: Sequence[Utterance], name: str, folder: Path | None = None) -> list[Floats]:
    """Return an array of ``COMPUTED`` for every recording, with progress on stderr.

    Raises:
        HeartenError: a library is missing, or a recording is too short or cannot be read.
    """
    function, version = COMPUTED[name]
    place = (folder or CACHE) / name
    found = []
    for index, item in enumerate(items):
        if index % 100 == 0:
            print(f"\r{name} {index}/{len(items)}", end="", file=sys.stderr, flush=True)
        path = recordings.place(item)
        found.append(kept(place, [name, version], path, _demanding(function)))
    print(f"\r{name} {len(items)}/{len(items)}", file=sys.stderr)
    return found


def llds(items: Sequence[Utterance], name: str, folder: Path | None = None) -> list[Floats]:
    """Return the descriptors of every recording, (frames, n) at 100 Hz; ``name`` of ``LLDS``."""
    computed, columns = LLDS[name]
    return [array[:, :columns] for array in each(items, computed, folder)]


def hsf(items: Sequence[Utterance], name: str, pauses: bool, folder: Path | None = None) -> Floats:
    """Return HSF1 (mean and deviation of ``LLDS``) of recordings; with ``pauses`` HSF2, which
    has the silence ratio too."""
    table = np.stack([functionals(frames) for frames in llds(items, name, folder)])
    if not pauses:
        return table
    return np.concatenate([table, np.stack(each(items, "silence", folder))], axis=1)


def _demanding(function: Callable[[Path], Floats]) -> Callable[[Path], Floats]:
    """Turn a missing library into an error that names the cure, and leave only finite values."""

    def compute(path: Path) -> Floats:
        try:
            found = function(path)
        except ImportError as error:
            raise HeartenError(f"{error}: pip install 'hearten[train]'") from error
        # pyAudioAnalysis divides by the energy, which digital silence does not have.
        return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)

    return compute


def _signal(path: Path) -> Floats:
    """Return a recording at 16 kHz in [-1, 1]."""
    samples = read(path)
    if len(samples) < SHORTEST:
        raise HeartenError(f"{path}: {len(samples)} samples are too few: {SHORTEST} or more")
    return (samples / 32768.0).astype(np.float32)


@functools.cache
def _smile() -> Any:
    import opensmile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that v02 is newer: it has 25 descriptors, the seed 23
        return opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv01a,
            feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
        )

"""Sound files as the device hears them: 16 kHz mono int16, streamed, whatever the file holds.

The format is decided by content, never by the name. WAVE needs nothing but numpy; FLAC, OGG, MP3
and the rest are read by the optional package soundfile.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.audio.resample import HIGHEST, LOWEST, RATE, Resampler
from edge.audio.wav import CONVERT, Floats, Values, WavReader, decode, mono
from edge.errors import AudioError, MissingExtra

Samples = NDArray[np.int16]
# Which channels to average: a list of views, each of shape (frames, channels of the view).
Choose = Callable[[Values, Path], list[Values]]

# First bytes of formats that soundfile reads; an MP3 without ID3 begins with a frame header.
MAGICS = (b"fLaC", b"OggS", b"ID3", b"FORM", b"RIFX", b"caff", b".snd")
MP3_FRAMES = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2")
LARGEST_PIECE = 1 << 20  # samples, over all channels
MOST_APART = 8  # channels that are split: each needs an engine of its own


def blocks(path: str | Path, seconds: float = 1.0, channel: int | None = None) -> Iterator[Samples]:
    """Yield a file as 16 kHz mono int16 in pieces of ``seconds`` (the last may be shorter).

    Channels are averaged, or only ``channel`` (from 1) is heard; memory does not grow with the
    file; a 16 kHz mono 16-bit WAVE comes through bit for bit.

    Raises:
        AudioError: missing, unreadable, no sound file, damaged, NaN inside, without samples, or
            without that channel.
        MissingExtra: the format needs soundfile, which is not installed.
    """
    for (block,) in _cut(Path(path), seconds, _mixed if channel is None else _only(channel)):
        yield block


def channel_blocks(path: str | Path, seconds: float = 1.0) -> Iterator[list[Samples]]:
    """Yield what ``blocks`` does for each channel apart: one array a channel, of equal length.

    Raises:
        AudioError: as in ``blocks``, or more channels than can be told apart here.
    """
    yield from _cut(Path(path), seconds, _apart)


def _cut(path: Path, seconds: float, choose: Choose) -> Iterator[list[Samples]]:
    """Yield pieces of equal length, one array for each choice of channels."""
    size = max(1, round(seconds * RATE))
    kept: list[Samples] = []
    empty = True
    for pieces in _resampled(path, choose):
        fresh = [_to_int16(piece) for piece in pieces]
        pairs = zip(kept, fresh, strict=True)
        kept = [np.concatenate(pair) for pair in pairs] if kept else fresh
        while len(kept[0]) >= size:
            yield [samples[:size] for samples in kept]
            kept = [samples[size:] for samples in kept]
            empty = False
    if kept and len(kept[0]):
        yield kept
    elif empty:
        raise AudioError(f"{path} holds no samples")


def _mixed(frames: Values, path: Path) -> list[Values]:
    return [frames]


def _only(channel: int) -> Choose:
    def choose(frames: Values, path: Path) -> list[Values]:
        there = frames.shape[1]
        if not 1 <= channel <= there:
            raise AudioError(f"{path} has no channel {channel}: it has {there}, counted from 1")
        return [frames[:, channel - 1 : channel]]

    return choose


def _apart(frames: Values, path: Path) -> list[Values]:
    there = frames.shape[1]
    if there > MOST_APART:
        raise AudioError(f"{path} has {there} channels: at most {MOST_APART} are split; choose one")
    return [frames[:, index : index + 1] for index in range(there)]


def read(path: str | Path) -> Samples:
    """Return the whole file as 16 kHz mono int16, shape (n,). Errors as in ``blocks``."""
    return np.concatenate(list(blocks(path, 10.0)))


def duration(path: str | Path) -> float | None:
    """Return the length in seconds if the header tells, else None. Errors as in ``blocks``."""
    path = Path(path)
    with _opened(path) as file:
        if not S_ISREG(os.fstat(file.fileno()).st_mode):
            return None  # reading the header of a pipe would lose it
        if _is_riff(file):
            reader = WavReader(file, str(path))
            if reader.frames is None:
                return None
            there = (os.fstat(file.fileno()).st_size - reader.start) // reader.format.frame
            return max(0, min(reader.frames, there)) / reader.format.rate
        with _decoder(file, path) as sound:
            return float(sound.frames / sound.samplerate)


def _resampled(path: Path, choose: Choose) -> Iterator[list[Floats]]:
    """Yield float32 at 16 kHz for each choice, in pieces of about a quarter of a second."""
    with _opened(path) as file:
        if _is_riff(file):
            reader = WavReader(file, str(path))
            rate = _checked(reader.format.rate, path)
            yield from _convert(_wave(file, reader), rate, path, choose)
            return
        with _decoder(file, path) as sound:
            rate = _checked(int(sound.samplerate), path)
            yield from _convert(_decoded(sound), rate, path, choose)


def _frames(rate: int, channels: int) -> int:
    """Return how many frames to read at once: memory stays small even with 65535 channels."""
    return max(1, min(rate // 4, LARGEST_PIECE // channels))


def _convert(
    pieces: Iterator[Values], rate: int, path: Path, choose: Choose
) -> Iterator[list[Floats]]:
    """Average and resample each choice of channels by itself."""
    resamplers: list[Resampler] = []
    done = 0
    for frames in pieces:
        chosen = choose(frames, path)
        resamplers = resamplers or [Resampler(rate) for _ in chosen]
        heard = [mono(part, done, rate, str(path)) for part in chosen]
        pairs = zip(resamplers, heard, strict=True)
        yield [resampler.push(samples) for resampler, samples in pairs]
        done += len(frames)
    if resamplers:
        yield [resampler.flush() for resampler in resamplers]


def _to_int16(samples: Floats) -> Samples:
    rounded: Samples = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    return rounded


def _checked(rate: int, path: Path) -> int:
    if not LOWEST <= rate <= HIGHEST:
        raise AudioError(f"{path} is sampled at {rate} Hz: {LOWEST} to {HIGHEST} Hz are read")
    return rate


def _is_riff(file: BufferedReader) -> bool:
    return file.peek(4)[:4] in (b"RIFF", b"RF64")


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """Open ``path``, with one clear line for each way in which that can fail."""
    try:
        if S_ISDIR(path.stat().st_mode):
            raise AudioError(f"{path} is a folder, not a sound file")
        with path.open("rb") as file:
            if not file.peek(1):
                raise AudioError(f"{path} is empty")
            yield file
    except FileNotFoundError as error:
        raise AudioError(f"{path} does not exist") from error
    except PermissionError as error:
        raise AudioError(f"{path} may not be read: permission denied") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AudioError(f"{path} cannot be read: {error}") from error


@contextmanager
def _decoder(file: BufferedReader, path: Path) -> Iterator[Any]:
    """Open the file with soundfile; its errors become an AudioError."""
    head = file.peek(4)[:4]
    try:
        soundfile = importlib.import_module("soundfile")
    except (ImportError, OSError) as error:  # OSError: libsndfile itself is missing
        if head.startswith(MAGICS + MP3_FRAMES):
            raise MissingExtra("reading FLAC, OGG or MP3", "audio") from error
        raise AudioError(f"{path} is not a sound file that is read here; {CONVERT}") from error
    try:
        with soundfile.SoundFile(file) as sound:
            yield sound
    except (soundfile.SoundFileError, RuntimeError) as error:
        reason = str(error).rsplit(": ", maxsplit=1)[-1].strip().rstrip(".")
        raise AudioError(f"{path} cannot be read as sound ({reason}); {CONVERT}") from error


def _wave(file: BufferedReader, reader: WavReader) -> Iterator[Values]:
    """Yield the frames of a WAVE; data that end early are used as far as they go."""
    form = reader.format
    size, left = _frames(form.rate, form.channels), reader.frames
    while left is None or left > 0:
        want = size if left is None else min(size, left)
        frames = decode(file.read(want * form.frame), form)
        if len(frames):
            yield frames
        if len(frames) < want:
            return
        left = None if left is None else left - want


def _decoded(sound: Any) -> Iterator[Values]:
    """Yield the frames of an open soundfile."""
    size = _frames(int(sound.samplerate), sound.channels)
    while len(frames := sound.read(size, dtype="float32", always_2d=True)):
        yield frames

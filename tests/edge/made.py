"""Audio files and manifests that tests make."""

from __future__ import annotations

import hashlib
import wave
from pathlib import Path

import numpy as np

EVERY_WORD = ("--words-budget", "none")  # else a busy machine would drop some


def rehash(manifest: dict, pack: Path, name: str) -> None:
    """Make the manifest agree with a file that was changed on purpose."""
    manifest["files"][name] = hashlib.sha256((pack / name).read_bytes()).hexdigest()


def read_wav(path: Path) -> bytes:
    """Return the samples of a 16 kHz mono 16-bit WAV."""
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, 16000)
        return file.readframes(file.getnframes())


def write_wav(path: Path, samples: np.ndarray, rate: int = 16000, channels: int = 1) -> Path:
    """Write 16-bit samples; returns the path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return path

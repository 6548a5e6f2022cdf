"""Measurements of this device: speed, memory, cold start, and parity with the pack's reference."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.engine import Engine
from edge.errors import PackError
from edge.features import RATE
from edge.interpreter import interpreter_class
from edge.pack import Pack, open_pack

TOLERANCE = 0.05  # x86 and aarch64 differ by up to 4e-2 in int8
COLD = """import sys, edge
from edge.bench import peak_memory_mb
engine = edge.Engine.open(sys.argv[1] or None, words={words})
engine.push(bytes(3200))
print(peak_memory_mb())"""


def measure(path: str | None) -> dict[str, Any]:
    """Return what was measured here; times are CPU seconds of this process, one thread."""
    pack = open_pack(path)
    speech = reference_audio(pack)
    report: dict[str, Any] = {
        "pack": pack.manifest.name,
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "interpreter": interpreter_class()[1],
        "parity_difference": parity(pack)["difference"],
        "voice_rtf": _real_time_factor(path, speech, words=False),
    }
    report["cold_start_voice_s"], report["rss_voice_mb"] = _cold(path, words=False)
    if pack.manifest.text is not None and _has_asr():
        report["words_rtf"] = _real_time_factor(path, speech, words=True)
        report["words_final_ms"] = _final_ms(path, speech)
        report["cold_start_words_s"], report["rss_words_mb"] = _cold(path, words=True)
    report["rss_now_mb"] = round(peak_memory_mb(), 1)
    return report


def reference_audio(pack: Pack) -> NDArray[np.int16]:
    """Return the made-up signal of the parity check: a voice-like sweep of harmonics, int16.

    Two seconds at 16 kHz; the same on every machine, to the sample.
    """
    seconds = np.arange(2 * RATE) / RATE
    pitch = 120.0 + 60.0 * np.sin(2 * np.pi * 1.5 * seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 20))
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 4.0 * seconds)
    return np.asarray(np.rint(4000.0 * loud * tone), np.int16)


def parity(pack: Pack) -> dict[str, float]:
    """Compare the voice branch on the reference signal with what the pack's maker stored.

    Raises:
        PackError: they differ by more than the tolerance between machines.
    """
    scores = reference_scores(pack)
    stored = pack.manifest.raw.get("reference", {}).get("voice")
    if not isinstance(stored, list) or len(stored) != len(scores):
        raise PackError("manifest lacks reference outputs: rebuild the pack")
    difference = float(np.abs(np.asarray(stored, np.float32) - scores).max())
    if not difference <= TOLERANCE:
        raise PackError(f"reference outputs differ by {difference:.3f}: this pack fails here")
    if pack.manifest.text is not None:
        _load_words(pack)
    return {"difference": round(difference, 5)}


def _load_words(pack: Pack) -> None:
    """Load every part of the word branch that can be loaded here; raises PackError."""
    words = pack.text().words
    pack.fusion()
    if _has_asr():
        pack.recognizer(frozenset(words)).close()


def reference_scores(pack: Pack) -> NDArray[np.float32]:
    """Return V/A/D and probabilities of the voice branch on the reference signal."""
    voice = pack.voice()
    voice.push(reference_audio(pack))
    voice.finish()
    voice.mark(sys.maxsize)
    scores = voice.score()
    if scores is None:
        raise PackError("the voice branch gave nothing on the reference signal")
    return np.concatenate([scores.vad, scores.probabilities])


def _real_time_factor(path: str | None, speech: NDArray[np.int16], words: bool) -> float:
    """Return CPU seconds for each second of speech, in 100 ms pieces."""
    data = np.tile(speech, 10).tobytes()
    with Engine.open(path, words=words) as engine:
        engine.push(data[: RATE * 2])
        engine.reset()
        before = time.process_time()
        for first in range(0, len(data), RATE // 5):
            engine.push(data[first : first + RATE // 5])
        engine.flush()
        return round((time.process_time() - before) / (len(data) / 2 / RATE), 5)


def _final_ms(path: str | None, speech: NDArray[np.int16]) -> float:
    """Return the median time from the chunk that ends an utterance to its event, with words."""
    times = []
    with Engine.open(path, partials=False) as engine:
        for size in range(len(speech) // 2, 3 * len(speech), len(speech) // 2):
            data = np.pad(np.resize(speech, size), RATE).tobytes()
            for first in range(0, len(data), RATE // 5):
                ended = engine.push(data[first : first + RATE // 5])
                times += [event.latency_ms for event in ended]
    return round(float(np.median(times)), 1)


def _cold(path: str | None, words: bool) -> tuple[float, float]:
    """Return seconds from process start to the first chunk done, and peak memory in MB."""
    script = COLD.format(words=words)
    times, memory = [], 0.0
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", script, path or ""], capture_output=True, text=True, check=True
        )
        times.append(time.perf_counter() - start)
        memory = float(done.stdout)
    return round(min(times), 3), round(memory, 1)


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in MB.

    The kernel's own figure where there is one: that of ``getrusage`` starts with the parent's.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _has_asr() -> bool:
    try:
        import pocketsphinx  # noqa: F401
    except ImportError:
        return False
    return True

"""What a stream costs: real-time factor and share of a core, and how late its events come."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from edge.bench.effort import Effort, median
from edge.bench.signals import Samples, room, speech, utterance
from edge.engine import Engine
from edge.errors import HeartenError
from edge.features import HOP, RATE

CHUNK = RATE // 10
PASS = 5.0  # seconds of audio
MOST = 200  # passes
PERCENTILES = (50, 95, 99)
SHORTEST, LONGEST = 0.8, 3.0  # seconds of an utterance
LEAST_UTTERANCES = 5
LIVE_BUDGET = 1.0  # that of ``hearten listen``


def open_engine(pack: str | Path | None, words: bool, partials: bool = True) -> Engine:
    """Open an engine as a live stream does."""
    budget = LIVE_BUDGET if words else None
    return Engine.open(pack, words=words, partials=partials, words_budget=budget)


def shares(engine: Engine, effort: Effort) -> dict[str, float]:
    """Return seconds for each second of audio, on the wall and on the processor (percent).

    Silence and speech take turns; each figure is the median of its passes.
    """
    sounds = {"silence_": room(PASS), "": speech(PASS)}
    found: dict[str, list[float]] = defaultdict(list)
    for number in effort.rounds(3, MOST):
        for name, sound in sounds.items():
            wall, core = _pass(engine, sound)
            if number:  # the first warms up
                found[f"{name}rtf"].append(wall / PASS)
                found[f"{name}core_percent"].append(100.0 * core / PASS)
    return {name: median(values) for name, values in found.items()}


def _pass(engine: Engine, sound: Samples) -> tuple[float, float]:
    """Push a sound in 100 ms chunks; return seconds on the wall and on the processor."""
    chunks = [chunk.tobytes() for chunk in sound.reshape(-1, CHUNK)]
    engine.reset()
    wall, core = time.perf_counter(), time.process_time()
    for chunk in chunks:
        engine.push(chunk)
    engine.flush()
    return time.perf_counter() - wall, time.process_time() - core


def latency(engine: Engine, effort: Effort) -> dict[str, float]:
    """Return percentiles, in ms, of how late final events are.

    ``final``: from the chunk that ends the utterance to the event, which is computing only.
    ``latency``: from the last sample of speech, so hang-over and the rest of the chunk included.
    The stream is pushed as fast as it goes, on a clock that runs as a live one would.
    """
    finals: list[float] = []
    waits: list[float] = []
    lengths = np.random.default_rng(0).uniform(SHORTEST, LONGEST, effort.utterances)
    for number in effort.rounds(LEAST_UTTERANCES, effort.utterances):
        sound, said = utterance(float(lengths[number]), number)
        for final, wait in _lateness(engine, sound, said):
            finals.append(1e3 * final)
            waits.append(1e3 * wait)
    if not finals:
        raise HeartenError(f"{engine.pack.place} ends no utterance of the made speech: check it")
    return {
        f"{name}_p{p}_ms": float(np.percentile(values, p))
        for name, values in (("final", finals), ("latency", waits))
        for p in PERCENTILES
    } | {"utterances": len(finals)}


def _lateness(engine: Engine, sound: Samples, said: int) -> list[tuple[float, float]]:
    """Return seconds to the last final event, if any: from its chunk, and from the last sample."""
    engine.reset()
    late: list[tuple[float, float]] = []
    clock = 0.0
    for first in range(0, len(sound), CHUNK):
        chunk = sound[first : first + CHUNK]
        arrived = (first + len(chunk)) / RATE
        before = time.perf_counter()
        events = engine.push(chunk.tobytes())
        clock = max(clock, arrived) + time.perf_counter() - before
        if any(event.type == "final" for event in events):
            late = [(clock - arrived, clock - said / RATE)]
    return late


def hangover_ms(engine: Engine) -> float:
    """Return the silence in ms that the endpointer of the pack waits for."""
    return 1e3 * engine.pack.manifest.endpoint.hangover_frames * HOP / RATE

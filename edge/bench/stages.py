"""What each part costs: the engine's own parts, warm, apart, on the same audio.

Rounds go through all parts one after the other, so a machine that slows down slows all of them,
and each figure is the median of its rounds. Times are seconds on the processor, not on the wall.
"""

from __future__ import annotations

import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from edge.bench.effort import Effort, median
from edge.bench.signals import Samples, speech
from edge.emotion import Floats, Word
from edge.endpoint import Endpointer, levels_db
from edge.engine import PARTIAL
from edge.features import HOP, RATE, Features
from edge.keywords import Recognizer
from edge.pack import Pack
from edge.voice import Voice

FRAMES = 200  # of audio each round, about
CHUNK = 10  # frames that are pushed at once
MOST = 400  # rounds
EVENTS = 20  # decisions timed together
SURE = 0.8

Costs = Iterator[tuple[str, float]]
Measure = Callable[[], Costs]


def frame_costs(pack: Pack, effort: Effort, recogniser: bool) -> dict[str, float]:
    """Return microseconds a 10 ms frame of speech, by part; words only with a recogniser."""
    whole = math.lcm(CHUNK, PARTIAL, pack.voice().block)
    frames = whole * max(1, round(FRAMES / whole))
    audio = speech(frames * HOP / RATE)
    chunks = list(audio.reshape(-1, CHUNK * HOP))
    measures: list[Measure] = [_endpointer(pack, chunks), *_voice(pack, audio, chunks)]
    recognizer = pack.recognizer(pack.heard()) if recogniser else None
    if recognizer:
        measures.append(_words(recognizer, chunks))
    try:
        return {k: 1e6 * s / frames for k, s in _medians(measures, effort).items()}
    finally:
        if recognizer:
            recognizer.close()


def event_costs(pack: Pack, effort: Effort) -> dict[str, float]:
    """Return microseconds a decision, by part: head, embedding bag and fusion."""
    voice = pack.voice()
    pooled = np.zeros(voice.size, np.float32)
    scores = voice.judge(pooled)
    measures = [_times("head_us", lambda: voice.judge(pooled))]
    if pack.manifest.text is not None:
        model, fuse = pack.text(), pack.fusion()
        heard = [Word(word, 0.0, 0.0, SURE) for word in model.words[:3]]
        text = model.score(heard)
        measures.append(_times("bag_us", lambda: model.score(heard)))
        measures.append(_times("fusion_us", lambda: fuse(scores, text, SURE * len(heard))))
    return {k: 1e6 * s for k, s in _medians(measures, effort).items()}


def _medians(measures: Sequence[Measure], effort: Effort) -> dict[str, float]:
    """Return the median seconds of each part over rounds; the first round only warms up."""
    found: dict[str, list[float]] = defaultdict(list)
    for number in effort.rounds(4, MOST):
        for measure in measures:
            for name, seconds in measure():
                if number:
                    found[name].append(seconds)
    return {name: median(values) for name, values in found.items()}


def _endpointer(pack: Pack, chunks: Sequence[Samples]) -> Measure:
    endpointer = Endpointer(pack.manifest.endpoint, wary=True)

    def measure() -> Costs:
        before = time.process_time()
        for chunk in chunks:
            for level in levels_db(chunk):
                endpointer.update(level)
        yield "endpointer_us", time.process_time() - before

    return measure


def _voice(pack: Pack, audio: Samples, chunks: Sequence[Samples]) -> list[Measure]:
    """Return measures of the voice branch in three parts, and as a whole.

    None of them starts anew in a round: what waits for a block to fill is then paid for as well.
    """
    settings = pack.manifest.voice
    features = Features(settings.features)
    pieces = np.split(audio, range(PARTIAL * HOP, len(audio), PARTIAL * HOP))
    raw = Features(settings.features).push(np.tile(audio, 2))[: len(audio) // HOP]
    frames = settings.normalised(raw)

    def front() -> Costs:
        before = time.process_time()
        for piece in pieces:
            features.push(piece)
        yield "features_us", time.process_time() - before

    return [front, _graph_and_pooling(pack.voice(), frames), _whole(pack.voice(), chunks)]


def _graph_and_pooling(voice: Voice, frames: Floats) -> Measure:
    pieces = np.split(frames, range(PARTIAL, len(frames), PARTIAL))

    def measure() -> Costs:
        graph = pooling = 0.0
        for piece in pieces:
            began = time.process_time()
            voice.push_frames(piece)
            between = time.process_time()
            voice.mark(sys.maxsize)
            graph, pooling = graph + between - began, pooling + time.process_time() - between
        yield "graph_us", graph
        yield "pooling_us", pooling

    return measure


def _whole(voice: Voice, chunks: Sequence[Samples]) -> Measure:
    def measure() -> Costs:
        before = time.process_time()
        hear(voice, chunks)
        yield "voice_us", time.process_time() - before

    return measure


def hear(voice: Voice, chunks: Iterable[Samples]) -> None:
    """Push chunks of an utterance as an engine does, which has them counted for each event."""
    waiting = 0
    for chunk in chunks:
        voice.push(chunk)
        waiting += len(chunk)
        if waiting >= PARTIAL * HOP:
            voice.mark(sys.maxsize)
            waiting -= PARTIAL * HOP


def _words(recognizer: Recognizer, chunks: Sequence[Samples]) -> Measure:
    def measure() -> Costs:
        before = time.process_time()
        recognizer.begin(0.0)
        for chunk in chunks:
            recognizer.push(chunk)
        recognizer.end()
        yield "recogniser_us", time.process_time() - before

    return measure


def _times(name: str, work: Callable[[], object]) -> Measure:
    """Return a measure of one call of ``work``."""

    def measure() -> Costs:
        before = time.process_time()
        for _ in range(EVENTS):
            work()
        yield name, (time.process_time() - before) / EVENTS

    return measure

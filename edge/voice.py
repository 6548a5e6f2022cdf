"""The voice branch: samples of one utterance in, calibrated scores out.

Features feed a chunk graph (causal convolution and GRU, state in and out) block by block; what it
returns is pooled over the utterance and read by a small head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats, Scores
from edge.errors import PackError
from edge.features import Features, FeatureSettings
from edge.interpreter import Graph
from edge.pooling import Pool


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How the graphs are fed: ``mean`` and ``std`` normalise a frame, shape (features.size,);
    ``context`` frames before a block are repeated for the convolution; the GRU makes a step each
    ``stride`` frames; ``lags`` are those of the functionals of frames that are pooled beside its
    states, none without them; ``temperature`` divides the logits."""

    features: FeatureSettings
    mean: Floats
    std: Floats
    context: int
    stride: int
    temperature: float
    lags: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """What the graph said, step by step, of frames from ``start`` of the utterance on."""

    start: int
    states: Floats
    attention: Floats
    frames: Floats


class Voice:
    """One utterance at a time; ``begin`` starts the next and costs no disk access.

    ``shift``, shape (size of the pooled vector,), is added to what is pooled before the head
    reads it: how a known speaker differs from others. It outlasts utterances; None is no shift.
    """

    def __init__(self, graph: Graph, head: Graph, settings: VoiceSettings) -> None:
        """Check that graphs and settings fit each other; raises PackError where they do not."""
        self.settings = settings
        self._graph, self._head = graph, head
        frames, size = graph.shape("frames")[1:]
        self.block = frames - settings.context
        self._units = graph.shape("state")[1]
        self._check(size)
        self._features = Features(settings.features)
        self.shift: Floats | None = None
        self.begin()

    def _check(self, size: int) -> None:
        settings = self.settings
        if not size == settings.features.size == len(settings.mean) == len(settings.std):
            raise PackError(f"{self._graph.name} takes {size} values a frame, the features differ")
        if self.block <= 0 or self.block % settings.stride:
            raise PackError(f"{self._graph.name}: block of {self.block} frames does not fit")
        if self._head.shape("pooled")[1] != self.size:
            raise PackError(f"{self._head.name} does not belong to {self._graph.name}")

    @property
    def labels(self) -> int:
        """Number of classes of the head."""
        return self._head.shape("logits")[1]

    @property
    def size(self) -> int:
        """Length of the pooled vector."""
        return Pool.length(self._units, self.settings.features.size, self.settings.lags)

    def begin(self) -> None:
        """Start an utterance: fresh features, zero state, empty pool."""
        size = self.settings.features.size
        self._features.reset()
        self._state: Floats = np.zeros((1, self._units), np.float32)
        self._context: Floats = np.zeros((self.settings.context, size), np.float32)
        self._waiting: Floats = np.zeros((0, size), np.float32)
        self._samples: list[NDArray[np.int16]] = []
        self._wanted = self._features.missing(self.block)
        self._pool = Pool(self._units, size, self.settings.lags)
        self._blocks: list[Block] = []
        self._done = 0

    def push(self, samples: NDArray[np.int16]) -> None:
        """Add samples of any number; they wait until they complete a block, which runs at once."""
        self._samples.append(samples)
        self._wanted -= len(samples)
        if self._wanted <= 0:
            self._frame()

    def _frame(self) -> None:
        """Make frames of the samples that wait: one call a block, however small the pieces."""
        frames = self._features.push(np.concatenate(self._samples))
        self._samples = []
        frames -= self.settings.mean
        frames /= self.settings.std
        self.push_frames(frames)
        self._wanted = self._features.missing(self.block - len(self._waiting))

    def push_frames(self, frames: Floats) -> None:
        """Add normalised frames, shape (n, size)."""
        waiting = np.concatenate([self._waiting, frames]) if len(self._waiting) else frames
        while len(waiting) >= self.block:
            self._run(waiting[: self.block], self.block)
            waiting = waiting[self.block :]
        self._waiting = waiting

    def mark(self, frames: int) -> None:
        """Count what was said so far: pool every step that starts before ``frames``."""
        stride = self.settings.stride
        while self._blocks and (block := self._blocks[0]).start < frames:
            steps = min(len(block.states), -((block.start - frames) // stride))
            cut = steps * stride
            self._pool.add(block.states[:steps], block.attention[:steps], block.frames[:cut])
            self._blocks.pop(0)
            if steps < len(block.states):
                rest = block.states[steps:], block.attention[steps:], block.frames[cut:]
                self._blocks.insert(0, Block(block.start + cut, *rest))

    def finish(self) -> None:
        """The stream ends here: run the frames that fill no block, padded with average frames."""
        if self._samples:
            self._frame()
        count = len(self._waiting)
        if count < self.settings.stride and self._done:
            return
        padding = np.zeros((self.block - count, self.settings.features.size), np.float32)
        self._run(np.concatenate([self._waiting, padding]), max(count, self.settings.stride))
        self._waiting = self._waiting[:0]

    def end(self) -> Scores | None:
        """The stream ends here and all of it counts: return its scores, None of no frame."""
        self.finish()
        self.mark(self._done)
        return self.score()

    def pooled(self) -> Floats | None:
        """Return what is pooled so far, unshifted, shape (size,); None before the first block."""
        return self._pool.value()[0] if self._pool.steps else None

    def score(self) -> Scores | None:
        """Return the scores of what is pooled so far, None before the first block."""
        pooled = self.pooled()
        return None if pooled is None else self.shifted(pooled)

    def shifted(self, pooled: Floats) -> Scores:
        """Return the scores of what ``pooled`` returned, with the shift if there is one."""
        return self.judge(pooled if self.shift is None else pooled + self.shift)

    def judge(self, pooled: Floats) -> Scores:
        """Return the scores of a pooled vector, shape (size,), as it is."""
        out = self._head.run(pooled=pooled[None])
        logits = out["logits"][0].astype(np.float64) / self.settings.temperature
        odds = np.exp(logits - logits.max())
        vad = np.clip(np.nan_to_num(out["vad"][0]), -1.0, 1.0).astype(np.float32)
        return Scores(vad, (odds / odds.sum()).astype(np.float32))

    def _run(self, frames: Floats, valid: int) -> None:
        """Run one block; ``valid`` of its frames are real."""
        window = np.concatenate([self._context, frames])
        out = self._graph.run(frames=window[None], state=self._state)
        steps = valid // self.settings.stride
        states, scores = out["states"][0, :steps], out["attention"][0, :steps, 0]
        whole = frames[: steps * self.settings.stride]
        self._blocks.append(Block(self._done, states, scores, whole))
        self._state = out["state_out"]
        self._context = window[len(window) - self.settings.context :]
        self._done += valid

"""The voice branch: samples of one utterance in, calibrated scores out.

Features feed a chunk graph (causal convolution and GRU, state in and out) block by block; what it
returns is pooled over the utterance and read by a small head. Calls cost more than numbers, so
samples wait until somebody wants to know: a quarter of a second of them costs little more than a
tenth, and the silence that ends an utterance costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats, Scores
from edge.errors import PackError
from edge.features import HOP, Features, FeatureSettings
from edge.interpreter import Graph
from edge.pooling import Functionals, Pool, Waiting

MOST = 100  # frames of samples that wait
SUNG = 0.5  # of a smaller probability that somebody sings, melody is not asked


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How the graphs are fed: ``mean`` and ``std`` normalise each view of a frame, shape
    (features.size,), of which the first graph takes as many values as it has inputs; ``context``
    frames before a block are repeated for the convolution; the GRU makes a step each ``stride``
    frames; ``lags`` are those of the functionals of whole frames that are pooled beside its states,
    none without them; ``temperature`` divides the logits."""

    features: FeatureSettings
    mean: Floats
    std: Floats
    context: int
    stride: int
    temperature: float
    lags: tuple[int, ...] = ()

    def normalised(self, frames: Floats) -> Floats:
        """Return frames (n, views * size), each view normalised."""
        views = frames
        if self.features.warps:
            views = frames.reshape(len(frames), self.features.views, self.features.size)
        scaled: Floats = (views - self.mean) / self.std
        return scaled if views is frames else scaled.reshape(frames.shape)


@dataclass(frozen=True, slots=True)
class Steps:
    """What the graph said of successive steps: states (steps, views * units) and attention scores
    (steps, views), and the frames (n, views * seen) that it heard for them."""

    states: Floats
    attention: Floats
    frames: Floats

    @classmethod
    def joined(cls, parts: list[Steps]) -> Steps:
        """Return all of them as one."""
        fields = zip(*((part.states, part.attention, part.frames) for part in parts), strict=True)
        return cls(*map(_one, fields))


class Voice:
    """One utterance at a time; ``begin`` starts the next and costs no disk access.

    ``shift``, shape (size of the pooled vector,), is added to what is pooled before the head
    reads it: how a known speaker differs from others. It outlasts utterances; None is no shift.
    Where frames have several views, the graph hears them all at once and the head their mean; where
    by the first somebody sings, it hears the first alone: a warp has another pitch.
    ``melody`` hears the functionals of the values that ``graph`` does not take, the pitch, and adds
    to the classes as far as the head says that somebody sings; it is not run for speech.
    """

    def __init__(
        self, graph: Graph, head: Graph, settings: VoiceSettings, melody: Graph | None = None
    ) -> None:
        """Check that graphs and settings fit each other; raises PackError where they do not."""
        self.settings = settings
        self._graph, self._head, self._melody = graph, head, melody
        self._views, frames, self._seen = graph.shape("frames")
        self.block = frames - settings.context
        self._units = graph.shape("state")[1]
        self._width = self._views * self._seen
        self._size = settings.features.size
        self._check()
        self._features = Features(settings.features)
        self.shift: Floats | None = None
        self.begin()

    def _check(self) -> None:
        settings = self.settings
        size = settings.features.size
        if not self._seen <= size == len(settings.mean) == len(settings.std):
            raise PackError(
                f"{self._graph.name} takes {self._seen} values a frame, the features differ"
            )
        if not settings.features.views == self._views == self._graph.shape("state")[0]:
            raise PackError(
                f"{self._graph.name} takes {self._views} views of a frame, the features have "
                f"{settings.features.views}"
            )
        if self.block <= 0 or self.block % settings.stride:
            raise PackError(f"{self._graph.name}: block of {self.block} frames does not fit")
        if self._head.shape("pooled")[1] != self.size:
            raise PackError(f"{self._head.name} does not belong to {self._graph.name}")
        if self._melody:
            length = Functionals.length(size - self._seen, settings.lags)
            fits = settings.lags and self._melody.shape("pitch") == (1, length)
            alike = self._melody.shape("logits") == self._head.shape("logits")
            if not (fits and alike and self._head.shape("singing") == (1, 1)):
                raise PackError(f"{self._melody.name} does not belong to {self._head.name}")

    @property
    def labels(self) -> int:
        """Number of classes of the head."""
        return self._head.shape("logits")[1]

    @property
    def size(self) -> int:
        """Length of the pooled vector."""
        return Pool.length(self._units, self._seen, self.settings.lags)

    def begin(self) -> None:
        """Start an utterance: fresh features, zero state, empty pool."""
        self._features.reset()
        self._state: Floats = np.zeros((self._views, self._units), np.float32)
        # Behind the context: what fills no block yet.
        self._held: Floats = np.zeros((self.settings.context, self._width), np.float32)
        self._samples: list[NDArray[np.int16]] = []
        self._waiting = 0
        self._wanted = self._features.missing(self.block)
        self._pool = Pool(self._units, self._seen, self.settings.lags, self._views)
        self._pitch: Waiting | None = None
        if self._melody:
            self._pitch = Waiting(self.settings.features.size - self._seen, self.settings.lags)
        self._steps: list[Steps] = []
        self._done = self._counted = 0

    def push(self, samples: NDArray[np.int16]) -> None:
        """Add samples of any number; they wait for ``mark``, a second at most."""
        self._samples.append(samples)
        self._waiting += len(samples)
        if self._waiting >= MOST * HOP:
            self._hear()

    def _hear(self) -> None:
        """Make frames of the samples that wait: one call, however small the pieces."""
        frames = self._features.push(np.concatenate(self._samples))
        self._samples, self._waiting = [], 0
        self.push_frames(self.settings.normalised(frames))
        waiting = len(self._held) - self.settings.context
        self._wanted = self._features.missing(self.block - waiting)

    def push_frames(self, frames: Floats) -> None:
        """Add normalised frames, shape (n, views * size). Only the first view tells the pitch."""
        if self._pitch:
            self._pitch.add(frames[:, self._seen : self._size])
        seen = frames[:, : self._seen]
        if self._views > 1:
            views = frames.reshape(len(frames), self._views, self._size)[:, :, : self._seen]
            seen = views.reshape(len(frames), self._width)
        held = np.concatenate([self._held, seen])
        whole = (len(held) - self.settings.context) // self.block * self.block
        if whole:
            self._run(held, whole)
        self._held = held[whole:]

    def mark(self, frames: int) -> None:
        """Count what was said so far: pool every step that starts before ``frames``."""
        if self._counted >= frames:
            return
        if self._done < frames and self._waiting >= self._wanted:
            self._hear()
        if not self._steps:
            return
        stride, heard = self.settings.stride, Steps.joined(self._steps)
        steps = min(len(heard.states), -((self._counted - frames) // stride))
        cut = steps * stride
        self._pool.add(heard.states[:steps], heard.attention[:steps], heard.frames[:cut])
        self._counted += cut
        if self._pitch:
            self._pitch.count(self._counted)
        self._steps = []
        if steps < len(heard.states):
            rest = heard.states[steps:], heard.attention[steps:], heard.frames[cut:]
            self._steps = [Steps(*rest)]

    def finish(self) -> None:
        """The stream ends here: run the frames that fill no block, padded with average frames."""
        if self._samples:
            self._hear()
        context = self.settings.context
        count = len(self._held) - context
        if count < self.settings.stride and self._done:
            return
        padding = np.zeros((self.block - count, self._width), np.float32)
        self._run(np.concatenate([self._held, padding]), max(count, self.settings.stride))
        self._held = self._held[:context]

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
        """Return the scores of what ``pooled`` returned, with the shift if there is one, and with
        the melody of the utterance."""
        out = self._said(pooled)
        if self._melody and self._views > 1:
            own = self._said(self._pool.first()[0])
            out = own if _share(own) > SUNG else out
        return self._scores(out, self._pitch)

    def judge(self, pooled: Floats) -> Scores:
        """Return the scores of a pooled vector, shape (size,), as it is; no melody is known."""
        return self._scores(self._head.run(pooled=pooled[None]), None)

    def _said(self, pooled: Floats) -> Mapping[str, Floats]:
        shifted = pooled if self.shift is None else pooled + self.shift
        return self._head.run(pooled=shifted[None])

    def _scores(self, out: Mapping[str, Floats], pitch: Waiting | None) -> Scores:
        logits = out["logits"][0].tolist()
        if pitch and self._melody and (share := _share(out)) > SUNG:
            melody = self._melody.run(pitch=pitch.value())["logits"][0].tolist()
            logits = [one + share * more for one, more in zip(logits, melody, strict=True)]
        logits = [value / self.settings.temperature for value in logits]
        highest = max(logits)
        odds = [math.exp(value - highest) for value in logits]
        total = sum(odds)
        vad = [_bounded(value) for value in out["vad"][0].tolist()]
        shares = [value / total for value in odds]
        return Scores(np.array(vad, np.float32), np.array(shares, np.float32))

    def _run(self, held: Floats, valid: int) -> None:
        """Run the blocks that begin in the ``valid`` frames behind the context."""
        context, stride = self.settings.context, self.settings.stride
        outs = []
        for first in range(0, valid, self.block):
            window = held[first : first + context + self.block]
            views = window[None] if self._views == 1 else self._by_view(window)
            outs.append(self._graph.run(frames=views, state=self._state))
            self._state = outs[-1]["state_out"]
        steps = valid // stride
        states = _one([out["states"][0] for out in outs])[:steps]
        attention = _one([out["attention"][0] for out in outs])[:steps]
        frames = held[context : context + steps * stride]
        self._steps.append(Steps(states, attention, frames))
        self._done += valid

    def _by_view(self, frames: Floats) -> Floats:
        """Return frames (n, views * seen) as (views, n, seen)."""
        return frames.reshape(len(frames), self._views, -1).swapaxes(0, 1)


def _one(parts: Sequence[Floats]) -> Floats:
    """Return arrays one after the other; most often there is only one, which needs no copy."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _share(said: Mapping[str, Floats]) -> float:
    """Return how likely somebody sings; 0 where the head's log-odds are no number."""
    odds = float(said["singing"][0, 0])
    return 1.0 / (1.0 + math.exp(-odds)) if odds > -50.0 else 0.0


def _bounded(value: float) -> float:
    """Return a number in [-1, 1]; 0 for one that is none."""
    return 0.0 if math.isnan(value) else min(max(value, -1.0), 1.0)

"""Decision-level fusion: what voice and words say becomes one set of scores.

A manifest names one of ``KINDS`` and its parameters. Whatever the kind: with no words, with words
that nobody believes, or with scores that are no numbers, the result is the voice's, unchanged; how
much the words count grows with the evidence, the sum of the words' confidences. Where speech is
unlike what the voice was trained on (``edge.gate.Novelty``), what the voice says of it is a guess,
and the words count more.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.emotion import Floats, Scores
from edge.errors import PackError

FAMILIAR = 0.0  # novelty of what a pack does not measure
LARGEST = 1e6  # of a parameter: what is larger overflows
ENOUGH = 20.0  # of evidence: beyond it words are as good as certain

Section = Mapping[str, Any]
Labels = Sequence[str]


@dataclass(frozen=True, slots=True)
class Fusion(ABC):
    """Joins the scores of two branches.

    ``vad_gain * (text - vad_mean)`` brings the narrow range of text labels to [-1, 1].
    """

    vad_mean: Floats
    vad_gain: Floats

    def __call__(
        self, voice: Scores, text: Scores | None, evidence: float, novelty: float = FAMILIAR
    ) -> Scores:
        """Return the fused scores; ``text.probabilities`` has one value a text label.

        ``evidence``, from 0, is the sum of the confidences of the words; ``novelty`` what
        ``edge.gate.Novelty`` says of the voice.
        """
        if text is None or not evidence > 0.0:  # so that NaN is no evidence
            return voice
        if not math.isfinite(float(text.vad.sum()) + float(text.probabilities.sum())):
            return voice
        return self._join(voice, text, evidence, novelty)

    def scaled(self, vad: Floats) -> Floats:
        """Return the text's V/A/D on the scale of the result, in [-1, 1]."""
        return _bounded(self.vad_gain * (vad - self.vad_mean))

    @abstractmethod
    def _join(self, voice: Scores, text: Scores, evidence: float, novelty: float) -> Scores:
        """Fuse scores that are numbers, with an evidence above 0."""


@dataclass(frozen=True, slots=True)
class VoiceOnly(Fusion):
    """Words are heard and shown, and change nothing."""

    def _join(self, voice: Scores, text: Scores, evidence: float, novelty: float) -> Scores:
        return voice


@dataclass(frozen=True, slots=True)
class LogLinear(Fusion):
    """A product of experts for the classes and a weighted mean for V/A/D.

    ``p ~ p_voice ** (1 - g * (1 - t)) * (p_text / prior) ** (weight * g)`` with
    ``g = 1 - exp(-evidence / scale)``; ``t``, the trust in the voice, falls from 1 to 0 around
    ``novel_middle`` as ``1 / (1 + exp(novel_slope * (novelty - novel_middle)))``.
    Each dimension moves by ``h * (t * vad_weight + (1 - t) * vad_novel)`` from the voice towards
    the scaled text, ``h`` being ``g`` with ``vad_scale``: one doubtful word may tell a class, and
    hardly moves V/A/D. ``classes[i]`` is the text label that speaks for pack label i.
    """

    weight: float
    scale: float
    prior: Floats
    classes: tuple[int, ...]
    vad_weight: Floats
    vad_scale: float
    vad_novel: Floats
    novel_middle: float
    novel_slope: float

    def _join(self, voice: Scores, text: Scores, evidence: float, novelty: float) -> Scores:
        doubt = 1.0 - self.trust(novelty)
        weight, move = self._counts(voice, text, evidence, doubt)
        odds = np.log(np.maximum(text.probabilities, 1e-6) / self.prior)[list(self.classes)]
        power = 1.0 - doubt * (1.0 - math.exp(-evidence / self.scale))
        logits = power * np.log(np.maximum(voice.probabilities, 1e-9)) + weight * odds
        powers = np.exp(logits - logits.max())
        wanted = self._wanted(voice.vad, self.scaled(text.vad))
        vad = voice.vad + move * (wanted - voice.vad)
        return Scores(_bounded(vad), np.asarray(powers / powers.sum(), np.float32))

    def trust(self, novelty: float) -> float:
        """Return how far the voice is trusted, 0 to 1."""
        far = self.novel_slope * (novelty - self.novel_middle)
        return 1.0 / (1.0 + math.exp(min(max(far, -30.0), 30.0)))

    def _counts(
        self, voice: Scores, text: Scores, evidence: float, doubt: float
    ) -> tuple[float, Floats]:
        """Return the power of the text's odds, and how far each dimension moves."""
        move = 1.0 - math.exp(-evidence / self.vad_scale)
        share = self.vad_weight + doubt * (self.vad_novel - self.vad_weight)
        return self.weight * (1.0 - math.exp(-evidence / self.scale)), move * share

    def _wanted(self, voice: Floats, text: Floats) -> Floats:
        """Return V/A/D that the words move the result towards; ``text`` is scaled."""
        return text


@dataclass(frozen=True, slots=True)
class Linear(LogLinear):
    """As ``LogLinear``, but V/A/D move towards a linear function of both branches.

    ``vad_voice @ voice + vad_text @ text + vad_bias``, two 3 x 3 matrices (a row for each
    dimension of the result) and a vector: a ridge regression a dimension, from all six values.
    """

    vad_voice: Floats
    vad_text: Floats
    vad_bias: Floats

    def _wanted(self, voice: Floats, text: Floats) -> Floats:
        return np.asarray(self.vad_voice @ voice + self.vad_text @ text + self.vad_bias)


@dataclass(frozen=True, slots=True)
class Gate(LogLinear):
    """As ``LogLinear``, but words count by how sure both branches are.

    ``z`` is 1, the negative entropies (nats) of the probabilities of voice and text, and
    ``log(1 + evidence)``. ``weight`` is multiplied by ``exp(class_gate @ z)``, and ``vad_weight``
    by ``1 / (1 + exp(-vad_gate @ z))``, a row for each dimension.
    """

    class_gate: Floats
    vad_gate: Floats

    def _counts(
        self, voice: Scores, text: Scores, evidence: float, doubt: float
    ) -> tuple[float, Floats]:
        weight, move = LogLinear._counts(self, voice, text, evidence, doubt)
        sure = _sureness(voice.probabilities), _sureness(text.probabilities)
        z = np.array([1.0, *sure, math.log1p(min(evidence, ENOUGH))], np.float32)
        power = math.exp(min(max(float(self.class_gate @ z), -5.0), 3.0))
        share = 0.5 + 0.5 * np.tanh(0.5 * (self.vad_gate @ z))  # a sigmoid that cannot overflow
        return weight * power, np.asarray(move * share)


def _voice_only(values: Section, labels: Labels, texts: Labels) -> VoiceOnly:
    scale = {"vad_mean": [0.0] * 3, "vad_gain": [1.0] * 3} | dict(values)
    return VoiceOnly(_numbers(scale, "vad_mean", 3), _numbers(scale, "vad_gain", 3))


def _log_linear(values: Section, labels: Labels, texts: Labels) -> LogLinear:
    return LogLinear(**_experts(values, labels, texts))


def _linear(values: Section, labels: Labels, texts: Labels) -> Linear:
    own: dict[str, Any] = {key: _numbers(values, key, 3, 3) for key in ("vad_voice", "vad_text")}
    bias = _numbers(values, "vad_bias", 3)
    return Linear(**_experts(_whole(values), labels, texts), **own, vad_bias=bias)


def _gate(values: Section, labels: Labels, texts: Labels) -> Gate:
    own: dict[str, Any] = {"class_gate": _numbers(values, "class_gate", 4)}
    own["vad_gate"] = _numbers(values, "vad_gate", 3, 4)
    return Gate(**_experts(_whole({"weight": 1.0} | dict(values)), labels, texts), **own)


def _whole(values: Section) -> Section:
    """Return a section in which V/A/D may move all the way, unless it says otherwise."""
    return {"vad_weight": [1.0] * 3} | dict(values)


KINDS: dict[str, Callable[[Section, Labels, Labels], Fusion]] = {
    "log-linear": _log_linear,
    "linear": _linear,
    "gate": _gate,
    "voice-only": _voice_only,
}


def build(values: Section, labels: Labels, texts: Labels) -> Fusion:
    """Return the fusion that a manifest names; ``texts`` are the labels of the text branch.

    Raises:
        PackError: the kind is unknown or a parameter is missing or wrong.
    """
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise PackError(
            f"unknown fusion kind {kind!r}; this version knows: {', '.join(KINDS)}; use another "
            "pack, or pip install --upgrade hearten"
        )
    try:
        return KINDS[kind](values, labels, texts)
    except KeyError as error:
        raise PackError(f"fusion of kind {kind!r} lacks {error}") from None


def _sureness(probabilities: Floats) -> float:
    """Return the negative entropy in nats, 0 where one class has all."""
    clear = np.maximum(probabilities, 1e-6)
    return float(clear @ np.log(clear))


def _bounded(vad: Floats) -> Floats:
    """Return V/A/D in [-1, 1], in less time than np.clip."""
    return np.asarray(np.minimum(np.maximum(vad, -1.0), 1.0), np.float32)


def _experts(values: Section, labels: Labels, texts: Labels) -> dict[str, Any]:
    """Return the checked parameters that every kind with a product of experts has."""
    classes = values["classes"]
    if not isinstance(classes, Mapping):
        raise PackError("fusion: classes must name a text label for each label")
    found: dict[str, Any] = {
        "weight": _number(values, "weight"),
        "scale": _number(values, "scale"),
        "prior": _numbers(values, "prior", len(texts)),
        "classes": tuple(_text_class(label, classes, texts) for label in labels),
    }
    # Packs of before the measure of novelty trust the voice always.
    usual = {"vad_scale": found["scale"], "novel_middle": LARGEST, "novel_slope": 1.0}
    usual |= {"vad_novel": values["vad_weight"]}
    found |= {key: _number(usual | dict(values), key) for key in list(usual)[:3]}
    positive = (found["scale"], found["vad_scale"], float(found["prior"].min()))
    if min(positive) <= 0 or min(found["weight"], found["novel_slope"]) < 0:
        raise PackError(
            "fusion: scales and prior must be positive; weight and novel_slope must not be negative"
        )
    vads = ("vad_weight", "vad_mean", "vad_gain", "vad_novel")
    return found | {key: _numbers(usual | dict(values), key, 3) for key in vads}


def _text_class(label: str, classes: Mapping[str, str], texts: Labels) -> int:
    name = classes.get(label)
    if name is None or name not in texts:
        raise PackError(f"fusion: no text label for {label!r} (found {name!r})")
    return list(texts).index(name)


def _number(values: Section, key: str) -> float:
    return float(_numbers({key: [values[key]]}, key, 1)[0])


def _numbers(values: Section, key: str, *shape: int) -> Floats:
    try:
        found = np.asarray(values[key], dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        found = np.zeros(0, np.float32)
    if found.shape != shape or not (np.abs(found) <= LARGEST).all():
        size = " x ".join(map(str, shape))
        raise PackError(f"fusion: {key} must be {size} finite number{'s' * (shape != (1,))}")
    return found

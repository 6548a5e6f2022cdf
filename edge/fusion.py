"""Decision-level fusion: what voice and words say becomes one set of scores.

With no words the result is the voice's, unchanged. How much the words count grows with the
evidence, the sum of the words' confidences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.emotion import Floats, Scores
from edge.errors import PackError


@dataclass(frozen=True, slots=True)
class LogLinear:
    """A product of experts for the classes and a weighted mean for V/A/D.

    ``p ~ p_voice * (p_text / prior) ** (weight * g)`` with ``g = 1 - exp(-evidence / scale)``.
    Each dimension moves by ``g * vad_weight`` from the voice towards
    ``vad_gain * (text - vad_mean)``, which brings the narrow range of text labels to [-1, 1].
    ``classes[i]`` is the text label that speaks for pack label i.
    """

    weight: float
    scale: float
    prior: Floats
    classes: tuple[int, ...]
    vad_weight: Floats
    vad_mean: Floats
    vad_gain: Floats

    def __call__(self, voice: Scores, text: Scores | None, evidence: float) -> Scores:
        """Return the fused scores; ``text.probabilities`` has one value a text label."""
        if text is None or evidence <= 0.0:
            return voice
        share = 1.0 - float(np.exp(-evidence / self.scale))
        odds = np.log(np.maximum(text.probabilities, 1e-6) / self.prior)[list(self.classes)]
        logits = np.log(np.maximum(voice.probabilities, 1e-9)) + self.weight * share * odds
        powers = np.exp(logits - logits.max())
        move = share * self.vad_weight
        vad = (1.0 - move) * voice.vad + move * self.scaled(text.vad)
        return Scores(
            np.clip(vad, -1.0, 1.0).astype(np.float32), (powers / powers.sum()).astype(np.float32)
        )

    def scaled(self, vad: Floats) -> Floats:
        """Return the text's V/A/D on the scale of the result, in [-1, 1]."""
        return np.clip(self.vad_gain * (vad - self.vad_mean), -1.0, 1.0).astype(np.float32)

    @classmethod
    def from_manifest(
        cls, values: Mapping[str, Any], labels: Sequence[str], text_labels: Sequence[str]
    ) -> LogLinear:
        """Build from the manifest's ``fusion`` section; raises PackError for what does not fit."""
        classes = tuple(_text_class(label, values["classes"], text_labels) for label in labels)
        fusion = cls(
            weight=_number(values, "weight"),
            scale=_number(values, "scale"),
            prior=_vector(values, "prior", len(text_labels)),
            classes=classes,
            vad_weight=_vector(values, "vad_weight", 3),
            vad_mean=_vector(values, "vad_mean", 3),
            vad_gain=_vector(values, "vad_gain", 3),
        )
        if fusion.scale <= 0 or fusion.weight < 0 or float(fusion.prior.min()) <= 0:
            raise PackError("fusion: scale and prior must be positive, weight must not be negative")
        return fusion


KINDS: dict[str, Callable[[Mapping[str, Any], Sequence[str], Sequence[str]], LogLinear]] = {
    "log-linear": LogLinear.from_manifest
}


def build(values: Mapping[str, Any], labels: Sequence[str], texts: Sequence[str]) -> LogLinear:
    """Return the fusion that a manifest names.

    Raises:
        PackError: the kind is unknown or a parameter is missing or wrong.
    """
    kind = values.get("kind")
    if kind not in KINDS:
        raise PackError(f"unknown fusion kind {kind!r}; this version knows: {', '.join(KINDS)}")
    try:
        return KINDS[kind](values, labels, texts)
    except KeyError as error:
        raise PackError(f"fusion lacks {error}") from None


def _text_class(label: str, classes: Mapping[str, str], texts: Sequence[str]) -> int:
    name = classes.get(label)
    if name is None or name not in texts:
        raise PackError(f"fusion: no text label for {label!r} (found {name!r})")
    return list(texts).index(name)


def _number(values: Mapping[str, Any], key: str) -> float:
    return float(_vector({key: [values[key]]}, key, 1)[0])


def _vector(values: Mapping[str, Any], key: str, size: int) -> Floats:
    try:
        vector = np.asarray(values[key], dtype=np.float32)
    except (TypeError, ValueError):
        vector = np.zeros(0, np.float32)
    if vector.shape != (size,) or not np.isfinite(vector).all():
        raise PackError(f"fusion: {key} must be {size} finite number{'s' * (size > 1)}")
    return vector

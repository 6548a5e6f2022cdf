"""The manifest of a pack: everything that a decision needs beside the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from edge.emotion import UNKNOWN, Floats
from edge.endpoint import EndpointSettings, completed
from edge.errors import PackError
from edge.features import FeatureSettings
from edge.gate import Gate, Novelty
from edge.speaker import KINDS, SpeakerSettings, Trust
from edge.voice import VoiceSettings

FORMAT = 1
MOST_LAG = 100  # frames that functionals look back: 1 s
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The checked content of ``manifest.json``; ``raw`` is the whole of it.

    ``voice_files`` are those of the voice's graph and head, and of its melody where it has one.
    ``reject`` maps the names of the reject settings ("balanced", "cautious") to confidences.
    ``text`` and ``recognizer`` are None in a pack that is voice only, ``speaker`` in one that
    cannot learn voices, ``gate`` in one that takes every sound for speech, ``novelty`` in one to
    which all speech is alike.
    """

    name: str
    version: str
    language: str
    licence: str
    labels: tuple[str, ...]
    files: Mapping[str, str]
    endpoint: EndpointSettings
    voice: VoiceSettings
    voice_files: tuple[str, ...]
    reject: Mapping[str, float]
    text: Mapping[str, Any] | None
    recognizer: Mapping[str, Any] | None
    fusion: Mapping[str, Any] | None
    speaker: SpeakerSettings | None
    gate: Gate | None
    novelty: Novelty | None
    raw: Mapping[str, Any]


def parse(raw: object) -> Manifest:
    """Check a decoded ``manifest.json`` and return it.

    Raises:
        PackError: names the first thing that is wrong.
    """
    if not isinstance(raw, dict):
        raise PackError("manifest.json is not a JSON object")
    _check_format(raw)
    labels = tuple(take(raw, "labels", list))
    if len(labels) < 2 or len(set(labels)) < len(labels) or UNKNOWN in labels:
        raise PackError(f"manifest: labels must be different and not {UNKNOWN!r}: {labels}")
    voice = take(raw, "voice", dict)
    words = "text" in raw
    return Manifest(
        name=take(raw, "name", str),
        version=take(raw, "version", str),
        language=take(raw, "language", str),
        licence=take(raw, "licence", str),
        labels=labels,
        files=take(raw, "files", dict),
        endpoint=settings(EndpointSettings, completed(take(raw, "endpoint", dict)), "endpoint"),
        voice=_voice(raw, voice),
        voice_files=tuple(take(voice, key, str) for key in _graphs(voice)),
        reject=_reject(take(take(raw, "calibration", dict), "reject", dict)),
        text=take(raw, "text", dict) if words else None,
        recognizer=take(raw, "recognizer", dict) if words else None,
        fusion=take(raw, "fusion", dict) if words else None,
        speaker=_speaker(take(raw, "speaker", dict), labels) if "speaker" in raw else None,
        gate=_gate(take(raw, "gate", dict)) if "gate" in raw else None,
        novelty=_novelty(take(raw, "novelty", dict)) if "novelty" in raw else None,
        raw=raw,
    )


def take(values: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """Return ``values[key]``, which must be of ``kind``; raises PackError otherwise."""
    if key not in values:
        raise PackError(f"manifest lacks {key!r}")
    value = values[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        raise PackError(f"manifest: {key!r} must be {_english(kind)}, not {value!r:.60}")
    if isinstance(value, float) and not math.isfinite(value):
        raise PackError(f"manifest: {key!r} must be a finite number")
    return value


def points(values: Mapping[str, Any], key: str) -> tuple[tuple[float, float], ...]:
    """Return a list of pairs of finite numbers, empty where it is left out; else PackError."""
    pairs = take({key: []} | dict(values), key, list)
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise PackError(
                f"manifest: recognizer: {key!r} must be pairs of numbers, not {pair!r:.60}"
            )
    named = [dict(zip(("posterior", "confidence"), pair, strict=True)) for pair in pairs]
    return tuple((take(p, "posterior", float), take(p, "confidence", float)) for p in named)


def settings(kind: type[T], values: Mapping[str, Any], name: str) -> T:
    """Build a settings dataclass from a section; unknown keys are errors, like wrong types."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise PackError(f"manifest: {name} has an unknown key {key!r}")
    defaults = kind()
    types = {key: type(getattr(defaults, key)) for key in values}
    typed = {k: take(values, k, list if t is tuple else t) for k, t in types.items()}
    try:
        return kind(**typed)
    except ValueError as error:
        raise PackError(f"manifest: {name}: {error}") from None


def _check_format(raw: Mapping[str, Any]) -> None:
    number = take(raw, "format", int)
    if number > FORMAT:
        raise PackError(
            f"this pack has format {number}, this hearten reads up to {FORMAT}: "
            "pip install --upgrade hearten"
        )
    if number < 1:
        raise PackError(f"manifest: format {number} does not exist")


def _voice(raw: Mapping[str, Any], voice: Mapping[str, Any]) -> VoiceSettings:
    features = settings(FeatureSettings, take(raw, "features", dict), "features")
    temperature = take(take(raw, "calibration", dict), "temperature", float)
    if temperature <= 0:
        raise PackError("manifest: the temperature must be positive")
    arrays = {key: _numbers(voice, key, "voice") for key in ("mean", "std")}
    if (arrays["std"] <= 0).any():
        raise PackError("manifest: voice std must be positive")
    context, stride = take(voice, "context", int), take(voice, "stride", int)
    if context < 0 or stride < 1:
        raise PackError("manifest: voice context or stride is out of range")
    lags = tuple(take({"lags": []} | dict(voice), "lags", list))
    if not all(isinstance(lag, int) and 0 < lag <= MOST_LAG for lag in lags):
        raise PackError(f"manifest: voice lags must be whole numbers from 1 to {MOST_LAG}")
    means = arrays["mean"], arrays["std"]
    return VoiceSettings(features, *means, context, stride, temperature, lags)


def _graphs(voice: Mapping[str, Any]) -> list[str]:
    return ["graph", "head", *(["melody"] if "melody" in voice else [])]


def _speaker(section: Mapping[str, Any], labels: tuple[str, ...]) -> SpeakerSettings:
    rows = take(section, "reference", dict)
    if tuple(rows) != labels:
        raise PackError("manifest: speaker reference must have the pack's labels, in their order")
    reference = [_numbers(rows, label, "speaker") for label in labels]
    if len({len(row) for row in reference}) != 1:
        raise PackError("manifest: speaker reference must have rows of one length")
    most, trust = take(section, "most", int), take(section, "trust", dict)
    if most < 1 or "past" not in trust or not set(trust) <= set(KINDS):
        raise PackError("manifest: speaker needs 'most' from 1, and 'trust' of 'past' at least")
    neutral = labels.index("neutral") if "neutral" in labels else None
    if "neutral" in trust and neutral is None:
        raise PackError("manifest: speaker trusts neutral speech, but no label is 'neutral'")
    kinds = {kind: _trust(take(trust, kind, dict)) for kind in trust}
    return SpeakerSettings(np.stack(reference), neutral, kinds, most)


def _trust(values: Mapping[str, Any]) -> Trust:
    trust = Trust(take(values, "weight", float), take(values, "count", float))
    if not (0.0 <= trust.weight <= 2.0 and trust.count > 0.0):
        raise PackError("manifest: speaker trust needs a weight in 0..2 and a count above 0")
    return trust


def _gate(section: Mapping[str, Any]) -> Gate:
    if strange := set(section) - {"weights", "bias"}:
        raise PackError(f"manifest: gate has an unknown key {min(strange)!r}")
    return Gate(_numbers(section, "weights", "gate"), take(section, "bias", float))


def _novelty(section: Mapping[str, Any]) -> Novelty:
    if strange := set(section) - {"mean", "std", "basis", "usual"}:
        raise PackError(f"manifest: novelty has an unknown key {min(strange)!r}")
    mean, std = (_numbers(section, key, "novelty") for key in ("mean", "std"))
    named = {str(i): row for i, row in enumerate(take(section, "basis", list))}
    rows = [_numbers(named, i, "novelty basis") for i in named]
    if not rows or {len(row) for row in (std, *rows)} != {len(mean)}:
        raise PackError("manifest: novelty needs mean, std and rows of the basis of one length")
    usual = take(section, "usual", float)
    if usual <= 0.0 or (std <= 0.0).any():
        raise PackError("manifest: novelty needs a positive std and 'usual'")
    return Novelty(mean, std, np.stack(rows), usual)


def _numbers(section: Mapping[str, Any], key: str, name: str) -> Floats:
    """Return a list of finite numbers, shape (n,)."""
    try:
        array = np.asarray(take(section, key, list), np.float32)
    except (TypeError, ValueError, OverflowError):
        raise PackError(f"manifest: {name} {key} must be numbers") from None
    if array.ndim != 1 or not np.isfinite(array).all():
        raise PackError(f"manifest: {name} {key} must be finite")
    return array


def _reject(levels: Mapping[str, Any]) -> dict[str, float]:
    if "balanced" not in levels:
        raise PackError("manifest: calibration.reject lacks 'balanced'")
    named = {name: take(levels, name, float) for name in levels}
    for name, level in named.items():
        if not 0.0 <= level <= 1.0:
            raise PackError(f"manifest: reject threshold {name!r} must lie in 0..1, not {level}")
    return named


def _english(kind: type[Any]) -> str:
    names = {dict: "an object", list: "a list", str: "a string", int: "a whole number"}
    return names.get(kind, "a number")

"""The labels of a pack: those that somebody spoke in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from convert.voice import VoiceModel

OUTPUTS = ("logits/kernel", "logits/bias")
EACH = ("", "functional_", "melody_")  # the parts of the head


def present(about: Mapping[str, Any]) -> list[str]:
    """Return the labels that occur in training; all, where the run does not say."""
    return [label for label in about["labels"] if label in about.get("present", about["labels"])]


def only(model: VoiceModel, labels: Sequence[str]) -> VoiceModel:
    """Return the model with the outputs of ``labels`` alone: CREMA-D has nobody calm, say.

    What is left out was never a target in training, so decisions stay as they are.
    """
    if list(labels) == model.about["labels"]:
        return model
    kept = np.array([model.about["labels"].index(label) for label in labels])
    names = [half + name for half in EACH for name in OUTPUTS]
    own = {n: a[..., kept] if n in names else a for n, a in model.arrays.items()}
    return replace(model, arrays=own, about={**model.about, "labels": list(labels)})


def section(values: Mapping[str, Any], key: str, labels: Sequence[str]) -> dict[str, Any]:
    """Return a section of the manifest whose mapping ``key`` has these labels alone."""
    return {**values, key: {label: values[key][label] for label in labels}}

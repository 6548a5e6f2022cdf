"""What a trained voice model says of its test speakers, float and as it could be shipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from train import corpora, fusion, recordings
from train.pairs import Voices, load_voices


def score(folder: Path, quantization: str) -> dict[str, Any]:
    """Return what float, quantised and streaming artefacts say of the test speakers, as JSON.

    "quantised" hears an utterance in one piece, "streaming" in pieces of 100 ms.
    """
    from convert import artefacts
    from convert.voice import VoiceModel

    model = VoiceModel.load(folder)
    temperature = fusion.fit_temperature(load_voices(folder, "dev"))
    files = artefacts.files_of(model, quantization)
    saved = artefacts.predictions(folder)
    rows = {key: saved[f"test/{key}"] for key in ("logits", "vad", "truth", "classes")}
    ids = [str(name) for name in saved["test/ids"]]
    every = {u.id: u for u in recordings.load(corpora.root(), model.about["corpora"])}
    said = _device(artefacts.branch(model, files, temperature), [every[name] for name in ids])
    said["float"] = {
        "probabilities": _plain(fusion.calibrated(Voices(**rows), temperature), 6),
        "vad": _plain(rows["vad"], 4),
    }
    return {
        "parameters": model.parameters,
        "bytes": sum(len(content) for content in files.values()),
        "ids": ids,
        "speakers": [every[name].speaker for name in ids],
        "truth": rows["classes"].tolist(),
        "vad": _plain(rows["truth"], 4),
        "said": said,
    }


def _device(voice: Any, items: Sequence[corpora.Utterance]) -> dict[str, dict[str, Any]]:
    """Return what the device's voice branch says of recordings, whole and in pieces."""
    from convert.parity import PIECE, stream
    from edge.audio.files import read
    from edge.endpoint import EndpointSettings

    found: dict[str, list[Any]] = {"quantised": [], "streaming": []}
    for item in items:
        if item.path:
            samples = recordings.speech(read(item.path), EndpointSettings())
            found["quantised"].append(stream(voice, samples, max(1, len(samples))))
            found["streaming"].append(stream(voice, samples, PIECE))
    return {
        name: {
            "probabilities": _plain([row.probabilities for row in rows], 6),
            "vad": _plain([row.vad for row in rows], 4),
        }
        for name, rows in found.items()
    }


def _plain(values: Any, places: int) -> list[Any]:
    return list(np.asarray(values, np.float64).round(places).tolist())

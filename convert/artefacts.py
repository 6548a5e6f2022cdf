"""Float, quantised and streaming artefacts of a voice model, scored side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convert.parity import Said, demand, difference, quality, quantised, streaming
from convert.voice import VoiceModel, graphs
from edge.audio.files import read
from edge.emotion import Floats
from edge.endpoint import EndpointSettings
from edge.features import FeatureSettings
from edge.interpreter import Graph
from edge.voice import Voice, VoiceSettings
from train import corpora, recordings
from train.conditions import CLEAN
from train.corpora import Utterance

ARTEFACTS = ("float", "quantised", "streaming")
CALIBRATION = 40  # recordings
FILES = {"graph": "voice.tflite", "head": "head.tflite", "melody": "melody.tflite"}
NAMES = tuple(FILES.values())


Found = dict[str, dict[str, Said]]


def score(model: VoiceModel, folder: Path, files: Mapping[str, bytes], temperature: float) -> Found:
    """Return {part: {artefact: what it says}} of the development and test speakers.

    "heard" stands for "dev" where the development speakers were heard in training.
    """
    first = "heard" if model.about.get("sibling") else "dev"
    return {part: _part(model, folder, part, files, temperature) for part in (first, "test")}


def compare(found: Found, folder: Path) -> dict[str, Any]:
    """Return UAR and CCC on RAVDESS speech, and parity with the float model.

    Parity is judged on the development speakers, speech and song; heard in training or not.

    Raises:
        ParityError: the quantised or streaming artefact differs too much from the float model.
    """
    own = next(iter(found.values()))
    parity = {name: difference(own["float"], own[name]) for name in ARTEFACTS[1:]}
    for name, row in parity.items():
        demand(name, row)
    saved = predictions(folder)
    artefacts: dict[str, Any] = {name: {} for name in ARTEFACTS}
    for name in ARTEFACTS:
        for part in found:
            speech = ~np.char.startswith(saved[f"{part}/ids"], "03-02")
            said = found[part][name]
            artefacts[name][part] = quality(
                Said(said.classes[speech], said.vad[speech]),
                saved[f"{part}/classes"][speech],
                saved[f"{part}/truth"][speech],
            )
    return {"artefacts": artefacts, "parity": parity}


def branch(model: VoiceModel, files: Mapping[str, bytes], temperature: float) -> Voice:
    """Return the device's voice branch on its graphs."""
    graph, head, *melody = (Graph(files[name], name) for name in NAMES if name in files)
    return Voice(graph, head, _settings(model, temperature), *melody)


def _settings(model: VoiceModel, temperature: float = 1.0) -> VoiceSettings:
    return VoiceSettings(
        features=FeatureSettings(**model.about["features"]),
        mean=np.array(model.about["mean"], np.float32),
        std=np.array(model.about["std"], np.float32),
        context=model.context,
        stride=model.stride,
        lags=model.lags,
        temperature=temperature,
    )


def normalised(model: VoiceModel, items: Sequence[Utterance]) -> list[Floats]:
    """Return the frames of recordings as the device hears them, whole utterances."""
    settings = _settings(model)
    endpoint = EndpointSettings.from_dict(model.about["endpoint"])
    plain = recordings.Frames(settings.features, endpoint)
    return [settings.normalised(v[CLEAN]) for v in plain.utterances(items).values()]


def files_of(model: VoiceModel, quantization: str) -> dict[str, bytes]:
    """Return the graphs by their names in a pack."""
    integers = quantization in ("int8", "int16x8")
    made = graphs(model, quantization, calibration_frames(model) if integers else [])
    return dict(zip(NAMES, made, strict=False))


def section_of(files: Collection[str]) -> dict[str, str]:
    """Return what a manifest's section on the voice calls those graphs that are among ``files``."""
    return {key: name for key, name in FILES.items() if name in files}


def calibration_frames(model: VoiceModel) -> list[Floats]:
    """Return normalised frames of some training recordings, for full integer quantisation."""
    partition = model.about["partition"]
    kept = {*partition["test"], *partition["dev"]}
    items = recordings.load(corpora.root(), model.about["corpora"])
    train = [item for item in items if item.speaker not in kept]
    return normalised(model, train[:: max(1, len(train) // CALIBRATION)])


def _part(
    model: VoiceModel,
    folder: Path,
    part: str,
    files: Mapping[str, bytes],
    temperature: float,
) -> dict[str, Said]:
    """Return what the three artefacts say of one partition, utterances in the saved order."""
    saved = predictions(folder)
    items = _items(model, [str(name) for name in saved[f"{part}/ids"]])
    voice = branch(model, files, temperature)
    endpoint = EndpointSettings.from_dict(model.about["endpoint"])
    heard = (recordings.speech(read(item.path), endpoint) for item in items if item.path)
    return {
        "float": Said(saved[f"{part}/logits"].argmax(axis=1), saved[f"{part}/vad"]),
        "quantised": quantised(voice, normalised(model, items)),
        "streaming": streaming(voice, heard),
    }


def _items(model: VoiceModel, ids: Sequence[str]) -> list[Utterance]:
    every = {u.id: u for u in recordings.load(corpora.root(), model.about["corpora"])}
    return [every[name] for name in ids]


def predictions(folder: Path) -> dict[str, Any]:
    """Return what ``python -m train voice`` saved of the development and test speakers."""
    with np.load(folder / "predictions.npz") as saved:
        return {name: saved[name] for name in saved.files}

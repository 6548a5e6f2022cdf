"""A fold that ``python -m train evaluate voice`` trained, as the device would run it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge import manifest
from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.pack import Folder, Pack
from edge.voice import Voice
from train import corpora, fusion, recordings
from train.corpora import LABELS, Utterance
from train.pairs import load_voices
from train.partition import FOLDS
from train.scored import kind_of

SMOKE = 16  # recordings of a smoke run
GATE = "gate.json"  # what ``python -m train gate`` leaves in the folder of a run
NOVELTY = "novelty.json"  # and ``python -m train novelty``


@dataclass(frozen=True, slots=True)
class Trained:
    """The pack of a fold (voice only), what its file says, its predictions and its size."""

    pack: Pack
    about: Mapping[str, Any]
    saved: Mapping[str, Any]
    parameters: int

    @property
    def voice(self) -> Voice:
        """A fresh voice branch, quantised."""
        return self.pack.voice()

    def test(self, kind: str) -> list[Utterance]:
        """Return the test utterances of a kind ("speech" or "song"), in the saved order."""
        every = {u.id: u for u in recordings.load(corpora.root(), self.about["corpora"])}
        return [every[str(name)] for name in self.saved["test/ids"] if kind_of(str(name)) == kind]


def load(folder: Path, quantization: str, gate: bool = True) -> Trained:
    """Convert a fold: temperature and reject thresholds come from its development speakers.

    ``gate`` takes the run's gate into the pack, if it has one.
    """
    from convert import artefacts
    from convert.voice import VoiceModel

    model = VoiceModel.load(folder)
    voices = load_voices(folder, "dev")
    temperature = fusion.fit_temperature(voices)
    files = artefacts.files_of(model, quantization)
    about = model.about
    raw = {
        "format": manifest.FORMAT,
        "name": folder.name,
        "version": "0",
        "language": "en",
        "licence": about.get("licence", "unknown"),
        "files": dict.fromkeys(files, ""),
        **{key: about[key] for key in ("labels", "features")},
        "endpoint": EndpointSettings().to_dict(),
        "voice": {**artefacts.section_of(files), **model.feeding},
        "calibration": {
            "temperature": temperature,
            "reject": fusion.thresholds(voices, temperature),
        },
        **(gate_of(folder) if gate else {}),
    }
    pack = Pack(Folder(folder), folder, files, manifest.parse(raw))
    return Trained(pack, about, artefacts.predictions(folder), model.parameters)


def gate_of(folder: Path) -> dict[str, Any]:
    """Return the manifest's section on speech, nothing if ``python -m train gate`` was not run."""
    path = folder / GATE
    return {"gate": json.loads(path.read_text())["gate"]} if path.is_file() else {}


def novelty_of(folder: Path) -> dict[str, Any]:
    """Return the section on what is unlike acted speech, nothing without ``train novelty``."""
    path = folder / NOVELTY
    return {"novelty": json.loads(path.read_text())["novelty"]} if path.is_file() else {}


def facts(items: Sequence[Utterance]) -> dict[str, list[Any]]:
    """Return what is known of utterances, in the form that ``train.scored`` reads."""
    return {
        "ids": [item.id for item in items],
        "speakers": [item.speaker for item in items],
        "truth": [LABELS.index(item.label or "") for item in items],
        "vad": [[item.valence, item.arousal, item.dominance] for item in items],
    }


def folders(runs: Path, protocol: str, seeds: Sequence[int]) -> list[Path]:
    """Return where the runs of all folds of a protocol lie."""
    numbers = range(len(FOLDS[protocol]))
    return [runs / f"{protocol}-{number}-seed-{seed}" for seed in seeds for number in numbers]


def demand(folder: Path) -> None:
    """Raise HeartenError where there is no run in a folder."""
    if not (folder / "predictions.npz").is_file():
        raise HeartenError(f"no run in {folder}: python -m train evaluate voice")


def drawn(items: Sequence[Utterance], share: float, smoke: bool = False) -> list[Utterance]:
    """Return a share of the items, drawn at random, always the same; in a smoke run a handful."""
    return some(items, SMOKE if smoke else max(1, round(share * len(items))))


def some(items: Sequence[Utterance], count: int) -> list[Utterance]:
    """Return up to ``count`` of the items, drawn at random, always the same."""
    order = np.random.default_rng(0).permutation(len(items))
    return [items[index] for index in sorted(order[:count])]


def with_silence(said: Sequence[list[float] | None], truth: Sequence[int]) -> list[list[float]]:
    """Return probabilities of every utterance; None, where nothing was said, becomes a wrong one.

    It has the confidence of chance: another class that occurs is hardly likelier than all others.
    """
    present = sorted(set(truth))
    found = []
    for odds, label in zip(said, truth, strict=True):
        wrong = present[(present.index(label) + 1) % len(present)]
        even = np.full(len(LABELS), 1.0 / len(LABELS))
        even[wrong] += 1e-4
        found.append((even / even.sum()).round(6).tolist() if odds is None else odds)
    return found

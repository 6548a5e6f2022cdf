"""``python -m train plain``: what the voice says of people who act no emotion.

Nobody rated this speech, so nothing here is right or wrong: reading aloud, ordering a drink and a
synthesiser are plain speech, and a device that hears an emotion in most of it cannot be used. Test
part of ``train.corpora.plain``, and sentences of it spoken by two voices of flite; voice only.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.audio.files import read
from edge.choices import EngineSettings
from edge.emotion import UNKNOWN, Emotion
from edge.engine import Engine
from train import corpora, trained, trials
from train.conditions import Samples
from train.corpora import plain
from train.intervals import Speakers, interval
from train.spoken import VOICES, speak

CORPUS = "unrated-speech"
CALM = ("neutral", "calm")
SURE = 0.7  # confidence of a claim that somebody would act on
SENTENCES = 25  # for each synthetic voice
NOTES = (
    "test readers of LibriSpeech (5), every other drink order (voices may be in both halves), "
    "sentences of those readers by two voices of flite, none of them heard in training; share of "
    "utterances: plain is neutral or calm, unknown is below the balanced threshold or refused by "
    "the gate, emotion the rest, sure an emotion with a confidence of .7 or more; V/A/D: mean and "
    "deviation; intervals over speakers; nobody rated this speech",
)

Row = tuple[str, str, str, float, list[float]]  # source, speaker, category, confidence, V/A/D


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    trials.add_arguments(parser, "runs/plain")


def run(args: argparse.Namespace) -> int:
    """Measure and store; raises as ``trials.run``."""
    cells, done = trials.run(args, f"{__name__}:job", {})
    rows = [(*row, cell) for cell, one in enumerate(done) for row in one["rows"]]
    result = trials.content(args, "plain", CORPUS, cells, NOTES)
    sources = dict.fromkeys(row[0] for row in rows)
    result["metrics"] = {s: summary([r for r in rows if r[0] == s]) for s in sources}
    result["tables"] = {
        "Categories, share of utterances": {
            s: shares([r for r in rows if r[0] == s]) for s in sources
        }
    }
    return trials.store(args, result, lines(result))


def job(folder: str, quantization: str, kind: str, smoke: bool) -> dict[str, Any]:
    """Return a row for each utterance that an engine with one fold's streaming artefact hears."""
    pack = trained.load(Path(folder), quantization).pack
    settings = EngineSettings(words=False, partials=False, reject="balanced")
    rows: list[Row] = []
    with Engine(pack, settings) as engine:
        for source, speaker, samples in recordings(smoke):
            for event in _finals(engine, samples):
                vad = [float(x) for x in (event.valence, event.arousal, event.dominance)]
                rows.append((source, speaker, event.category, float(event.confidence), vad))
    return {"rows": rows}


def recordings(smoke: bool) -> list[tuple[str, str, Samples]]:
    """Return (source, speaker, samples) of all test recordings, or a few of each source."""
    items = plain.load(corpora.root(), "test")
    spoken = [item for item in items if item.text]
    found = [
        ("read" if item.text else "ordered", str(item.speaker), read(item.path))
        for item in items
        if item.path
    ]
    for voice in VOICES["test"]:
        found += [("synthetic", voice, speak(str(u.text), voice)) for u in spoken[:SENTENCES]]
    if not smoke:
        return found
    return [row for s in ("read", "ordered", "synthetic") for row in found if row[0] == s][::20]


def _finals(engine: Engine, samples: Samples) -> list[Emotion]:
    engine.reset()
    events = [*engine.push(samples.tobytes()), *engine.flush()]
    return [event for event in events if event.type == "final"]


def summary(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return shares with intervals over speakers, and mean and deviation of V/A/D."""
    category = np.array([row[2] for row in rows])
    sure = np.array([row[3] for row in rows])
    vad = np.array([row[4] for row in rows])
    emotion = ~np.isin(category, (*CALM, UNKNOWN))
    told = {
        "plain": np.isin(category, CALM),
        "unknown": category == UNKNOWN,
        "emotion": emotion,
        "sure": emotion & (sure >= SURE),
    }
    people = Speakers([row[1] for row in rows])
    shown = {name: _share(people, of) for name, of in told.items()}
    moments = {
        name: {"mean": round(float(x.mean()), 3), "sd": round(float(x.std()), 3)}
        for name, x in zip(("valence", "arousal", "dominance"), vad.T, strict=True)
    }
    return {**shown, **moments, "count": len(rows), "speakers": people.count}


def _share(people: Speakers, of: NDArray[np.bool_]) -> dict[str, Any]:
    drawn = people.confusions(np.zeros(len(of), int), of.astype(int), 2)[:, 0]
    ci95 = interval(drawn[:, 1] / drawn.sum(axis=1))
    return {"mean": round(float(of.mean()), 4), "ci95": ci95}


def shares(rows: Sequence[Sequence[Any]]) -> dict[str, float]:
    """Return the share of each category, most frequent first."""
    names, counts = np.unique([row[2] for row in rows], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): round(float(counts[i] / len(rows)), 4) for i in order}


def lines(result: Mapping[str, Any]) -> list[str]:
    """Return the result for people."""
    found = [f"plain speech, models of {result['protocol']}, {result['artefact']}"]
    for name, row in result["metrics"].items():
        told = "  ".join(
            f"{key} {row[key]['mean']:.3f} ({row[key]['ci95'][0]:.3f}-{row[key]['ci95'][1]:.3f})"
            for key in ("plain", "unknown", "emotion", "sure")
        )
        found.append(f"{name:<10} {row['count']:5} utterances  {told}")
    return found

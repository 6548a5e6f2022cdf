"""``python -m train fusion``: how voice and words join, how sure to be, when to say "unknown".

The pairs it is fitted on are constructed: see ``train.pairs``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats, Scores
from edge.errors import HeartenError
from edge.fusion import LogLinear
from train import licence, recordings, text_sources
from train.corpora import LABELS
from train.metrics import ccc, ece, macro_f1, nll
from train.pairs import (
    TEXT_CLASS,
    Pairs,
    Texts,
    Voices,
    class_pairs,
    load_texts,
    load_voices,
    vad_pairs,
)
from train.provenance import commit

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
SCALES = (0.5, 1.0, 2.0)
SHARES = tuple(i / 20 for i in range(21))
RESULT = "fusion-constructed-pairs.json"
REJECTED = 0.10  # "balanced" refuses this share of development utterances
WANTED = 0.80  # "cautious" wants this share of the accepted ones right


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"))
    parser.add_argument("--text", type=Path, default=Path("runs/text"))
    parser.add_argument("--out", type=Path, default=Path("runs/fusion"))
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--commercial", action="store_true", help="refuse models from data that forbid it"
    )


def run(args: argparse.Namespace) -> int:
    """Fit on development predictions and write ``fusion.json``.

    Raises:
        HeartenError: no such models, or ``--commercial`` and their data forbid it.
    """
    sources = sources_of(args.voice, args.text)
    if args.commercial:
        licence.demand_commercial(sources)
    voices, texts = load_voices(args.voice, "dev"), load_texts(args.text, "dev")
    rng = np.random.default_rng(args.seed)
    temperature = fit_temperature(voices)
    fusion = fit(voices, texts, temperature, rng)
    calibration = {"temperature": temperature, "reject": thresholds(voices, temperature)}
    report = {
        "dev": compare(voices, texts, fusion, temperature, rng),
        "test": compare(
            load_voices(args.voice, "test"),
            load_texts(args.text, "test"),
            fusion,
            temperature,
            rng,
        ),
    }
    content = {
        "fusion": manifest_section(fusion, texts.labels),
        "calibration": calibration,
        "metrics": report,
        "sources": sources,
        "command": f"python -m train {' '.join(sys.argv[1:])}",
        "notes": "constructed pairs, actors apart",
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "fusion.json").write_text(json.dumps(content, indent=1))
    args.results.mkdir(parents=True, exist_ok=True)
    (args.results / RESULT).write_text(json.dumps(result(content, args.seed), indent=1) + "\n")
    for part, row in report.items():
        print(f"{part}: " + ", ".join(f"{name} {value:.3f}" for name, value in row.items()))
    return 0


def result(content: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return the comparison on test speakers and sentences in the form that the report reads."""
    return {
        "task": "fusion",
        "corpus": f"{_paired(content['sources'])} (constructed pairs)",
        "protocol": "test actors and test sentences, a third of the words",
        "artefact": "float scores, fusion as shipped",
        "model": {"kind": content["fusion"]["kind"]},
        "seeds": [seed],
        "metrics": content["metrics"]["test"],
        "command": content["command"],
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "notes": content["notes"],
    }


def sources_of(voice: Path, text: Path) -> list[str]:
    """Return all that the two models are made from; raises HeartenError where one is missing."""
    try:
        heard, read = (json.loads((folder / "model.json").read_text()) for folder in (voice, text))
    except (OSError, ValueError) as error:
        raise HeartenError(f"{error}: python -m train voice, python -m train text") from None
    taught = bool(heard.get("teacher"))
    own = heard.get("sources") or licence.of_voice(heard["corpora"], taught)
    return list(dict.fromkeys([*own, *read.get("sources", text_sources.SOURCES)]))


def _paired(sources: Sequence[str]) -> str:
    """Return what speaks and what is said in the pairs: speech only, and texts with labels."""
    voices = [n for n in recordings.KNOWN if n in sources and n != "ravdess-song"]
    return f"{', '.join(voices)} with {', '.join(text_sources.corpora(sources))}"


def calibrated(voices: Voices, temperature: float) -> Floats:
    """Return the voice's probabilities at a temperature, shape (n, labels)."""
    logits = voices.logits / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def fit_temperature(voices: Voices) -> float:
    """Return the temperature with the least negative log-likelihood (Guo et al. 2017)."""
    grid = np.geomspace(0.5, 5.0, 91)
    losses = [nll(voices.classes, calibrated(voices, float(t))) for t in grid]
    return round(float(grid[int(np.argmin(losses))]), 4)


def thresholds(voices: Voices, temperature: float) -> dict[str, float]:
    """Return the reject thresholds by name, from the voice alone: words may be missing."""
    probabilities = calibrated(voices, temperature)
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == voices.classes
    order = np.argsort(-sure)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(accuracy >= WANTED)
    cautious = sure[order][good[-1]] if len(good) else sure.max()
    balanced = float(np.quantile(sure, REJECTED))
    return {
        "balanced": round(balanced, 4),
        "cautious": round(max(float(cautious), balanced), 4),
    }


def fit(voices: Voices, texts: Texts, temperature: float, rng: np.random.Generator) -> LogLinear:
    """Choose weight and evidence scale by likelihood, the dimensions' shares by CCC."""
    rated = ~np.isnan(texts.truth).any(axis=1)
    start = LogLinear(
        weight=0.0,
        scale=1.0,
        prior=texts.probabilities[texts.classes >= 0].mean(axis=0),
        classes=tuple(texts.labels.index(TEXT_CLASS[label]) for label in LABELS),
        vad_weight=np.zeros(3, np.float32),
        vad_mean=texts.vad[rated].mean(axis=0),
        vad_gain=voices.truth.std(axis=0) / np.maximum(texts.vad[rated].std(axis=0), 1e-6),
    )
    pairs = class_pairs(voices, texts, rng)
    grid = [replace(start, weight=w, scale=s) for w in WEIGHTS for s in SCALES]
    losses = [nll(*fused_classes(one, voices, texts, pairs, temperature)) for one in grid]
    chosen = grid[int(np.argmin(losses))]
    matched = vad_pairs(voices, texts, rng)
    shares = [best_share(chosen, voices, texts, matched, d) for d in range(3)]
    return replace(chosen, vad_weight=np.array(shares, np.float32))


def fused_classes(
    fusion: LogLinear, voices: Voices, texts: Texts, pairs: Pairs, temperature: float
) -> tuple[NDArray[np.int64], Floats]:
    """Return reference classes and fused probabilities of the pairs."""
    voice = calibrated(voices, temperature)
    rows = [
        fusion(
            Scores(voices.vad[i], voice[i]),
            Scores(texts.vad[j], texts.probabilities[j]),
            float(texts.evidence[j]),
        ).probabilities
        for i, j in zip(*pairs, strict=True)
    ]
    return voices.classes[pairs[0]], np.array(rows)


def best_share(
    fusion: LogLinear, voices: Voices, texts: Texts, pairs: Pairs, dimension: int
) -> float:
    """Return the share of the text in one dimension that gives the highest CCC."""
    scores = []
    for share in SHARES:
        weights = np.zeros(3, np.float32)
        weights[dimension] = share
        said = fused_vad(replace(fusion, vad_weight=weights), voices, texts, pairs)
        scores.append(ccc(voices.truth[pairs[0], dimension], said[:, dimension]))
    return SHARES[int(np.argmax(scores))]


def fused_vad(fusion: LogLinear, voices: Voices, texts: Texts, pairs: Pairs) -> Floats:
    """Return the fused V/A/D of the pairs, shape (n, 3), as the device would."""
    even = np.full(len(LABELS), 1.0 / len(LABELS), np.float32)
    rows = [
        fusion(
            Scores(voices.vad[i], even),
            Scores(texts.vad[j], texts.probabilities[j]),
            float(texts.evidence[j]),
        ).vad
        for i, j in zip(*pairs, strict=True)
    ]
    return np.array(rows)


def compare(
    voices: Voices, texts: Texts, fusion: LogLinear, temperature: float, rng: np.random.Generator
) -> dict[str, float]:
    """Return macro-F1, calibration error and CCC of the voice alone and of the fusion."""
    pairs, matched = class_pairs(voices, texts, rng), vad_pairs(voices, texts, rng)
    reference, fused = fused_classes(fusion, voices, texts, pairs, temperature)
    voice = calibrated(voices, temperature)[pairs[0]]
    row = {
        "voice_macro_f1": macro_f1(reference, voice.argmax(axis=1)),
        "fused_macro_f1": macro_f1(reference, fused.argmax(axis=1)),
        "voice_ece": ece(reference, voice),
        "fused_ece": ece(reference, fused),
    }
    said = fused_vad(fusion, voices, texts, matched)
    for d, name in enumerate(("valence", "arousal", "dominance")):
        truth = voices.truth[matched[0], d]
        row[f"voice_ccc_{name}"] = ccc(truth, voices.vad[matched[0], d])
        row[f"fused_ccc_{name}"] = ccc(truth, said[:, d])
    return {name: round(float(value), 4) for name, value in row.items()}


def manifest_section(fusion: LogLinear, text_labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the manifest's ``fusion`` section."""
    return {
        "kind": "log-linear",
        "weight": fusion.weight,
        "scale": fusion.scale,
        "prior": _rounded(fusion.prior),
        "classes": {label: text_labels[i] for label, i in zip(LABELS, fusion.classes, strict=True)},
        "vad_weight": _rounded(fusion.vad_weight),
        "vad_mean": _rounded(fusion.vad_mean),
        "vad_gain": _rounded(fusion.vad_gain),
    }


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 5) for value in values]

"""``python -m train fusion``: how voice and words join, how sure to be, when to say "unknown".

The pairs it is fitted on are constructed: see ``train.pairs``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.emotion import DIMENSIONS, Word
from edge.errors import HeartenError
from train import corpora, licence, mishearing, recordings, text_sources
from train.calibration import calibrated, fit_temperature, thresholds
from train.corpora import LABELS
from train.corpora.plain import SOURCES as PLAIN_SOURCES
from train.fusion_late import Product
from train.keyword_files import listened
from train.metrics import ccc, ece, macro_f1
from train.modalities import UNLABELLED, Fused, Rows, Values, joined_rows
from train.pairs import (
    NOVELTY,
    TEXT_CLASS,
    Hear,
    Texts,
    load_plain,
    load_texts,
    load_voices,
    paired,
    plain_pairs,
)
from train.provenance import origin, store
from train.recognition_setup import device_settings
from train.text_reader import Reader

RESULT = "fusion-constructed-pairs.json"
WRITTEN = "test, as written"
PLAIN = "test, plain voices"  # sentences said by people who act no emotion
SILENT = 4  # for so many pairs, one more of whose words none is heard
PROTOCOL = "test actors and test sentences as a recogniser would have heard them"
NOTES = (
    "constructed pairs, actors apart; {:.0%} of the keywords are heard, {:.2f} wrong ones come for "
    "each word that is said, those of a confidence below {:.2f} are dropped"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"))
    parser.add_argument("--text", type=Path, default=Path("runs/text"))
    parser.add_argument("--language", type=Path, default=Path("runs/language"))
    parser.add_argument(
        "--mishearing", type=Path, default=mishearing.PLACE, help="of python -m train mishearing"
    )
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
    reader, named = Reader(args.text), text_sources.corpora(sources)
    least = device_settings(args.language).min_confidence
    rates = mishearing.read(args.mishearing)
    hear = mishearing.Mishearing(rates, args.language, listened(args.text), least)
    dev = load_voices(args.voice, "dev")
    temperature = fit_temperature(dev)

    def texts(part: str, lost: bool = False, how: Hear = hear) -> Texts:
        return load_texts(corpora.root(), named, part, how, reader, args.seed, lost)

    def pairs(part: str, lost: bool = False, how: Hear = hear) -> Rows:
        voices = dev if part == "dev" else load_voices(args.voice, part)
        rng = np.random.default_rng(args.seed)
        return paired(voices, calibrated(voices, temperature), texts(part, lost, how), rng)

    def plain(part: str, said: str) -> Rows:
        voices = load_plain(args.voice, part)
        return plain_pairs(voices, calibrated(voices, temperature), texts(said), dev.truth)

    parts = {part: pairs(part) for part in ("dev", "test")}
    silent = pairs("dev", lost=True)
    silent = silent.take(np.arange(0, len(silent), SILENT))
    read = pairs("dev", how=as_written)
    read = replace(read, classes=np.full_like(read.classes, UNLABELLED))
    fusion = fit(joined_rows([parts["dev"], silent, read]), reader.labels)
    parts[WRITTEN] = pairs("test", how=as_written)
    if (args.voice / NOVELTY).is_file():
        fusion.fit_novel(parts["dev"], plain("train", "dev"))
        sources = list(dict.fromkeys([*sources, *PLAIN_SOURCES]))
        parts[PLAIN] = plain("test", "test")
    else:
        print(f"no {args.voice / NOVELTY} (python -m train novelty): all speech is trusted alike")
    content = {
        "fusion": manifest_section(fusion),
        "calibration": {"temperature": temperature, "reject": thresholds(dev, temperature)},
        "metrics": {part: compare(rows, fusion) for part, rows in parts.items()},
        "sources": sources,
        "command": f"python -m train {' '.join(sys.argv[1:])}",
        "notes": NOTES.format(rates.recall, rates.inserted, least),
    }
    store(args.out / "fusion.json", content)
    store(args.results / RESULT, result(content, args.seed))
    for part, row in content["metrics"].items():
        print(f"{part}: " + ", ".join(f"{name} {value:.3f}" for name, value in row.items()))
    return 0


def as_written(words: Sequence[str], rng: np.random.Generator, lost: bool) -> list[Word]:
    """Return the words of a transcript, each for certain: V/A/D must be right with these too."""
    return [Word(word, float(i), i + 1.0, 1.0) for i, word in enumerate(words)]


def result(content: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return the comparison on test speakers and sentences in the form that the report reads."""
    return {
        "task": "fusion",
        "corpus": f"{_paired(content['sources'])} (constructed pairs)",
        "protocol": PROTOCOL,
        "artefact": "float scores, fusion as shipped",
        "model": {"kind": content["fusion"]["kind"]},
        "seeds": [seed],
        "metrics": content["metrics"]["test"]
        | {
            f"{name}_{k}": v
            for name, part in (("written", WRITTEN), ("plain", PLAIN))
            for k, v in content["metrics"].get(part, {}).items()
        },
        **origin(content["command"]),
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


def fit(rows: Rows, texts: Sequence[str]) -> Product:
    """Return the fusion fitted on pairs; ``texts`` are the text model's labels."""
    return Product([list(texts).index(TEXT_CLASS[label]) for label in LABELS]).fit(rows)


def compare(rows: Rows, fusion: Product) -> dict[str, float]:
    """Return macro-F1, calibration error and CCC of the voice alone and of the fusion."""
    row: dict[str, float] = {}
    for name, said in (("voice", Fused(*rows.voice.arrays()[1:])), ("fused", fusion.predict(rows))):
        assert said.probabilities is not None and said.vad is not None
        classes, shares = rows.classes[rows.labelled], said.probabilities[rows.labelled]
        row[f"{name}_macro_f1"] = macro_f1(classes, shares.argmax(axis=1))
        row[f"{name}_ece"] = ece(classes, shares)
        for d, dimension in enumerate(DIMENSIONS):
            truth = rows.truth[rows.rated, d]
            row[f"{name}_ccc_{dimension}"] = ccc(truth, said.vad[rows.rated, d])
    return {name: round(float(value), 4) for name, value in row.items()}


def manifest_section(fusion: Product) -> dict[str, Any]:
    """Return the manifest's ``fusion`` section."""
    assert fusion.prior is not None
    return {
        "kind": "log-linear",
        "weight": fusion.weight,
        "scale": fusion.scale,
        "prior": _rounded(fusion.prior),
        "classes": TEXT_CLASS,
        "vad_weight": _rounded(fusion.share),
        "vad_scale": fusion.vad_scale,
        "vad_mean": _rounded(fusion.mean),
        "vad_gain": _rounded(fusion.gain),
        **_novelty(fusion),
    }


def _novelty(fusion: Product) -> dict[str, Any]:
    """Return how the voice loses trust, nothing where that was not fitted."""
    if fusion.novel is None:
        return {}
    slopes = {"novel_middle": round(fusion.middle, 4), "novel_slope": round(fusion.slope, 4)}
    return {**slopes, "vad_novel": _rounded(fusion.novel)}


def _rounded(values: Values) -> list[float]:
    return [round(float(value), 5) for value in values]

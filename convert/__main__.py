"""``python -m convert``: trained models become a pack, refused when parity fails."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.errors import HeartenError
from edge.manifest import FORMAT
from train.provenance import commit

NAME = "hearten-en-1"
LICENCE = "CC BY-NC-SA 4.0"
# Fusion weighs words by confidence, so doubtful ones may pass (results/recognition-*.json).
MIN_CONFIDENCE = 0.4
LARGEST_MODELS = 1_000_000  # bytes of all graphs together


@dataclass(frozen=True, slots=True)
class Runs:
    """The folders of what ``python -m train`` left."""

    voice: Path
    text: Path
    language: Path
    fusion: Path

    @classmethod
    def of(cls, args: argparse.Namespace) -> Runs:
        """Check that every folder holds what is needed; the error names the command to run."""
        runs = cls(args.voice, args.text, args.language, args.fusion)
        needed = {
            runs.voice / "model.json": "voice",
            runs.text / "model.json": "text",
            runs.language / "words.lm.bin": "language",
            runs.fusion / "fusion.json": "fusion",
        }
        for path, command in needed.items():
            if not path.is_file():
                raise HeartenError(f"no {path}: python -m train {command}")
        return runs


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    args = _parser().parse_args(arguments)
    try:
        return convert(args)
    except HeartenError as error:
        print(f"convert: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"))
    parser.add_argument("--text", type=Path, default=Path("runs/text"))
    parser.add_argument("--language", type=Path, default=Path("runs/language"))
    parser.add_argument("--fusion", type=Path, default=Path("runs/fusion"))
    parser.add_argument(
        "--quantize",
        default="int8-dynamic",
        choices=["float32", "float16", "int8-dynamic", "int8", "int16x8"],
    )
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--out", type=Path, default=Path("edge/packs") / NAME)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def convert(args: argparse.Namespace) -> int:
    """Convert, compare, and write the pack; raises HeartenError where it must not be written."""
    runs = Runs.of(args)
    from convert import pack, text  # TensorFlow takes seconds to import
    from convert.artefacts import calibration_frames, compare, score
    from convert.voice import VoiceModel, graphs

    model = VoiceModel.load(runs.voice)
    fusion = _json(runs.fusion / "fusion.json")
    temperature = fusion["calibration"]["temperature"]
    frames = calibration_frames(model) if args.quantize in ("int8", "int16x8") else []
    graph, head = graphs(model, args.quantize, frames)
    files = {"voice.tflite": graph, "head.tflite": head}
    report = compare(score(model, runs.voice, files, temperature), runs.voice)
    files["text.tflite"] = text.build(runs.text)
    models = sum(len(content) for content in files.values())
    if models > LARGEST_MODELS:
        raise HeartenError(f"refused: the models take {models:,} bytes, at most {LARGEST_MODELS:,}")
    files |= _language_files(runs)
    training = _training(model, runs, report, fusion)
    manifest = _manifest(args, model, runs, fusion, training)
    files |= _papers(args.name, list(model.about["labels"]), training)
    pack.write(args.out, files, manifest)
    _say(args, files, models, report)
    return 0


def _language_files(runs: Runs) -> dict[str, bytes]:
    names = {"keywords.txt": runs.text, "words.lm.bin": runs.language, "words.dict": runs.language}
    return {name: (folder / name).read_bytes() for name, folder in names.items()}


def _manifest(
    args: argparse.Namespace,
    model: Any,
    runs: Runs,
    fusion: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dict[str, Any]:
    about = model.about
    text = _json(runs.text / "model.json")
    return {
        "format": FORMAT,
        "name": args.name,
        "version": "1",
        "language": "en",
        "licence": LICENCE,
        "labels": about["labels"],
        "features": about["features"],
        "endpoint": about["endpoint"],
        "voice": {
            "graph": "voice.tflite",
            "head": "head.tflite",
            "quantization": args.quantize,
            "mean": about["mean"],
            "std": about["std"],
            "context": model.context,
            "stride": model.stride,
        },
        "text": {"graph": "text.tflite", "keywords": "keywords.txt", "labels": text["labels"]},
        "recognizer": _recognizer(runs.language),
        "fusion": fusion["fusion"],
        "calibration": fusion["calibration"],
        **_speaker(runs.voice),
        "training": training,
    }


def _recognizer(folder: Path) -> dict[str, Any]:
    """Return the manifest's section: files, and what was measured best for them."""
    section: dict[str, Any] = {
        "language_model": "words.lm.bin",
        "dictionary": "words.dict",
        "min_confidence": MIN_CONFIDENCE,
        "options": _json(folder / "language.json")["options"],
    }
    if (folder / "confidence.json").is_file():
        section |= _json(folder / "confidence.json")
    return section


def _speaker(folder: Path) -> dict[str, Any]:
    """Return the section on learning voices, if ``python -m train speaker`` was run."""
    path = folder / "speaker.json"
    if not path.is_file():
        print(
            f"no {path} (python -m train speaker): the pack will learn no voices", file=sys.stderr
        )
        return {}
    return {"speaker": _json(path)["speaker"]}


def _training(
    model: Any, runs: Runs, report: Mapping[str, Any], fusion: Mapping[str, Any]
) -> dict[str, Any]:
    about = model.about
    text = _json(runs.text / "metrics.json")
    sources = (
        f"Voice: {', '.join(about['corpora'])} (seed {about['seed']}, "
        f"{model.parameters:,} parameters). Text: EmoBank, GoEmotions, ISEAR, initialised from "
        "GloVe 6B and Warriner norms. Recogniser: CMU Sphinx en-us, dictionary and bigram model "
        "trimmed."
    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "sources": sources,
        "commands": [about["command"], fusion["command"]],
        "voice": {
            "parameters": model.parameters,
            "partition": about["partition"],
            "seed": about["seed"],
        },
        "artefacts": report["artefacts"],
        "parity": report["parity"],
        "folds": _folds(about["partition"]["protocol"]),
        "speakers": _speakers(about["partition"]["protocol"]),
        "text": _text_quality(text["test"]["clean"]),
        "fusion": fusion["metrics"],
    }


def _folds(protocol: str) -> str:
    """Return the sentence on the whole protocol, if ``python -m train evaluate`` was run."""
    path = Path("results") / f"voice-ravdess-speech-{protocol}-streaming.json"
    if not path.is_file():
        return "The other folds were not evaluated."
    row = _json(path)
    uar = row["metrics"]["uar"]
    return (
        f"Models made the same way for all folds of {protocol} (every actor tested once): "
        f"UAR {uar['mean']:.3f}, 95 % over speakers {uar['ci95'][0]:.3f}-{uar['ci95'][1]:.3f}, "
        f"seeds {row['seeds']}."
    )


def _speakers(protocol: str) -> str:
    """Return the sentence on learned voices, if ``python -m train speaker`` measured them."""
    path = Path("results") / f"voice-speaker-{protocol}.json"
    if not path.is_file():
        return "What knowing the speaker is worth was not measured."
    rows = _json(path)["metrics"]
    without, neutral, past = (rows[k]["uar"]["mean"] for k in ("without", "neutral-4", "past"))
    return (
        f"Knowing the speaker (all folds of {protocol}): UAR {without:.3f} without, {neutral:.3f} "
        f"with four neutral sentences, {past:.3f} with 59 utterances of past speech; another's "
        f"profile: {rows['neutral-4-of-another']['uar']['mean']:.3f}."
    )


def _text_quality(clean: Mapping[str, Any]) -> str:
    rated = clean["emobank"]
    r = " / ".join(f"{rated['r_' + name]:.2f}" for name in ("valence", "arousal", "dominance"))
    return (
        f"EmoBank test (official split), reference text: Pearson r V / A / D {r}; "
        f"GoEmotions test, 7 classes: macro-F1 {clean['goemotions']['macro_f1']:.2f}; "
        f"ISEAR, held-out respondents, 5 classes: macro-F1 {clean['isear']['macro_f1']:.2f}."
    )


def _papers(name: str, labels: list[str], training: Mapping[str, Any]) -> dict[str, bytes]:
    from convert.card import card, licence

    return {
        "CARD.md": card(name, labels, LICENCE, training).encode(),
        "LICENSE": licence(LICENCE).encode(),
    }


def _say(
    args: argparse.Namespace, files: Mapping[str, bytes], models: int, report: Mapping[str, Any]
) -> None:
    total = sum(len(content) for content in files.values())
    if args.json:
        print(json.dumps({"pack": str(args.out), "models": models, "bytes": total, **report}))
        return
    for name, row in report["artefacts"].items():
        print(f"{name:<12} dev UAR {row['dev']['uar']:.3f}  test UAR {row['test']['uar']:.3f}")
    for name, row in report["parity"].items():
        print(f"{name:<12} decisions differ {row['decisions']:.2%}, V/A/D by {row['vad']:.4f}")
    print(f"{args.out}: models {models:,} bytes, all files {total:,} bytes")


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


if __name__ == "__main__":
    raise SystemExit(main())

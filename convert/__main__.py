"""``python -m convert``: trained models become a pack, refused when parity fails."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convert import QUANTIZATION, evidence, sources
from edge.endpoint import EndpointSettings
from edge.errors import HeartenError
from edge.manifest import FORMAT
from train import licence, text_sources
from train.evaluate import RESULTS
from train.provenance import commit
from train.recognition_setup import LEAST
from train.trained import GATE, NOVELTY, gate_of, novelty_of

NAME = "hearten-en-1"
HEARD = "heard.txt"
LARGEST_MODELS = 1_000_000  # bytes of all graphs together


@dataclass(frozen=True, slots=True)
class Runs:
    """The folders of what ``python -m train`` left."""

    voice: Path
    text: Path
    language: Path
    fusion: Path

    @property
    def heard(self) -> bool:
        """Whether the recogniser is to listen for some of the keywords only."""
        return (self.text / HEARD).is_file()

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
        default=QUANTIZATION,
        help=f"of the voice ({QUANTIZATION})",
        choices=["float32", "float16", "int8-dynamic", "int8", "int16x8"],
    )
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--out", type=Path, default=Path("edge/packs") / NAME)
    parser.add_argument("--results", type=Path, default=RESULTS, help="what the card tells of")
    parser.add_argument(
        "--card", action="store_true", help="write the card of --out again, nothing else"
    )
    parser.add_argument(
        "--commercial", action="store_true", help="refuse what forbids commercial use"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def convert(args: argparse.Namespace) -> int:
    """Convert, compare, and write the pack; raises HeartenError where it must not be written."""
    if args.card:
        from convert.papers import renew

        renew(args.out, args.results)
        return 0
    runs = Runs.of(args)
    from convert import labels, pack, papers, text  # TensorFlow takes seconds to import
    from convert.artefacts import compare, files_of, score, section_of
    from convert.voice import VoiceModel

    model = VoiceModel.load(runs.voice)
    fusion = _json(runs.fusion / "fusion.json")
    names = sources.of_pack(model.about, _json(runs.text / "model.json"), fusion)
    if args.commercial:
        licence.demand_commercial(names)
    temperature = fusion["calibration"]["temperature"]
    files = files_of(model, args.quantize)
    report = compare(score(model, runs.voice, files, temperature), runs.voice)
    training = {"data": names, **_training(model, runs, report, fusion)}
    whole, model = model, labels.only(model, labels.present(model.about))
    if model is not whole:
        files |= files_of(model, args.quantize)
    files["text.tflite"] = text.build(runs.text)
    models = sum(len(content) for content in files.values())
    if models > LARGEST_MODELS:
        raise HeartenError(f"refused: the models take {models:,} bytes, at most {LARGEST_MODELS:,}")
    files |= _language_files(runs)
    manifest = _manifest(args, model, runs, fusion, training, section_of(files))
    files |= papers.papers(manifest, args.results)
    pack.write(args.out, files, manifest)
    _say(args, files, models, report)
    return 0


def _language_files(runs: Runs) -> dict[str, bytes]:
    names = {"keywords.txt": runs.text, "words.lm.bin": runs.language, "words.dict": runs.language}
    if runs.heard:
        names[HEARD] = runs.text
    return {name: (folder / name).read_bytes() for name, folder in names.items()}


def _manifest(
    args: argparse.Namespace,
    model: Any,
    runs: Runs,
    fusion: Mapping[str, Any],
    training: Mapping[str, Any],
    graphs: Mapping[str, str],
) -> dict[str, Any]:
    from convert.labels import section

    about, names = model.about, training["data"]
    text = _json(runs.text / "model.json")
    return {
        "format": FORMAT,
        "name": args.name,
        "version": "1",
        "language": "en",
        "licence": sources.licence_of(names),
        "notices": sources.notices(names),
        "labels": about["labels"],
        "features": about["features"],
        "endpoint": EndpointSettings().to_dict(),  # a run tells what it was trained by
        "voice": {
            **graphs,
            "quantization": args.quantize,
            **model.feeding,
        },
        "text": {
            "graph": "text.tflite",
            "keywords": "keywords.txt",
            **({"heard": HEARD} if runs.heard else {}),
            "labels": text["labels"],
        },
        "recognizer": _recognizer(runs.language),
        "fusion": section(fusion["fusion"], "classes", about["labels"]),
        "calibration": fusion["calibration"],
        **_speaker(runs.voice, about["labels"]),
        **_gate(runs.voice),
        **novelty_of(runs.voice),
        "training": training,
    }


def _recognizer(folder: Path) -> dict[str, Any]:
    """Return the manifest's section: files, and what was measured best for them."""
    section: dict[str, Any] = {
        "language_model": "words.lm.bin",
        "dictionary": "words.dict",
        "min_confidence": LEAST,
        "options": _json(folder / "language.json")["options"],
    }
    if (folder / "confidence.json").is_file():
        section |= _json(folder / "confidence.json")
    return section


def _speaker(folder: Path, labels: Sequence[str]) -> dict[str, Any]:
    """Return the section on learning voices, if ``python -m train speaker`` was run."""
    from convert.labels import section

    path = folder / "speaker.json"
    if not path.is_file():
        print(
            f"no {path} (python -m train speaker): the pack will learn no voices", file=sys.stderr
        )
        return {}
    return {"speaker": section(_json(path)["speaker"], "reference", labels)}


def _gate(folder: Path) -> dict[str, Any]:
    """Return the section on what is speech, if ``python -m train gate`` was run."""
    section = gate_of(folder)
    if not section:
        print(
            f"no {folder / GATE} (python -m train gate): the pack will take every sound for speech",
            file=sys.stderr,
        )
    return section


def _training(
    model: Any, runs: Runs, report: Mapping[str, Any], fusion: Mapping[str, Any]
) -> dict[str, Any]:
    about = model.about
    text = _json(runs.text / "model.json")
    words = text.get("sources", text_sources.SOURCES)
    sources = (
        f"Voice: {', '.join(about['corpora'])} (seed {about['seed']}, "
        f"{model.parameters:,} parameters), with noise of ESC-10 and babble of LibriSpeech added. "
        f"Text: {', '.join(words)} (seed {text['seed']}). Recogniser: CMU Sphinx en-us, dictionary "
        "and bigram model trimmed."
    )
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "sources": sources,
        "commands": _commands(runs, about, text, fusion),
        "voice": {
            "parameters": model.parameters,
            "partition": about["partition"],
            "seed": about["seed"],
            "corpora": about["corpora"],
            "labels": about["labels"],
            "teacher": about.get("teacher"),
            "sibling": about.get("sibling"),
        },
        "artefacts": report["artefacts"],
        "parity": report["parity"],
        "text": evidence.text(_json(runs.text / "metrics.json")),
        "fusion": fusion["metrics"],
    }


def _commands(
    runs: Runs, about: Mapping[str, Any], text: Mapping[str, Any], fusion: Mapping[str, Any]
) -> list[str]:
    """Return the commands that made a pack, as far as its runs wrote them down."""

    def of(*paths: Path) -> list[str | None]:
        return [_json(path).get("command") for path in paths if path.is_file()]

    first = of(Path(about["sibling"]) / "model.json") if about.get("sibling") else []
    words = [*of(runs.text / text_sources.FILE), text.get("command")]
    later = of(*(runs.voice / name for name in ("speaker.json", GATE, NOVELTY)))
    given = [*words, *first, about["command"], *later, fusion["command"]]
    return [*filter(None, given), f"python -m convert {' '.join(sys.argv[1:])}".strip()]


def _say(
    args: argparse.Namespace, files: Mapping[str, bytes], models: int, report: Mapping[str, Any]
) -> None:
    total = sum(len(content) for content in files.values())
    if args.json:
        print(json.dumps({"pack": str(args.out), "models": models, "bytes": total, **report}))
        return
    for name, row in report["artefacts"].items():
        print(f"{name:<12} " + "  ".join(f"{part} UAR {q['uar']:.3f}" for part, q in row.items()))
    for name, row in report["parity"].items():
        print(f"{name:<12} decisions differ {row['decisions']:.2%}, V/A/D by {row['vad']:.4f}")
    print(f"{args.out}: models {models:,} bytes, all files {total:,} bytes")


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


if __name__ == "__main__":
    raise SystemExit(main())

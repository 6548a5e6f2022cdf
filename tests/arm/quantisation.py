"""``python -m tests.arm.quantisation``: every quantisation on every interpreter, in one table.

Size of the voice graph, decisions unlike the float model's, V/A/D apart from it, UAR on the
held-out speakers, microseconds a frame here, and instructions a frame on emulated Arm. It needs
TensorFlow, the corpora, what ``python -m train voice`` left, and the systems of ``make arm``;
``--python`` names a Python with numpy and ai-edge-litert, for that interpreter on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import HeartenError
from edge.pack import open_pack
from tests.arm import cost
from tests.arm.emulator import run
from tests.arm.trees import CACHE, TREES, Tree
from train.metrics import uar
from train.provenance import origin

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("voiced.py")
STORED = ROOT / "results" / "quantisation.json"
QUANTIZATIONS = ("float32", "float16", "int8-dynamic", "int8", "int16x8")
FLOAT = QUANTIZATIONS[0]

Row = dict[str, Any]


def main() -> int:
    """Convert, run everywhere, store the table and print it; 2 where something is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.arm.quantisation", description=__doc__)
    parser.add_argument("--voice", type=Path, default=Path("runs/voice"))
    parser.add_argument("--python", type=Path, action="append", default=[])
    parser.add_argument("--every", type=int, default=3, help="emulate each third utterance only")
    parser.add_argument("--results", type=Path, default=STORED)
    args = parser.parse_args()
    try:
        trees = [tree for tree in TREES.values() if tree.architecture == "arm64"]
        for tree in trees:
            if not tree.venv.exists():
                raise HeartenError(f"{tree.name} is not built: python -m tests.arm --only install")
        packs, classes = _packs(args.voice)
        rows = _here(packs, classes, [Path(sys.executable), *args.python])
        rows |= _there(packs, trees, args.every)
    except HeartenError as error:
        print(f"quantisation: {error}", file=sys.stderr)
        return 2
    _store(args.results, rows, args.every)
    for name, row in rows.items():
        print(f"{name:<45}", "  ".join(f"{key} {value}" for key, value in row.items()))
    return 0


def _packs(folder: Path) -> tuple[dict[str, Path], list[int]]:
    """Write a pack a quantisation and the utterances; return packs and the utterances' classes."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    from convert import labels, pack
    from convert.artefacts import files_of, predictions
    from convert.voice import VoiceModel

    if not (folder / "model.npz").is_file():
        raise HeartenError(f"no {folder / 'model.npz'}: python -m train voice")
    model = VoiceModel.load(folder)
    own = labels.only(model, labels.present(model.about))
    builtin = open_pack()
    manifest = builtin.manifest.raw
    rest = {name: (builtin.place / name).read_bytes() for name in manifest["files"]}
    made = {}
    for quantization in QUANTIZATIONS:
        made[quantization] = CACHE / "quantised" / quantization
        voice = {**manifest["voice"], **model.feeding, "quantization": quantization}
        about = {**manifest, "labels": own.about["labels"], "voice": voice, "name": quantization}
        pack.write(made[quantization], rest | files_of(own, quantization), about)
    return made, _utterances(own, predictions(folder))


def _utterances(model: Any, saved: Mapping[str, Any]) -> list[int]:
    """Write the held-out speakers' speech as the endpointer cuts it; return its classes."""
    from edge.audio.files import read
    from edge.endpoint import EndpointSettings
    from train import corpora, recordings

    endpoint = EndpointSettings.from_dict(model.about["endpoint"])
    every = {u.id: u for u in recordings.load(corpora.root(), model.about["corpora"])}
    wanted = [every[str(name)] for name in saved["test/ids"] if not str(name).startswith("03-02")]
    spoken = {u.id: recordings.speech(read(u.path), endpoint) for u in wanted if u.path}
    np.savez(_spoken(), **spoken)
    return [model.about["labels"].index(u.label) for u in wanted]


def _spoken() -> Path:
    return CACHE / "quantised" / "utterances.npz"


def _reference() -> Path:
    return CACHE / "quantised" / "float.json"


def _here(
    packs: Mapping[str, Path], classes: Sequence[int], pythons: Sequence[Path]
) -> dict[str, Row]:
    """Return a row for each quantisation and interpreter of this machine; keep the first's."""
    rows = {}
    for python in pythons:
        command = [str(python), str(PROGRAM), str(_spoken()), "1", *map(str, packs.values())]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        environment = os.environ | threads
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise HeartenError(f"{python}: {done.stderr.strip()[-300:]}")
        said = json.loads(done.stdout)
        if not rows:
            _reference().write_text(json.dumps(said["packs"][str(packs[FLOAT])]))
        for name, pack in packs.items():
            found = said["packs"][str(pack)]
            row = _row(pack, found, 1)
            if "error" not in found:
                row["uar"] = round(uar(classes, found["classes"]), 4)
                row["us"] = round(found["us"], 2)
            rows[f"{name}, {said['interpreter']}, x86_64"] = row
    return rows


def _there(packs: Mapping[str, Path], trees: Sequence[Tree], every: int) -> dict[str, Row]:
    """Return a row for each quantisation and emulated system, with instructions a frame."""
    arguments = [str(_spoken()), str(every), *map(str, packs.values())]
    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(run, tree, str(PROGRAM), *arguments, counted=True) for tree in trees]
    rows = {}
    for tree, done in zip(trees, (future.result() for future in work), strict=True):
        said = json.loads(done.stdout)
        marks = cost.marked(done.stderr)
        spent = [end - begin for begin, end in zip(marks[:-1:2], marks[1:-1:2], strict=True)]
        running = [pack for pack in packs.values() if "error" not in said["packs"][str(pack)]]
        for name, pack in packs.items():
            found = said["packs"][str(pack)]
            row = _row(pack, found, every)
            if pack in running:
                own = sum(spent[running.index(pack) :: len(running)])
                row["instructions"] = round(own / found["frames"])
            rows[f"{name}, {said['interpreter']}, {tree.cpu}"] = row
    return rows


def _row(pack: Path, said: Row, every: int) -> Row:
    """Return the numbers of one quantisation on one interpreter."""
    float_model = json.loads(_reference().read_text())
    size = {"bytes": (pack / "voice.tflite").stat().st_size}
    if "error" in said:
        return size | {"fails": said["error"]}
    found, wanted = np.array(said["classes"]), np.array(float_model["classes"][::every])
    apart = np.abs(np.array(said["vad"]) - np.array(float_model["vad"][::every]))
    return size | {
        "utterances": len(found),
        "decisions_differ": round(float(np.mean(found != wanted)), 4),
        "vad_differ": round(float(apart.mean()), 5),
    }


def _store(place: Path, rows: Mapping[str, Row], every: int) -> None:
    about = {
        "task": "quantisation",
        "corpus": "ravdess-speech",
        "protocol": "built-in fold, held-out speakers, utterances cut by the endpointer, pieces of "
        f"100 ms; under emulation one in {every} of them",
        "artefact": "voice graph, features and pooling",
        **origin(f"python -m tests.arm.quantisation --python PYTHON_WITH_LITERT --every {every}"),
        "notes": "Decisions and V/A/D differ from the float32 graph on x86; bytes are those of the "
        "voice graph; us of processor time on x86, and instructions on the named Arm processor "
        "under emulation, are those of a 10 ms frame of speech: features, graph and pooling.",
        "metrics": rows,
    }
    place.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())

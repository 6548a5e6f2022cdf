"""A pack is checked as a whole, and the first thing that is wrong is named."""

from __future__ import annotations

import json
import math
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, PackError
from edge.bench.reference import parity
from edge.pack import open_pack
from edge.text import spoken
from tests.edge.made import rehash

GRAPHS = ("voice.tflite", "head.tflite", "melody.tflite", "text.tflite")
FILES = (*GRAPHS, "keywords.txt", "words.lm.bin", "words.dict")


def use(pack: Path) -> None:
    with Engine.open(pack):
        pass


def test_builtin_pack_is_sound_and_small() -> None:
    pack = open_pack()
    assert parity(pack)["difference"] <= 0.05
    models = sum(size for name, size in pack.sizes.items() if name.endswith(".tflite"))
    assert models < 1_000_000
    assert pack.sizes["text.tflite"] <= 200_000
    assert pack.manifest.raw["voice"]["quantization"] == "float16"
    assert pack.manifest.raw["training"]["voice"]["parameters"] <= 100_000
    graph = pack.voice()._graph
    halves = [d for d in graph.tensors() if d["dtype"] is np.float16]
    assert sum(math.prod(d["shape"]) for d in halves) > 40_000, "the weights take half the space"


def test_zip_and_folder_say_the_same(pack_copy: Path, samples: Path, tmp_path: Path) -> None:
    archive = tmp_path / "pack.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in pack_copy.iterdir():
            file.write(path, f"inner/{path.name}")
    with Engine.open(archive) as one, Engine.open(pack_copy) as other:
        (a,), (b,) = (e.file(samples / "gift_slt.wav") for e in (one, other))
    assert a.probabilities == b.probabilities
    assert a.words == b.words != ()


@pytest.mark.parametrize("name", FILES)
def test_missing_file(pack_copy: Path, name: str) -> None:
    (pack_copy / name).unlink()
    with pytest.raises(PackError, match=f"lacks {name}"):
        use(pack_copy)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_truncated_or_altered_file(pack_copy: Path, name: str, damage: str) -> None:
    content = bytearray((pack_copy / name).read_bytes())
    if damage == "truncated":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0xFF
    (pack_copy / name).write_bytes(content)
    with pytest.raises(PackError, match=f"{name} was altered or cut short"):
        use(pack_copy)


@pytest.mark.parametrize("name", [*GRAPHS, "words.lm.bin"])
def test_a_file_that_is_something_else(
    pack_copy: Path, edit_manifest: Callable[..., Path], name: str
) -> None:
    (pack_copy / name).write_bytes(b"this is no model" * 100)
    edit_manifest(lambda m: rehash(m, pack_copy, name))
    with pytest.raises(PackError, match=r"\w"):
        use(pack_copy)


@pytest.mark.parametrize("name", ["head.tflite", "melody.tflite"])
def test_mismatched_graphs(pack_copy: Path, edit_manifest: Callable[..., Path], name: str) -> None:
    shutil.copy(pack_copy / "text.tflite", pack_copy / name)
    edit_manifest(lambda m: rehash(m, pack_copy, name))
    with pytest.raises(PackError, match=re.escape(name)):
        use(pack_copy)


def test_a_pack_without_melody(pack_copy: Path, edit_manifest: Callable[..., Path]) -> None:
    edit_manifest(lambda m: m["voice"].pop("melody") and m["files"].pop("melody.tflite"))
    use(pack_copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=2), "format 2.*pip install --upgrade hearten"),
        (lambda m: m.update(format="1"), "'format' must be a whole number"),
        (lambda m: m.pop("labels"), "lacks 'labels'"),
        (lambda m: m.update(labels=["angry", "angry"]), "labels must be different"),
        (
            lambda m: m.pop("speaker") and m["labels"].append("proud"),
            "classes, the manifest 9 labels",
        ),
        (lambda m: m["labels"].__setitem__(0, "unknown"), "labels must be different and not"),
        (
            lambda m: m.pop("speaker") and m["labels"].__setitem__(0, "bored"),
            "no text label for 'bored'",
        ),
        (lambda m: m["fusion"].update(kind="oracle"), "unknown fusion kind 'oracle'"),
        (lambda m: m["calibration"].update(temperature=0.0), "temperature must be positive"),
        (lambda m: m["calibration"]["reject"].update(balanced=1.2), "must lie in 0..1"),
        (lambda m: m["features"].update(kind="plp"), "unknown feature kind 'plp'"),
        (lambda m: m["features"].update(warps=["low"]), "warps must be numbers"),
        (
            lambda m: m["features"].update(warps=[0.5] * (len(m["features"].get("warps", ())) + 1)),
            "views of a frame",
        ),
        (lambda m: m["features"].update(hop=80), "features has an unknown key 'hop'"),
        (lambda m: m["endpoint"].update(onset_db="loud"), "'onset_db' must be a number"),
        (lambda m: m["voice"].update(mean=[0.0] * 3), "the features differ"),
        (lambda m: m["voice"].update(std=[0.0] * len(m["voice"]["std"])), "std must be positive"),
        (lambda m: m["voice"].update(context=40), "block of"),
        (lambda m: m["files"].pop("voice.tflite"), "lists no sha256"),
        (lambda m: m["files"].update({"../x": "0"}), "points outside the pack"),
        (lambda m: m["recognizer"].update(speed=9), "recognizer"),
        (lambda m: m["recognizer"].update(min_confidence="high"), "must be a number"),
        (lambda m: m["recognizer"].update(confidence_map=[[1]]), "recognizer"),
        (lambda m: m["recognizer"].update(options={"lw": "heavy"}), "recogni|lw"),
        (lambda m: m["text"]["labels"].pop(), "text"),
    ],
)
def test_wrong_manifest(edit_manifest: Callable[..., Path], change: Callable, message: str) -> None:
    with pytest.raises(PackError, match=message):
        use(edit_manifest(change))


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"format": 1}', "\x00\xff"])
def test_manifest_that_is_none(pack_copy: Path, content: str) -> None:
    (pack_copy / "manifest.json").write_text(content)
    with pytest.raises(PackError, match="manifest"):
        use(pack_copy)


def test_no_pack_at_all(tmp_path: Path) -> None:
    for place, message in (("nowhere", "no pack at"), ("empty", "lacks manifest.json")):
        if place == "empty":
            (tmp_path / place).mkdir()
        with pytest.raises(PackError, match=message):
            use(tmp_path / place)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(PackError, match=r"neither a folder nor a \.zip"):
        use(tmp_path / "text.zip")


def test_voice_only_pack(edit_manifest: Callable[..., Path], samples: Path) -> None:
    def voice_only(manifest: dict) -> None:
        for section in ("text", "recognizer", "fusion"):
            del manifest[section]

    with Engine.open(edit_manifest(voice_only)) as engine:
        (emotion,) = engine.file(samples / "gift_slt.wav")
    assert emotion.words == ()
    assert emotion.text is None


def test_reference_outputs_guard_a_wrong_machine(
    edit_manifest: Callable[..., Path],
) -> None:
    pack = edit_manifest(lambda m: m["reference"]["voice"].__setitem__(0, 0.9))
    with pytest.raises(PackError, match="reference outputs differ"):
        parity(open_pack(pack))


def test_manifest_is_strict_json() -> None:
    text = (open_pack().place / "manifest.json").read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in the manifest"))


def test_the_recogniser_may_listen_for_some_keywords_only(
    pack_copy: Path, edit_manifest: Callable[..., Path]
) -> None:
    """A transcript may still use all of them."""
    every = (pack_copy / "keywords.txt").read_text().split()
    some = [word for word in every if spoken(word)][:50]
    (pack_copy / "some.txt").write_text("\n".join(some) + "\n")

    def listen(content: dict) -> None:
        content["text"]["heard"] = "some.txt"
        rehash(content, pack_copy, "some.txt")

    with Engine.open(edit_manifest(listen)) as engine:
        assert engine.words is not None
        assert engine.words.recognizer.keywords == frozenset(some)
        assert set(every) <= set(engine.words.model.known)
    (pack_copy / "some.txt").write_text(f"{some[0]}\nzonked\n")
    with pytest.raises(PackError, match=r"some\.txt: 'zonked' is no keyword"):
        use(edit_manifest(listen))
    (pack_copy / "some.txt").write_text(f"{some[0]}\n!\n")  # which nobody can hear
    with pytest.raises(PackError, match=r"some\.txt: '!' is no keyword"):
        use(edit_manifest(listen))

"""A pack of another language: its own acoustic model, dictionary, language model and keywords."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from edge import Engine, PackError
from edge.pack import open_pack
from tests.edge.made import rehash

pocketsphinx = pytest.importorskip("pocketsphinx")

# English as a German dictionary might spell it, so that our own recordings can be heard.
SOUNDS = {
    "dies": "DH IH S",
    "ist": "IH Z",
    "ein": "AH",
    "schön": "W AH N D ER F AH L",
    "geschenk": "G IH F T",
}
DICTIONARY = "".join(f"{word} {phones}\n" for word, phones in SOUNDS.items())
MODEL = "\n".join(
    ["\\data\\", f"ngram 1={len(SOUNDS) + 2}", "", "\\1-grams:"]
    + [f"-0.85 {word}" for word in ("<s>", "</s>", *SOUNDS)]
    + ["", "\\end\\", ""]
)
ACOUSTIC = "akustik/de"


@pytest.fixture
def german(pack_copy: Path, edit_manifest: Callable[..., Path]) -> Path:
    """A pack with a language part of its own; the voice is that of the built-in one."""
    (pack_copy / "words.lm.bin").unlink()
    (pack_copy / "words.lm").write_text(MODEL, encoding="utf-8")
    (pack_copy / "words.dict").write_text(DICTIONARY, encoding="utf-8")
    (pack_copy / "keywords.txt").write_text("geschenk\nschön\n", encoding="utf-8")
    folder = pack_copy / ACOUSTIC
    folder.mkdir(parents=True)
    for path in (Path(pocketsphinx.get_model_path()) / "en-us" / "en-us").iterdir():
        if path.name != "mixture_weights":
            (folder / path.name).symlink_to(path)

    def change(manifest: dict) -> None:
        manifest["name"], manifest["language"] = "winzig-de", "de"
        manifest["recognizer"] |= {"language_model": "words.lm", "acoustic_model": ACOUSTIC}
        manifest["recognizer"] |= {"confidence_map": [], "min_confidence": 0.0}
        manifest["text"].pop("heard", None)
        del manifest["files"]["words.lm.bin"]
        inside = [f"{ACOUSTIC}/{path.name}" for path in folder.iterdir()]
        for name in ("words.lm", "words.dict", "keywords.txt", *inside):
            rehash(manifest, pack_copy, name)

    return edit_manifest(change)


def test_words_of_another_language_are_heard(german: Path, samples: Path) -> None:
    with Engine.open(german) as engine:
        (event,) = engine.file(samples / "gift_slt.wav")
        (told,) = engine.words("Was für ein SCHÖNES, schön verpacktes Geschenk")
    assert [word.word for word in event.words] == ["schön", "geschenk"]
    assert event.text is not None and event.pack == "winzig-de"
    assert [word.word for word in told.words] == ["schön", "geschenk"]


def test_a_zip_of_it_too(german: Path, samples: Path, tmp_path: Path) -> None:
    archive = tmp_path / "de.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in german.rglob("*"):
            if path.is_file():
                file.write(path, f"de/{path.relative_to(german)}")
    with Engine.open(archive) as engine:
        (event,) = engine.file(samples / "gift_slt.wav")
    assert [word.word for word in event.words] == ["schön", "geschenk"]


def test_the_acoustic_model_is_checked_like_the_rest(german: Path) -> None:
    means = german / ACOUSTIC / "means"
    content = bytearray(means.read_bytes())
    content[len(content) // 2] ^= 0xFF
    means.unlink()
    means.write_bytes(content)
    with pytest.raises(PackError, match="akustik/de/means was altered"):
        open_pack(german)
    means.unlink()
    with pytest.raises(PackError, match="lacks akustik/de/means"):
        open_pack(german)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, f: r.update(acoustic_model="other"), "folder 'other' but lists no sha256"),
        (lambda r, f: r.update(acoustic_model="../de"), "lists no sha256"),
        (lambda r, f: r.update(acoustic_model=["de"]), "'acoustic_model' must be a string"),
        (lambda r, f: f.pop(f"{ACOUSTIC}/mdef"), "mdef is no part of the pack"),
        (lambda r, f: r.update(dictionary="de.dict"), "de.dict but lists no sha256"),
        (lambda r, f: r.update(language_model=None), "'language_model' must be a string"),
    ],
)
def test_a_language_part_that_does_not_fit(german: Path, change: Callable, message: str) -> None:
    path = german / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest["recognizer"], manifest["files"])
    path.write_text(json.dumps(manifest))
    with pytest.raises(PackError, match=message):
        Engine.open(german)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "keywords.txt holds no keywords"),
        (" \n\n", "keywords.txt holds no keywords"),
        ("joy\nsad\njoy\n", "names 'joy' twice"),
        ("joy\nJoy\n", "'Joy' is not one word"),
        ("joy\n3.14\n", "'3.14' is not one word"),
        (b"\x00\xff\xfe\x01" * 999, "is not one word"),
        ("x" * 100_000 + "!", "is not one word"),
        ("zzyzx\nqwrtp\n", "holds none of the keywords"),
        ("\n".join(map("".join, product("abcdefghijklm", repeat=4))), "fewer rows than keywords"),
    ],
)
def test_absurd_keywords(
    pack_copy: Path, edit_manifest: Callable[..., Path], content: str | bytes, message: str
) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (pack_copy / "keywords.txt").write_bytes(data)

    def change(manifest: dict) -> None:
        manifest["text"].pop("heard", None)
        rehash(manifest, pack_copy, "keywords.txt")

    with pytest.raises(PackError, match=message) as caught:
        Engine.open(edit_manifest(change))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_confidence": "0.4"}, "'min_confidence' must be a number"),
        ({"min_confidence": 4}, "min_confidence must lie in 0..1"),
        ({"partial_confidence": -1}, "partial_confidence must lie in 0..1"),
        ({"settle": 1e9}, "settle must lie in 0..10"),
        ({"confidence_map": 0.5}, "'confidence_map' must be a list"),
        ({"confidence_map": [[0.0, "much"]]}, "'confidence' must be a number"),
        ({"confidence_map": [[0.0, 0.1], [0.5, 7.0]]}, "confidence_map must hold numbers in 0..1"),
        ({"confidence_odds": [1, 0, 0]}, "'confidence_odds' must be an object"),
        ({"confidence_odds": {"snr": "much"}}, "'snr' must be a number"),
        ({"confidence_odds": {"loudness": 1.0}}, "unknown key 'loudness'"),
        ({"confidence_odds": {"posterior": -1.0}}, "confidence_odds: posterior cannot be -1"),
        ({"options": []}, "'options' must be an object"),
        ({"options": {"rawlogdir": "/tmp"}}, "option 'rawlogdir' must be a number"),
        ({"options": {"lw": 10**400}}, "option 'lw' must be a number"),
        ({"options": {"maxhmmpf": "all"}}, "option 'maxhmmpf' must be a number"),
    ],
)
def test_settings_of_the_recogniser_that_make_no_sense(
    edit_manifest: Callable[..., Path], values: dict, message: str
) -> None:
    with pytest.raises(PackError, match=message):
        Engine.open(edit_manifest(lambda m: m["recognizer"].update(values)))

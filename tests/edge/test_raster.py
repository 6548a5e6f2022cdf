"""The picture as a PNG: real pixels, every word of it drawn, bounded, refused in time."""

from __future__ import annotations

import io
import os
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from edge import raster
from edge.emotion import Word
from edge.plot import LANE, NARROWEST, TOP, Picture
from edge.raster import SHARPEST, Rasteriser, scale
from tests.edge.test_cli import hearten, refused
from tests.edge.test_plot import SVG, emotion

SMALL = 0.004  # share of a text's box that its ink covers, at least


def pixels(png: bytes) -> np.ndarray:
    """Decode a PNG: rows, columns, and red, green, blue."""
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB")).astype(np.int16)


class Bare(Picture):
    """A picture without its texts."""

    def svg(self) -> str:
        root = ElementTree.fromstring(super().svg())
        for parent in list(root.iter()):
            for text in parent.findall(f"{SVG}text"):
                parent.remove(text)
        return ElementTree.tostring(root, encoding="unicode")


def inks(picture: Picture) -> list[tuple[str, float]]:
    """Return each text of a picture with the share of its box that differs without texts."""
    bare = Bare(picture.title)
    bare.lanes = picture.lanes
    with_texts, without = (pixels(Rasteriser().png(one)) for one in (picture, bare))
    ink = np.abs(with_texts - without).max(axis=2) > 60
    found = []
    for text in ElementTree.fromstring(picture.svg()).iter(f"{SVG}text"):
        wide = 5 * len(text.text)
        shift = {"start": 0, "middle": wide / 2, "end": wide}[text.get("text-anchor")]
        left, base = float(text.get("x")) - shift, float(text.get("y"))
        box = [round(v * scale(picture)) for v in (base - 10, base + 3, left, left + wide)]
        found.append((text.text, ink[box[0] : box[1], max(0, box[2]) : box[3]].mean()))
    return found


def test_a_recording_as_png(samples: Path, tmp_path: Path) -> None:
    paths = [samples / "gift_slt.wav", samples / "grief_slt.wav"]
    assert hearten("file", *paths, "--plot", tmp_path / "out.PNG").returncode == 0
    shown = pixels((tmp_path / "out.PNG").read_bytes())
    assert shown.shape == (SHARPEST * (TOP + 2 * LANE), SHARPEST * NARROWEST, 3)
    assert (shown[0, 0] == 255).all()
    for colour in ("#0b62c4", "#b8440a", "#0a7350", "#ffe08a", "#a9c8f5"):  # V, A, D, happy, sad
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (np.abs(shown - wanted).max(axis=2) < 8).sum() > 500, colour


@pytest.mark.parametrize("title", ["call.wav", "Gr\u00fc\u00dfe \u0416.wav"])
def test_every_text_is_drawn(title: str) -> None:
    picture = Picture(title)
    words = (Word("joy", 1.0, 1.4, 0.9), Word("funeral", 2.0, 2.4, 0.9))
    picture.lane(title).add(emotion(0.5, 3.0, 0.5, words=words))
    found = inks(picture)
    assert {"joy", "funeral", "happy", "valence", title} <= {text for text, _ in found}
    assert [text for text, ink in found if ink < SMALL] == []


def test_the_same_letters_with_and_without_the_fonts_of_the_system() -> None:
    below = []
    for title in ("call", "c\u00e4ll \u65e5\u672c"):  # only the second asks for those
        picture = Picture(title)
        picture.lane("call").add(emotion(0, 3, 0.5, words=(Word("joy", 1, 1.5, 0.9),)))
        below.append(pixels(Rasteriser().png(picture))[80:])
    assert (below[0] == below[1]).all()


def test_many_long_recordings_stay_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Picture("x")
    for number in range(12):
        lane = picture.lane(f"call {number}")
        for start in range(0, 3600, 60):
            lane.add(emotion(start, start + 50, np.sin(start / 300)))
        if number == 1:
            assert scale(picture) == SHARPEST  # an hour of two sides
    width, height = picture.size
    assert width * height * scale(picture) ** 2 == pytest.approx(raster.MOST)
    monkeypatch.setattr(raster, "MOST", 1_000_000)
    png = Rasteriser().png(picture)
    shown = pixels(png)
    assert shown.shape[0] * shown.shape[1] == pytest.approx(1_000_000, rel=0.01)
    assert len(png) < 1_000_000
    assert len(np.unique(shown[::20, ::20].reshape(-1, 3), axis=0)) > 10


def test_a_missing_extra_is_told_before_the_work(samples: Path, tmp_path: Path) -> None:
    recording = samples / "anger_slt.wav"
    for module in ("resvg_py", "font_source_sans_pro"):
        place = tmp_path / module
        place.mkdir()
        (place / f"{module}.py").write_text("raise ImportError\n")
        path = os.pathsep.join([str(place), str(Path.cwd())])
        environment = {**os.environ, "PYTHONPATH": path}
        done = hearten("file", recording, "--plot", tmp_path / "x.png", env=environment)
        refused(done, "pip install 'hearten[plot]'", ".svg")
        assert done.stdout == ""
    assert not (tmp_path / "x.png").exists()
    out = tmp_path / "x.svg"
    assert hearten("file", recording, "--plot", out, env=environment).returncode == 0


def test_another_suffix_names_both(samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.jpg"
    refused(hearten("file", samples / "anger_slt.wav", "--plot", out), ".svg or .png", "x.svg")
    assert not out.exists()

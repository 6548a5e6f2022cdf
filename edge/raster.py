"""The picture as a PNG: the same SVG, rasterised by resvg with the font that comes with it.

A font of its own because a Raspberry Pi OS Lite has none; those of the system only serve file
names in scripts that it lacks.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from edge.errors import HeartenError, MissingExtra
from edge.plot import Picture

SHARPEST = 2.0  # pixels of the PNG for a pixel of the SVG
MOST = 16_000_000  # pixels: 64 MB while they are drawn
FACES = ("SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf")
FAMILY = "Source Sans Pro"


class Rasteriser:
    """Draws pictures; opened before the long work, so that a missing package is told at once."""

    def __init__(self) -> None:
        """Find the library and its font; raises MissingExtra where one is not installed."""
        try:
            self._resvg = importlib.import_module("resvg_py")
            package = importlib.import_module("font_source_sans_pro")
        except ImportError as error:
            raise MissingExtra("a PNG picture (without it: name it .svg)", "plot") from error
        folder = Path(str(package.__file__)).parent / "files"
        self._fonts = [str(folder / face) for face in FACES]

    def png(self, picture: Picture) -> bytes:
        """Return the picture as a PNG, light, at the scale that ``scale`` tells.

        Raises:
            HeartenError: the library refuses it (memory); an SVG can still be written.
        """
        svg = picture.svg()
        try:
            drawn = self._resvg.svg_to_bytes(
                svg_string=svg,
                zoom=scale(picture),
                font_files=self._fonts,
                sans_serif_family=FAMILY,
                style_sheet=f'text {{ font-family: "{FAMILY}", sans-serif }}',
                skip_system_fonts=svg.isascii(),  # reading them takes longer than drawing
            )
        except (ValueError, MemoryError) as error:
            raise HeartenError(f"cannot draw the PNG ({error}): name it .svg instead") from error
        return bytes(drawn)


def scale(picture: Picture) -> float:
    """Return pixels of the PNG for a pixel of the SVG: 2, less where it would have over ``MOST``.

    Below 1 (a dozen long recordings in one picture) small text is hard to read.
    """
    width, height = picture.size
    return float(min(SHARPEST, (MOST / (width * height)) ** 0.5))

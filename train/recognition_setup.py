"""The recogniser as a pack would set it up, from what ``python -m train language`` left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.confidence import Odds
from edge.decoder import RecognizerSettings
from edge.errors import HeartenError, PackError

LEAST = 0.15
"""Confidence below which a word is dropped, where confidence.json does not name another.

Fusion weighs words by confidence, so doubtful ones may pass (results/recognition-*.json).
"""


def device_settings(folder: Path) -> RecognizerSettings:
    """Return the settings of the models, options and confidence map in a language folder.

    Raises:
        HeartenError: there is none, or the map is none.
    """
    options = read(folder / "language.json").get("options", {})
    path = folder / "confidence.json"
    found = read(path) if path.is_file() else {}
    files = str(folder / "words.lm.bin"), str(folder / "words.dict")
    try:
        found["confidence_odds"] = Odds(**found.get("confidence_odds", {}))
        points = found.get("confidence_map", [])
        found["confidence_map"] = tuple((float(p), float(c)) for p, c in points)
        made = RecognizerSettings(*files, **({"min_confidence": LEAST} | found), options=options)
        made.check()
    except (TypeError, ValueError, PackError) as error:
        raise HeartenError(f"{path}: {error}: python -m train recognition") from None
    return made


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object of a language folder; raises HeartenError where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HeartenError(f"no language model: {error}: python -m train language") from None
    return dict(content)

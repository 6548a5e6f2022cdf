"""Reference outputs: what a pack said where it was made, and whether it says the same here.

The manifest's section ``reference`` holds, for one made signal and a few of the pack's keywords,
V/A/D and probabilities of each part: ``voice`` (front end, graph, pooling, head), ``text`` (the
embedding bag) and ``fused``. ``convert.pack`` writes it; ``python -m convert.reference PACK`` adds
it to a pack that lacks it.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats, Scores, Word
from edge.errors import PackError
from edge.features import RATE
from edge.pack import Pack

TOLERANCE = 0.05  # x86 and aarch64 differ by up to 4e-2 in int8
KEYWORDS = 5
SURE = 0.8  # confidence of the keywords


def reference_audio() -> NDArray[np.int16]:
    """Return the made signal: a voice-like sweep of harmonics, int16.

    Two seconds at 16 kHz; the same on every machine, to the sample.
    """
    seconds = np.arange(2 * RATE) / RATE
    pitch = 120.0 + 60.0 * np.sin(2 * np.pi * 1.5 * seconds)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 20))
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 4.0 * seconds)
    return np.asarray(np.rint(4000.0 * loud * tone), np.int16)


def outputs(pack: Pack) -> dict[str, Floats]:
    """Return what every part of the pack says here: V/A/D and probabilities, by part.

    Raises:
        PackError: a part cannot be loaded, or gives nothing.
    """
    voice = _voice(pack)
    found = {"voice": _row(voice)}
    if pack.manifest.text is not None:
        model = pack.text()
        chosen = model.words[:: max(1, len(model.words) // KEYWORDS)][:KEYWORDS]
        text = model.score([Word(word, 0.0, 0.0, SURE) for word in chosen])
        if text is None:
            raise PackError("the text branch gave nothing for keywords of its own")
        found["text"] = _row(text)
        found["fused"] = _row(pack.fusion()(voice, text, SURE * len(chosen)))
    return found


def differences(pack: Pack) -> dict[str, float]:
    """Return the largest difference to the stored outputs, by part; empty where none is stored.

    Raises:
        PackError: what is stored does not belong to the pack.
    """
    stored = pack.manifest.raw.get("reference", {})
    if not isinstance(stored, dict):
        raise PackError("manifest: 'reference' must be an object")
    here = outputs(pack)
    if strange := set(stored) - set(here):
        raise PackError(f"manifest: reference of {min(strange)!r}, which this pack has not")
    return {part: _difference(here[part], stored[part], part) for part in here if part in stored}


def parity(pack: Pack) -> dict[str, Any]:
    """Check that the pack says here what it said where it was made, and that every part loads.

    Returns:
        ``difference``, the largest of all, and ``parts``: the largest of each.

    Raises:
        PackError: outputs differ by more than machines may, or none are stored.
    """
    parts = differences(pack)
    if not parts:
        raise PackError(
            f"manifest lacks reference outputs: python -m convert.reference {pack.place}"
        )
    for part, difference in parts.items():
        if not difference <= TOLERANCE:
            raise PackError(
                f"reference outputs differ by {difference:.3f} ({part}): this pack fails here"
            )
    if pack.manifest.text is not None and has_recogniser():
        pack.recognizer(pack.heard()).close()
    return {"difference": max(parts.values()), "parts": parts}


def has_recogniser() -> bool:
    """Tell whether pocketsphinx is installed; it is not imported."""
    try:
        return importlib.util.find_spec("pocketsphinx") is not None
    except ValueError:  # a test has put None in its place
        return False


def _voice(pack: Pack) -> Scores:
    """Return the scores of the voice branch on the made signal."""
    voice = pack.voice()
    voice.push(reference_audio())
    scores = voice.end()
    if scores is None:
        raise PackError("the voice branch gave nothing on the reference signal")
    return scores


def _row(scores: Scores) -> Floats:
    return np.concatenate([scores.vad, scores.probabilities])


def _difference(here: Floats, stored: object, part: str) -> float:
    try:
        there = np.asarray(stored, np.float32)
    except (TypeError, ValueError):
        there = np.zeros(0, np.float32)
    if there.shape != here.shape or not np.isfinite(there).all():
        raise PackError(f"manifest: reference of {part!r} must be {len(here)} numbers")
    return round(float(np.abs(there - here).max()), 5)

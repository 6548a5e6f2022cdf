"""hearten: valence, arousal, dominance and an emotion category from speech, on the device."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edge.errors import AudioError, HeartenError, MissingExtra, PackError

if TYPE_CHECKING:
    from edge.emotion import Emotion, Word
    from edge.engine import Engine

__version__ = "0.1.0"

__all__ = ["AudioError", "Emotion", "Engine", "HeartenError", "MissingExtra", "PackError", "Word"]

# What needs numpy is imported when it is asked for: help, settings and the recorder do not.
_ROOMS = {"Emotion": "edge.emotion", "Engine": "edge.engine", "Word": "edge.emotion"}


def __getattr__(name: str) -> Any:
    """Import ``Engine``, ``Emotion`` or ``Word``."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_ROOMS[name]), name)
    return value

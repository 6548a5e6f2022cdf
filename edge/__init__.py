"""hearten: valence, arousal, dominance and an emotion category from speech, on the device."""

from edge.emotion import Emotion, Word
from edge.engine import Engine
from edge.errors import AudioError, HeartenError, MissingExtra, PackError

__version__ = "0.1.0"

__all__ = ["AudioError", "Emotion", "Engine", "HeartenError", "MissingExtra", "PackError", "Word"]

"""What can be changed while listening: when to say "unknown", and which words count."""

from __future__ import annotations

from typing import Any

from edge.emotion import Emotion
from edge.engine import Engine
from edge.errors import HeartenError
from edge.words import Words


class Controls:
    """The live settings of an engine; safe to use from another thread than the engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.words: Words | None = engine.words

    def values(self) -> dict[str, float | None]:
        """Return the settings; ``least`` is None where no words are heard."""
        least = self.words.least_confidence if self.words else None
        return {"reject": self._engine.reject, "least": least}

    def set(self, changes: Any) -> None:
        """Change settings by name, each a number in [0, 1]; all of them or none.

        Raises:
            HeartenError: an unknown name, a value out of range, or no words are heard.
        """
        if not isinstance(changes, dict) or not changes:
            raise HeartenError("settings are an object of names and numbers")
        for name, value in changes.items():
            self._check(name, value)
        if "reject" in changes:
            self._engine.reject = changes["reject"]
        if "least" in changes and self.words:
            self.words.least_confidence = changes["least"]

    def marks(self) -> dict[str, dict[str, float]]:
        """Return the named places of each setting: the pack's thresholds."""
        rejects = dict(self._engine.pack.manifest.reject)
        if self.words is None:
            return {"reject": rejects, "least": {}}
        return {"reject": rejects, "least": {"pack": self.words.recognizer.settings.min_confidence}}

    def _check(self, name: str, value: object) -> None:
        known = [known for known, now in self.values().items() if now is not None]
        if name not in known:
            raise HeartenError(f"no setting {name!r} here; there are {', '.join(known)}")
        if type(value) not in (int, float) or not 0.0 <= float(str(value)) <= 1.0:
            raise HeartenError(f"{name} must be a number from 0 to 1")


def message(emotion: Emotion, words: Words | None) -> dict[str, Any]:
    """Return an event for the page: its JSON form, and the learned weight of each word."""
    event = emotion.to_dict()
    weights = [words.model.weight(word.word) if words else 0.0 for word in emotion.words]
    return {"kind": "event", "event": event, "weights": [round(weight, 3) for weight in weights]}

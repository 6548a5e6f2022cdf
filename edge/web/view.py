"""The page as a view of a live stream, beside the terminal's: it takes levels, events and notes."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import Any, Protocol

from edge import __version__
from edge.audio.level import Meter
from edge.emotion import Emotion
from edge.engine import Engine
from edge.errors import MissingExtra
from edge.web.address import Address
from edge.web.controls import Controls, message
from edge.web.hub import Hub, Message
from edge.web.load import Load

PAUSE = 0.1  # seconds between two levels: at most 10 a second
PLAIN = (str, int, float, bool, type(None))
KEPT = "Nothing is kept: sound is heard and forgotten, on the device and here."
PRIVATE = "Nothing leaves the device."
SHARED = "Results go to the pages open on this network; sound never leaves the device."


class Losses(Protocol):
    """A source that counts the audio it lost."""

    @property
    def overflows(self) -> int:
        """Times when the device lost audio."""

    @property
    def dropped(self) -> int:
        """Pieces that a slow reader lost."""


class Page:
    """Serves the page between ``__enter__`` and ``__exit__``; no call of it ever waits.

    ``title`` names the source, ``losses`` is asked for lost audio where the source counts it.
    """

    def __init__(self, engine: Engine, address: Address, args: argparse.Namespace) -> None:
        """``args`` are the options that opened ``engine``; recordings are heard with them.

        Raises:
            MissingExtra: aiohttp is not installed.
        """
        try:
            from edge.web.server import Server
            from edge.web.upload import Uploads
        except ImportError as error:
            raise MissingExtra("the web page", "web") from error
        self._title = ""
        self.losses: Losses | None = None
        self._engine = engine
        self._controls = Controls(engine)
        self._load = Load()
        self._next, self._spoke = 0.0, False
        loop = asyncio.new_event_loop()
        self._hub = Hub(loop, self._about)
        uploads = Uploads(_plain(args), self._controls)
        self._server = Server(address, self._hub, self._controls, uploads, self._statistics, loop)

    def __enter__(self) -> Page:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @property
    def address(self) -> Address:
        """Where the page is, with the port that was chosen."""
        return self._server.address

    @property
    def title(self) -> str:
        """What is heard."""
        return self._title

    @title.setter
    def title(self, text: str) -> None:
        self._title = text
        self._hub.publish({"kind": "title", "title": text})

    def hear(self, meter: Meter, seconds: float) -> None:
        """Take the level and the seconds heard so far; a turn of speech is told at once."""
        self._load.heard(seconds)
        now, speaking = time.monotonic(), self._engine.speaking
        if not self._hub.pages or (now < self._next and speaking == self._spoke):
            return
        self._next, self._spoke = now + PAUSE, speaking
        level = {"rms": round(meter.rms_db, 1), "peak": round(meter.peak_db, 1)}
        self._hub.publish(
            {"kind": "level", **level, "speaking": speaking, "seconds": round(seconds, 2)}
        )

    def show(self, emotion: Emotion) -> None:
        """Take an event."""
        if emotion.type == "final" or self._hub.pages:
            self._hub.publish(message(emotion, self._controls.words))

    def note(self, text: str) -> None:
        """Take a message about the source."""
        self._hub.publish({"kind": "note", "text": text, "at": round(time.time(), 1)})

    def _about(self) -> Message:
        """Return what does not change by events."""
        from edge.web.upload import limit

        return {
            "version": __version__,
            "pack": self._engine.pack.manifest.name,
            "labels": list(self._engine.labels),
            "title": self._title,
            "board": self._load.board,
            "settings": self._controls.values(),
            "marks": self._controls.marks(),
            "limit": limit(),
            "privacy": [KEPT, PRIVATE if self.address.private else SHARED],
        }

    def _statistics(self) -> Message:
        losses = self.losses
        return {
            "kind": "load",
            **self._load.measure(),
            "overflows": losses.overflows if losses else None,
            "lost": losses.dropped if losses else None,
            "pages": self._hub.pages,
            "skipped": self._hub.dropped,
            "words": self._engine.statistics()["words"],
        }


def _plain(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options that JSON can carry, with partial events on: they make the timeline."""
    plain = {name: value for name, value in vars(args).items() if isinstance(value, PLAIN)}
    return plain | {"timeline": True}

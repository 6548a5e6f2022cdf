"""What goes to every open page: bounded queues, so that no page can hold up the listening."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

PAGES = 16  # open at once
HELD = 256  # messages for one page; then the oldest is dropped
FINALS, NOTES = 100, 20  # that a page gets when it connects
CLOSING = ""  # instead of a message: the server ends

Message = dict[str, Any]


class Client:
    """The queue of one page. ``dropped`` counts what it lost because it was slow."""

    def __init__(self) -> None:
        self.dropped = 0
        self._queue: deque[str] = deque(maxlen=HELD)
        self._filled = asyncio.Event()
        self._behind = True

    def put(self, text: str) -> None:
        """Add a message; never waits."""
        if len(self._queue) == HELD:
            self.dropped += 1
            self._behind = True
        self._queue.append(text)
        self._filled.set()

    async def take(self) -> str | None:
        """Return the next message; None says that the page needs the whole state first."""
        if self._behind:
            self._behind = False
            return None
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        return self._queue.popleft()


class Hub:
    """Takes messages from any thread and hands them to the pages in the thread of ``loop``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, about: Callable[[], Message]) -> None:
        """``about`` returns what a page must know beside the results, such as the settings."""
        self._loop = loop
        self._about = about
        self._clients: set[Client] = set()
        self._gone = 0
        self._count = 0
        self._boot = secrets.token_hex(4)
        self._finals: deque[Message] = deque(maxlen=FINALS)
        self._notes: deque[Message] = deque(maxlen=NOTES)

    @property
    def pages(self) -> int:
        """Open pages."""
        return len(self._clients)

    @property
    def full(self) -> bool:
        """Whether no other page can be served."""
        return self.pages >= PAGES

    @property
    def refusal(self) -> str:
        """What a page is told when no other can be served."""
        return f"{PAGES} pages are open already; close one of them"

    @property
    def dropped(self) -> int:
        """Messages that slow pages lost."""
        return self._gone + sum(client.dropped for client in self._clients)

    def publish(self, message: Message) -> None:
        """Send a message to every page; from any thread, never waits."""
        with suppress(RuntimeError):  # the server is closing: nobody is there to read it
            self._loop.call_soon_threadsafe(self.deliver, message)

    def deliver(self, message: Message) -> None:
        """Send a message to every page; only in the loop's thread."""
        self._remember(message)
        if self._clients:
            text = encode(message)
            for client in self._clients:
                client.put(text)

    def close(self) -> None:
        """Tell every page that the server ends."""
        for client in self._clients:
            client.put(CLOSING)

    def state(self) -> str:
        """Return what a page needs when it connects, or when it lost messages."""
        finals, notes = list(self._finals), list(self._notes)
        head = {"kind": "hello", "boot": self._boot, **self._about()}
        return encode({**head, "finals": finals, "notes": notes})

    @contextmanager
    def joined(self) -> Iterator[Client]:
        """Count a page in, for as long as it is open."""
        client = Client()
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)
            self._gone += client.dropped

    def _remember(self, message: Message) -> None:
        """Number and keep what a page that comes later must see as well."""
        if message["kind"] == "event" and message["event"]["type"] == "final":
            self._count += 1
            message |= {"number": self._count, "at": round(time.time(), 1)}
            self._finals.append(message)
        elif message["kind"] == "note":
            self._notes.append(message)


def encode(message: Message) -> str:
    """Return a message as strict JSON."""
    return json.dumps(message, allow_nan=False, ensure_ascii=False, separators=(",", ":"))

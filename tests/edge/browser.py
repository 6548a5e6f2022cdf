"""Real parts for tests of the page: ``hearten serve``, a speaker at a pace, headless Chromium."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.edge.made import EVERY_WORD
from tests.edge.pulse import HEARTEN

CHROMIUM = "/usr/bin/chromium"
PIECE = 3200
REPOSITORY = Path(__file__).parents[2]


def needs(*modules: str) -> None:
    """Skip where a package of the development environment is missing."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}: pip install '.[dev]'")


class Served:
    """``hearten serve`` at a port that the system chose, or at ``port``."""

    def __init__(self, *options: str, port: int = 0, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*HEARTEN, "serve", "--web", f"127.0.0.1:{port}", *EVERY_WORD, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            cwd=environment.get("HOME", REPOSITORY),
        )
        self.lines: list[str] = []
        self.url = self._address()
        self.port = int(self.url.rsplit(":", 1)[1].rstrip("/"))
        threading.Thread(target=self._read, daemon=True).start()

    def _address(self) -> str:
        assert self.process.stderr
        for raw in self.process.stderr:
            self.lines.append(raw.decode().strip())
            if found := re.search(r"the page is at (http\S+)", self.lines[-1]):
                return found[1]
        raise AssertionError(f"no page: {self.lines}")

    def _read(self) -> None:
        assert self.process.stderr
        self.lines += [raw.decode().strip() for raw in self.process.stderr]

    def speak(self, data: bytes, pace: float = 0.0) -> None:
        """Write audio, each 0.1 s of it in ``pace`` seconds."""
        assert self.process.stdin
        for at in range(0, len(data), PIECE):
            self.process.stdin.write(data[at : at + PIECE])
            self.process.stdin.flush()
            time.sleep(pace)

    def ask(self, path: str = "", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Return status and body of a request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, named)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self) -> int:
        """Interrupt it and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=10)


@contextmanager
def served(*options: str, **more: Any) -> Iterator[Served]:
    """Serve for as long as the context is open."""
    server = Served(*options, **more)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser; skips where there is none."""
    needs("aiohttp", "playwright")
    if not shutil.which(CHROMIUM):
        pytest.skip("needs chromium: sh tests/system.sh")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page that is open, and what went wrong in it: errors, requests to other hosts."""

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15000)
        self.faults: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url, url))
        sockets = url.replace("http", "ws")
        self.page.on("websocket", lambda made: self._request(made.url, sockets))
        self.page.goto(url)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _request(self, address: str, url: str) -> None:
        if not address.startswith((url, "blob:")):
            self.faults.append(f"request to {address}")

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return self.page.inner_text(selector)

    def until(self, script: str, seconds: float = 15.0) -> None:
        """Wait until a JavaScript expression is true (Playwright's own wait needs ``eval``)."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(script):
            assert time.monotonic() < end, f"waited {seconds:.0f} s for {script}"
            self.page.wait_for_timeout(30)

    def live(self) -> None:
        """Wait for the connection."""
        self.until("document.getElementById('connection').textContent === 'live'")

    def close(self) -> None:
        """Leave the page."""
        self.context.close()


def lines(body: bytes) -> list[dict]:
    """Return the objects of strict NDJSON."""
    return [json.loads(line, parse_constant=pytest.fail) for line in body.splitlines()]

"""Recordings that a page sends: held in memory, heard by another process, forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientPayloadError, web

import edge
from edge.web.controls import Controls
from edge.web.hub import encode

LARGEST = 100_000_000  # bytes: nine minutes of CD quality, or 52 of 16 kHz mono
PATIENCE = 30.0  # seconds without a byte from the browser
LINE = 1 << 20  # bytes of one event, at most
MEMINFO = Path("/proc/meminfo")


class Uploads:
    """Hears one recording at a time with the options of the command line.

    ``options`` are those of ``edge.commands.engine_options``; ``controls`` the live settings.
    """

    def __init__(self, options: dict[str, Any], controls: Controls) -> None:
        self._options = options
        self._controls = controls
        self._busy = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer with the recording's events as lines of JSON, while they are found."""
        most = limit()
        if (request.content_length or 0) > most:
            return _refused(413, f"the recording is larger than {most / 1e6:.0f} MB")
        if self._busy:
            return _refused(429, "another recording is being heard; try again in a moment")
        self._busy = True
        try:
            with _memory() as descriptor:
                if not await _receive(request, descriptor, most):
                    return _refused(413, f"the recording is larger than {most / 1e6:.0f} MB")
                return await self._answer(request, descriptor)
        except TimeoutError:
            return _refused(408, "the recording stopped arriving")
        except (ConnectionError, ClientPayloadError):
            return _refused(400, "the recording did not arrive whole")
        finally:
            self._busy = False

    async def _answer(self, request: web.Request, descriptor: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        name = Path(request.query.get("name", "")).name[:120] or "the recording"
        with suppress(ConnectionError):  # the browser left: so does the other process
            async with aclosing(self._lines(descriptor, name)) as lines:
                async for line in lines:
                    await response.write(line)
            await response.write_eof()
        return response

    async def _lines(self, descriptor: int, name: str) -> AsyncGenerator[bytes, None]:
        """Yield what the other process says; end it when nobody reads any more."""
        job = {"path": f"/proc/self/fd/{descriptor}", "name": name, "options": self._options}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "edge.web.analysis"),
            json.dumps({**job, "values": self._controls.values()}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(descriptor,),
            limit=LINE,
            start_new_session=True,  # ^C ends the listening first, which ends this
            env={**os.environ, "PYTHONPATH": _import_path()},
        )
        assert process.stdout
        try:
            async for line in process.stdout:
                yield line
            if await process.wait():
                yield encode({"kind": "error", "message": f"{name}: hearing it failed"}).encode()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def limit() -> int:
    """Return the most bytes of a recording: a quarter of the free memory, 100 MB at most."""
    try:
        fields = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return LARGEST
    return min(LARGEST, free // 4)


async def _receive(request: web.Request, descriptor: int, most: int) -> bool:
    """Write the body to a descriptor; return False where it is too large."""
    size = 0
    while piece := await asyncio.wait_for(request.content.readany(), PATIENCE):
        size += len(piece)
        if size > most:
            return False
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    return True


@contextmanager
def _memory() -> Iterator[int]:
    """Open a file that exists in memory only and has no name."""
    descriptor = os.memfd_create("recording", 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _import_path() -> str:
    """Return the import path with the folder of this very package first."""
    here = str(Path(edge.__file__).parents[1])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def _refused(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)

"""The HTTP server of the page: files, one WebSocket for events and settings, uploads."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import resources

from aiohttp import WSCloseCode, WSMsgType, web

from edge.errors import HeartenError
from edge.web.address import Address
from edge.web.controls import Controls
from edge.web.hub import CLOSING, Client, Hub, Message, encode
from edge.web.upload import Uploads

PATIENCE = 20.0  # seconds that a page may take to read one message, or to answer a ping
STATISTICS = 1.0  # seconds between two
COMMAND = 1024  # bytes of a page's message
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self' ws://{host} wss://{host}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_files() -> dict[str, bytes]:
    """Return the files of the page by their path in the address."""
    folder = resources.files("edge.web") / "page"
    files = {f"/{file.name}": file.read_bytes() for file in folder.iterdir()}
    return {**files, "/": files["/index.html"]}


class Server:
    """Serves in one thread of its own from ``start`` to ``close``."""

    def __init__(
        self,
        address: Address,
        hub: Hub,
        controls: Controls,
        uploads: Uploads,
        statistics: Callable[[], Message],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """``statistics`` is asked once a second while a page is open."""
        self.address = address
        self._hub, self._controls, self._uploads = hub, controls, uploads
        self._statistics = statistics
        self._loop = loop
        self._files = page_files()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> None:
        """Listen and serve; raises HeartenError where the address cannot be used."""
        listener = self.address.bind()
        self.address = Address(self.address.host, listener.getsockname()[1])
        self._listener: socket.socket = listener
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise HeartenError(f"cannot serve the page: {self._failure}")

    def close(self) -> None:
        """Tell the pages, stop and free the port."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5.0)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard])
        app.on_response_prepare.append(_harden)
        app.add_routes([web.get("/events", self._events), web.post("/hear", self._uploads.handle)])
        app.add_routes([web.get(path, self._file) for path in self._files])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, self._listener).start()
        ticker = asyncio.create_task(self._tick())
        self._ready.set()
        await self._stop.wait()
        ticker.cancel()
        self._hub.close()
        await runner.cleanup()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(STATISTICS)
            if self._hub.pages:
                self._hub.deliver(self._statistics())

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what is not meant for this page."""
        refusal = self.address.refusal(request.headers)
        return web.Response(status=403, text=refusal) if refusal else await handler(request)

    async def _file(self, request: web.Request) -> web.Response:
        """Send a file of the page; one page too many is told so instead."""
        if self._hub.full and request.path == "/":
            return web.Response(status=503, text=self._hub.refusal)
        name = request.path if request.path != "/" else "/index.html"
        kind = TYPES["." + name.rpartition(".")[2]]
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Send every event over a WebSocket, take changed settings from it."""
        if self._hub.full:
            return web.Response(status=503, text=self._hub.refusal)
        with self._hub.joined() as client:
            socket = web.WebSocketResponse(heartbeat=PATIENCE, max_msg_size=COMMAND)
            await socket.prepare(request)
            sender = asyncio.create_task(self._send(socket, client, request))
            receiver = asyncio.create_task(self._receive(socket, client))
            both = (sender, receiver)
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
            await socket.close(code=WSCloseCode.GOING_AWAY)
        return socket

    async def _send(
        self, socket: web.WebSocketResponse, client: Client, request: web.Request
    ) -> None:
        """Send what waits for a page; one that does not read is cut off, it will come again."""
        with suppress(ConnectionError):
            while (text := await client.take()) != CLOSING:
                try:
                    content = self._hub.state() if text is None else text
                    await asyncio.wait_for(socket.send_str(content), PATIENCE)
                except TimeoutError:
                    if request.transport:
                        request.transport.abort()
                    return

    async def _receive(self, socket: web.WebSocketResponse, client: Client) -> None:
        """Take what a page asks for, until it leaves."""
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._command(client, message.data)

    def _command(self, client: Client, text: str) -> None:
        """Change settings and tell every page; what is wrong is told to the one that asked."""
        try:
            self._controls.set(json.loads(text)["set"])
            self._hub.deliver({"kind": "settings", "settings": self._controls.values()})
        except HeartenError as error:
            client.put(encode({"kind": "refused", "message": str(error)}))
        except (ValueError, KeyError, TypeError, RecursionError):
            client.put(encode({"kind": "refused", "message": "that is no message of this page"}))


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    """Say what the page may do: load from here, talk to here, nothing else."""
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = POLICY.format(host=request.host)

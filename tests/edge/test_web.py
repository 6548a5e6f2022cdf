"""The server of the page: who is let in, what is refused, and that no page holds up the engine."""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import Engine
from edge.commands import engine_options
from edge.errors import HeartenError
from edge.web import address
from edge.web.controls import Controls
from tests.edge.browser import Served, lines, needs, served
from tests.edge.made import read_wav
from tests.edge.pulse import wait_for
from tests.edge.test_cli import HEARTEN, hearten, refused, strict

HERE = address.Address("127.0.0.1", 0)

ADDRESSES = {
    "127.0.0.1:8600": ("127.0.0.1", 8600),
    "0.0.0.0:80": ("0.0.0.0", 80),
    "9000": ("127.0.0.1", 9000),
    "pi.local": ("pi.local", 8600),
    "[::1]:7": ("::1", 7),
}
NO_ADDRESSES = ("", ":8600", "host:port", "a b:1", "127.0.0.1:65536", "::1:8600", "http://x:1")


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses(text: str) -> None:
    found = address.parse(text)
    assert (found.host, found.port) == ADDRESSES[text]
    assert found.url.startswith("http://")
    assert found.private == text.startswith(("127", "9000", "[::1]"))


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_no_addresses(text: str) -> None:
    with pytest.raises(HeartenError, match="HOST:PORT"):
        address.parse(text).bind()


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        ({"Host": "127.0.0.1:8600"}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "[::1]:8600"}, True),
        ({"Host": "192.168.1.7:80"}, True),
        ({"Host": socket.gethostname()}, True),
        ({"Host": f"{socket.gethostname()}.local:8600"}, True),
        ({}, False),
        ({"Host": "evil.example:8600"}, False),
        ({"Host": "127.0.0.1.evil.example"}, False),
        ({"Host": "localhost", "Origin": "http://localhost"}, True),
        ({"Host": "localhost:1", "Origin": "https://localhost:1"}, True),
        ({"Host": "localhost:1", "Origin": "http://localhost:2"}, False),
        ({"Host": "localhost", "Origin": "null"}, False),
        ({"Host": "localhost", "Origin": "http://evil.example"}, False),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site"}, False),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-site"}, False),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Host": "x", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, False),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, True),
    ],
)
def test_who_is_welcome(headers: dict, welcome: bool) -> None:
    refusal = address.Address("127.0.0.1", 8600).refusal(headers)
    assert (refusal is None) == welcome, refusal


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    needs("aiohttp")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = hearten("serve", "--files-only", "--no-words", "--web", f"127.0.0.1:{port}")
        refused(done, str(port), "another program uses that port", "--web")
    for wrong in ("nonsense:", "no.such.host.invalid:8600", "192.0.2.1:8600"):
        done = hearten("listen", "--stdin", "--no-words", "--web", wrong, stdin=subprocess.DEVNULL)
        refused(done, wrong.split(":")[0], "--web")
    refused(hearten("serve", "--stdin", "--files-only"), "exclude")


def test_without_aiohttp_the_extra_is_named() -> None:
    code = "import sys; sys.modules['aiohttp'] = None; from edge.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", "--files-only", "--no-words"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    refused(done, "hearten[web]")


def test_the_page_is_small_and_asks_nobody(tmp_path: Path) -> None:
    needs("aiohttp")
    from edge.web.server import page_files

    files = page_files()
    assert sum(len(content) for name, content in files.items() if name != "/") < 60_000
    for name, content in files.items():
        text = content.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text, name


@pytest.fixture(scope="module")
def heard(samples: Path) -> tuple[Engine, list]:
    """An engine without words, and its events of a sample."""
    engine = Engine.open(words=False)
    return engine, list(engine.stream(samples / "anger_slt.wav"))


@pytest.fixture
def page(heard: tuple[Engine, list]) -> Iterator:
    """The page of a real engine, served by this process."""
    needs("aiohttp")
    from edge.web.view import Page

    parser = argparse.ArgumentParser()
    engine_options(parser)
    with Page(heard[0], HERE, parser.parse_args(["--no-words"])) as served_page:
        yield served_page


def handshake(page, **headers: str) -> tuple[socket.socket, bytes]:
    """Ask for the events; return the socket and the first line of the answer."""
    port = page.address.port
    connection = socket.create_connection(("127.0.0.1", port), 5)
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    connection.sendall(f"GET /events HTTP/1.1\r\n{lines}\r\n".encode())
    return connection, connection.recv(64).splitlines()[0]


def talk(page, *messages: object, until: str) -> list[dict]:
    """Send messages to the page; return what came until a message of that kind."""
    from aiohttp import ClientSession

    async def conversation() -> list[dict]:
        came = []
        url = page.address.url + "events"
        async with ClientSession() as session, session.ws_connect(url) as events:
            came.append(await events.receive_json(timeout=10))
            for message in messages:
                text = message if isinstance(message, str) else json.dumps(message)
                await events.send_str(text)
            while came[-1]["kind"] != until:
                came.append(await events.receive_json(timeout=10))
        return came

    return asyncio.run(conversation())


def test_a_socket_from_another_site_is_refused(page) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        connection, first = handshake(page, **headers)
        connection.close()
        assert b" 403 " in first
    connection, first = handshake(page, Origin=page.address.url.rstrip("/"))
    connection.close()
    assert b" 101 " in first


def test_a_page_that_does_not_read_holds_up_nobody(page, heard, monkeypatch) -> None:
    from edge.web import server

    monkeypatch.setattr(server, "PATIENCE", 1.0)
    dead, _ = handshake(page)
    wait_for(lambda: page._hub.pages == 1, "the page that does not read")
    final = heard[1][-1]
    slowest = 0.0
    for _ in range(8000):
        began = time.perf_counter()
        page.show(final)
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 0.9  # who waits for the page waits for PATIENCE
    (hello,) = talk(page, until="hello")  # another page is served meanwhile
    assert hello["finals"][-1]["event"] == final.to_dict()
    wait_for(lambda: page._hub.pages == 0, "the dead page to be cut off")
    assert page._hub.dropped > 1000
    dead.close()


def test_one_page_too_many_is_told(page) -> None:
    from edge.web.hub import PAGES

    sockets = [handshake(page)[0] for _ in range(PAGES)]
    wait_for(lambda: page._hub.full, "all pages")
    extra, first = handshake(page)
    assert b" 503 " in first
    plain = socket.create_connection(("127.0.0.1", page.address.port), 5)
    plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = b"".join(iter(lambda: plain.recv(4096), b""))
    assert b" 503 " in answer.splitlines()[0]
    assert b"16 pages are open" in answer
    for each in (*sockets, extra, plain):
        each.close()
    wait_for(lambda: page._hub.pages == 0, "the pages to be counted out")


def test_a_late_page_sees_what_was(page, heard) -> None:
    page.title = "a microphone"
    page.note("it is gone")
    for event in heard[1]:
        page.show(event)
    (hello,) = talk(page, until="hello")
    assert hello["title"] == "a microphone"
    assert [note["text"] for note in hello["notes"]] == ["it is gone"]
    (final,) = hello["finals"]
    assert final["event"] == heard[1][-1].to_dict()
    assert hello["settings"] == {"reject": heard[0].reject, "least": None}
    assert hello["marks"]["reject"] == heard[0].pack.manifest.reject
    assert "Nothing leaves the device." in hello["privacy"]


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"set": {"reject": 1.01}}, "from 0 to 1"),
        ({"set": {"reject": -0.1}}, "from 0 to 1"),
        ({"set": {"reject": "balanced"}}, "from 0 to 1"),
        ({"set": {"reject": True}}, "from 0 to 1"),
        ('{"set": {"reject": NaN}}', "from 0 to 1"),
        ({"set": {"reject": 0.5, "pack": "/etc"}}, "no setting 'pack'"),
        ({"set": {"least": 0.5}}, "there are reject"),
        ({"set": {}}, "names and numbers"),
        ({"set": [1]}, "names and numbers"),
        ({"get": 1}, "no message"),
        ("[1]", "no message"),
        ("{", "no message"),
        ("[" * 900, "no message"),
    ],
)
def test_wrong_settings_change_nothing(page, heard, wish: object, reason: str) -> None:
    before = heard[0].reject
    assert reason in talk(page, wish, until="refused")[-1]["message"]
    assert heard[0].reject == before


def test_settings_act_and_are_told(page, heard) -> None:
    engine = heard[0]
    before = engine.reject
    told = talk(page, {"set": {"reject": 1}}, until="settings")[-1]
    assert told["settings"]["reject"] == engine.reject == 1.0
    assert talk(page, until="hello")[0]["settings"]["reject"] == 1.0
    engine.reject = before


def test_the_least_confidence_of_words_acts_at_once(samples: Path) -> None:
    needs("pocketsphinx")
    with Engine.open() as engine:
        controls = Controls(engine)
        usual = engine.file(samples / "gift_slt.wav")[0]
        assert {word.word for word in usual.words} == {"wonderful", "gift"}
        controls.set({"least": 0.99})
        assert engine.file(samples / "gift_slt.wav")[0].words == ()
        controls.set({"least": controls.marks()["least"]["pack"]})
        assert engine.file(samples / "gift_slt.wav")[0].words == usual.words
        assert controls.words
        weight = controls.words.model.weight
        assert weight("love") > 2 * weight("mother") > 0 == weight("hearten")


def comparable(events: list[dict]) -> list[dict]:
    skipped = ("file", "latency_ms")
    return [{key: value for key, value in e.items() if key not in skipped} for e in events]


def test_a_recording_is_heard_as_by_hearten_file(samples: Path, tmp_path: Path) -> None:
    needs("aiohttp")
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": ""}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    sample = samples / "grief_rms.wav"
    with served("--files-only", "--reject", "0.9", PYTHONDONTWRITEBYTECODE="1", **environment) as s:
        status, body = s.ask("hear?name=x.wav", sample.read_bytes())
        code = s.end()
    assert (status, code) == (200, 0)
    *events, end = lines(body)
    found = [message["event"] for message in events if message["kind"] == "event"]
    done = hearten("file", sample, "--json", "--timeline", "--reject", "0.9")
    assert comparable(found) == comparable(strict(done.stdout.splitlines()))
    assert found[-1]["words"]
    assert end["kind"] == "end"
    (length,) = {message["of"] for message in events if message["kind"] == "progress"}
    assert end["seconds"] == pytest.approx(length, abs=0.02)
    assert list(tmp_path.iterdir()) == []  # nothing is kept


def test_refused_recordings(samples: Path) -> None:
    needs("aiohttp")
    with served("--files-only", "--no-words") as server:
        for body, reason in ((b"x" * 999, "cannot be read as sound"), (b"", "is empty")):
            status, answer = server.ask("hear?name=../my%20talk.wav", body)
            (error,) = lines(answer)
            assert status == 200
            assert error["message"].startswith("my talk.wav ")
            assert reason in error["message"]
        status, answer = server.ask("hear", b"x", Origin="http://evil.example")
        assert status == 403
        status, answer = server.ask("hear", b"x", Host="evil.example")
        assert (status, b"evil.example" in answer) == (403, True)
        assert server.ask("../../etc/passwd")[0] == 404
        assert server.ask("hear")[0] == 405


def begin_upload(page, size: int, body: bytes) -> socket.socket:
    """Send the head and the first bytes of a recording."""
    connection = socket.create_connection(("127.0.0.1", page.address.port), 5)
    head = f"POST /hear HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_recordings_one_at_a_time_and_not_too_large(page, monkeypatch) -> None:
    from edge.web import upload

    monkeypatch.setattr(upload, "PATIENCE", 1.0)
    uploads = page._server._uploads
    first = begin_upload(page, 1000, b"RIFF")
    wait_for(lambda: uploads._busy, "the first recording")
    second = begin_upload(page, 4, b"RIFF")
    assert second.recv(4096).splitlines()[0].endswith(b"429 Too Many Requests")
    assert b" 408 " in first.recv(4096).splitlines()[0]  # it stopped arriving
    wait_for(lambda: not uploads._busy, "the place to be free")
    monkeypatch.setattr(upload, "limit", lambda: 100)
    third = begin_upload(page, 101, b"")
    assert b" 413 " in third.recv(4096).splitlines()[0]
    for each in (first, second, third):
        each.close()


def test_a_browser_that_leaves_frees_the_place(page, samples: Path, caplog) -> None:
    uploads = page._server._uploads
    caplog.set_level("INFO")
    sound = read_wav(samples / "joy_kal16.wav") * 60  # minutes: not done before we leave
    head = (samples / "joy_kal16.wav").read_bytes()[:40] + len(sound).to_bytes(4, "little")
    connection = begin_upload(page, len(head) + len(sound), head + sound)
    assert b" 200 " in connection.recv(64).splitlines()[0]
    connection.close()
    wait_for(lambda: not uploads._busy, "the place to be free")
    connection = begin_upload(page, 1 << 20, b"RIFF")
    wait_for(lambda: uploads._busy, "another recording")
    connection.close()
    wait_for(lambda: not uploads._busy, "the place to be free again")
    assert caplog.records == []  # nobody did anything wrong


def test_the_end_is_told_and_quiet() -> None:
    needs("aiohttp")
    from aiohttp import ClientSession, WSMsgType

    async def watch(server: Served) -> None:
        async with ClientSession() as session, session.ws_connect(server.url + "events") as events:
            await events.receive(timeout=10)
            server.process.terminate()
            ends = (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR)
            while (last := await events.receive(timeout=10)).type not in ends:
                pass
            assert (last.type, last.data) == (WSMsgType.CLOSE, 1001)

    with served("--files-only", "--no-words") as server:
        asyncio.run(watch(server))
        assert server.process.wait(timeout=10) == 0
        assert len(server.lines) == 1, server.lines  # where the page is, and nothing else


def test_listen_prints_the_same_beside_the_page(samples: Path) -> None:
    needs("aiohttp")
    data = read_wav(samples / "fear_rms.wav")
    command = [*HEARTEN, "listen", "--stdin", "--json", "--no-words"]
    plain, beside = (
        subprocess.run([*command, *more], input=data, capture_output=True, timeout=60, check=True)
        for more in ((), ("--web", "127.0.0.1:0"))
    )
    events = [strict(done.stdout.decode().splitlines()) for done in (plain, beside)]
    assert comparable(events[0]) == comparable(events[1])
    assert b"the page is at http://127.0.0.1:" in beside.stderr


def test_without_a_microphone_recordings_are_served(samples: Path, tmp_path: Path) -> None:
    needs("aiohttp")
    (tmp_path / "pyaudio.py").write_text("raise ImportError('not here')")
    path = f"{tmp_path}:{Path(__file__).parents[2]}"
    with served("--no-words", PYTHONPATH=path) as server:
        assert "recordings only" in server.lines[0]
        assert server.ask("hear?name=x", (samples / "joy_awb.wav").read_bytes())[0] == 200
        assert server.end() == 0
    named = hearten("serve", "--no-words", "--device", "2", "--web", "127.0.0.1:0")
    assert named.returncode == 2  # what was named must be there

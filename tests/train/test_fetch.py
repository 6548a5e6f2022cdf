"""Fetching: a real server on this machine that breaks off, lies, refuses, or is honest."""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.errors import HeartenError
from train import fetch
from train.corpora import archive, crema_d, emodb, glove, tess
from train.corpora.download import download
from train.corpora.sources import SOURCES


class Server:
    """What the test server does: ``files`` by path, and its bad habits."""

    def __init__(self):
        self.files = {}
        self.ranges = []  # the Range header of every request
        self.break_after = 0  # close the connection after so many bytes...
        self.breaks = 0  # ...so many times
        self.ignore_range = False
        self.wrong_range = False  # answer 206 from another place
        self.failures = 0  # answer 503 so many times
        self.url = ""


@pytest.fixture
def server():
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(state)

        def _answer(self, state):
            wanted = self.headers.get("Range")
            state.ranges.append(wanted)
            if state.failures > 0:
                state.failures -= 1
                return self.send_error(503)
            body = state.files.get(self.path.lstrip("/"))
            if body is None:
                return self.send_error(404)
            first = 0
            if wanted and not state.ignore_range:
                first = int(wanted.removeprefix("bytes=").rstrip("-"))
                if first >= len(body):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(body)}")
                    self.end_headers()
                    return None
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(body) - first))
            if state.wrong_range and first:
                self.send_header("Content-Range", f"bytes 7-{len(body) - 1}/{len(body)}")
            self.end_headers()
            rest = body[first:]
            if state.breaks > 0:
                state.breaks -= 1
                rest = rest[: state.break_after]
            with suppress(ConnectionError):  # the client may give up
                self.wfile.write(rest)
            return None

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{http.server_port}/"
    yield state
    http.shutdown()
    http.server_close()


BODY = bytes(range(256)) * 8000  # 2 MB
SHA = "sha256:" + hashlib.sha256(BODY).hexdigest()


def zipped(members, path=None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    if path:
        path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


EMODB = zipped({"wav/03a01Fa.wav": b"1", "wav/03a01Wa.wav": b"2", "__MACOSX/wav/._x": b""})


def run(*arguments):
    parser = argparse.ArgumentParser()
    fetch.add_arguments(parser)
    return fetch.run(parser.parse_args([str(a) for a in arguments]))


def test_download_checks_and_leaves_no_part(server, tmp_path, capsys):
    server.files["x.bin"] = BODY
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert (tmp_path / "x.bin").read_bytes() == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["x.bin"]
    assert "2.0 of 2.0 MB" in capsys.readouterr().err


def test_interrupted_transfer_is_resumed(server, tmp_path):
    server.files["x.bin"] = BODY
    server.break_after, server.breaks = 500_000, 2
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert (tmp_path / "x.bin").read_bytes() == BODY
    assert server.ranges == [None, "bytes=500000-", "bytes=1000000-"]


def test_a_later_run_goes_on_from_the_part(server, tmp_path):
    server.files["x.bin"] = BODY
    server.break_after, server.breaks = 0, 99
    (tmp_path / "x.bin.part").write_bytes(BODY[:700_000])
    with pytest.raises(HeartenError, match=r"stopped at 0.7 MB.*again"):
        download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert not (tmp_path / "x.bin").exists()
    server.breaks = 0
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert set(server.ranges) == {"bytes=700000-"}


def test_server_that_ignores_range(server, tmp_path):
    server.files["x.bin"] = BODY
    server.ignore_range = True
    (tmp_path / "x.bin.part").write_bytes(b"wrong beginning")
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert (tmp_path / "x.bin").read_bytes() == BODY


def test_server_that_answers_another_range(server, tmp_path):
    server.files["x.bin"] = BODY
    server.wrong_range = True
    (tmp_path / "x.bin.part").write_bytes(BODY[:700_000])
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert server.ranges == ["bytes=700000-", None]


@pytest.mark.parametrize("part", [BODY, BODY + b"too long"])
def test_part_that_is_complete_or_too_long(server, tmp_path, part):
    server.files["x.bin"] = BODY
    (tmp_path / "x.bin.part").write_bytes(part)
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert (tmp_path / "x.bin").read_bytes() == BODY


def test_busy_server_is_asked_again(server, tmp_path):
    server.files["x.bin"] = BODY
    server.failures = 3
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert len(server.ranges) == 4


def test_wrong_checksum(server, tmp_path):
    server.files["x.bin"] = BODY[:-1] + b"?"
    with pytest.raises(HeartenError, match=r"sha256 is .*, expected .*try again"):
        download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert list(tmp_path.iterdir()) == []


def test_unknown_checksum_is_recorded_and_then_enforced(server, tmp_path, capsys):
    server.files["x.bin"] = BODY
    download(server.url + "x.bin", tmp_path / "x.bin", None, pause=0)
    assert "no checksum is published" in capsys.readouterr().err
    assert (tmp_path / "x.bin.sha256").read_text() == f"{SHA[7:]}  x.bin\n"
    server.files["x.bin"] = b"changed"
    with pytest.raises(HeartenError, match="accept a new edition"):
        download(server.url + "x.bin", tmp_path / "x.bin", None, pause=0)


def test_404_is_not_tried_again(server, tmp_path):
    with pytest.raises(HeartenError, match=r"404.*--url.*--from"):
        download(server.url + "x.bin", tmp_path / "x.bin", None, pause=0)
    assert len(server.ranges) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "nonsense"])
def test_only_http(tmp_path, url):
    with pytest.raises(HeartenError, match="only http"):
        download(url, tmp_path / "x", None)


def test_nobody_answers(tmp_path):
    with pytest.raises(HeartenError, match=r"stopped at 0.0 MB.*refused"):
        download("http://127.0.0.1:9/x", tmp_path / "x", None, pause=0)


def test_too_little_space_is_said_before(server, tmp_path, monkeypatch):
    server.files["x.bin"] = BODY
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(HeartenError, match="1 MB free, 2 MB are needed"):
        download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)


@contextmanager
def largest_file(size):
    """Let writes beyond ``size`` fail as on a full disk (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_disk_full_keeps_the_part(server, tmp_path):
    server.files["x.bin"] = BODY
    with largest_file(1_000_000), pytest.raises(HeartenError, match=r"disk is full.*run .* again"):
        download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    kept = (tmp_path / "x.bin.part").stat().st_size
    assert 0 < kept <= 1_000_000
    download(server.url + "x.bin", tmp_path / "x.bin", SHA, pause=0)
    assert server.ranges == [None, f"bytes={kept}-"]
    assert (tmp_path / "x.bin").read_bytes() == BODY


def test_disk_full_while_unpacking_leaves_nothing_behind(server, tmp_path):
    server.files["download.zip"] = zipped({"wav/03a01Fa.wav": os.urandom(300_000) + bytes(900_000)})
    arguments = ("emodb", "--to", tmp_path, "--url", server.url, "--accept-licence")
    with largest_file(500_000), pytest.raises(HeartenError, match="disk is full"):
        run(*arguments)
    assert [p.name for p in tmp_path.iterdir()] == [".downloads"]
    run(*arguments)  # the archive was kept
    assert len(server.ranges) == 1 and len(emodb.load(tmp_path)) == 1


def test_fetch_unpacks_and_the_loader_reads_it(server, tmp_path, capsys):
    server.files["download.zip"] = EMODB
    arguments = ("emodb", "--to", tmp_path, "--url", server.url, "--accept-licence")
    assert run(*arguments) == 0
    assert [u.label for u in emodb.load(tmp_path)] == ["happy", "angry"]
    assert not list(tmp_path.rglob("__MACOSX")) and not list(tmp_path.rglob("*.zip"))
    assert (tmp_path / ".downloads/emodb/download.zip.sha256").exists()
    assert "licence" in capsys.readouterr().err
    run(*arguments)
    assert "already" in capsys.readouterr().err and len(server.ranges) == 1


def test_tar_and_plain_files(server, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as file:
        info = tarfile.TarInfo("wav/03a01Fa.wav")
        info.size = 4
        file.addfile(info, io.BytesIO(b"abcd"))
    server.files["x.tgz"] = buffer.getvalue()
    run("emodb", "--to", tmp_path, "--url", server.url + "x.tgz", "--accept-licence")
    assert (tmp_path / "emodb/wav/03a01Fa.wav").read_bytes() == b"abcd"
    server.files["mirror.csv"] = b"ID|text\n"
    run("isear", "--to", tmp_path, "--url", server.url + "mirror.csv", "--accept-licence")
    assert (tmp_path / "text/isear.csv").read_bytes() == b"ID|text\n"


def test_published_checksum_holds_for_a_mirror_too(server, tmp_path):
    server.files["Audio_Speech_Actors_01-24.zip"] = EMODB
    with pytest.raises(HeartenError, match=r"md5 is .*, expected bc696df654c8"):
        run("ravdess-speech", "--to", tmp_path, "--url", server.url, "--accept-licence")
    assert not (tmp_path / "ravdess/speech").exists()


def test_hostile_download_is_dropped(server, tmp_path):
    server.files["download.zip"] = zipped({"wav/../../../evil": b"x"})
    arguments = ("emodb", "--to", tmp_path / "c", "--url", server.url, "--accept-licence")
    with pytest.raises(HeartenError, match="outside its folder"):
        run(*arguments)
    assert not (tmp_path / "evil").exists() and not (tmp_path / "c/emodb").exists()
    server.files["download.zip"] = EMODB  # the next download starts clean
    assert run(*arguments) == 0


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "a/../../x", "..\\x", "C:\\x", "a/b/../../../x"]
)
def test_paths_that_climb_out(tmp_path, name):
    zipped({"good": b"1", name: b"x"}, tmp_path / "x.zip")
    with pytest.raises(HeartenError, match="outside"):
        archive.unpack(tmp_path / "x.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(tmp_path, kind):
    with tarfile.open(tmp_path / "x.tar", "w") as file:
        info = tarfile.TarInfo("innocent")
        info.type, info.linkname = kind, "/etc/passwd"
        file.addfile(info)
    with pytest.raises(HeartenError, match="link or device"):
        archive.unpack(tmp_path / "x.tar", tmp_path / "out")


def test_link_in_a_zip(tmp_path):
    info = zipfile.ZipInfo("innocent")
    info.external_attr = 0o120777 << 16
    zipped({info: "/etc/passwd"}, tmp_path / "x.zip")
    with pytest.raises(HeartenError, match="holds a link"):
        archive.unpack(tmp_path / "x.zip", tmp_path / "out")


def test_bombs(tmp_path):
    zipped({f"{n}": bytes(30_000_000) for n in range(4)}, tmp_path / "x.zip")
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as file:
        info = tarfile.TarInfo("zeros")
        info.size = 60_000_000
        file.addfile(info, io.BytesIO(bytes(info.size)))
    for name in ("x.zip", "x.tgz"):
        with pytest.raises(HeartenError, match="far more than it should"):
            archive.unpack(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"not an archive", EMODB[:-30], EMODB[40:]])
def test_damaged_archives(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(HeartenError, match=r"damaged|does not hold"):
        archive.unpack(tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/b", "a")])
def test_the_same_name_twice(tmp_path, names):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for name in names:
            file.writestr(name, b"1")
    with pytest.raises(archive.Refused, match="twice"):
        archive.unpack(tmp_path / "x.zip", tmp_path / "out")


def test_flipped_bits_in_an_archive(tmp_path):
    content = bytearray(zipped({"a": os.urandom(5000)}))
    content[2000] ^= 255
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(HeartenError, match="damaged"):
        archive.unpack(tmp_path / "x.zip", tmp_path / "out")


def test_glove_is_converted(tmp_path):
    lines = "".join(f"{word} {' '.join(['0.5'] * 50)}\n" for word in ("the", "gift"))
    copies = tmp_path / "copies"
    copies.mkdir()
    zipped({glove.MEMBER: lines, "glove.6B.300d.txt": "no"}, copies / "x.zip")
    part = next(s for s in SOURCES if s.name == "glove").parts[0]
    fetch._place(part, copies / "x.zip", tmp_path / glove.FILE, tmp_path / "objects")
    words, vectors = glove.vectors(tmp_path)
    assert words == ["the", "gift"] and vectors.shape == (2, 50)


SOUND = {name: os.urandom(2000) for name in ("1001_DFA_ANG_XX", "1002_IEO_SAD_LO")}


def pointer(content):
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 2000\n"


def crema_repository(server):
    """The archive of the repository as GitHub makes it, and the files behind its pointers."""
    outer = "CREMA-D-master/"
    members = {outer + f"AudioWAV/{name}.wav": pointer(sound) for name, sound in SOUND.items()}
    members |= {outer + crema_d.DEMOGRAPHICS: "ActorID,Age,Sex\n1001,51,Male\n"}
    members |= {outer + "AudioMP3/1001_DFA_ANG_XX.mp3": pointer(b""), outer + "README.md": "#"}
    server.files["CREMA-D-master.zip"] = zipped(members)
    server.files |= {f"AudioWAV/{name}.wav": sound for name, sound in SOUND.items()}


def test_pointers_are_replaced_by_sound_and_the_rest_is_left_out(server, tmp_path, capsys):
    crema_repository(server)
    arguments = ("crema-d", "--to", tmp_path, "--url", server.url, "--accept-licence")
    assert run(*arguments) == 0
    home = tmp_path / "crema-d"
    names = {path.relative_to(home).as_posix() for path in home.rglob("*.*")}
    assert names == {f"AudioWAV/{name}.wav" for name in SOUND} | {crema_d.DEMOGRAPHICS}
    found = {u.id: u.path.read_bytes() for u in crema_d.load(tmp_path)}
    assert found == SOUND
    assert "ODbL" in capsys.readouterr().err
    assert not list((tmp_path / ".downloads").rglob("objects/*"))


def test_pointed_file_that_differs_is_refused_and_the_others_are_not_fetched_again(
    server, tmp_path
):
    crema_repository(server)
    arguments = ("crema-d", "--to", tmp_path, "--url", server.url, "--accept-licence")
    name = "AudioWAV/1002_IEO_SAD_LO.wav"
    good, server.files[name] = server.files[name], b"changed" * 100
    with pytest.raises(HeartenError, match=r"1002_IEO_SAD_LO.wav: sha256 is .*, expected"):
        run(*arguments)
    assert not (tmp_path / "crema-d").exists()
    server.files = {name: good}  # the archive and the good file came the first time
    assert run(*arguments) == 0
    assert len(crema_d.load(tmp_path)) == 2


def test_further_corpora_are_fetched_by_name_alone():
    names = {source.name for source in fetch._chosen("all", None)}
    assert "emodb" in names and not names & {"crema-d", "tess"}
    assert fetch._chosen("tess", None)[0].corpus is tess


def test_name_of_a_file_whose_address_does_not_end_with_it(server, tmp_path):
    (tmp_path / "dataverse_files.zip").write_bytes(zipped({"OAF_back_angry.wav": b"RIFF"}))
    assert run("tess", "--from", tmp_path, "--to", tmp_path / "to") == 0
    assert [u.id for u in tess.load(tmp_path / "to")] == ["OAF_back_angry"]


def test_licence_has_to_be_accepted(server, tmp_path, monkeypatch, capsys):
    server.files["download.zip"] = EMODB
    arguments = ("emodb", "--to", tmp_path, "--url", server.url)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))  # not a terminal
    with pytest.raises(HeartenError, match="--accept-licence"):
        run(*arguments)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert run(*arguments) == 0
    assert "[y/N]" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "emodb")
    refusing = io.StringIO("\n")
    refusing.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", refusing)
    with pytest.raises(HeartenError, match="not accepted"):
        run(*arguments)


def local_copy(folder):
    """A folder in the layout of the corpora, with its SHA256SUMS."""
    for name in ("emodb/wav/03a01Fa.wav", "emodb/wav/03a01Wa.wav", "text/isear.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    sums = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder)}\n"
        for p in sorted(folder.rglob("*.*"))
        if p.is_file()
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def test_from_a_local_copy(tmp_path):
    origin, home = local_copy(tmp_path / "from"), tmp_path / "to"
    assert run("all", "--from", origin, "--to", home) == 0
    assert len(emodb.load(home)) == 2
    assert (home / "text/isear.csv").read_text() == "text/isear.csv"


def test_from_a_damaged_copy(tmp_path):
    origin, home = local_copy(tmp_path / "from"), tmp_path / "to"
    (origin / "emodb/wav/03a01Wa.wav").write_text("changed")
    with pytest.raises(HeartenError, match=r"03a01Wa.wav is damaged"):
        run("emodb", "--from", origin, "--to", home)
    assert not (home / "emodb").exists()
    (origin / "emodb/wav/03a01Wa.wav").unlink()
    (origin / "emodb/wav/extra.wav").write_text("x")
    with pytest.raises(HeartenError, match=r"extra.wav is not in .*SHA256SUMS"):
        run("emodb", "--from", origin, "--to", home)


def test_from_a_published_archive(tmp_path, capsys):
    (tmp_path / "download.zip").write_bytes(EMODB)
    run("emodb", "--from", tmp_path, "--to", tmp_path / "to")
    assert len(emodb.load(tmp_path / "to")) == 2
    (tmp_path / "Audio_Song_Actors_01-24.zip").write_bytes(EMODB)
    with pytest.raises(HeartenError, match="md5 is not 5411230427"):
        run("ravdess-song", "--from", tmp_path, "--to", tmp_path / "to")
    assert "no published checksum" in capsys.readouterr().err


def test_from_where_it_is_not(tmp_path):
    with pytest.raises(HeartenError, match="holds no copy of coffee"):
        run("coffee", "--from", tmp_path, "--to", tmp_path / "to")
    with pytest.raises(HeartenError, match="is not a folder"):
        run("coffee", "--from", tmp_path / "nowhere", "--to", tmp_path / "to")
    with pytest.raises(HeartenError, match="no download: give a copy with --from"):
        run("coffee", "--to", tmp_path, "--accept-licence")
    with pytest.raises(HeartenError, match="no copy of any corpus"):
        run("all", "--from", tmp_path, "--to", tmp_path / "to")
    with pytest.raises(HeartenError, match="several files"):
        run("goemotions", "--to", tmp_path, "--accept-licence", "--url", "http://x/y")


def test_real_text_corpora_from_a_copy(corpora, tmp_path):
    run("goemotions", "--from", corpora, "--to", tmp_path)
    run("emobank", "--from", corpora, "--to", tmp_path)
    names = {p.name for p in tmp_path.rglob("*.*") if p.is_file()}
    assert names == {"train.tsv", "dev.tsv", "test.tsv", "labels.txt", "emobank.csv"}


def test_published_checksums_are_those_of_the_copies(corpora):
    for part in (part for source in SOURCES for part in source.parts):
        if part.checksum and not part.archive:
            algorithm, expected = part.checksum.split(":")
            content = (corpora / part.target).read_bytes()
            assert hashlib.new(algorithm, content).hexdigest() == expected


def test_unwritable_folder(server, tmp_path):
    (tmp_path / "download.zip").write_bytes(EMODB)
    (tmp_path / "a_file").touch()
    for target in (Path("/proc/nowhere"), tmp_path / "a_file"):  # /proc: not even root
        with pytest.raises(HeartenError, match=r"cannot be written.*--to"):
            run("emodb", "--from", tmp_path, "--to", target)
        with pytest.raises(HeartenError, match=r"cannot be written.*--to"):
            download(server.url + "x.bin", target / "x", None, pause=0)


def test_unknown_name_is_refused():
    script = "import argparse; from train import fetch; p = argparse.ArgumentParser();"
    script += "fetch.add_arguments(p); p.parse_args(['nonsense'])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 2 and "invalid choice: 'nonsense'" in done.stderr

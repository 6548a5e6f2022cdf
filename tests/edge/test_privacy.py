"""Nothing leaves and nothing is kept: the commands run where network and writing are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.made import EVERY_WORD, read_wav

# Loaded by Python itself before anything else. Every refusal is noted first, because a program
# may swallow the exception.
GUARD = '''
import os, sys
from os.path import realpath

ALLOWED = realpath(os.environ["GUARD_ALLOWED"])
NOTES = os.open(os.environ["GUARD_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PROCESSES = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.")
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
           "os.truncate", "os.chmod", "os.chown", "os.utime", "sqlite3.connect"}

def note(text):
    os.write(NOTES, (text + "\\n").encode())

def inside(path):
    place = realpath(os.fsdecode(path))
    return place == "/dev/null" or place == ALLOWED or place.startswith(ALLOWED + os.sep)

def writes(event, args):
    """The paths that an event would write."""
    if event == "open":
        path, mode, flags = args
        writing = (mode and set(mode) & set("wax+")) or (flags or 0) & WRITES
        return [path] if writing and isinstance(path, (str, bytes)) else []
    if event in CHANGES or event.startswith("shutil."):
        return [place for place in args if isinstance(place, (str, bytes))]
    return []

def guard(event, args):
    if event.startswith(("socket.", "urllib.", "http.")) or event.startswith(PROCESSES):
        note(f"refused {event} {args!r}")
        raise PermissionError(f"{event} is refused")
    for path in writes(event, args):
        if not inside(path):
            note(f"refused {event} {path!r}")
            raise PermissionError(f"{event} of {path!r} is refused")

note("active")
sys.addaudithook(guard)
'''

OFFENCES = {
    "connect": "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
    "resolve": "import socket; socket.getaddrinfo('localhost', 80)",
    "listen": "import socket; socket.socket().bind(('127.0.0.1', 0))",
    "local socket": "import socket; socket.socket(socket.AF_UNIX).connect('/tmp/x')",
    "write": "open('outside.txt', 'w')",
    "append": "import os; os.open('outside.txt', os.O_WRONLY | os.O_CREAT)",
    "temporary": "import tempfile; tempfile.TemporaryFile()",
    "folder": "import os; os.mkdir('outside')",
    "another program": "import subprocess; subprocess.run(['true'])",
    "swallowed": "try:\n    open('outside.txt', 'w')\nexcept OSError:\n    raise SystemExit(1)",
}


class Cell:
    """Folders of its own, an environment with the guard in it, and what the guard noted."""

    def __init__(self, folder: Path) -> None:
        self.state, self.home = folder / "state", folder / "home"
        library = folder / "library"
        for place in (self.state, self.home, library):
            place.mkdir()
        (library / "sitecustomize.py").write_text(GUARD)
        self.notes = folder / "notes.txt"
        repository = Path(__file__).parents[2]
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{library}:{repository}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GUARD_ALLOWED": str(self.state),
            "GUARD_NOTES": str(self.notes),
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "XDG_STATE_HOME": str(self.state),
            "XDG_DATA_HOME": str(self.state),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }

    def run(self, *arguments: object, data: bytes = b"") -> subprocess.CompletedProcess:
        """Run Python in the empty home folder, under guard."""
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            input=data,
            capture_output=True,
            timeout=60,
            check=False,
            cwd=self.home,
            env=self.environment,
        )

    def innocent(self) -> None:
        """The guard was there, refused nothing, and native code left nothing behind either."""
        assert self.notes.read_text().splitlines() == ["active"]
        assert list(self.home.iterdir()) == []


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    return Cell(tmp_path)


def test_file_keeps_nothing_and_sends_nothing(cell: Cell, samples: Path) -> None:
    done = cell.run("-m", "edge.cli", "file", samples / "anger_slt.wav", "--timeline")
    assert done.returncode == 0, done.stderr
    assert b"angry" in done.stdout
    cell.innocent()
    assert list(cell.state.iterdir()) == []


def test_listen_keeps_nothing_and_sends_nothing(cell: Cell, samples: Path) -> None:
    data = read_wav(samples / "grief_rms.wav")
    done = cell.run("-m", "edge.cli", "listen", "--stdin", "--json", *EVERY_WORD, data=data)
    assert done.returncode == 0, done.stderr
    assert b'"final"' in done.stdout
    assert b"funeral" in done.stdout
    cell.innocent()
    assert list(cell.state.iterdir()) == []


def test_only_what_was_asked_for_is_written(cell: Cell, samples: Path) -> None:
    table, plot = cell.state / "x.csv", cell.state / "x.svg"
    path = samples / "anger_slt.wav"
    done = cell.run("-m", "edge.cli", "file", path, "--csv", table, "--plot", plot)
    assert done.returncode == 0, done.stderr
    cell.innocent()
    assert sorted(cell.state.iterdir()) == [table, plot]


def test_enrolling_keeps_a_small_profile_and_no_sound(cell: Cell, samples: Path) -> None:
    sound = samples / "grief_slt.wav"
    done = cell.run("-m", "edge.cli", "enroll", "Anna", sound)
    assert done.returncode == 0, done.stderr
    done = cell.run("-m", "edge.cli", "enroll", "Ben", "--stdin", data=read_wav(sound))
    assert done.returncode == 0, done.stderr
    assert set(cell.notes.read_text().splitlines()) == {"active"}
    assert list(cell.home.iterdir()) == []
    folder = cell.state / "hearten" / "speakers"
    kept = sorted(path for path in cell.state.rglob("*") if path.is_file())
    assert kept == [folder / "Anna.json", folder / "Ben.json"]
    # The same profile whatever the length of the speech: averages, too few for any sound.
    assert all(path.stat().st_size < sound.stat().st_size / 10 for path in kept)


def test_a_result_elsewhere_is_caught(cell: Cell, samples: Path) -> None:
    path = samples / "anger_slt.wav"
    done = cell.run("-m", "edge.cli", "file", path, "--csv", cell.home / "x.csv")
    assert done.returncode == 2
    assert "refused open" in cell.notes.read_text()


@pytest.mark.parametrize("name", OFFENCES)
def test_the_guard_catches(cell: Cell, name: str) -> None:
    done = cell.run("-c", OFFENCES[name])
    assert done.returncode == 1
    first, *others = cell.notes.read_text().splitlines()
    assert first == "active"
    assert others
    assert all(line.startswith("refused ") for line in others)
    assert list(cell.home.iterdir()) == []


def test_the_guard_allows_the_state_folder(cell: Cell) -> None:
    done = cell.run("-c", f"open({str(cell.state / 'x')!r}, 'w').write('kept')")
    assert done.returncode == 0, done.stderr
    assert (cell.state / "x").read_text() == "kept"
    cell.innocent()

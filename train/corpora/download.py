"""Downloads that survive: resumed, retried, checked, and never half a file under its own name."""

from __future__ import annotations

import errno
import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from edge.errors import HeartenError

TRIES = 5
TIMEOUT = 30.0  # seconds
PIECE = 1 << 18
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNWRITABLE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
)
WORTH_RETRYING = (408, 425, 429)
MEGABYTE = 1e6


def download(url: str, target: Path, checksum: str | None, pause: float = 1.0) -> None:
    """Fetch ``url`` into ``target``; a ``.part`` file beside it is resumed.

    ``checksum`` is "algorithm:hex". Without one, the sha256 of the first download is recorded in
    a ``.sha256`` file beside the target and later downloads are compared with it. Failures that
    may pass are tried again, ``pause``, 2 ``pause``, 4 ``pause``... seconds apart, until five in
    a row bring no new byte.

    Raises:
        HeartenError: the server refuses, the disk is full, the checksum differs, or no try helped.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise HeartenError(f"cannot fetch {url}: only http and https addresses")
    part = target.with_name(target.name + ".part")
    with disk_errors(part):
        target.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _size(part)
        try:
            _transfer(url, part)
            break
        except (TimeoutError, HTTPException, OSError) as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= TRIES:
                raise HeartenError(
                    f"{url} stopped at {_size(part) / MEGABYTE:.1f} MB ({_reason(error)}): "
                    "run the command again to go on from there"
                ) from error
            time.sleep(pause * 2 ** (failures - 1))
    verify(part, checksum, target.with_name(target.name + ".sha256"), url)
    part.replace(target)


def verify(path: Path, checksum: str | None, record: Path, origin: str) -> None:
    """Compare ``path`` with its checksum, or with the one recorded in ``record``.

    With neither, write ``record`` and say so. A file that differs is removed.
    """
    if checksum is None and record.exists():
        checksum = "sha256:" + record.read_text(encoding="ascii").split()[0]
    if checksum is None:
        digest = digest_of(path, "sha256")
        record.write_text(f"{digest}  {path.name.removesuffix('.part')}\n", encoding="ascii")
        _say(f"no checksum is published for {origin}: recorded sha256 {digest} in {record}")
        return
    algorithm, expected = checksum.split(":")
    if (found := digest_of(path, algorithm)) != expected:
        path.unlink()
        advice = f" (delete {record} to accept a new edition)" if record.exists() else ""
        raise HeartenError(
            f"{origin}: {algorithm} is {found}, expected {expected}; it was damaged on the way "
            f"or has changed. Removed, try again{advice}"
        )


def digest_of(path: Path, algorithm: str) -> str:
    """Return the hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def check_space(folder: Path, needed: int) -> None:
    """Raise HeartenError unless ``needed`` bytes are free where ``folder`` is."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise HeartenError(
            f"{folder} has {free / MEGABYTE:.0f} MB free, {needed / MEGABYTE:.0f} MB are needed"
        )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL:
            raise HeartenError(
                f"the disk is full while writing {path}: free some space and run the command again"
            ) from error
        if error.errno in UNWRITABLE:
            raise HeartenError(
                f"{path} cannot be written ({error.strerror}): choose a folder with --to"
            ) from error
        raise


def _transfer(url: str, part: Path) -> None:
    """Append what is missing of ``url`` to ``part``; OSError or HTTPException if it breaks off."""
    have = _size(part)
    headers = {"User-Agent": "hearten"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as answer:
            resumed = answer.status == HTTPStatus.PARTIAL_CONTENT
            begins = answer.headers.get("Content-Range", f"bytes {have}-")
            if resumed and not begins.startswith(f"bytes {have}-"):
                part.unlink(missing_ok=True)
                raise ConnectionError(f"asked for bytes from {have}, got {begins}")
            _store(answer, part, have if resumed else 0)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            whole = error.headers.get("Content-Range", "").removeprefix("bytes */")
            if whole == str(have):
                return  # nothing was missing
            part.unlink(missing_ok=True)
            raise ConnectionError("the partial file did not fit and was dropped") from error
        if error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in WORTH_RETRYING:
            raise HeartenError(
                f"{url}: the server says {error.code} {error.reason}; give another address with "
                "--url or a local copy with --from"
            ) from error
        raise


def _store(answer: HTTPResponse, part: Path, have: int) -> None:
    """Write the body behind the first ``have`` bytes of ``part``."""
    length = answer.headers.get("Content-Length")
    total = have + int(length) if length else None
    if total is not None:
        check_space(part.parent, total - have)
    progress = Progress(part.name.removesuffix(".part"), have, total)
    with disk_errors(part), part.open("r+b" if have else "wb") as file:
        file.seek(have)
        while piece := answer.read(PIECE):
            file.write(piece)
            have += len(piece)
            progress.show(have)
    if total is not None and have < total:
        raise ConnectionError(f"the connection closed at {have} of {total} bytes")
    progress.end()


class Progress:
    """One line on stderr: megabytes, speed, time left. Rewritten on a terminal, else every 10 s."""

    def __init__(self, name: str, have: int, total: int | None) -> None:
        """Start the clock; ``have`` bytes of ``total`` are there already."""
        self._name, self._first, self._total = name, have, total
        self._have = have
        self._began = self._shown = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def show(self, have: int) -> None:
        """Report ``have`` bytes, at most four times a second."""
        self._have = have
        now = time.monotonic()
        if now - self._shown >= (0.25 if self._terminal else 10.0):
            self._shown = now
            self._print("\r" if self._terminal else "", "" if self._terminal else "\n")

    def end(self) -> None:
        """Print the final line."""
        self._print("\r" if self._terminal else "", "\n")

    def _print(self, before: str, after: str) -> None:
        speed = (self._have - self._first) / max(1e-6, time.monotonic() - self._began)
        text = f"{self._name}: {self._have / MEGABYTE:.1f}"
        if self._total is not None:
            text += f" of {self._total / MEGABYTE:.1f}"
        text += f" MB, {speed / MEGABYTE:.1f} MB/s"
        if self._total is not None and speed > 0:
            text += f", {(self._total - self._have) / speed:.0f} s left"
        sys.stderr.write(f"{before}{text:<70}".rstrip() + after)
        sys.stderr.flush()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _say(text: str) -> None:
    print(text, file=sys.stderr)

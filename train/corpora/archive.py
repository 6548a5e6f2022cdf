"""Unpacking archives that somebody else made: nothing leaves the target folder."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from edge.errors import HeartenError
from train.corpora.download import check_space, disk_errors

# The corpora shrink to a half or a third; a hundredth is an attack.
LARGEST_RATIO = 100
ALLOWANCE = 1 << 20
MOST_MEMBERS = 100_000
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,  # a directory that points outside the file; a full disk is told apart before
)


class Refused(HeartenError):
    """An archive that is damaged or hostile: another copy is needed, not another try."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive: its checked path, its declared size, and how to open it."""

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, only: str | None = None) -> None:
    """Unpack a zip or tar file into the new ``folder``; ``only`` names the one wanted member.

    Raises:
        Refused: damaged, with absolute or parent paths, links or devices inside, of a declared
            size that no honest archive has, or without the wanted member.
        HeartenError: it does not fit on the disk.
    """
    try:
        with _members(archive) as members:
            wanted = [m for m in members if only in (None, m.path.name)]
            if not wanted:
                raise Refused(f"{archive} does not hold {only or 'any file'}")
            with disk_errors(folder):
                folder.mkdir(parents=True)
                check_space(folder, sum(member.size for member in wanted))
                for member in wanted:
                    _extract(member, folder)
    except DAMAGED as error:
        raise Refused(f"{archive} is damaged or no zip or tar archive: {error}") from error


def _extract(member: Member, folder: Path) -> None:
    target = folder / member.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as source, target.open("xb") as file:
            shutil.copyfileobj(source, file)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Refused(f"the archive holds {member.path} twice: refused") from error


@contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    """Open an archive and give its checked members, readable while the context lasts."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield _within_limits(_of_zip(opened, archive), archive)
    else:
        with tarfile.open(archive) as opened_tar:
            yield _within_limits(_of_tar(opened_tar, archive), archive)


def _within_limits(listing: Iterator[Member], archive: Path) -> list[Member]:
    """Collect members while their number and declared sizes stay plausible."""
    limit = LARGEST_RATIO * archive.stat().st_size + ALLOWANCE
    found: list[Member] = []
    total = 0
    for member in listing:
        total += member.size
        if total > limit or len(found) >= MOST_MEMBERS:
            raise Refused(f"{archive} unpacks to far more than it should: refused")
        if "__MACOSX" not in member.path.parts and not member.path.name.startswith("._"):
            found.append(member)
    return found


def _of_zip(opened: zipfile.ZipFile, archive: Path) -> Iterator[Member]:
    for info in opened.infolist():
        path = _checked(info.filename, archive)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise Refused(f"{archive} holds a link ({info.filename}): refused")
        if not info.is_dir():
            yield Member(path, info.file_size, partial(opened.open, info))


def _of_tar(opened: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    for info in opened:
        path = _checked(info.name, archive)
        if not (info.isreg() or info.isdir()):
            raise Refused(f"{archive} holds a link or device ({info.name}): refused")
        if info.isreg():
            yield Member(path, info.size, partial(_tar_file, opened, info))


def _checked(name: str, archive: Path) -> PurePosixPath:
    """Return the path; Refused for one that is absolute or climbs out."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        raise Refused(f"{archive} would write outside its folder ({name}): refused")
    return path


def _tar_file(opened: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = opened.extractfile(info)
    if file is None:
        raise tarfile.TarError(f"{info.name} cannot be read")
    return file

"""A pack in one .zip file."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from edge.errors import PackError

LARGEST = 64 * 1024 * 1024  # bytes of one file: no pack of ours comes near


class Archive:
    """The files of a pack in a .zip; what needs a path is unpacked to a folder that goes away."""

    def __init__(self, place: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(place)
        except (zipfile.BadZipFile, OSError):
            raise PackError(f"{place} is neither a folder nor a .zip pack") from None
        self.place = place
        names = [n for n in self._zip.namelist() if PurePosixPath(n).name == "manifest.json"]
        if not names:
            raise PackError(f"{place} lacks manifest.json")
        self._prefix = min(names, key=len).removesuffix("manifest.json")
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def read(self, name: str) -> bytes:
        """Return a file's content; raises PackError if it is missing, damaged or huge."""
        try:
            if self._zip.getinfo(self._prefix + name).file_size > LARGEST:
                raise PackError(f"{self.place}: {name} is larger than {LARGEST >> 20} MB")
            return self._zip.read(self._prefix + name)
        except KeyError:
            raise PackError(f"{self.place} lacks {name}") from None
        except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError) as error:
            raise PackError(f"{self.place}: {name} is damaged: {error}") from None

    def path(self, name: str, content: bytes) -> Path:
        """Unpack one file, whose name has been checked, and return where it lies."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="hearten-")
        target = Path(self._folder.name) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

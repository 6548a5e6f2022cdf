"""Git LFS without Git: a repository's archive holds pointers; fetch what they point to.

A pointer names the sha256 of its file, so every file is verified with what its publisher states.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from urllib.parse import quote

from train.corpora.archive import Refused
from train.corpora.download import download

POINTER = re.compile(rb"version https://git-lfs\S*\noid sha256:([0-9a-f]{64})\nsize \d+\n")
LARGEST = 1000  # bytes of a pointer
AT_A_TIME = 8  # the files are small: waiting for the server is most of the time


def keep(work: Path, patterns: Iterable[str]) -> None:
    """Leave only the files of an unpacked repository that match, without its outer folder.

    Raises:
        Refused: it is no repository's archive, or nothing matches.
    """
    outer = [place for place in work.iterdir() if place.is_dir()]
    if len(outer) != 1:
        raise Refused(f"{work.name}: not the archive of a repository")
    wanted = {path for pattern in patterns for path in outer[0].glob(pattern)}
    if not wanted:
        raise Refused("the archive holds none of the files that are wanted")
    for path in wanted:
        place = work / "kept" / path.relative_to(outer[0])
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)


def resolve(folder: Path, store: Path, address: str, link: Callable[[Path, Path], None]) -> int:
    """Replace every pointer below ``folder`` by its file; return how many there were.

    Files come from ``address`` + the path below ``folder``, by way of ``store``: what an earlier
    run fetched is there, and ``link`` brings it into place. Progress is on stderr.

    Raises:
        HeartenError: a file cannot be fetched or differs from its pointer.
    """
    found = {p: m[1].decode() for p in sorted(folder.rglob("*")) if (m := _pointer(p))}

    def fetch(path: Path) -> None:
        place = store / found[path]
        if not place.exists():
            url = address + quote(path.relative_to(folder).as_posix())
            download(url, place, f"sha256:{found[path]}")

    _all(fetch, list(found))
    for path, digest in found.items():
        path.unlink()
        link(store / digest, path)  # two pointers may name one file
    return len(found)


def _pointer(path: Path) -> re.Match[bytes] | None:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return None
    return POINTER.fullmatch(path.read_bytes())


def _all(fetch: Callable[[Path], None], paths: list[Path]) -> None:
    """Fetch in threads; one line of progress instead of one a file."""
    shown = sys.stderr
    with ThreadPoolExecutor(AT_A_TIME) as pool, redirect_stderr(StringIO()):
        try:
            for number, _ in enumerate(pool.map(fetch, paths), 1):
                if number % 100 == 0 or number == len(paths):
                    print(f"{number} of {len(paths)} files", file=shown, flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise

"""Fetch a corpus: from where it is published, or from a local copy."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import archive, glove, pointers, root
from train.corpora.download import check_space, digest_of, disk_errors, download
from train.corpora.sources import BY_NAME, SOURCES, Part, Source

SUMS = "SHA256SUMS"
DOWNLOADS = ".downloads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``python -m train fetch``."""
    parser.add_argument("name", choices=[*BY_NAME, "all"], metavar="NAME", help=_names())
    parser.add_argument(
        "--from",
        dest="origin",
        type=Path,
        metavar="FOLDER",
        help="take a local copy: laid out like the corpora folder, or the published archives",
    )
    parser.add_argument("--to", type=Path, metavar="DIR", help="folder of all corpora")
    parser.add_argument(
        "--url", help="another address of the file; ending in /, of the folder that holds it"
    )
    parser.add_argument(
        "--accept-licence", action="store_true", help="accept the licence without being asked"
    )


def run(args: argparse.Namespace) -> int:
    """Fetch what ``args`` name; return 0.

    Raises:
        HeartenError: licence not accepted, no such copy, or the transfer failed.
    """
    home = args.to or root()
    for source in _chosen(args.name, args.origin):
        if all(_filled(home / part.target) for part in source.parts):
            _say(f"{source.name}: already in {home}")
            continue
        _licence(source, args.accept_licence, ask=args.origin is None)
        for part in source.parts:
            if not _filled(home / part.target):
                _fetch(source, part, home, args)
        _say(f"{source.name}: ready in {home}")
    return 0


def _chosen(name: str, origin: Path | None) -> list[Source]:
    """Return the sources that ``name`` stands for; "all" is what training takes unless told."""
    if origin is not None and not origin.is_dir():
        raise HeartenError(f"{origin} is not a folder")
    if name != "all":
        return [BY_NAME[name]]
    if origin is None:
        return [source for source in SOURCES if source.online and not source.further]
    found = [source for source in SOURCES if _is_in(origin, source)]
    if not found:
        raise HeartenError(f"{origin} holds no copy of any corpus ({', '.join(BY_NAME)})")
    return found


def _fetch(source: Source, part: Part, home: Path, args: argparse.Namespace) -> None:
    """Bring one published file into place, from ``--from`` or from its address."""
    target = home / part.target
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if args.origin is not None:
        _take(source, part, args.origin, target)
        return
    url = _address(source, part, args.url)
    store = home / DOWNLOADS / source.name / part.filename
    if not store.exists():  # else an earlier run got as far as unpacking
        download(url, store, part.checksum)
    objects = store.with_name("objects")
    try:
        _place(part, store, target, objects, _folder(args.url))
    except archive.Refused:
        store.unlink()
        if part.checksum is None:
            store.with_name(store.name + ".sha256").unlink(missing_ok=True)
        raise
    store.unlink()
    shutil.rmtree(objects, ignore_errors=True)


def _address(source: Source, part: Part, override: str | None) -> str:
    if override:
        if not override.endswith("/") and len(source.parts) > 1:
            raise HeartenError(f"{source.name} has several files: end --url with /")
        return override + part.filename if override.endswith("/") else override
    if part.url is None:
        raise HeartenError(f"{source.name} has no download: give a copy with --from FOLDER")
    return part.url


def _folder(override: str | None) -> str | None:
    """Return ``--url`` where it names a folder, which then holds all of a corpus."""
    return override if override and override.endswith("/") else None


def _place(part: Part, file: Path, target: Path, store: Path, mirror: str | None = None) -> None:
    """Unpack, convert or copy ``file``, then move the result to ``target`` in one step.

    What Git LFS pointers in it point to is fetched from ``mirror`` or its own address, by way of
    the folder ``store``.
    """
    with _beside(target) as folder:
        work = folder / "new"
        if part.archive:
            archive.unpack(file, work, part.member)
        else:
            _link(file, work)
        if part.kept:
            pointers.keep(work, part.kept)
            work = work / "kept"
        if part.pointed:
            pointers.resolve(work, store, mirror or part.pointed, _link)
        if part.member:
            text = next(work.rglob(part.member))
            work = folder / "converted.npz"
            glove.convert(text, work)
        _move(work, target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a folder on the same disk as ``target``, removed afterwards."""
    with (
        disk_errors(target),
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as name,
    ):
        yield Path(name)


def _move(work: Path, target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    work.rename(target)


def _take(source: Source, part: Part, origin: Path, target: Path) -> None:
    """Bring one part over from a local folder, verified."""
    copy = origin / part.target
    if _filled(copy):
        files = sorted(p for p in copy.rglob("*") if p.is_file()) if copy.is_dir() else [copy]
        _check_sums(files, origin)
        _copy(copy, files, target)
        return
    published = origin / part.filename
    if not published.is_file():
        wanted = f"{part.target} or {part.filename}" if part.url else part.target
        raise HeartenError(f"{origin} holds no copy of {source.name} ({wanted})")
    if part.checksum:
        algorithm, expected = part.checksum.split(":")
        if digest_of(published, algorithm) != expected:
            raise HeartenError(f"{published} is damaged: its {algorithm} is not {expected}")
    else:
        _say(f"{published}: no published checksum to compare with")
    _place(part, published, target, target.parent / DOWNLOADS / source.name / "objects")


def _check_sums(files: list[Path], origin: Path) -> None:
    """Compare files with the SHA256SUMS of their folder, if it has one."""
    listing = origin / SUMS
    if not listing.is_file():
        _say(f"{origin} has no {SUMS}: copied without verification")
        return
    pairs = (line.split(maxsplit=1) for line in listing.read_text("utf-8").splitlines() if line)
    expected = {name.lstrip("*"): digest for digest, name in pairs}
    for file in files:
        name = file.relative_to(origin).as_posix()
        if name not in expected:
            raise HeartenError(f"{name} is not in {listing}: not a verified copy")
        if digest_of(file, "sha256") != expected[name]:
            raise HeartenError(f"{file} is damaged: its sha256 is not the one in {listing}")


def _copy(copy: Path, files: list[Path], target: Path) -> None:
    """Hard-link or copy ``files`` below ``copy`` to ``target``, which appears complete or not."""
    check_space(target.parent, sum(file.stat().st_size for file in files))
    with _beside(target) as folder:
        work = folder / "new"
        for file in files:
            place = work / file.relative_to(copy) if copy.is_dir() else work
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(file, place)
        _move(work, target)


def _link(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:  # another file system, or one without links
        shutil.copyfile(file, place)


def _licence(source: Source, accepted: bool, ask: bool) -> None:
    """Print the licence; when downloading, have it accepted or raise HeartenError."""
    corpus = source.corpus
    _say(f"{source.name}: licence {corpus.LICENCE} ({corpus.LICENCE_URL})\n  cite: {corpus.CITE}")
    if accepted or not ask:
        return
    if not sys.stdin.isatty():
        raise HeartenError(f"the licence of {source.name} has to be accepted: add --accept-licence")
    sys.stderr.write("Accept? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise HeartenError(f"licence not accepted: {source.name} was not fetched")


def _is_in(origin: Path, source: Source) -> bool:
    """Tell whether a local folder has every part of a corpus, in either layout."""
    return all(
        _filled(origin / part.target) or (origin / part.filename).is_file() for part in source.parts
    )


def _filled(place: Path) -> bool:
    return any(place.iterdir()) if place.is_dir() else place.is_file()


def _names() -> str:
    return ", ".join([*BY_NAME, "all"])


def _say(text: str) -> None:
    print(text, file=sys.stderr)

"""A folder of wheels that installs hearten on another machine without a network or a compiler.

``python -m tests.arm.wheelhouse aarch64 3.13`` (``make wheelhouse ARCH=aarch64 PY=3.13``).
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[2]
GLIBC = range(17, 37)  # 2.17 to 2.36, that of Debian 12
PYTHONS = {"3.11", "3.12", "3.13"}
ARCHITECTURES = {"aarch64": ("asr",), "armv7l": (), "x86_64": ("asr",)}  # extras that have wheels
# No wheel for 32 bit: Debian's package, seen by a venv made with --system-site-packages.
DEBIAN = {("armv7l", "numpy"): "python3-numpy"}
LIMIT = 300.0  # seconds for one run of pip


class MissingError(Exception):
    """Something has no wheel for the machine; the message says what, and what helps."""


class Wheelhouse:
    """Wheels for one architecture (``uname -m``) and Python (``3.13``) in one folder."""

    def __init__(self, place: Path, architecture: str, python: str) -> None:
        """Raises MissingError for a machine that cannot run hearten."""
        if architecture not in ARCHITECTURES or python not in PYTHONS:
            known = f"{', '.join(ARCHITECTURES)}; Python {', '.join(sorted(PYTHONS))}"
            raise MissingError(f"no wheels for {architecture}, Python {python}; there are {known}")
        if architecture == "armv7l" and python != "3.11":
            raise MissingError(
                f"no TFLite interpreter has a wheel for armv7l and Python {python}: use the "
                "64-bit system, or Python 3.11 (Raspberry Pi OS 12)"
            )
        place.mkdir(parents=True, exist_ok=True)
        self.place, self.architecture, self.python = place, architecture, python
        self.debian: set[str] = set()

    def fill(self, extras: Iterable[str], pins: Sequence[str] = ()) -> None:
        """Build our wheel and download all that it needs, to the last dependency.

        ``pins`` are requirements as ``numpy==2.4.0`` that choose among versions.
        """
        limits = {canonicalize_name(pin.name): pin.specifier for pin in map(Requirement, pins)}
        waiting = list(self._requirements(self._build(), set(extras)))
        done: set[str] = set()
        while waiting:
            wanted = waiting.pop(0)
            name = canonicalize_name(wanted.name)
            limits[name] = limits.get(name, SpecifierSet()) & wanted.specifier
            spec = f"{name}{limits[name]}"
            if self._from_debian(name) or f"{spec}{sorted(wanted.extras)}" in done:
                continue
            done.add(f"{spec}{sorted(wanted.extras)}")
            wheel = self._wheel(name, limits[name])
            wheel = wheel or download(spec, self.place, self.architecture, self.python)
            waiting += self._requirements(wheel, wanted.extras)

    def _build(self) -> Path:
        """Build our wheel, unless the one that is there comes from the same sources."""
        stamp, wanted = self.place / ".sources", _digest()
        made = list(self.place.glob("hearten-*.whl"))
        if len(made) == 1 and stamp.is_file() and stamp.read_text() == wanted:
            return made[0]
        for old in made:
            old.unlink()
        wheel = build(self.place)
        stamp.write_text(wanted)
        return wheel

    def _requirements(self, wheel: Path, extras: set[str]) -> Iterator[Requirement]:
        """Yield what a wheel needs on the machine, which is not this one."""
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            fields = HeaderParser().parsestr(archive.read(name).decode())
        there = {
            **default_environment(),
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.architecture,
        }
        for text in fields.get_all("Requires-Dist", []):
            wanted = Requirement(text)
            marker = wanted.marker
            if not marker or any(marker.evaluate(there | {"extra": e}) for e in ("", *extras)):
                yield wanted

    def _wheel(self, name: str, limits: SpecifierSet) -> Path | None:
        """Return the wheel that is there and fits; those that do not are removed."""
        found = None
        for path in self.place.glob("*.whl"):
            own, version, *_ = parse_wheel_filename(path.name)
            if own == name and limits.contains(version, prereleases=True):
                found = path
            elif own == name:
                path.unlink()
        return found

    def _from_debian(self, name: str) -> bool:
        package = DEBIAN.get((self.architecture, name))
        self.debian |= {package} if package else set()
        return package is not None


def download(spec: str, place: Path, architecture: str, python: str) -> Path:
    """Download one wheel for another machine into ``place``, without what it needs; return it.

    Raises MissingError, with pip's reason, where there is none.
    """
    before = set(place.glob("*.whl"))
    tags = [f"manylinux_2_{minor}_{architecture}" for minor in GLIBC]
    tags += [f"manylinux2014_{architecture}", f"linux_{architecture}"]
    options = [option for tag in tags for option in ("--platform", tag)]
    options += ["--python-version", python, "--only-binary", ":all:", "--no-deps"]
    pip("download", *options, "--dest", str(place), spec)
    (new,) = set(place.glob("*.whl")) - before
    return new


def build(place: Path, version: str | None = None) -> Path:
    """Build our wheel into ``place`` and return it, under another ``version`` if one is given.

    From a copy: setuptools leaves a folder beside the sources, and takes what lies in it again.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        shutil.copytree(ROOT / "edge", source / "edge", ignore=shutil.ignore_patterns("*.pyc"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        if version:
            about = source / "pyproject.toml"
            about.write_text(
                re.sub(r'(?m)^version = ".*"', f'version = "{version}"', about.read_text())
            )
        before = set(place.glob("hearten-*.whl"))
        pip("wheel", "--no-deps", "--wheel-dir", str(place), folder)
    (wheel,) = set(place.glob("hearten-*.whl")) - before
    return wheel


def _digest() -> str:
    """Return what changes with any file that goes into our wheel."""
    digest = hashlib.sha256()
    files = [path for path in (ROOT / "edge").rglob("*") if path.suffix != ".pyc"]
    for path in sorted([*files, ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE"]):
        if path.is_file():
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def pip(*arguments: str) -> None:
    """Run this machine's pip; raises MissingError with its last word, soon without a network."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    command += ["--retries", "2", "--timeout", "20", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    except subprocess.TimeoutExpired as error:
        raise MissingError(f"pip {arguments[0]} {arguments[-1]}: over {LIMIT:.0f} s") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or ["no reason"]
        raise MissingError(f"pip {arguments[0]} {arguments[-1]}: {said[-1]}")


def main() -> int:
    """Fill the folder and say what to do with it; 2 where the machine is not served."""
    parser = argparse.ArgumentParser(prog="make wheelhouse", description=__doc__)
    parser.add_argument("architecture", help=", ".join(ARCHITECTURES))
    parser.add_argument("python", help=", ".join(sorted(PYTHONS)))
    parser.add_argument("--extras", help="as asr,audio,web; default: those that have wheels")
    parser.add_argument("--to", type=Path, default=Path("wheelhouse"))
    args = parser.parse_args()
    try:
        house = Wheelhouse(args.to, args.architecture, args.python)
        given = ARCHITECTURES[args.architecture] if args.extras is None else args.extras.split(",")
        extras = [extra for extra in given if extra]
        house.fill(extras)
    except MissingError as error:
        print(f"wheelhouse: {error}", file=sys.stderr)
        return 2
    print(_advice(house, extras))
    return 0


def _advice(house: Wheelhouse, extras: Sequence[str]) -> str:
    size = sum(path.stat().st_size for path in house.place.glob("*.whl")) / 1e6
    what = f"hearten[{','.join(extras)}]" if extras else "hearten"
    own = " --system-site-packages" if house.debian else ""
    lines = [f"{house.place}: {len(list(house.place.glob('*.whl')))} wheels, {size:.0f} MB; there:"]
    if house.debian:
        lines.append(f"  sudo apt install {' '.join(sorted(house.debian))}")
    lines.append(f"  python3 -m venv{own} .venv")
    lines.append(f"  .venv/bin/pip install --no-index --find-links {house.place} '{what}'")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())

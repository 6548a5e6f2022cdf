"""Arm systems as folders: Debian's Python, and a wheelhouse to install from.

They lie in ``$HEARTEN_ARM``, else in ``~/.cache/hearten-arm``. Built once; our own wheel anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.arm.debian import unpack
from tests.arm.wheelhouse import Wheelhouse, pip

CACHE = Path(os.environ.get("HEARTEN_ARM") or "~/.cache/hearten-arm").expanduser().resolve()
# What the runtime's own tests need: Python alone, so one folder serves every system.
TEST_PACKAGES = ("pytest==9.2.0", "python-speech-features==0.6")


@dataclass(frozen=True, slots=True)
class Tree:
    """One system. ``release`` is Debian's, ``machine`` what ``uname -m`` says there."""

    name: str
    architecture: str
    machine: str
    release: str
    python: str
    packages: tuple[str, ...]
    extras: tuple[str, ...]
    cpu: str

    @property
    def place(self) -> Path:
        """Its folder."""
        return CACHE / self.name

    @property
    def house(self) -> Path:
        """The folder of its wheels."""
        return CACHE / f"{self.name}.wheels"

    @property
    def venv(self) -> Path:
        """Where our wheel is installed."""
        return CACHE / f"{self.name}.venv"

    @property
    def home(self) -> Path:
        """The home of its user."""
        return CACHE / f"{self.name}.home"

    @property
    def wanted(self) -> str:
        """What hearten is called to pip, with the extras that the system has wheels for."""
        return f"hearten[{','.join(self.extras)}]" if self.extras else "hearten"


TREES = {
    tree.name: tree
    for tree in (
        Tree(
            "pi-os-12-arm64",
            "arm64",
            "aarch64",
            "bookworm",
            "3.11",
            ("python3.11", "libstdc++6"),
            ("asr",),
            "cortex-a72",
        ),
        Tree(
            "pi-os-13-arm64",
            "arm64",
            "aarch64",
            "trixie",
            "3.13",
            ("python3.13", "libstdc++6"),
            ("asr",),
            "cortex-a76",
        ),
        Tree(
            "pi-os-12-armhf",
            "armhf",
            "armv7l",
            "bookworm",
            "3.11",
            ("python3.11", "python3-numpy", "libstdc++6"),
            (),
            "cortex-a15",
        ),
    )
}


def prepare() -> None:
    """Get what all trees share: the emulator, pip and the packages of tests.

    Raises HeartenError or MissingError where the network does not give one.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "no-programs").mkdir(exist_ok=True)  # the PATH of a system without a compiler
    unpack("amd64", "bookworm", ["qemu-user"], CACHE / "qemu")
    if not list(CACHE.glob("pip-*.whl")):
        pip("download", "--no-deps", "--dest", str(CACHE), "pip")
    stamp, wanted = CACHE / "tests" / ".packages", " ".join(TEST_PACKAGES)
    if not (stamp.is_file() and stamp.read_text() == wanted):
        pip("install", "--upgrade", "--target", str(stamp.parent), *TEST_PACKAGES)
        stamp.write_text(wanted)


def build(tree: Tree, pins: Iterable[str]) -> None:
    """Make the tree and its wheels, as far as they are not there, with ``pins`` for versions.

    Raises HeartenError or MissingError where it cannot.
    """
    unpack(tree.architecture, tree.release, tree.packages, tree.place)
    Wheelhouse(tree.house, tree.machine, tree.python).fill(tree.extras, list(pins))


def python(tree: Tree) -> Path:
    """Return Debian's Python in the tree."""
    return tree.place / "usr" / "bin" / f"python{tree.python}"


def wheels(tree: Tree) -> Sequence[str]:
    """Return the names of the wheels, and a name for the content of ours."""
    names = sorted(path.name for path in tree.house.glob("*.whl"))
    return [*names, (tree.house / ".sources").read_text()]

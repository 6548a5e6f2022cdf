"""Arm systems as folders: Debian's Python and our wheel in a venv, run by QEMU in user mode.

They lie in ``$HEARTEN_ARM``, else in ``~/.cache/hearten-arm``. Built once; our own wheel anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import HeartenError
from tests.arm.debian import unpack
from tests.arm.wheelhouse import Wheelhouse, pip

CACHE = Path(os.environ.get("HEARTEN_ARM") or "~/.cache/hearten-arm").expanduser().resolve()
PLUGIN = Path(__file__).with_name("count_instructions.c")
LIMIT = 1800.0  # seconds for one emulated program, on a busy machine
# Part number and features in /proc/cpuinfo. QEMU 7.2 shows the host's there, and litert 2.3 falls
# over processors that it does not find; what lies in the tree goes before.
CPUS = {
    "cortex-a53": ("0xd03", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a72": ("0xd08", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a76": ("0xd0b", "fp asimd evtstrm crc32 atomics fphp asimdhp cpuid asimdrdm asimddp"),
    "cortex-a15": ("0xc0f", "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt"),
}


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


def build(tree: Tree, pins: Sequence[str]) -> None:
    """Make the tree, its wheels and the emulator, as far as they are not there.

    ``pins`` choose versions of wheels. Raises HeartenError or MissingError where it cannot.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "no-programs").mkdir(exist_ok=True)  # the PATH of a system without a compiler
    unpack("amd64", "bookworm", ["qemu-user"], CACHE / "qemu")
    unpack(tree.architecture, tree.release, tree.packages, tree.place)
    Wheelhouse(tree.house, tree.machine, tree.python).fill(tree.extras, pins)
    if not list(CACHE.glob("pip-*.whl")):
        pip("download", "--no-deps", "--dest", str(CACHE), "pip")


def counter() -> Path:
    """Compile the plugin where it has changed, and return it."""
    library = CACHE / "count_instructions.so"
    if not library.exists() or library.stat().st_mtime < PLUGIN.stat().st_mtime:
        command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, PLUGIN]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise HeartenError(f"cc cannot make the instruction counter: {done.stderr}")
    return library


def install(tree: Tree, *arguments: str, fresh: bool = False) -> None:
    """Run the tree's own pip in its venv, offline and without a compiler."""
    if fresh:
        shutil.rmtree(tree.venv, ignore_errors=True)
        system = ["--system-site-packages"] if tree.architecture == "armhf" else []
        run(tree, "-m", "venv", "--without-pip", *system, str(tree.venv), python=_python(tree))
    (installer,) = CACHE.glob("pip-*.whl")
    offline = ["--no-index", "--find-links", str(tree.house), "--no-cache-dir", "--quiet"]
    run(tree, f"{installer}/pip", "install", *offline, *arguments)


def run(
    tree: Tree, *arguments: str, python: Path | None = None, cpu: str = "", counted: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the Python of a tree (its venv's, unless one is given) on an emulated processor.

    Raises HeartenError, with the last lines of what it printed, where it fails.
    """
    cpu = cpu or tree.cpu
    _describe(tree, cpu)
    home = CACHE / f"{tree.name}.home"
    emulator = [*_emulator(tree), "-L", str(tree.place), "-cpu", cpu]
    emulator += ["-E", f"LD_LIBRARY_PATH={_libraries(tree)}"]
    if counted:
        emulator += ["-plugin", str(counter()), "-d", "plugin"]
    with tempfile.TemporaryDirectory() as here:
        done = subprocess.run(
            [*emulator, str(python or tree.venv / "bin" / "python"), *arguments],
            env=_environment(home),
            cwd=here,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    if done.returncode:
        said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise HeartenError(
            f"{tree.name}: {' '.join(arguments)[:80]} ended {done.returncode}: {said}"
        )
    return done


def _python(tree: Tree) -> Path:
    return tree.place / "usr" / "bin" / f"python{tree.python}"


def _emulator(tree: Tree) -> list[str]:
    """Return QEMU of Debian 12 with its own loader and libraries, whatever system this is.

    That of Debian 13 is linked statically and loads no plugins.
    """
    room = CACHE / "qemu"
    libraries = [room / "lib/x86_64-linux-gnu", room / "usr/lib/x86_64-linux-gnu"]
    name = "qemu-arm" if tree.architecture == "armhf" else "qemu-aarch64"
    path = ":".join(map(str, libraries))
    loader = libraries[0] / "ld-linux-x86-64.so.2"
    return [str(loader), "--library-path", path, str(room / "usr" / "bin" / name)]


def _libraries(tree: Tree) -> str:
    """Return where the guest looks for libraries; alternatives, as of BLAS, are not set up."""
    (room,) = (tree.place / "usr" / "lib").glob("*-linux-gnu*")
    other = tree.place / "lib" / room.name
    return ":".join(map(str, (other, room, room / "blas", room / "lapack")))


def _describe(tree: Tree, cpu: str) -> None:
    part, features = CPUS[cpu]
    version = "7" if tree.architecture == "armhf" else "8"
    lines = [f"Features\t: {features}", "CPU implementer\t: 0x41", f"CPU architecture: {version}"]
    lines += ["CPU variant\t: 0x0", f"CPU part\t: {part}", "CPU revision\t: 3", ""]
    described = tree.place / "proc" / "cpuinfo"
    described.parent.mkdir(exist_ok=True)
    described.write_text("\n".join(f"processor\t: {n}\n" + "\n".join(lines) for n in range(4)))


def _environment(home: Path) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    return {
        "PATH": str(CACHE / "no-programs"),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }

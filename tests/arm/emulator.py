"""Run a tree's Python on an emulated Arm processor, bounded in time, its instructions counted.

QEMU in user mode: one process, this machine's kernel and files, the tree's libraries.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.errors import HeartenError
from tests.arm.trees import CACHE, Tree

PLUGIN = Path(__file__).with_name("count_instructions.c")
LIMIT = 900.0  # seconds for one emulated program, on a busy machine
SYSTEM = "sys/devices/system/cpu"
TRIES = 3  # QEMU 7.2 with a plugin falls over now and then, once in about ten runs
# Part number and features in /proc/cpuinfo. QEMU 7.2 shows the host's there and in /sys, and both
# interpreters fall over cores that they find in one alone; what lies in the tree goes before.
CPUS = {
    "cortex-a53": ("0xd03", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a72": ("0xd08", "fp asimd evtstrm crc32 cpuid"),
    "cortex-a76": ("0xd0b", "fp asimd evtstrm crc32 atomics fphp asimdhp cpuid asimdrdm asimddp"),
    "cortex-a15": ("0xc0f", "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt"),
}


def run(
    tree: Tree,
    *arguments: str,
    python: Path | None = None,
    cpu: str = "",
    counted: bool = False,
    extra: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the Python of a tree (its venv's, unless one is given) on an emulated processor.

    Raises HeartenError, with the last lines of what it printed, where it fails or takes too long.
    """
    cpu = cpu or tree.cpu
    _describe(tree, cpu)
    command = [*_emulator(tree), "-L", str(tree.place), "-cpu", cpu]
    command += ["-E", f"LD_LIBRARY_PATH={_libraries(tree)}"]
    if counted:
        command += ["-plugin", str(counter()), "-d", "plugin"]
    command += [str(python or tree.venv / "bin" / "python"), *arguments]
    for _ in range(TRIES):
        done = _once(tree, command, _environment(tree) | dict(extra or {}))
        if done.returncode != -signal.SIGSEGV:
            break
        frames = [line.strip() for line in done.stderr.splitlines() if line.startswith("  File")]
        where = frames[0] if frames else _last(done)
        print(f"{tree.name:<15} the emulator fell over: {where}", file=sys.stderr)
    if done.returncode:
        what = " ".join(arguments)[:80]
        raise HeartenError(f"{tree.name}: {what} ended {done.returncode}: {_last(done)}")
    return done


def _once(
    tree: Tree, command: Sequence[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as here:
        try:
            return subprocess.run(
                command,
                env=environment,
                cwd=here,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            what = " ".join(command)[-80:]
            raise HeartenError(f"{tree.name}: ...{what} took over {LIMIT:.0f} s") from error


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])


def counter() -> Path:
    """Compile the plugin where it has changed, and return it."""
    library = CACHE / "count_instructions.so"
    if not library.exists() or library.stat().st_mtime < PLUGIN.stat().st_mtime:
        command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, PLUGIN]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise HeartenError("no cc for the instruction counter: apt install gcc") from error
        if done.returncode:
            raise HeartenError(f"cc cannot make the instruction counter: {done.stderr}")
    return library


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
    """Write what Linux says of the processor: four cores in one cluster, as on a Raspberry Pi."""
    part, features = CPUS[cpu]
    version = "7" if tree.architecture == "armhf" else "8"
    lines = [f"Features\t: {features}", "CPU implementer\t: 0x41", f"CPU architecture: {version}"]
    lines += ["CPU variant\t: 0x0", f"CPU part\t: {part}", "CPU revision\t: 3", ""]
    files = {"proc/cpuinfo": "\n".join(f"processor\t: {n}\n" + "\n".join(lines) for n in range(4))}
    files |= {f"{SYSTEM}/{name}": "0-3\n" for name in ("possible", "present", "online")}
    files[f"{SYSTEM}/kernel_max"] = "3\n"
    for core in range(4):
        place = f"{SYSTEM}/cpu{core}/topology"
        files |= {f"{place}/{name}_list": "0-3\n" for name in ("core_siblings", "cluster_cpus")}
        files |= {f"{place}/physical_package_id": "0\n", f"{place}/core_id": f"{core}\n"}
    for name, content in files.items():
        path = tree.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _environment(tree: Tree) -> dict[str, str]:
    tree.home.mkdir(exist_ok=True)
    return {
        "PATH": str(CACHE / "no-programs"),
        "HOME": str(tree.home),
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONFAULTHANDLER": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }

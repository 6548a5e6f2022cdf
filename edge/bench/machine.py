"""What this machine is: board, chip, clock, heat, and the versions of what runs on it."""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from edge import __version__
from edge.interpreter import interpreter_class

UNKNOWN = "unknown"
ROOT = Path("/")
# "CPU part" of /proc/cpuinfo.
CORES = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78",
}
# Bits of the firmware's word; each again 16 bits higher: since it was started.
THROTTLED = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
PACKAGES = {
    "ai_edge_litert.interpreter": "ai-edge-litert",
    "tflite_runtime.interpreter": "tflite-runtime",
    "tensorflow.lite": "tensorflow-cpu",
}
COOLEST, HOTTEST = -40.0, 150.0  # degrees: what lies outside is no temperature
VCGENCMD_PATIENCE = 5.0  # seconds


def describe(root: Path = ROOT) -> dict[str, Any]:
    """Return what does not change while measuring; ``root`` holds proc, sys and etc."""
    return {
        "board": _board(root),
        "soc": _soc(root),
        "cpu": _cpu(root),
        "cores": os.cpu_count() or 1,
        "memory_mb": _memory_mb(root),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "os": _system(root),
        "kernel": platform.release(),
        "architecture": f"{platform.machine()}, {8 * struct.calcsize('P')} bit",
        **versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that do the work."""
    module = interpreter_class()[1]
    return {
        "python": platform.python_version(),
        "interpreter": f"{PACKAGES[module]} {_version(PACKAGES[module])}",
        "numpy": _version("numpy"),
        "pocketsphinx": _version("pocketsphinx"),
        "hearten": __version__,
    }


def condition(root: Path = ROOT) -> dict[str, Any]:
    """Return what may change while measuring: clock, heat, throttling, and how busy it is."""
    return {
        "mhz": _mhz(root),
        "temperature_c": _temperature(root),
        "throttling": throttling(root),
        "load": _load(root),
    }


def throttling(root: Path = ROOT) -> str:
    """Return what the firmware says it did to the clock: "none", a list, or "unknown"."""
    word = _text(root / FIRMWARE)
    if word == UNKNOWN and root == ROOT and shutil.which("vcgencmd"):
        word = _vcgencmd()
    try:
        bits = int(word.rpartition("=")[2], 16)
    except ValueError:
        return UNKNOWN
    now = [f"{name} now" for bit, name in enumerate(THROTTLED) if bits >> bit & 1]
    past = [f"{name} since start" for bit, name in enumerate(THROTTLED, 16) if bits >> bit & 1]
    return ", ".join(now + past) or "none"


def _vcgencmd() -> str:
    try:
        command = ["vcgencmd", "get_throttled"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=VCGENCMD_PATIENCE
        )
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return done.stdout.strip()


def _board(root: Path) -> str:
    for place in ("proc/device-tree/model", "sys/class/dmi/id/product_name"):
        if (name := _text(root / place)) != UNKNOWN:
            return name
    about = _cpuinfo(root)
    return about.get("Model") or about.get("model name") or UNKNOWN


def _soc(root: Path) -> str:
    """Return the chip's name: the last that the board says it is compatible with."""
    compatible = _text(root / "proc/device-tree/compatible").replace("\0", " ").split()
    if compatible and compatible != [UNKNOWN]:
        return compatible[-1].rpartition(",")[2].upper()
    return _cpuinfo(root).get("Hardware", UNKNOWN)


def _cpu(root: Path) -> str:
    about = _cpuinfo(root)
    part = about.get("CPU part", "")
    return CORES.get(part) or about.get("model name") or (f"part {part}" if part else UNKNOWN)


def _cpuinfo(root: Path) -> dict[str, str]:
    """Return the fields of /proc/cpuinfo, of the last core where they differ: the fastest."""
    pairs = (line.partition(":") for line in _text(root / "proc/cpuinfo").splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _system(root: Path) -> str:
    for line in _text(root / "etc/os-release").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip("\"'")
    return platform.system()


def _memory_mb(root: Path) -> int | None:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal" and value.split()[:1] and value.split()[0].isdecimal():
            return int(value.split()[0]) // 1024
    return None


def _mhz(root: Path) -> int | None:
    clock = _number(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
    if clock is not None:
        return round(clock / 1000.0)
    try:
        return round(float(_cpuinfo(root)["cpu MHz"]))
    except (KeyError, ValueError):
        return None


def _temperature(root: Path) -> float | None:
    """Return the temperature of the processor's zone in degrees Celsius, else of the first."""
    found = []
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        degrees = _number(zone / "temp")
        if degrees is not None and COOLEST <= degrees / 1000.0 <= HOTTEST:
            kind = _text(zone / "type").lower()
            other = not any(name in kind for name in ("cpu", "soc", "pkg"))
            found.append((other, zone.name, round(degrees / 1000.0, 1)))
    return min(found)[2] if found else None


def _load(root: Path) -> float | None:
    """Return how many programs wanted a core in the last minute."""
    try:
        return float(_text(root / "proc/loadavg").split()[0])
    except (IndexError, ValueError):
        return None


def _number(path: Path) -> float | None:
    try:
        return float(_text(path))
    except ValueError:
        return None


def _text(path: Path) -> str:
    """Return a file's text, "unknown" where it is missing, unreadable or empty."""
    try:
        return path.read_text("utf-8", "replace").strip("\0 \n") or UNKNOWN
    except OSError:
        return UNKNOWN


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none" if package == "pocketsphinx" else UNKNOWN

"""Debian packages of another architecture or release, unpacked into a folder; no root, no chroot.

apt runs with state of its own: this machine's configured mirror and keys, none of its packages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edge.errors import HeartenError

CONFIG = """#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Dir::State "{state}";
Dir::State::Lists "{state}/lists";
Dir::State::status "/dev/null";
Debug::NoLocking "true";
Dir::Cache "{state}/cache";
Dir::Etc::sourcelist "{state}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""
LIMIT = 600.0  # seconds for one run of apt or dpkg
LINKS = ("bin", "lib", "sbin")  # what base-files links into /usr, where packages expect it


def unpack(architecture: str, release: str, packages: Sequence[str], place: Path) -> bool:
    """Unpack packages and all they depend on into ``place``; return False where they lie already.

    ``release`` is a code name, as ``trixie``. Raises HeartenError where apt cannot get them.
    """
    wanted = hashlib.sha256(" ".join([architecture, release, *packages]).encode()).hexdigest()
    stamp = place / ".unpacked"
    if stamp.is_file() and stamp.read_text() == wanted:
        return False
    state = place.with_name(f"{place.name}.apt")
    for folder in (place, state):
        shutil.rmtree(folder, ignore_errors=True)
    for archive in _download(architecture, release, packages, state):
        _run(["dpkg", "-x", str(archive), str(place)])
    for name in LINKS:
        if not (place / name).exists():
            (place / name).symlink_to(f"usr/{name}")
    shutil.rmtree(state)
    stamp.write_text(wanted)
    return True


def _download(architecture: str, release: str, packages: Sequence[str], state: Path) -> list[Path]:
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "sources.list").write_text(f"deb {_mirror()} {release} main\n")
    config = state / "apt.conf"
    config.write_text(CONFIG.format(architecture=architecture, state=state))
    environment = {**os.environ, "APT_CONFIG": str(config)}
    _run(["apt-get", "-qq", "update"], environment)
    _run(["apt-get", "-qq", "--download-only", "--yes", "install", *packages], environment)
    return sorted((state / "cache" / "archives").glob("*.deb"))


def _mirror() -> str:
    """Return the address of the Debian archive that this machine is configured with."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"]
    for line in _run(asked).splitlines():
        address, _, label = line.partition(" ")
        if label == "Debian":
            return address
    raise HeartenError("apt knows no Debian archive: run apt-get update once, on Debian")


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """Run a command and return what it prints; raises HeartenError with its last line."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except FileNotFoundError as error:
        raise HeartenError(f"no {command[0]}: the Arm trees are built on Debian") from error
    except subprocess.TimeoutExpired as error:
        raise HeartenError(f"{' '.join(command[:4])} took over {LIMIT:.0f} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        first = next((line for line in said if line.startswith("E:")), said[-1])
        raise HeartenError(f"{' '.join(command[:4])} failed: {first}")
    return done.stdout

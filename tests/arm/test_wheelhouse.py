"""Which machines are served, and which wheels stay; no network is used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.arm import wheelhouse
from tests.arm.wheelhouse import MissingError, Wheelhouse

NEEDS = {"hearten": ["numpy>=1.26", "lite>=1"], "lite": ["numpy>=2"], "numpy": []}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    """A wheelhouse whose index has numpy 1.26.4, 2.1 and 2.5, and lite 1.0."""
    index = {"numpy": ["2.5", "2.1", "1.26.4"], "lite": ["1.0"]}

    def download(spec: str, place: Path, *_: str) -> Path:
        wanted = wheelhouse.Requirement(spec)
        (version, *_rest) = [v for v in index[wanted.name] if wanted.specifier.contains(v)]
        return _wheel(place, wanted.name, version)

    monkeypatch.setattr(wheelhouse, "download", download)
    made = Wheelhouse(tmp_path, "aarch64", "3.13")
    monkeypatch.setattr(made, "_build", lambda: _wheel(tmp_path, "hearten", "0.1.0"))
    return made


def _wheel(place: Path, name: str, version: str) -> Path:
    path = place / f"{name}-{version}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {needed}" for needed in NEEDS[name]]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(lines) + "\n")
    return path


def names(house: Wheelhouse) -> list[str]:
    return sorted("-".join(path.name.split("-")[:2]) for path in house.place.glob("*.whl"))


def test_what_is_needed_by_what_is_needed_is_there(house: Wheelhouse) -> None:
    house.fill([])
    assert names(house) == ["hearten-0.1.0", "lite-1.0", "numpy-2.5"]


def test_a_pin_replaces_the_wheel_that_is_there(house: Wheelhouse) -> None:
    house.fill([])
    house.fill([], ["numpy==2.1"])
    assert names(house) == ["hearten-0.1.0", "lite-1.0", "numpy-2.1"]


def test_a_requirement_found_later_replaces_what_was_taken(house: Wheelhouse) -> None:
    _wheel(house.place, "numpy", "1.26.4")
    house.fill([])
    assert names(house) == ["hearten-0.1.0", "lite-1.0", "numpy-2.5"]


def test_a_house_left_half_way_is_filled(house: Wheelhouse) -> None:
    _wheel(house.place, "lite", "1.0")
    house.fill([])
    assert names(house) == ["hearten-0.1.0", "lite-1.0", "numpy-2.5"]


@pytest.mark.parametrize(
    ("machine", "python", "said"),
    [
        ("armv7l", "3.13", "use the 64-bit system, or Python 3.11"),
        ("armv6l", "3.11", "no wheels for armv6l"),
        ("aarch64", "3.9", "no wheels for aarch64, Python 3.9"),
    ],
)
def test_machines_that_are_not_served(tmp_path: Path, machine: str, python: str, said: str) -> None:
    with pytest.raises(MissingError, match=said):
        Wheelhouse(tmp_path, machine, python)

"""What a machine says of itself, read from trees that other machines would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.bench import machine, measure, table

PI4 = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
    "proc/cpuinfo": "processor\t: 0\nCPU part\t: 0xd08\n\nRevision\t: c03114\n",
    "proc/meminfo": "MemTotal:        3884332 kB\nMemFree: 1 kB\n",
    "proc/loadavg": "0.42 0.30 0.25 1/180 2222\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/class/thermal/thermal_zone0/type": "gpu\n",
    "sys/class/thermal/thermal_zone0/temp": "61000\n",
    "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone1/temp": "48312\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_a_raspberry_pi(tmp_path: Path) -> None:
    root = tree(tmp_path, PI4)
    about = machine.describe(root)
    assert about["board"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert (about["soc"], about["cpu"]) == ("BCM2711", "Cortex-A72")
    assert about["governor"] == "ondemand"
    assert about["memory_mb"] == 3793
    assert about["os"] == "Debian GNU/Linux 12 (bookworm)"
    assert machine.condition(root) == {
        "mhz": 1500,
        "temperature_c": 48.3,
        "throttling": "under-voltage now, throttled now, "
        "under-voltage since start, throttled since start",
        "load": 0.42,
    }


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    about = machine.describe(tmp_path)
    assert {about[key] for key in ("board", "soc", "cpu", "governor")} == {"unknown"}
    assert about["memory_mb"] is None
    values = machine.condition(tmp_path)
    assert values == {
        "mhz": None,
        "temperature_c": None,
        "throttling": "unknown",
        "load": None,
    }
    assert table.condition(values) == "clock unknown, heat unknown, throttling unknown"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("0", "none"),
        ("0x0", "none"),
        ("throttled=0x80000", "soft temperature limit since start"),
        ("2", "frequency capped now"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_throttling(tmp_path: Path, word: str, said: str) -> None:
    assert machine.throttling(tree(tmp_path, {machine.FIRMWARE: word})) == said


def test_strange_values_are_no_measurements(tmp_path: Path) -> None:
    zone = "sys/class/thermal/thermal_zone0/"
    frequency = "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
    files = {zone + "type": "cpu", zone + "temp": "-274000", frequency: "fast"}
    values = machine.condition(tree(tmp_path, files | {"proc/loadavg": ""}))
    assert (values["temperature_c"], values["mhz"], values["load"]) == (None, None, None)


def test_other_processors(tmp_path: Path) -> None:
    pc = "model name\t: Some CPU @ 2 GHz\ncpu MHz\t\t: 2596.1\n"
    root = tree(tmp_path, {"proc/cpuinfo": pc, "sys/class/dmi/id/product_name": "Box 3\n"})
    assert machine.describe(root)["cpu"] == "Some CPU @ 2 GHz"
    assert machine.describe(root)["board"] == "Box 3"
    assert machine.condition(root)["mhz"] == 2596
    (tmp_path / "proc/cpuinfo").write_text("Hardware\t: BCM2835\nCPU part\t: 0x123\n")
    about = machine.describe(root)
    assert (about["soc"], about["cpu"]) == ("BCM2835", "part 0x123")


def test_what_disturbs_is_noted(tmp_path: Path) -> None:
    root = tree(tmp_path, PI4)
    about = machine.describe(root) | {"cores": 4, "governor": "powersave"}
    before, after = machine.condition(root), machine.condition(root)
    report = {"machine": about, "condition": {"before": before, "after": after}}
    assert measure._notes(report) == (
        "the board held itself back: under-voltage now, throttled now; "
        "the governor is powersave: the clock stays low"
    )
    before["load"], about["governor"], after["throttling"] = 2.5, "ondemand", "none"
    assert measure._notes(report) == "other programs were running: load 2.5 on 4 cores"


def test_this_machine() -> None:
    about = machine.describe()
    assert about["cpu"] != "unknown"
    assert about["interpreter"].split()[-1][0].isdecimal()
    assert machine.condition()["load"] >= 0

"""Which interpreter runs the graphs, and what is said where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge import HeartenError, interpreter
from tests.edge.test_cli import HEARTEN, refused


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Let each test look for an interpreter anew."""
    interpreter.interpreter_class.cache_clear()
    yield
    interpreter.interpreter_class.cache_clear()


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A system without any interpreter."""
    for name in interpreter.LADDER:
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, name.partition(".")[0], None)
    return monkeypatch


@pytest.mark.parametrize(
    ("machine", "largest", "python", "said"),
    [
        ("x86_64", 2**63 - 1, (3, 11), "x86_64, 64 bit, Python 3.11: pip install tflite-runtime"),
        ("aarch64", 2**63 - 1, (3, 13), "aarch64, 64 bit, Python 3.13: pip install ai-edge-litert"),
        ("armv7l", 2**31 - 1, (3, 11), "OS 12, 32 bit, .*voice only.* apt install python3-numpy"),
        ("aarch64", 2**31 - 1, (3, 13), "32 bit, Python 3.13: .*OS 13.*use a 64-bit system"),
    ],
)
def test_the_platform_and_the_fix_are_named(
    nothing: pytest.MonkeyPatch, machine: str, largest: int, python: tuple[int, int], said: str
) -> None:
    nothing.setattr(interpreter.platform, "machine", lambda: machine)
    nothing.setattr(interpreter.sys, "maxsize", largest)
    nothing.setattr(interpreter.sys, "version_info", (*python, 2, "final", 0))
    with pytest.raises(HeartenError, match=said):
        interpreter.interpreter_class()


def test_an_interpreter_that_cannot_be_imported_says_why(
    nothing: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "tflite_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    fault = "raise ImportError('numpy.core.multiarray failed to import')"
    (package / "interpreter.py").write_text(fault)
    nothing.syspath_prepend(tmp_path)
    for name in ("tflite_runtime", "tflite_runtime.interpreter"):
        nothing.delitem(sys.modules, name)
    with pytest.raises(HeartenError, match=r"tflite_runtime.* cannot be imported: numpy.core"):
        interpreter.interpreter_class()


def test_without_an_interpreter_the_command_says_one_line(tmp_path: Path, samples: Path) -> None:
    for name in ("ai_edge_litert", "tflite_runtime", "tensorflow"):
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [*HEARTEN, "file", str(samples / "joy_awb.wav")]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    refused(done, "no TFLite interpreter found on", "pip install")


def test_help_and_the_package_need_no_numpy() -> None:
    program = (
        "import sys, edge; from edge import HeartenError; assert 'numpy' not in sys.modules;"
        "assert edge.Engine.__name__ == 'Engine' and edge.Word and 'numpy' in sys.modules;"
        "print(hasattr(edge, 'nothing'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "False\n"


def test_the_engine_imports_what_it_needs_for_the_voice() -> None:
    """Each of these costs milliseconds of every start."""
    program = (
        "import sys; from edge import Engine; first = set(sys.modules);"
        "Engine.open(words=False).push(bytes(32000));"
        "print({'edge.pack', 'edge.voice'} & first);"
        "print({'edge.words', 'edge.text', 'edge.fusion', 'edge.archive', 'edge.audio.files',"
        "'logging', 'tempfile', 'importlib.resources'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["set()", "set()"]

"""One TFLite graph, ready to run: the only place that knows which interpreter is installed."""

from __future__ import annotations

import importlib
import platform
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError, PackError

WHEELS_311 = "tflite-runtime 'numpy<2'"
LADDER = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite")


@cache
def interpreter_class() -> tuple[Any, str]:
    """Return the first interpreter class of the ladder and its module's name.

    Raises:
        HeartenError: none is installed, or none can be imported; the message names the platform
            and the fix.
    """
    np.finfo(np.float32)  # warns of small numbers once an interpreter has changed how they are kept
    broken = ""
    for name in LADDER:
        try:
            return importlib.import_module(name).Interpreter, name
        except ModuleNotFoundError as error:
            if (error.name or "") not in (name, name.partition(".")[0]):
                broken = broken or f"; {name} needs {error.name}"
        except ImportError as error:  # above all: built for another numpy
            broken = broken or f"; {name} cannot be imported: {error!s:.80}"
    machine, python = platform.machine() or sys.platform, sys.version_info[:2]
    bits = 32 if sys.maxsize < 2**32 else 64  # a 64-bit kernel may run a 32-bit system
    here = f"{machine}, {bits} bit, Python {python[0]}.{python[1]}"
    raise HeartenError(f"no TFLite interpreter found on {here}{broken}: {_advice(bits, python)}")


def _advice(bits: int, python: tuple[int, int]) -> str:
    """Return what gives a system an interpreter, or what to use instead."""
    if bits == 64:
        return "pip install " + WHEELS_311 if python < (3, 12) else "pip install ai-edge-litert"
    if python < (3, 12):  # no wheel of numpy for 32-bit Arm
        return (
            "on Raspberry Pi OS 12, 32 bit, hearten is voice only, with the system's numpy: "
            "sudo apt install python3-numpy && python3 -m venv --system-site-packages .venv && "
            f".venv/bin/pip install {WHEELS_311}"
        )
    return (
        "there is none for 32 bit and this Python, so hearten does not run on Raspberry Pi OS 13, "
        "32 bit: use a 64-bit system, or Raspberry Pi OS 12"
    )


class Graph:
    """A TFLite model held in memory, run on one thread.

    Shapes, types, scales and zero points come from the tensors. Integer inputs and outputs are
    quantised and dequantised here, so callers only see float32 (and int32 ids).
    """

    def __init__(self, content: bytes, name: str) -> None:
        """Load ``content``; ``name`` is used in messages. Raises PackError if it is no model."""
        make, module = interpreter_class()
        self.name = name
        try:
            self._interpreter = make(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        except SystemError as error:
            raise HeartenError(f"{module} cannot start; try pip install 'numpy<2'") from error
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
            raise PackError(f"{name} is not a TFLite model that runs here: {reason}") from error
        if not self._interpreter.get_signature_list():
            raise PackError(f"{name} does not name its inputs and outputs")
        runner = self._interpreter.get_signature_runner()
        self.inputs, self.outputs = runner.get_input_details(), runner.get_output_details()
        self._in = {name: _Place.of(detail) for name, detail in self.inputs.items()}
        self._out = {name: _Place.of(detail) for name, detail in self.outputs.items()}

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a named input or output. Raises PackError for an unknown name."""
        detail = self.inputs.get(tensor) or self.outputs.get(tensor)
        if detail is None:
            raise PackError(f"{self.name} has no tensor {tensor!r}")
        return tuple(int(n) for n in detail["shape"])

    def tensors(self) -> list[dict[str, Any]]:
        """Return the details of every tensor, weights included."""
        details: list[dict[str, Any]] = self._interpreter.get_tensor_details()
        return details

    def run(self, **values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Set every input by name, invoke, and return every output by name."""
        for name, value in values.items():
            place = self._in[name]
            self._interpreter.set_tensor(place.index, place.quantised(value))
        self._interpreter.invoke()
        get = self._interpreter.get_tensor
        return {name: place.real(get(place.index)) for name, place in self._out.items()}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a tensor is, and how it holds numbers; ``scale`` is 0 where they are as they are."""

    index: int
    dtype: Any
    scale: float
    zero: int

    @classmethod
    def of(cls, detail: dict[str, Any]) -> _Place:
        """Return that of a tensor's details."""
        return cls(detail["index"], detail["dtype"], *detail["quantization"])

    def quantised(self, value: NDArray[Any]) -> NDArray[Any]:
        """Return what the tensor holds for real values."""
        if not self.scale:
            return np.ascontiguousarray(value, self.dtype)
        limits = np.iinfo(self.dtype)
        steps: NDArray[Any] = np.rint(value / self.scale) + self.zero
        return np.clip(steps, limits.min, limits.max).astype(self.dtype)

    def real(self, value: NDArray[Any]) -> NDArray[Any]:
        """Return the real values of what the tensor holds."""
        if not self.scale:
            return value
        return (value.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)

"""One TFLite graph, ready to run: the only place that knows which interpreter is installed."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError, PackError

LADDER = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite")


@cache
def interpreter_class() -> tuple[Any, str]:
    """Return the first interpreter class of the ladder and its module's name.

    Raises:
        HeartenError: none is installed, or numpy is too new for it; the message names the fix.
    """
    for name in LADDER:
        try:
            return importlib.import_module(name).Interpreter, name
        except ImportError:
            continue
    raise HeartenError(f"no TFLite interpreter found: {_advice()}")


def _advice() -> str:
    """Return what gives this machine an interpreter; 32-bit Arm has one for Python 3.11 only."""
    if sys.version_info < (3, 12):
        return "pip install tflite-runtime 'numpy<2'"
    if sys.maxsize < 2**32:  # a 64-bit kernel may run a 32-bit system
        return "there is none for 32-bit Arm and this Python; use a 64-bit system or Python 3.11"
    return "pip install ai-edge-litert"


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
            detail = self.inputs[name]
            self._interpreter.set_tensor(detail["index"], _quantise(value, detail))
        self._interpreter.invoke()
        return {
            name: _dequantise(self._interpreter.get_tensor(detail["index"]), detail)
            for name, detail in self.outputs.items()
        }


def _quantise(value: NDArray[Any], detail: dict[str, Any]) -> NDArray[Any]:
    dtype = detail["dtype"]
    scale, zero = detail["quantization"]
    if not scale:
        return np.ascontiguousarray(value, dtype=dtype)
    limits = np.iinfo(dtype)
    steps: NDArray[Any] = np.clip(np.rint(value / scale) + zero, limits.min, limits.max)
    return steps.astype(dtype)


def _dequantise(value: NDArray[Any], detail: dict[str, Any]) -> NDArray[Any]:
    scale, zero = detail["quantization"]
    if not scale:
        return value
    real: NDArray[Any] = (value.astype(np.float32) - np.float32(zero)) * np.float32(scale)
    return real

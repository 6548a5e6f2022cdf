"""From a TensorFlow function to a TFLite file, float or quantised."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from edge.emotion import Floats

QUANTIZATIONS = ("float32", "float16", "int8-dynamic", "int8", "int16x8")

Samples = list[dict[str, Floats]]


def convert(function: Any, quantization: str, samples: Samples | None = None) -> bytes:
    """Convert a concrete function; ``samples`` calibrate full integer quantisation."""
    if quantization not in QUANTIZATIONS:
        raise ValueError(f"unknown quantisation {quantization!r}")
    holder = tf.Module()
    holder.function = function  # with an owner, the file keeps the names of inputs and outputs
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    if quantization != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantization in ("int8", "int16x8"):
        converter.representative_dataset = _calibration(samples or [])
        converter.target_spec.supported_ops = [_INTEGER_OPERATORS[quantization]]
    with quiet():
        return bytes(converter.convert())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the converter's notes, which its C++ writes to descriptor 2, off the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


_INTEGER_OPERATORS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}


def _calibration(samples: Samples) -> Callable[[], Iterator[dict[str, Floats]]]:
    """Return the generator that the converter asks for, inputs by name."""

    def generate() -> Iterator[dict[str, Floats]]:
        yield from samples

    return generate

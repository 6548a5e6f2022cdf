"""Any sampling rate to 16 kHz: a streaming polyphase windowed-sinc filter in numpy.

Output sample n lies at input position n * rate_in / rate_out (no delay), so its value is a
weighted sum of the inputs around that position. The weights of a block of outputs form one
matrix; blocks always start at the same places and have the same shape, therefore the result does
not depend on how the input was cut, not even in the last bit.
"""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from edge.errors import AudioError

Floats = NDArray[np.float32]

RATE = 16000
LOWEST, HIGHEST = 4000, 384000

# Flat to 92.5 % of the lower Nyquist frequency (7.4 kHz for 16 kHz), silent from 100 % on.
PASS = 0.925
ATTENUATION_DB = 80.0
# Points of the impulse response per zero crossing: linear interpolation is then 106 dB exact.
FINENESS = 512
BLOCK = 64
LARGEST_MATRIX = 2_000_000


class Resampler:
    """Mono float32 at ``rate_in`` to mono float32 at ``rate_out``, in pieces of any size.

    Flat within 0.01 dB to 7.4 kHz (92.5 % of the lower Nyquist frequency), aliases and images
    below -60 dB. Output is time aligned: n inputs become ceil(n * rate_out / rate_in) outputs.
    """

    def __init__(self, rate_in: int, rate_out: int = RATE) -> None:
        """Prepare the filter. Rates are Hz, 4000 to 384000; AudioError otherwise."""
        for rate in (rate_in, rate_out):
            if not LOWEST <= rate <= HIGHEST:
                raise AudioError(f"cannot resample {rate} Hz: rates go from {LOWEST} to {HIGHEST}")
        divisor = gcd(rate_in, rate_out)
        self._up, self._down = rate_out // divisor, rate_in // divisor
        self._half, self._response, self._step = _impulse_response(rate_in, rate_out)
        self._count = self._up * ceil(BLOCK / self._up)
        width = self._count * self._down // self._up + 2 * self._half
        self._matrix: Floats | None = None
        if self._count * width <= LARGEST_MATRIX and self._up != self._down:
            self._matrix = self._weights(0)
        elif self._up != self._down:
            self._count = BLOCK  # phases do not repeat soon enough: weights block by block
        self._start()

    def _start(self) -> None:
        self._buffer = np.zeros(self._half, np.float32)
        self._offset = -self._half  # input index of the first sample in the buffer
        self._taken = 0  # inputs so far
        self._made = 0  # outputs so far

    def push(self, samples: Floats) -> Floats:
        """Take samples of shape (n,) and return the outputs that they complete, shape (m,)."""
        samples = np.asarray(samples, np.float32)
        if self._up == self._down:
            return samples
        self._taken += len(samples)
        self._buffer = np.concatenate((self._buffer, samples))
        blocks = []
        while len(self._buffer) >= self._end() - self._offset:
            blocks.append(self._block())
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    def flush(self) -> Floats:
        """Return the outputs still due, as if silence followed, and start anew."""
        due = -(-self._taken * self._up // self._down) - self._made
        blocks = [np.zeros(0, np.float32)]
        while sum(map(len, blocks)) < due:
            missing = max(0, self._end() - self._offset - len(self._buffer))
            self._buffer = np.concatenate((self._buffer, np.zeros(missing, np.float32)))
            blocks.append(self._block())
        self._start()
        return np.concatenate(blocks)[: max(0, due)]

    def _end(self) -> int:
        """Return the input index after the last one that the next block needs."""
        last = (self._made + self._count - 1) * self._down // self._up
        return last + self._half + 1

    def _block(self) -> Floats:
        """Compute the next ``_count`` outputs and drop the inputs that no later one needs."""
        matrix = self._weights(self._made) if self._matrix is None else self._matrix
        inputs = np.zeros(matrix.shape[1], np.float32)
        piece = self._buffer[: min(len(inputs), self._end() - self._offset)]
        inputs[: len(piece)] = piece
        self._made += self._count
        first = self._made * self._down // self._up - self._half
        self._buffer = self._buffer[first - self._offset :]
        self._offset = first
        outputs: Floats = matrix @ inputs
        return outputs

    def _weights(self, first: int) -> Floats:
        """Return the weights of outputs ``first`` onwards, shape (count, inputs of the block).

        Column 0 is the input ``half`` samples before the first output. Rows sum to 1, so a
        constant stays constant in every phase.
        """
        index = (first + np.arange(self._count)) * self._down
        whole = index // self._up - first * self._down // self._up
        phase = (index % self._up) / self._up
        width = int(whole[-1]) + 2 * self._half + 1
        distance = np.abs((whole + self._half + phase)[:, None] - np.arange(width))
        grid = np.arange(len(self._response)) * self._step
        rows = np.interp(distance.ravel(), grid, self._response, right=0.0)
        weights = rows.reshape(distance.shape)
        normal: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        return normal


def _impulse_response(rate_in: int, rate_out: int) -> tuple[int, NDArray[np.float64], float]:
    """Return half width (inputs), one side of the sampled Kaiser-sinc, and its step (inputs).

    Kaiser's formulas: beta = 0.1102 (A - 8.7), length = (A - 7.95) / (14.36 * transition).
    """
    nyquist = min(rate_in, rate_out) / 2
    transition = nyquist * (1 - PASS) / rate_in
    cutoff = nyquist * (1 + PASS) / 2 / rate_in  # cycles per input sample
    half = ceil((ATTENUATION_DB - 7.95) / (14.36 * transition) / 2)
    beta = 0.1102 * (ATTENUATION_DB - 8.7)
    points = ceil(half * 2 * cutoff * FINENESS) + 1
    step = half / (points - 1)
    distance = np.linspace(0.0, half, points)
    window = np.i0(beta * np.sqrt(np.maximum(0.0, 1 - (distance / half) ** 2))) / np.i0(beta)
    return half, 2 * cutoff * np.sinc(2 * cutoff * distance) * window, step

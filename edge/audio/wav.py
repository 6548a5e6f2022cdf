"""RIFF/WAVE files, read forwards in pieces: PCM of 8 to 32 bits, float, any number of channels."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import AudioError

Floats = NDArray[np.float32]
Values = NDArray[np.floating[Any]]

PCM, FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
CODECS = {
    0x0002: "Microsoft ADPCM",
    0x0006: "A-law",
    0x0007: "mu-law",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0050: "MPEG audio",
    0x0055: "MP3",
    0x00FF: "AAC",
    0x0160: "Windows Media Audio",
    0x0161: "Windows Media Audio",
}
CONVERT = "convert with: ffmpeg -i in -ar 16000 -ac 1 out.wav"
UNKNOWN_SIZE = 0xFFFFFFFF
PIECE = 1 << 16
# Sizes in bytes.
INT24 = 3
CHUNK_HEAD, SHORTEST_FORMAT, EXTENSIBLE_FORMAT = 8, 16, 40


@dataclass(frozen=True, slots=True)
class Format:
    """How samples are stored: ``tag`` PCM or FLOAT, rate in Hz, bytes a sample (container)."""

    tag: int
    channels: int
    rate: int
    width: int

    @property
    def frame(self) -> int:
        """Bytes of one frame: one sample of every channel."""
        return self.channels * self.width


class WavReader:
    """A WAVE stream whose header has been read.

    ``format`` says how samples are stored; ``frames`` is the number the header announces, None
    when it does not know (a file written to a pipe). ``start`` is the byte where data begin.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Read the header of ``file``; ``name`` is used in messages.

        Raises:
            AudioError: not RIFF/WAVE, cut short, without format or data, or a codec not read here.
        """
        self._file = file
        self._name = name
        magic, riff_size, kind = struct.unpack("<4sI4s", self._exactly(12, "header"))
        if magic not in (b"RIFF", b"RF64") or kind != b"WAVE":
            raise AudioError(f"{name} is not a RIFF/WAVE file; {CONVERT}")
        self.start = 12
        self.format, size = self._chunks()
        unknown = size == UNKNOWN_SIZE or (size == 0 and _streamed(riff_size, self.start))
        self.frames = None if unknown else size // self.format.frame

    def _chunks(self) -> tuple[Format, int]:
        """Walk over the chunks up to ``data``; return the format and the announced data size."""
        found: Format | None = None
        while True:
            head = _read(self._file, CHUNK_HEAD)
            if len(head) < CHUNK_HEAD:
                missing = "data" if found else "fmt"
                raise AudioError(f"{self._name} is damaged: it ends before its {missing} chunk")
            self.start += CHUNK_HEAD
            name, size = struct.unpack("<4sI", head)
            if name == b"data":
                if found is None:
                    raise AudioError(f"{self._name} is damaged: data come before a fmt chunk")
                return found, size
            if name == b"fmt ":
                found = parse_format(self._exactly(size, "fmt chunk"), self._name)
                self._skip(size % 2)
            else:
                self._skip(size + size % 2)
            self.start += size + size % 2

    def _exactly(self, size: int, part: str) -> bytes:
        data = _read(self._file, min(size, PIECE))
        if len(data) < size:
            raise AudioError(f"{self._name} is damaged: its {part} is cut short")
        return data

    def _skip(self, size: int) -> None:
        """Read past ``size`` bytes; a chunk that runs past the end is noticed by the next head."""
        while size > 0:
            got = len(_read(self._file, min(size, PIECE)))
            if not got:
                return
            size -= got


def parse_format(chunk: bytes, name: str) -> Format:
    """Return the format that a ``fmt`` chunk describes; AudioError if it is damaged or unread."""
    if len(chunk) < SHORTEST_FORMAT:
        raise AudioError(f"{name} is damaged: its fmt chunk is cut short")
    tag, channels, rate, _, align, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == EXTENSIBLE:
        if len(chunk) < EXTENSIBLE_FORMAT:
            raise AudioError(f"{name} is damaged: its extensible fmt chunk is cut short")
        (tag,) = struct.unpack("<H", chunk[24:26])
    if tag not in (PCM, FLOAT):
        codec = CODECS.get(tag, f"codec 0x{tag:04x}")
        raise AudioError(f"{name} holds {codec}, which is not read here; {CONVERT}")
    if channels == 0 or rate == 0 or align == 0 or align % channels:
        raise AudioError(
            f"{name} is damaged: {channels} channels, {rate} Hz, {align} bytes a frame"
        )
    width = align // channels
    if width not in ((1, 2, 3, 4) if tag == PCM else (4, 8)):
        raise AudioError(f"{name} has {bits}-bit samples, which are not read here; {CONVERT}")
    return Format(tag, channels, rate, width)


def decode(raw: bytes, form: Format) -> Values:
    """Return the whole frames in ``raw``, shape (frames, channels), full scale 1."""
    raw = raw[: len(raw) // form.frame * form.frame]
    values: Values
    if form.tag == FLOAT:
        values = np.frombuffer(raw, f"<f{form.width}")
    elif form.width == 1:
        values = (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
    elif form.width == INT24:
        values = _int24(raw).astype(np.float32) / 2**23
    else:
        scale = 2.0 ** (8 * form.width - 1)
        values = np.frombuffer(raw, f"<i{form.width}").astype(np.float64) / scale
    return values.reshape(-1, form.channels)


def mono(frames: Values, first: int, rate: int, name: str) -> Floats:
    """Return the mean of the channels, clipped to [-1, 1], shape (frames,).

    ``first`` is the stream index of the first frame, for the message of the AudioError that a
    NaN or an infinity raises.
    """
    finite = np.isfinite(frames).all(axis=1)
    if not finite.all():
        at = first + int(np.argmin(finite))
        raise AudioError(f"{name} holds a NaN or infinite sample at {at / rate:.3f} s (frame {at})")
    # The outer clip only keeps the sum of absurd floats from overflowing.
    mean = np.clip(frames, -1e30, 1e30).mean(axis=1, dtype=np.float64)
    clipped: Floats = np.clip(mean, -1.0, 1.0).astype(np.float32)
    return clipped


def _int24(raw: bytes) -> NDArray[np.int32]:
    """Widen little-endian 24-bit integers: the bytes go to the top, the shift keeps the sign."""
    padded = np.zeros((len(raw) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
    return padded.view("<i4").ravel() >> 8


def _streamed(riff_size: int, start: int) -> bool:
    """Tell a length that was never filled in from an honest 0 with more chunks behind it."""
    return riff_size in (0, UNKNOWN_SIZE) or riff_size + 8 <= start


def _read(file: IO[bytes], size: int) -> bytes:
    """Read ``size`` bytes, fewer only at the end (a pipe may hand over less at a time)."""
    pieces = []
    while size > 0 and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)

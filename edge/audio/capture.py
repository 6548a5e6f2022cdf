"""The recorder: a program of its own that opens an input device and writes what it hears.

A process apart has four reasons: the interpreter lock, which decoding words holds for a tenth of
a second and more, cannot delay it; sound libraries that abort or hang take only it along;
PortAudio sees new devices only after a new start; and what ALSA prints reaches no terminal. It
needs the standard library and PyAudio, nothing of ``edge``, so it starts fast and stays small.

It sends packets: a kind (b"M" message, b"A" audio), four bytes of length, the content. First a
message lists the devices; the answer on standard input, a line of JSON, chooses one; a message
says how it was opened; then audio follows (S16_LE, interleaved) until either side ends.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import struct
import sys
import threading
import time
from collections import deque
from typing import Any

WANTED = 16000
RATES = (48000, 44100, 32000, 96000, 22050, 8000)  # tried after 16 kHz and the device's own rate
PIECES = 10  # pieces of audio a second
HELD = 5 * PIECES  # pieces kept while the reader is busy; then the oldest is dropped
SILENT = 5.0  # seconds without a piece: the device hangs
LOOK = 0.25  # seconds between looks at the device and the reader
HEAD = struct.Struct("<cI")


class Sender:
    """Writes packets to a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def message(self, **content: Any) -> None:
        """Send a message: a JSON object."""
        self._packet(b"M", json.dumps(content).encode())

    def audio(self, data: bytes) -> None:
        """Send a piece of audio."""
        self._packet(b"A", data)

    def _packet(self, kind: bytes, content: bytes) -> None:
        rest = memoryview(HEAD.pack(kind, len(content)) + content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


class Tape:
    """Pieces between the sound thread and the reader; it never waits, it drops the oldest."""

    def __init__(self, overflow: int) -> None:
        self.overflows = self.dropped = 0
        self.last = time.monotonic()
        self._overflow = overflow
        self._pieces: deque[bytes] = deque(maxlen=HELD)
        self._filled = threading.Event()

    def callback(self, data: bytes, _frames: int, _times: Any, status: int) -> tuple[None, int]:
        """Take a piece from PortAudio (its thread)."""
        self.overflows += bool(status & self._overflow)
        self.dropped += len(self._pieces) == HELD
        self._pieces.append(data)
        self.last = time.monotonic()
        self._filled.set()
        return None, 0  # paContinue

    def wait(self) -> list[bytes]:
        """Return the pieces that came, oldest first; none after a while without any."""
        self._filled.wait(LOOK)
        self._filled.clear()
        pieces = []
        while self._pieces:
            pieces.append(self._pieces.popleft())
        return pieces


def devices(audio: Any, int16: int) -> list[dict[str, Any]]:
    """Return the input devices as plain values; rates in Hz."""
    try:
        default = audio.get_default_input_device_info()["index"]
    except OSError:
        default = None
    found = []
    for index in range(audio.get_device_count()):
        about = audio.get_device_info_by_index(index)
        if about["maxInputChannels"] > 0:
            found.append(
                {
                    "index": index,
                    "name": about["name"],
                    "channels": about["maxInputChannels"],
                    "rate": round(about["defaultSampleRate"]),
                    "takes_16k": _takes(audio, index, about["maxInputChannels"], int16),
                    "default": index == default,
                }
            )
    return found


def _takes(audio: Any, index: int, channels: int, int16: int) -> bool:
    """Tell whether a device says that it can record at 16 kHz."""
    for count in {1, min(2, channels)}:
        try:
            if audio.is_format_supported(
                WANTED, input_device=index, input_channels=count, input_format=int16
            ):
                return True
        except ValueError:
            continue
    return False


def start(audio: Any, int16: int, wish: dict[str, Any], tape: Tape) -> tuple[Any, int, int]:
    """Open the device in the first way that works: 16 kHz before other rates, few channels first.

    Mono is tried before more, but not when a channel is wished for: a sound server would mix.
    Returns the running stream, its rate in Hz and its channels; the first OSError if none works.
    """
    about = audio.get_device_info_by_index(wish["index"])
    most = int(about["maxInputChannels"])
    channel = wish["channel"]
    counts = (2, channel, most, 1) if channel else (1, 2, most)
    first: Exception | None = None
    for rate in dict.fromkeys((WANTED, round(about["defaultSampleRate"]), *RATES)):
        for count in (n for n in dict.fromkeys(counts) if (channel or 1) <= n <= most):
            try:
                stream = audio.open(
                    rate,
                    count,
                    int16,
                    input=True,
                    input_device_index=wish["index"],
                    frames_per_buffer=rate // PIECES,
                    stream_callback=tape.callback,
                )
                return stream, rate, count
            except (OSError, ValueError) as error:
                first = first or error
    raise OSError(str(first))


def run(sender: Sender) -> None:
    """Offer the devices, record from the one that is chosen."""
    try:
        pyaudio = importlib.import_module("pyaudio")
    except (ImportError, OSError):
        return sender.message(missing="pyaudio")
    audio = pyaudio.PyAudio()
    sender.message(devices=devices(audio, pyaudio.paInt16))
    answer = sys.stdin.buffer.readline()
    if not answer.strip():
        return None
    tape = Tape(pyaudio.paInputOverflow)
    try:
        stream, rate, channels = start(audio, pyaudio.paInt16, json.loads(answer), tape)
    except OSError as error:
        return sender.message(error=str(error))
    sender.message(rate=rate, channels=channels)
    _record(sender, stream, tape)
    return None


def _record(sender: Sender, stream: Any, tape: Tape) -> None:
    """Send what comes until the device or the reader is gone."""
    told = (0, 0)
    looked = tape.last = time.monotonic()
    while True:
        for piece in tape.wait():
            sender.audio(piece)
        if (tape.overflows, tape.dropped) != told:
            told = (tape.overflows, tape.dropped)
            sender.message(overflows=told[0], dropped=told[1])
        now = time.monotonic()
        if now - looked < LOOK:
            continue
        looked = now
        if not stream.is_active() or now - tape.last > SILENT:
            return
        if select.select([0], [], [], 0)[0]:  # nothing is ever said after the choice: the end
            return


def main() -> int:
    """Record for the process that started this one; ends with it."""
    sender = Sender(os.dup(1))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        run(sender)
    except BrokenPipeError:
        pass
    except Exception as error:  # standard error is closed: the reader must learn why
        sender.message(error=f"{type(error).__name__}: {error}")
    os._exit(0)  # closing a stream whose device is gone may hang


if __name__ == "__main__":
    raise SystemExit(main())

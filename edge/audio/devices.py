"""Input devices: what there is, which one a user means, and the recorder that reads it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.audio import capture
from edge.errors import AudioError, MissingExtra

PATIENCE = 20.0  # seconds for the sound system to answer
BUFFER = 1 << 16
PIPED = "arecord -q -f S16_LE -r 16000 -c 1 -t raw | hearten listen --stdin"


@dataclass(frozen=True, slots=True)
class Device:
    """An input device: ``rate`` is its own in Hz, ``takes_16k`` whether it records at 16 kHz."""

    index: int
    name: str
    channels: int
    rate: int
    takes_16k: bool
    default: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


class DeviceGone(AudioError):
    """The device, or the sound system under it, does not answer any more."""


class Ended(DeviceGone):
    """The recording process ended by itself."""


class Recorder:
    """The recording process: ``devices``, then ``record``, then ``read`` until ``close``."""

    def __init__(self) -> None:
        """Start the process and wait for its list of devices.

        Raises:
            MissingExtra: PyAudio is not installed. DeviceGone: the sound system does not answer.
        """
        self.overflows = self.dropped = 0
        try:
            self.devices = self._begin()
        except Ended:  # PortAudio aborts while a sound server comes or goes: it may be there now
            self.devices = self._begin()

    def _begin(self) -> tuple[Device, ...]:
        """Start the process and return its list of devices; raises as the constructor."""
        self._buffer = bytearray()
        # A session of its own: Ctrl-C in the terminal is for us, not for it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", capture.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            return tuple(Device(**about) for about in self._answer()["devices"])
        except BaseException:
            self.close()
            raise

    def record(self, device: Device, channel: int | None) -> tuple[int, int]:
        """Open the device; return its rate in Hz and its channels.

        ``channel`` (from 1) will be among them; None: any.

        Raises:
            DeviceGone: it cannot be opened (in use, just unplugged).
        """
        wish = {"index": device.index, "channel": channel}
        try:
            self._pipe("stdin").write(json.dumps(wish).encode() + b"\n")
            self._pipe("stdin").flush()
        except OSError as error:
            raise DeviceGone("the sound system stopped") from error
        answer = self._answer()
        return int(answer["rate"]), int(answer["channels"])

    def read(self, timeout: float) -> bytes | None:
        """Return the next piece of audio, or None after ``timeout`` seconds without one.

        Raises:
            DeviceGone: there will be no more.
        """
        end = time.monotonic() + timeout
        while packet := self._packet(end):
            kind, content = packet
            if kind == b"A":
                return content
            counts = json.loads(content)
            if "error" in counts:
                raise DeviceGone(counts["error"])
            self.overflows, self.dropped = counts["overflows"], counts["dropped"]
        return None

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._process.kill()
        self._process.wait()
        for name in ("stdin", "stdout"):
            try:
                self._pipe(name).close()
            except OSError:  # what was left to write has no reader
                continue

    def _pipe(self, name: str) -> Any:
        return getattr(self._process, name)

    def _answer(self) -> dict[str, Any]:
        """Return the next message."""
        packet = self._packet(time.monotonic() + PATIENCE)
        if packet is None:
            raise DeviceGone(f"the sound system has not answered for {PATIENCE:.0f} s")
        answer: dict[str, Any] = json.loads(packet[1])
        if "missing" in answer:
            raise MissingExtra(f"the microphone (without it: {PIPED})", "mic")
        if "error" in answer:
            raise DeviceGone(answer["error"])
        return answer

    def _packet(self, end: float) -> tuple[bytes, bytes] | None:
        """Return the next packet, kind and content; None when there is none until ``end``."""
        pipe = self._pipe("stdout").fileno()
        while True:
            if len(self._buffer) >= capture.HEAD.size:
                kind, size = capture.HEAD.unpack_from(self._buffer)
                whole = capture.HEAD.size + size
                if len(self._buffer) >= whole:
                    content = bytes(self._buffer[capture.HEAD.size : whole])
                    del self._buffer[:whole]
                    return kind, content
            if not select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            data = os.read(pipe, BUFFER)
            if not data:
                raise Ended("the sound system stopped: is its server running?")
            self._buffer += data


def input_devices() -> tuple[Device, ...]:
    """Return the input devices of this machine; errors as in ``Recorder``."""
    recorder = Recorder()
    recorder.close()
    return recorder.devices


def choose(devices: Sequence[Device], wanted: str | int | None) -> Device:
    """Return the device that a user means: None the default, a number, a name or a part of one.

    Raises:
        AudioError: there is none, or the name fits none or several; the message lists them.
    """
    if not devices:
        raise AudioError(
            "no input device found: plug a microphone in (see arecord -l), or use --stdin"
        )
    if wanted is None:
        return next((device for device in devices if device.default), devices[0])
    if isinstance(wanted, int) or wanted.strip().isdecimal():
        fitting = [device for device in devices if device.index == int(wanted)]
    else:
        name = wanted.strip().lower()
        fitting = [device for device in devices if name in device.name.lower()]
        exact = [device for device in fitting if name == device.name.lower()]
        fitting = exact if len(exact) == 1 else fitting
    if len(fitting) == 1:
        return fitting[0]
    problem = f"fits {len(fitting)} devices" if fitting else "is no input device"
    names = "; ".join(f"{device.index}: {device.name}" for device in fitting or devices)
    raise AudioError(f"{wanted!r} {problem}; choose one of {names}")

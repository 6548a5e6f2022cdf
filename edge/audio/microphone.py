"""The microphone as a source: 16 kHz mono chunks, whatever the device gives, until stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import numpy as np

from edge.audio.capture import HELD, PIECES
from edge.audio.devices import Device, DeviceGone, Recorder, choose
from edge.audio.resample import RATE, Resampler
from edge.errors import AudioError

LOG = logging.getLogger(__name__)

LOOK = 0.25  # seconds between looks at whether to stop
REST = 1.0  # seconds, after a stop, to yield what was recorded before it
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds between attempts to find a device again


class Microphone:
    """An open input device: ``for chunk in microphone:`` yields bytes, S16_LE mono 16 kHz.

    An empty chunk says that the device is gone for now: finish the utterance in progress. When
    it is back, audio goes on. ``stop`` (from a signal handler or another thread) ends the
    iteration within a quarter of a second, and what a busy reader has still to hear, which takes
    a second at most. ``overflows`` counts the times when the device lost
    audio, ``dropped`` the pieces of 0.1 s that a slow reader lost, ``losses`` how often the
    device vanished.
    """

    def __init__(
        self,
        device: str | int | None = None,
        channel: int | None = None,
        note: Callable[[str], None] = LOG.warning,
    ) -> None:
        """Open ``device`` (None: the default; a number; a part of a name) and start recording.

        ``channel`` counts from 1; None is mono, or the first where there is no mono.
        ``note`` is told when the device vanishes and returns.

        Raises:
            AudioError: no such device or channel, or it cannot be opened.
            MissingExtra: PyAudio is not installed.
        """
        self._note = note
        self.channel = channel
        self._stopped = False
        self._overflows = self._dropped = self.losses = 0
        self._recorder: Recorder | None = Recorder()
        try:
            self.device = choose(self._recorder.devices, device)
            self._check()
            self._start()
        except DeviceGone as error:
            self.close()
            name = self.device.name
            raise AudioError(
                f"{name} cannot be opened ({error}): is another program using it?"
            ) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        while not self._stopped:
            try:
                data = self._recorder.read(LOOK) if self._recorder else None
            except DeviceGone:
                yield from self._lost()
                continue
            if data and (chunk := self._convert(data)):
                yield chunk
        yield from self._rest()

    @property
    def overflows(self) -> int:
        """Times when the device lost audio because nobody fetched it."""
        return self._overflows + (self._recorder.overflows if self._recorder else 0)

    @property
    def dropped(self) -> int:
        """Pieces of 0.1 s that were dropped because the reader was slow."""
        return self._dropped + (self._recorder.dropped if self._recorder else 0)

    def statistics(self) -> dict[str, float]:
        """Return the counters of the queue, and ``held_s``: seconds it keeps for a slow reader.

        When it is full, the oldest piece is dropped.
        """
        return {
            "overflows": self.overflows,
            "dropped": self.dropped,
            "losses": self.losses,
            "held_s": HELD / PIECES,
        }

    def stop(self) -> None:
        """End the iteration soon; safe in signal handlers and from other threads."""
        self._stopped = True

    def close(self) -> None:
        """Stop and free the device; a second call does nothing."""
        self._stopped = True
        self._release()

    def _release(self) -> None:
        if self._recorder:
            self._overflows, self._dropped = self.overflows, self.dropped
            self._recorder.close()
            self._recorder = None

    def _check(self) -> None:
        most = self.device.channels
        if self.channel is not None and not 1 <= self.channel <= most:
            raise AudioError(f"{self.device.name} has channels 1 to {most}, not {self.channel}")

    def _start(self) -> None:
        """Record from the chosen device and prepare the conversion."""
        assert self._recorder
        self.rate, self.channels = self._recorder.record(self.device, self.channel)
        self._resampler = None if self.rate == RATE else Resampler(self.rate)

    def _convert(self, data: bytes) -> bytes:
        """Pick the channel and bring it to 16 kHz."""
        if self.channels == 1 and self._resampler is None:
            return data
        samples = np.frombuffer(data, "<i2").reshape(-1, self.channels)[:, (self.channel or 1) - 1]
        if self._resampler is None:
            return samples.tobytes()
        values = self._resampler.push(samples.astype(np.float32))
        return np.clip(np.rint(values), -32768, 32767).astype("<i2").tobytes()

    def _rest(self) -> Iterator[bytes]:
        """Yield what waits to be read: on a busy machine the end of an utterance may be there."""
        end = time.monotonic() + REST
        while self._recorder and time.monotonic() < end:
            try:
                data = self._recorder.read(0.0)
            except DeviceGone:
                return
            if not data:
                return
            if chunk := self._convert(data):
                yield chunk

    def _lost(self) -> Iterator[bytes]:
        """Yield empty chunks until the device is back or the user stops."""
        self.losses += 1
        self._note(f"{self.device.name} is gone; waiting for it")
        self._release()
        pause = FIRST_PAUSE
        while not self._stopped:
            again = time.monotonic() + pause
            while not self._stopped and time.monotonic() < again:
                yield b""
                time.sleep(LOOK)
            pause = min(2 * pause, LONGEST_PAUSE)
            if not self._stopped and self._found():
                self._note(f"{self.device.name} is back")
                return

    def _found(self) -> bool:
        """Try once to open the device again; the number may have changed, the name has not."""
        try:
            self._recorder = Recorder()
            self.device = _same(self._recorder.devices, self.device)
            self._start()
        except AudioError as error:
            LOG.debug("not yet: %s", error)
            self._release()
            return False
        return True


def _same(devices: tuple[Device, ...], known: Device) -> Device:
    """Return the device of that name; among several, the one with the number it had."""
    named = [device for device in devices if device.name == known.name]
    if not named:
        raise DeviceGone(f"{known.name} is not there")
    return next((device for device in named if device.index == known.index), named[0])

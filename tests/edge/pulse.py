"""A private sound server without a sound card: what is played into a sink is what devices hear."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import IO

from tests.edge.made import EVERY_WORD

# One name: JACK knows eight servers of a machine, and keeps the name of each that was killed.
JACK = f"hearten-{os.getuid()}"
HEARTEN = [sys.executable, "-m", "edge.cli"]
PROGRAMS = ("pulseaudio", "pactl", "paplay", "jackd", "jack_lsp")
PLUGINS = (
    ("alsa-lib/libasound_module_pcm_pulse.so", "libasound2-plugins"),
    ("pulse-*/modules/module-jack-sink.so", "pulseaudio-module-jack"),
)

# stereo48 is a device of ALSA as a sound card is: two channels at 48 kHz, and nothing else.
ASOUNDRC = """
pcm.!default { type pulse }
pcm.stereo48 {
    type jack
    capture_ports { 0 "PulseAudio JACK Sink:front-left" 1 "PulseAudio JACK Sink:front-right" }
}
"""
# Sound servers run before other programs, or a busy machine loses sound; who may not, is warned.
FIRST = ["nice", "-n", "-10"]


def missing() -> str | None:
    """Return what is not installed here, or None."""
    for program in PROGRAMS:
        if not shutil.which(program):
            return f"{program} (sh tests/system.sh)"
    for pattern, package in PLUGINS:
        if not any(Path("/usr/lib").glob(f"**/{pattern}")):
            return f"{package} (sh tests/system.sh)"
    return None if importlib.util.find_spec("pyaudio") else "pyaudio (pip install 'hearten[mic]')"


def wait_for(true: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait until something is so; fail with its name otherwise."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


class Sound:
    """A PulseAudio server with the sink ``fake``; recorders hear the sink's monitor."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen | None = None
        self._players: list[subprocess.Popen] = []
        home, run = folder / "home", folder / "run"
        home.mkdir()
        run.mkdir(mode=0o700)
        (home / ".asoundrc").write_text(ASOUNDRC)
        gone = ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER", "PULSE_RUNTIME_PATH")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in gone},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(run),
            "JACK_DEFAULT_SERVER": JACK,
            "JACK_NO_START_SERVER": "1",
            "PULSE_LATENCY_MSEC": "60",
        }

    def start(self, rate: int = 16000) -> None:
        """Start the server, its sink at ``rate`` Hz."""
        command = [*FIRST, "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
        # The default resampler dulls the voice: it alone moves V/A/D by up to 0.4.
        command += ["--resample-method=speex-float-10"]
        command += ["-L", "module-native-protocol-unix"]
        with (self._folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, env=self.environment, stderr=log, stdout=log)
        wait_for(lambda: self.pactl("info").returncode == 0, "the sound server")
        self.plug(rate=rate)

    def plug(self, sink: str = "fake", rate: int = 16000) -> None:
        """Add a sink; its monitor is an input device."""
        added = self.pactl("load-module", "module-null-sink", f"sink_name={sink}", f"rate={rate}")
        assert added.returncode == 0, added.stderr

    def unplug(self) -> None:
        """Take all sinks away, as if the only microphone was pulled out."""
        assert self.pactl("unload-module", "module-null-sink").returncode == 0

    def stop(self) -> None:
        """Kill the server, as if the sound system had crashed, and what plays into it."""
        for process in self._players:
            process.kill()
            process.wait()
        self._players.clear()
        if self._server:
            self._server.kill()
            self._server.wait()
            self._server = None

    def pactl(self, *arguments: str) -> subprocess.CompletedProcess:
        """Ask the server something."""
        return subprocess.run(
            ["pactl", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def play(self, path: Path, sink: str = "fake") -> None:
        """Play a recording into a sink, to its end.

        Not to that of paplay, which waits two seconds more for an empty buffer.
        """
        self.begin(path, sink)
        with wave.open(str(path)) as file:
            time.sleep(file.getnframes() / file.getframerate() + 0.1)

    def begin(self, path: Path, sink: str) -> None:
        """Let a recording play; return once the sink has it."""
        name = f"player {len(self._players)}"
        command = [*FIRST, "paplay", f"--device={sink}", f"--stream-name={name}", str(path)]
        self._players.append(subprocess.Popen(command, env=self.environment))
        wait_for(lambda: f'"{name}"' in self.pactl("list", "sink-inputs").stdout, name)

    def recorders(self) -> int:
        """Count those who record from the server."""
        return len(self.pactl("list", "short", "source-outputs").stdout.splitlines())

    def jack_ports(self) -> str | None:
        """Return the ports of the JACK server, None while there is no server."""
        command = ["jack_lsp"]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return None if done.returncode else done.stdout

    @contextmanager
    def studio(self) -> Iterator[str]:
        """Add devices that record at 48 kHz and nothing else; yields the name of one.

        It is a JACK server; the sink ``studio`` of PulseAudio plays into it. PortAudio hears it
        directly, under that name, and through ALSA as ``stereo48``.
        """
        load = ("load-module", "module-jack-sink", f"server_name={JACK}", "connect=no")
        with self._jack():
            assert self.pactl(*load, "sink_name=studio").returncode == 0
            try:
                yield "PulseAudio JACK Sink"
            finally:
                self.pactl("unload-module", "module-jack-sink")

    @contextmanager
    def _jack(self) -> Iterator[None]:
        """Run a JACK server; other runs of these tests wait for its name."""
        command = [*FIRST, "jackd", "--no-realtime", "-n", JACK, "-d", "dummy", "-r", "48000"]
        command += ["-p", "4096", "-C", "0", "-P", "0"]
        log_path = self._folder / "jack.log"
        with (Path(gettempdir()) / f"{JACK}.lock").open("w") as lock, log_path.open("ab") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            jack = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
            try:
                wait_for(lambda: jack.poll() is not None or self.jack_ports() is not None, "JACK")
                assert jack.poll() is None, log_path.read_text()
                yield
            finally:
                jack.terminate()
                jack.wait()
                for left in Path("/dev/shm").glob(f"jack_sem.*_{JACK}_*"):
                    left.unlink()

    @contextmanager
    def listen(self, *arguments: str, source: str | None = None) -> Iterator[Listener]:
        """Run ``hearten listen`` on this server; ``source`` instead of its default."""
        choice = {"PULSE_SOURCE": source} if source else {}
        listener = Listener({**self.environment, **choice}, arguments)
        try:
            yield listener
        finally:
            listener.process.kill()
            listener.close()


class Listener:
    """A running ``hearten listen --json --timeline``: its ``events`` and ``notes`` so far."""

    def __init__(self, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [*HEARTEN, "listen", "--json", "--timeline", *EVERY_WORD, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[dict] = []
        self.notes: list[str] = []
        self._readers = [
            self._reader(self.process.stdout, lambda line: self.events.append(json.loads(line))),
            self._reader(self.process.stderr, lambda line: self.notes.append(line.rstrip())),
        ]

    def _reader(self, pipe: IO[str], take: Callable[[str], None]) -> threading.Thread:
        thread = threading.Thread(target=lambda: [take(line) for line in pipe])
        thread.start()
        return thread

    def finals(self) -> list[dict]:
        """Return the utterances that have ended."""
        return [event for event in list(self.events) if event["type"] == "final"]

    def told(self, words: str) -> bool:
        """Tell whether a note has these words."""
        return any(words in note for note in list(self.notes))

    def hears(self, number: int, seconds: float) -> None:
        """Wait until utterance ``number`` (from 1) is nearly ``seconds`` long: time is no sign.

        Nearly: partial events come four times a second.
        """

        def heard() -> bool:
            done = len(self.finals())
            *_, last = self.events or [{"type": "final"}]
            long = last["type"] == "partial" and last["end"] - last["start"] > seconds - 0.4
            return done >= number or (done == number - 1 and long)

        wait_for(heard, f"utterance {number}; so far {self.events[-1:]}, {self.notes}")

    def end(self, number: int = signal.SIGTERM) -> tuple[list[dict], list[str]]:
        """End it by a signal; return its utterances and notes. It must end with code 0."""
        self.process.send_signal(number)
        self.process.wait(timeout=30)
        self.close()
        assert self.process.returncode == 0, self.notes
        return self.finals(), self.notes

    def close(self) -> None:
        """Read to the end of its output, once the process is ending."""
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()

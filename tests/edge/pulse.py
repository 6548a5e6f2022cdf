"""A private sound server without a sound card: what is played into a sink is what devices hear."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HEARTEN = [sys.executable, "-m", "edge.cli"]
PROGRAMS = ("pulseaudio", "pactl", "paplay", "jackd", "jack_lsp")
PLUGINS = (
    ("alsa-lib/libasound_module_pcm_pulse.so", "libasound2-plugins"),
    ("pulse-*/modules/module-jack-sink.so", "pulseaudio-module-jack"),
)

ASOUNDRC = "pcm.!default { type pulse }\n"


def missing() -> str | None:
    """Return what is not installed here, or None."""
    for program in PROGRAMS:
        if not shutil.which(program):
            return f"{program} (sh tests/system.sh)"
    for pattern, package in PLUGINS:
        if not any(Path("/usr/lib").glob(f"**/{pattern}")):
            return f"{package} (sh tests/system.sh)"
    return None if importlib.util.find_spec("pyaudio") else "pyaudio (pip install 'hearten[mic]')"


def wait_for(true: Callable[[], object], what: str, seconds: float = 15.0) -> None:
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
        home, run = folder / "home", folder / "run"
        home.mkdir()
        run.mkdir(mode=0o700)
        (home / ".asoundrc").write_text(ASOUNDRC)
        gone = ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PULSE_SERVER", "PULSE_RUNTIME_PATH")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in gone},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(run),
            "JACK_DEFAULT_SERVER": f"hearten-{os.getpid()}",
            "JACK_NO_START_SERVER": "1",
            "PULSE_LATENCY_MSEC": "60",
        }

    def start(self, rate: int = 16000) -> None:
        """Start the server, its sink at ``rate`` Hz."""
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
        # The default resampler dulls the voice: it alone moves V/A/D by up to 0.4.
        command += ["--resample-method=speex-float-10"]
        for module in (
            "module-native-protocol-unix",
            f"module-null-sink sink_name=fake rate={rate}",
        ):
            command += ["-L", module]
        with (self._folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, env=self.environment, stderr=log, stdout=log)
        wait_for(lambda: self.pactl("info").returncode == 0, "the sound server")

    def stop(self) -> None:
        """Kill the server, as if the sound system had crashed."""
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

    def play(self, path: Path, sink: str = "fake", check: bool = True) -> None:
        """Play a recording into a sink, to its end (or that of the server: not ``check``)."""
        command = ["paplay", f"--device={sink}", str(path)]
        subprocess.run(command, env=self.environment, check=check)

    def recorded(self) -> bool:
        """Tell whether somebody records from the server."""
        return bool(self.pactl("list", "short", "source-outputs").stdout.strip())

    def jack_ports(self) -> str | None:
        """Return the ports of the JACK server, None while there is no server."""
        command = ["jack_lsp"]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return None if done.returncode else done.stdout

    @contextmanager
    def studio(self) -> Iterator[str]:
        """Add a device that records at 48 kHz and nothing else; yields its name.

        It is a JACK server; the sink ``studio`` of PulseAudio plays into it.
        """
        name = self.environment["JACK_DEFAULT_SERVER"]
        command = ["jackd", "--no-realtime", "-n", name, "-d", "dummy", "-r", "48000"]
        command += ["-p", "2048", "-C", "0", "-P", "0"]
        with (self._folder / "jack.log").open("ab") as log:
            jack = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        load = ("load-module", "module-jack-sink", f"server_name={name}", "connect=no")
        try:
            wait_for(lambda: self.jack_ports() is not None, "the JACK server")
            assert self.pactl(*load, "sink_name=studio").returncode == 0
            yield "PulseAudio JACK Sink"
        finally:
            self.pactl("unload-module", "module-jack-sink")
            jack.terminate()
            jack.wait()
            for left in Path("/dev/shm").glob(f"jack_sem.*_{name}_*"):
                left.unlink()

    @contextmanager
    def listen(self, *arguments: str) -> Iterator[Listener]:
        """Run ``hearten listen`` on this server."""
        listener = Listener(self, arguments)
        try:
            yield listener
        finally:
            listener.process.kill()
            listener.process.communicate()


class Listener:
    """A running ``hearten listen --json``."""

    def __init__(self, sound: Sound, arguments: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            [*HEARTEN, "listen", "--json", *arguments],
            env=sound.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[list[dict], list[str]]:
        """End it by a signal; return its events and its notes. It must end with code 0."""
        self.process.send_signal(number)
        out, notes = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, notes
        return [json.loads(line) for line in out.splitlines()], notes.splitlines()

"""``hearten bench --device`` with a real queue: what a sound server plays is heard and counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.edge.pulse import HEARTEN, Sound, missing
from tests.edge.test_cli import refused

LISTEN = """import json
from edge.bench import microphone, stream
with stream.open_engine(None, words=False) as engine:
    print(json.dumps(microphone.listen(engine, "pulse", 1.0)))"""


@pytest.fixture
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sound]:
    if absent := missing():
        pytest.skip(f"needs {absent}")
    server = Sound(tmp_path_factory.mktemp("sound"))
    server.start()
    yield server
    server.stop()


def test_a_wrong_device_is_refused_before_anything_is_measured(sound: Sound) -> None:
    command = [*HEARTEN, "bench", "--device", "zz"]
    done = subprocess.run(
        command, env=sound.environment, capture_output=True, text=True, timeout=60, check=False
    )
    refused(done, "'zz' is no input device", "pulse")


def test_the_queue_of_a_microphone(sound: Sound) -> None:
    command = [sys.executable, "-c", LISTEN]
    done = subprocess.run(
        command, env=sound.environment, capture_output=True, text=True, timeout=120, check=True
    )
    queue = json.loads(done.stdout)
    assert queue["device"] == "pulse"
    assert 0.9 <= queue["seconds"] <= 3.0
    assert queue["held_s"] == 5.0
    assert queue["longest_chunk_ms"] > 0
    assert min(queue[name] for name in ("overflows", "dropped", "losses")) >= 0

"""Three sentences at the microphone: asked for again, given up, and with a real sound server."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, HeartenError
from edge.commands.guide import BYTES, SENTENCES, TRIES, Room
from tests.edge.made import read_wav
from tests.edge.pulse import HEARTEN, Sound, missing, wait_for
from tests.edge.test_cli import hearten, refused

SLT = ("gift_slt.wav", "grief_slt.wav", "meeting_loud.wav")


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine.open(words=False, partials=False) as engine:
        yield engine


def pieces(*sounds: bytes) -> Iterator[bytes]:
    """Chunks of 100 ms."""
    whole = b"".join(sounds)
    return (whole[first : first + 3200] for first in range(0, len(whole), 3200))


def test_the_guide_asks_again_until_it_can_be_used(
    engine: Engine, samples: Path, capsys: pytest.CaptureFixture
) -> None:
    good = read_wav(samples / SLT[0]) + bytes(BYTES)
    scrap = good[16000:32000] + bytes(BYTES)
    loud = np.clip(np.frombuffer(good, "<i2") * 60.0, -32768, 32767).astype("<i2").tobytes()
    room = Room(engine, "neutral", pieces(bytes(13 * BYTES), scrap, good))
    evidence = room.sentence("1/3", SENTENCES[0])
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if SENTENCES[0] in line] == told[::2]
    assert len(told) == 2 * TRIES
    assert "digital silence" in told[1]
    assert "shorter than 1 s" in told[3]
    assert told[5].startswith("1/3  heard ")
    room = Room(engine, "neutral", pieces(loud, good))
    again = room.sentence("2/3", SENTENCES[1])
    assert "clipped" in capsys.readouterr().err
    assert (again.count, evidence.kind) == (1, "neutral")
    assert np.abs(again.mean - evidence.mean).mean() < 0.05, "the clipped one is not in it"


def test_the_guide_gives_up(engine: Engine) -> None:
    room = Room(engine, "neutral", pieces(bytes(40 * BYTES)))
    with pytest.raises(HeartenError, match=r"1/3 could not be learned.*nothing was stored"):
        room.sentence("1/3", SENTENCES[0])
    gone = iter([b""] * 1000)
    with pytest.raises(HeartenError, match="1/3 could not be learned"):
        Room(engine, "neutral", gone).sentence("1/3", SENTENCES[0])
    assert len(list(gone)) > 500, "a device that is gone is not waited for without end"
    with pytest.raises(HeartenError, match="the microphone stopped"):
        Room(engine, "neutral", pieces()).sentence("1/3", SENTENCES[0])


def test_a_device_that_goes_away_ends_the_attempt(engine: Engine, samples: Path) -> None:
    spoken = read_wav(samples / "grief_slt.wav")
    chunks = [*pieces(spoken[: 2 * BYTES]), *([b""] * 60)]
    evidence = Room(engine, "neutral", iter(chunks)).sentence("1/3", SENTENCES[0])
    assert evidence.seconds < 2.2


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[Sound]:
    absent = missing()
    if absent:
        pytest.skip(f"needs {absent}")
    (tmp_path / "sound").mkdir()
    server = Sound(tmp_path / "sound")
    server.start()
    yield server
    server.stop()


def test_three_sentences_at_the_microphone(sound: Sound, samples: Path, tmp_path: Path) -> None:
    """In a terminal, which shows the level."""
    data = {**sound.environment, "XDG_DATA_HOME": str(tmp_path / "data"), "TERM": "xterm"}
    config = tmp_path / "config.toml"
    config.write_text('[listen]\ndevice = "zz"\n')
    refused(hearten("enroll", "Anna", "--mic", "--config", config, env=data), "'zz'")
    leader, follower = pty.openpty()
    command = [*HEARTEN, "enroll", "Anna", "--mic", "--json"]
    process = subprocess.Popen(command, env=data, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    os.set_blocking(leader, False)
    told = b""

    def says(text: str) -> bool:
        nonlocal told
        with suppress(OSError):  # nothing new
            told += os.read(leader, 1 << 16)
        return text.encode() in told

    try:
        for number, name in enumerate(SLT, 1):
            wait_for(lambda: says(f"{number}/3  please say"), f"sentence {number}")  # noqa: B023
            sound.play(samples / name)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    content = json.loads(out)
    assert (content["kind"], content["utterances"]) == ("neutral", 3)
    assert content["seconds"] > 4
    assert says("level #")
    with Engine.open(words=False, speaker=Path(content["file"])) as engine:
        assert engine.learner.shift.any()

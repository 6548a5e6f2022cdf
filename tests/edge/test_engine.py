"""The engine on real speech: chunking, streams, events, independence."""

from __future__ import annotations

import json
import math
import resource
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge import Emotion, Engine, HeartenError
from tests.edge.made import read_wav, write_wav

JOINED = ("gift_slt.wav", "grief_rms.wav", "meeting_loud.wav")


@pytest.fixture(scope="module")
def engine() -> Engine:
    with Engine.open() as engine:
        yield engine


@pytest.fixture(scope="module")
def speech(samples: Path) -> bytes:
    """Three utterances with silence between them."""
    pause = bytes(2 * 16000)
    return pause.join([pause, *(read_wav(samples / name) for name in JOINED), pause])


def same(one: Emotion, other: Emotion) -> None:
    """Everything but the time it took agrees, to what two BLAS calls may differ by."""
    a, b = one.to_dict(), other.to_dict()
    for values in (a, b):
        values.pop("latency_ms")
    assert _rounded(a) == _rounded(b)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 2) + 0.0
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value


def push_all(engine: Engine, data: bytes, piece: int) -> list[Emotion]:
    engine.reset()
    events = []
    for first in range(0, len(data), piece):
        events += engine.push(data[first : first + piece])
    return events + engine.flush()


@pytest.mark.parametrize("piece", [1001, 320, 2048, 3200, 2560, 32000, 10**7])
def test_any_chunk_size_gives_the_same_events(engine: Engine, speech: bytes, piece: int) -> None:
    wanted = push_all(engine, speech, 6400)
    found = push_all(engine, speech, piece)
    assert [e.type for e in found] == [e.type for e in wanted]
    assert sum(e.type == "final" for e in found) == len(JOINED)
    for one, other in zip(found, wanted, strict=True):
        same(one, other)


def test_one_sample_at_a_time(samples: Path) -> None:
    data = read_wav(samples / "gift_slt.wav")
    with Engine.open(words=False) as engine:
        wanted = push_all(engine, data, 10**7)
        found = push_all(engine, data, 2)
    assert len(found) == len(wanted) > 1
    for one, other in zip(found, wanted, strict=True):
        same(one, other)


def test_result_contract(engine: Engine, samples: Path) -> None:
    (emotion,) = engine.file(samples / "gift_slt.wav")
    content = json.loads(emotion.to_json())
    assert set(content) == {
        "type", "start", "end", "category", "confidence", "probabilities", "valence", "arousal",
        "dominance", "words", "voice", "text", "snr_db", "latency_ms", "pack",
    }  # fmt: skip
    assert content["type"] == "final"
    assert sum(content["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    assert set(content["probabilities"]) == set(engine.labels)
    assert 0 <= content["start"] < content["end"] < 5
    for branch in (content, content["voice"], content["text"]):
        assert all(-1 <= branch[name] <= 1 for name in ("valence", "arousal", "dominance"))
    for word in content["words"]:
        assert content["start"] - 0.1 <= word["start"] < word["end"] <= content["end"] + 0.6
        assert 0 <= word["confidence"] <= 1


def test_partial_events_come_while_someone_speaks(samples: Path) -> None:
    data = read_wav(samples / "grief_rms.wav") + bytes(32000)
    with Engine.open(words=False) as engine:
        events = push_all(engine, data, 1600)
    *partial, final = events
    assert final.type == "final"
    assert len(partial) >= 3
    assert all(e.type == "partial" and e.start == final.start for e in partial)
    gaps = np.diff([e.end for e in partial])
    assert (gaps < 0.5).all()
    with Engine.open(words=False, partials=False) as engine:
        (only,) = push_all(engine, data, 1600)
    same(only, final)


def test_two_engines_do_not_disturb_each_other(speech: bytes) -> None:
    with Engine.open() as one, Engine.open() as other:
        wanted = push_all(one, speech, 3200)
        one.reset()
        mixed: list[Emotion] = []
        shifted = bytes(6000) + speech
        for first in range(0, len(speech), 3200):
            mixed += one.push(speech[first : first + 3200])
            other.push(shifted[first : first + 3200])
        mixed += one.flush()
    for a, b in zip(mixed, wanted, strict=True):
        same(a, b)


def test_reset_forgets_and_flush_finishes(engine: Engine, samples: Path) -> None:
    data = read_wav(samples / "anger_slt.wav")
    engine.reset()
    engine.push(data[: len(data) // 2])
    engine.reset()
    assert engine.flush() == []
    assert engine.seconds == 0.0
    engine.push(data[: int(len(data) * 0.7)])
    (final,) = [e for e in engine.flush() if e.type == "final"]
    assert final.end <= len(data) / 32000
    assert engine.flush() == []


def test_push_after_close_is_an_error() -> None:
    engine = Engine.open(words=False)
    engine.close()
    engine.close()
    with pytest.raises(HeartenError, match="closed"):
        engine.push(bytes(320))


def test_push_takes_bytes_only(engine: Engine) -> None:
    for wrong in (np.zeros(160, np.float32), [0, 1], None, "audio"):
        with pytest.raises(HeartenError, match="push takes bytes"):
            engine.push(wrong)
    assert engine.push(bytearray(320)) == engine.push(memoryview(bytes(320))) == []


def test_a_long_utterance_is_cut_and_nothing_is_lost() -> None:
    time = np.arange(25 * 16000) / 16000
    voice = 8000 * np.sin(2 * np.pi * 180 * time) * np.sin(2 * np.pi * 2 * time) ** 4
    with Engine.open(words=False, partials=False) as engine:
        events = push_all(engine, voice.astype("<i2").tobytes(), 3200)
    assert len(events) >= 2
    for before, after in pairwise(events):
        assert after.start - before.end < 0.3
        assert before.end - before.start <= 10.01


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(1),
        np.zeros(160),
        np.zeros(48000),
        np.full(48000, 32767),
        np.tile([32767, -32768], 24000),
        np.random.default_rng(0).integers(-32768, 32767, 48000),
        np.concatenate([np.zeros(16000), np.full(160, 20000), np.zeros(16000)]),
    ],
    ids=["none", "one", "10 ms", "silence", "dc", "clipping", "noise", "click"],
)
def test_odd_audio_gives_sound_results(samples: np.ndarray) -> None:
    with Engine.open() as engine:
        for emotion in push_all(engine, samples.astype("<i2").tobytes(), 999):
            content = emotion.to_dict()
            assert math.isclose(sum(content["probabilities"].values()), 1.0, abs_tol=1e-3)
            assert json.loads(emotion.to_json())["confidence"] == content["confidence"]


def test_reject_threshold_is_a_setting(samples: Path) -> None:
    path = samples / "everyday_slt.wav"
    with Engine.open(words=False, reject=0.0) as engine:
        (sure,) = engine.file(path)
    with Engine.open(words=False, reject=1.0) as engine:
        (unsure,) = engine.file(path)
        engine.reject = 0.0  # live-changeable
        (again,) = engine.file(path)
    assert sure.category in sure.probabilities
    assert unsure.category == "unknown"
    assert replace(again, latency_ms=0.0) == replace(sure, latency_ms=0.0)
    for wrong in ("bold", 1.5, -0.1, float("nan")):
        with pytest.raises(HeartenError, match="reject must be one of balanced, cautious"):
            Engine.open(words=False, reject=wrong)


def test_a_file_equals_a_stream(engine: Engine, samples: Path, tmp_path: Path) -> None:
    path = samples / "fear_rms.wav"
    (from_file,) = engine.file(path)
    data = read_wav(path)
    (from_stream,) = [e for e in push_all(engine, data, 1280) if e.type == "final"]
    same(from_file, from_stream)
    stereo = np.repeat(np.frombuffer(data, "<i2"), 2)
    (from_stereo,) = engine.file(write_wav(tmp_path / "stereo.wav", stereo, channels=2))
    same(from_file, from_stereo)


def test_memory_is_bounded(samples: Path) -> None:
    """Twenty minutes of speech take no more memory than two."""
    data = read_wav(samples / "anger_slt.wav") + bytes(24000)
    minute = data * (60 * 32000 // len(data) + 1)
    with Engine.open(words=False) as engine:
        for _ in range(2):
            push_all(engine, minute, 32000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(20):
            for first in range(0, len(minute), 32000):
                engine.push(minute[first : first + 32000])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1500, f"{grown} kB"

"""Where speech starts and ends, at any level and over steady noise."""

from __future__ import annotations

import numpy as np
import pytest

from edge.choices import NEAR, ROOM
from edge.endpoint import EARLIER, Endpointer, EndpointSettings, levels_db


def noise(seconds: float, level_db: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=32768 * 10 ** (level_db / 20), size=int(seconds * 16000))


def utterances(samples: np.ndarray, settings: EndpointSettings | None = None) -> list[tuple]:
    chosen = settings or EndpointSettings()
    endpointer = Endpointer(chosen)
    found, start = [], 0
    for level in levels_db(np.clip(samples, -32768, 32767).astype(np.int16)):
        event = endpointer.update(level)
        if event == "start":
            start = endpointer.frame - chosen.onset_frames
        elif event == "end":
            found.append((start, endpointer.last_speech))
    return found


@pytest.mark.parametrize("level_db", [-10, -25, -40])
@pytest.mark.parametrize("floor_db", [-100, -80, -60])
def test_finds_a_burst_within_30_ms(level_db: float, floor_db: float) -> None:
    samples = noise(5, floor_db)
    samples[32000:48000] += noise(1, level_db, seed=1)
    (start, end), *others = utterances(samples)
    assert not others
    assert abs(start - 200) <= 3
    assert abs(end - 300) <= 3


def test_a_short_pause_keeps_the_utterance_whole_and_a_long_one_splits_it() -> None:
    for pause, count in ((0.4, 1), (1.0, 2)):
        burst = noise(0.5, -20, seed=2)
        silence = noise(pause, -70, seed=3)
        parts = [noise(1, -70), burst, silence, burst, noise(2, -70, seed=4)]
        assert len(utterances(np.concatenate(parts))) == count


def test_steady_noise_closes_by_itself() -> None:
    endpointer = Endpointer(EndpointSettings())
    levels = levels_db(noise(12, -30).astype(np.int16))
    speaking = []
    for level in levels:
        endpointer.update(level)
        speaking.append(endpointer.speaking)
    assert not any(speaking[700:]), "after 7 s the noise is the floor"


def talk(seconds: float, level_db: float, seed: int = 0) -> np.ndarray:
    """Noise whose level varies as that of syllables does."""
    syllables = np.resize([0.3, 1.0, 0.5, 0.9, 0.2], int(seconds * 10)).repeat(1600)
    return noise(seconds, level_db, seed)[: len(syllables)] * syllables


def test_what_is_much_softer_than_speech_opens_nothing_for_a_while() -> None:
    speech, soft, room = talk(2, -20), talk(1, -50, 1), noise(2, -80, 2)
    assert len(utterances(np.concatenate([room, soft, room]))) == 1
    assert len(utterances(np.concatenate([room, speech, room, soft, room]))) == 1
    assert len(utterances(np.concatenate([room, speech, *[room] * 5, soft, room]))) == 2
    another = talk(1, -36, 1)  # who sits farther away
    assert len(utterances(np.concatenate([room, speech, room, another, room]))) == 2


def test_near_listens_to_one_person() -> None:
    speech, room, away = talk(2, -20), noise(2, -80, 2), talk(1, -39, 1)
    stream = np.concatenate([room, speech, room, away, room])
    assert len(utterances(stream)) == 2
    near = EndpointSettings().listening(NEAR)
    ((start, end),) = utterances(stream, near)
    assert 195 <= start <= 215 and 390 <= end <= 402
    assert EndpointSettings().listening(ROOM) == EndpointSettings()
    loud = np.concatenate([room, speech, room, talk(1, -28, 1), room])
    assert len(utterances(loud, near)) == 2, "what is nearly as loud is heard"


def test_hours_of_silence_leave_no_trace() -> None:
    """What is forgotten is forgotten: then a second of speech is remembered as at first."""
    speech, soft, room = talk(1, -20), talk(1, -50, 1), noise(2, -80, 2)
    stream = np.concatenate([room, speech, room, soft, room])
    levels = levels_db(np.clip(stream, -32768, 32767).astype(np.int16))
    fresh, old = (Endpointer(EndpointSettings()) for _ in range(2))
    for _ in range(400_000):
        old.update(-80.0)
    assert [fresh.update(level) for level in levels] == [old.update(level) for level in levels]


def test_settings_from_before_act_as_before() -> None:
    now = EndpointSettings().to_dict()
    assert EndpointSettings.from_dict(now) == EndpointSettings()
    old = EndpointSettings.from_dict({key: now[key] for key in now if key not in EARLIER})
    speech, soft, room = talk(2, -20), talk(1, -46, 1), noise(2, -75, 2)
    assert len(utterances(np.concatenate([room, speech, room, soft, room]), old)) == 2


def test_a_bang_makes_nobody_too_soft() -> None:
    room, bang = noise(2, -75, 2), noise(0.15, -3, 3)
    found = utterances(np.concatenate([room, bang, room, talk(1, -40), room]))
    assert len(found) == 2


def test_silence_and_a_click_are_no_speech() -> None:
    assert utterances(np.zeros(32000)) == []
    click = np.zeros(48000)
    click[24000:24100] = 30000
    assert utterances(click) == []


def test_dc_is_no_speech() -> None:
    assert max(levels_db(np.full(1600, 12000, np.int16))) == pytest.approx(-120)


def test_reset_forgets() -> None:
    endpointer = Endpointer(EndpointSettings())
    for level in [-20.0] * 50:
        endpointer.update(level)
    assert endpointer.speaking
    endpointer.reset()
    assert not endpointer.speaking
    assert endpointer.frame == 0


def opened(samples: np.ndarray, wary: bool) -> list[int]:
    """Return the onsets, in frames."""
    endpointer = Endpointer(EndpointSettings(), wary=wary)
    found = []
    for level in levels_db(np.clip(samples, -32768, 32767).astype(np.int16)):
        if endpointer.update(level) == "start":
            found.append(endpointer.onset)
    return found


def hum(seconds: float, hertz: float = 60.0) -> np.ndarray:
    return 330 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * 16000)) / 16000)


@pytest.mark.parametrize("before", [0, 3200, 24000], ids=["at once", "after zeros", "later"])
@pytest.mark.parametrize(
    "sound", [noise(12, -30), noise(12, -36, 3), 3 * hum(12), 3 * hum(12, 1000)]
)
def test_noise_that_was_there_opens_nothing(sound: np.ndarray, before: int) -> None:
    stream = np.concatenate([np.zeros(before), sound])
    assert opened(stream, wary=False), "as training trims"
    assert not opened(stream, wary=True)


@pytest.mark.parametrize("floor", [noise(6, -45, 5), hum(6)])
def test_speech_over_noise_that_was_there(floor: np.ndarray) -> None:
    samples = floor.copy()
    samples[32000:48000] += noise(1, -20, seed=1)
    (onset,) = opened(samples, wary=True)
    assert abs(onset - 200) <= 3


@pytest.mark.parametrize("level_db", [-72, -60, -50])
def test_noise_behind_digital_silence_opens_nothing(level_db: float) -> None:
    """A noise gate or an echo canceller gives zeros for a while; then the room is back."""
    speech = noise(1, -20, seed=1) * np.repeat([0.3, 1.0, 0.5, 0.9, 0.2], 3200)
    room = noise(4, level_db, seed=2)
    stream = np.concatenate([room, speech, np.zeros(16000), room])
    assert opened(stream, wary=True) == [400]


def test_speech_that_begins_at_once_is_not_held() -> None:
    swell = np.repeat([0.3, 1.0, 0.5, 0.9, 0.2, 0.8], 1600)
    samples = np.concatenate([noise(0.6, -20) * swell, noise(2, -70)])
    assert opened(samples, wary=True) == opened(samples, wary=False) == [0]


def test_wariness_ends_with_the_first_silence_and_at_a_cut() -> None:
    samples = np.concatenate([noise(1, -70), noise(1, -20, seed=1), noise(1, -70)])
    assert opened(samples, wary=True) == opened(samples, wary=False) == [100]
    endpointer = Endpointer(EndpointSettings(), wary=True)
    for level in [-20.0, -10.0] * 20:
        endpointer.update(level)
    assert endpointer.speaking
    endpointer.cut()
    assert [endpointer.update(-20.0) for _ in range(3)] == ["start", None, None]

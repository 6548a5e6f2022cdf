"""What tells where utterances are: the device's endpointer, and WebRTC's detector in its place.

WebRTC's frames go through the endpointer's own rules of onset, hang-over and length, so that the
two are compared as what they would be in an engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.choices import NEAR, ROOM
from edge.endpoint import Endpointer, EndpointSettings, levels_db
from edge.engine import LEAD, TAIL
from edge.errors import HeartenError
from edge.features import HOP, RATE
from train.conditions import Samples

MODES = (0, 1, 2, 3)
SHIFTS = (
    -10.0,
    -8.0,
    -6.0,
    -4.0,
    -2.0,
    0.0,
    2.0,
    4.0,
    8.0,
    12.0,
    16.0,
)  # dB on the endpointer's two thresholds
OURS, CLOSE = "endpointer", "endpointer, near"  # for anybody, for one person near by

Flags = NDArray[np.bool_]
Spans = list[tuple[int, int]]  # first loud frame and end of the last one
Detector = Callable[[Samples], Spans]
Decide = Callable[[Samples], Flags]  # frame by frame, without onset, hang-over and length


def rivals(settings: EndpointSettings) -> dict[str, Detector]:
    """Return WebRTC's detector in every mode. Raises HeartenError where it is not installed."""
    return {f"WebRTC mode {mode}": webrtc(mode, settings) for mode in MODES}


def named(shift: float, whose: str = OURS) -> str:
    """Return the name of an endpointer with its thresholds shifted by so many dB."""
    return whose if not shift else f"{whose} {shift:+g} dB"


def curve(settings: EndpointSettings) -> dict[str, Detector]:
    """Return both endpointers with all their thresholds, the pack's among them."""
    return {name: endpointer(found) for name, found in _variants(settings).items()}


def shifted(settings: EndpointSettings, shift: float) -> EndpointSettings:
    """Return settings with both thresholds higher by so many dB."""
    onset, offset = settings.onset_db + shift, max(1.0, settings.offset_db + shift)
    return replace(settings, onset_db=onset, offset_db=offset)


def frames(settings: EndpointSettings) -> dict[str, Decide]:
    """Return what both sides decide frame by frame, under the names of ``curve`` and ``rivals``."""
    ours = {name: loud(found) for name, found in _variants(settings).items()}
    return ours | {f"WebRTC mode {mode}": spoken(mode) for mode in MODES}


def _variants(settings: EndpointSettings) -> dict[str, EndpointSettings]:
    each = {OURS: settings.listening(ROOM), CLOSE: settings.listening(NEAR)}
    return {named(s, name): shifted(own, s) for name, own in each.items() for s in SHIFTS}


def loud(settings: EndpointSettings) -> Decide:
    """Return which frames the endpointer takes for speech."""

    def decide(samples: Samples) -> Flags:
        state = Endpointer(settings, wary=True)
        said = []
        for level in levels_db(samples):
            state.update(level)
            said.append(state.last_speech == state.frame)
        return np.array(said, bool)

    return decide


def endpointer(settings: EndpointSettings) -> Detector:
    """Return the device's endpointer as it listens to a live stream."""

    def detect(samples: Samples) -> Spans:
        state = Endpointer(settings, wary=True)
        found: Spans = []
        for level in levels_db(samples):
            was_open, last = state.speaking, (state.onset, state.last_speech)
            event = state.update(level)
            if event == "end":
                found.append(last)
            elif was_open and state.frame - state.onset >= settings.longest_frames:
                found.append((state.onset, state.last_speech))
                state.cut()
        if state.speaking:
            found.append((state.onset, state.last_speech))
        return found

    return detect


def webrtc(mode: int, settings: EndpointSettings) -> Detector:
    """Return WebRTC's detector in a mode (0..3, strictest last) under our rules of endpoints."""
    decide = spoken(mode)
    return lambda samples: utterances(decide(samples), settings)


def spoken(mode: int) -> Decide:
    """Return which frames WebRTC's detector takes for speech."""
    try:
        import webrtcvad
    except ImportError as error:
        raise HeartenError(f"{error}: pip install -e '.[train]'") from error

    def decide(samples: Samples) -> Flags:
        vad = webrtcvad.Vad(mode)
        rows = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
        return np.array([vad.is_speech(row.tobytes(), RATE) for row in rows], bool)

    return decide


def utterances(said: Flags, settings: EndpointSettings) -> Spans:
    """Return (first frame, end) of utterances that frames of speech make, as an endpointer does."""
    found: Spans = []
    run, onset, last = 0, -1, 0
    for frame, speech in enumerate(said, 1):
        if onset < 0:
            run = run + 1 if speech else 0
            if run >= settings.onset_frames:
                onset, last, run = frame - run, frame, 0
            continue
        last = frame if speech else last
        ended = frame - last >= settings.hangover_frames
        if ended or frame - onset >= settings.longest_frames:
            found.append((onset, last))
            onset, run = -1, 0 if ended else settings.onset_frames - 1
    return [*found, (onset, last)] if onset >= 0 else found


def covered(spans: Spans, frames: int) -> Flags:
    """Return which frames belong to utterances."""
    inside = np.zeros(frames, bool)
    for first, last in spans:
        inside[max(0, first - LEAD) : last + TAIL] = True
    return inside

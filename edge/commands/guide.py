"""Three sentences at the microphone: shown, heard to their end, asked for again where unusable."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator

from edge.audio.level import FLOOR_DB, MESSAGES, WINDOW, Meter
from edge.audio.microphone import LOOK, Microphone
from edge.engine import Engine
from edge.errors import HeartenError
from edge.features import RATE
from edge.live import suits
from edge.speaker import SHORTEST, Enrolment, Evidence

SENTENCES = (
    "The train to the coast leaves at ten past nine.",
    "A cup of tea stands on the table by the window.",
    "Every other Thursday the bus stops near the old bridge.",
)
TRIES = 3  # for each sentence
PATIENCE = 12.0  # seconds of a try
NOBODY = "nobody was heard: speak up, or nearer"
BYTES = 2 * RATE  # a second
BAR = 30
ERASE = "\r\033[K"


def guide(engine: Engine, kind: str, device: str | int | None, channel: int | None) -> Evidence:
    """Hear the three sentences of a speaker and return what they teach.

    Raises:
        AudioError: the microphone cannot be opened.
        HeartenError: a sentence could not be heard, however often it was asked for.
    """
    with Microphone(device, channel, _tell) as microphone:
        rate = f"{microphone.rate / 1000:g} kHz"
        _tell(f"{microphone.device.name} ({rate}); speak calmly, as in everyday life")
        room = Room(engine, kind, iter(microphone))
        found = [room.sentence(f"{n}/{len(SENTENCES)}", s) for n, s in enumerate(SENTENCES, 1)]
    whole = found[0]
    for evidence in found[1:]:
        whole = whole.joined(evidence)
    return whole


class Room:
    """An engine that hears a speaker, sentence after sentence, from one running source."""

    def __init__(self, engine: Engine, kind: str, chunks: Iterator[bytes]) -> None:
        """``chunks`` are S16_LE mono 16 kHz; an empty one says that the source is gone for now."""
        self._engine, self._kind, self._chunks = engine, kind, chunks

    def sentence(self, number: str, text: str) -> Evidence:
        """Ask for a sentence until it can be used; raises HeartenError after a few tries."""
        for _ in range(TRIES):
            _tell(f'{number}  please say: "{text}"')
            reason, evidence = self._attempt()
            if evidence and not reason:
                _tell(f"{number}  heard {evidence.seconds:.1f} s")
                return evidence
            _tell(f"{number}  {reason}")
        raise HeartenError(f"sentence {number} could not be learned: {reason}; nothing was stored")

    def _attempt(self) -> tuple[str | None, Evidence | None]:
        """Hear until an utterance ends; return what is wrong with it, and what it teaches."""
        self._engine.learner = learner = Enrolment(self._kind)
        meter, display = Meter(), _display()
        warnings: list[str] = []
        waited, told = 0.0, False
        while waited < PATIENCE:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise HeartenError("the microphone stopped; nothing was stored")
            ended = self._engine.push(chunk) if chunk else self._engine.flush()
            warnings += filter(None, [meter.push(chunk)])
            display(meter.rms_db)
            told = any(event.type == "final" for event in ended)
            if learner.evidence or learner.short or told:
                break
            waited += len(chunk) / BYTES if chunk else LOOK
        self._engine.flush()
        display(None)
        if learner.evidence or told:
            # Silence completes the meter's window. Only clipping spoils what was said.
            warnings += filter(None, [meter.push(bytes(round(WINDOW * BYTES)))])
        if learner.evidence:
            clipped = MESSAGES["clipped"]
            return clipped if clipped in warnings else None, learner.evidence
        if learner.short:
            return f"that was shorter than {SHORTEST:g} s: please say the whole sentence", None
        if warnings:
            return warnings[-1], None
        nobody = "that did not sound like speech: please say it again" if told else NOBODY
        return nobody, None


def _tell(text: str) -> None:
    """Say something to the person; standard output is for the result."""
    print(text, file=sys.stderr, flush=True)


def _display() -> Callable[[float | None], None]:
    """Return what shows a level in dBFS on a terminal, and with None wipes it."""
    if not suits(sys.stderr):
        return lambda level: None
    width = min(BAR, shutil.get_terminal_size().columns - 20)

    def show(level: float | None) -> None:
        text = ERASE
        if level is not None:
            filled = round(max(0, width) * max(0.0, 1.0 - level / (0.6 * FLOOR_DB)))
            text += f"level {'#' * filled:<{max(0, width)}} {level:4.0f} dB"
        print(text, end="", file=sys.stderr, flush=True)

    return show

"""What a user may choose when an engine is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import HeartenError

if TYPE_CHECKING:
    from edge.profile import Profile

TRANSCRIPT = "transcript"
ROOM, NEAR = "room", "near"  # whom to listen to: anybody, or one person near the microphone
ENDPOINTERS = (ROOM, NEAR)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a user may choose: words or voice only, partial events, and when to say "unknown".

    ``words`` are recognised, or come as "transcript" only: then ``Engine.words`` takes them.
    ``reject`` is the name of a threshold in the pack ("balanced", "cautious") or a confidence
    in [0, 1]. ``speaker`` is whose voice it is, if known: a name, a profile's file, or a profile;
    with ``adapt`` the engine learns the voice from the stream, until ``reset``. ``words_budget``
    is for live streams: the share of a core in (0, 1] that words may cost. It picks how thoroughly
    they are recognised, and words that are over it, or late, are dropped, which the event's
    ``notes`` say; None waits for every word. With ``explain`` final events say why.
    ``endpointer`` is "room", which hears whoever speaks, or "near": one person near the microphone,
    and fewer noises; what is 15 dB softer than that person's speech of late opens nothing.
    """

    words: bool | str = True
    partials: bool = True
    reject: str | float = "balanced"
    speaker: str | Path | Profile | None = None
    adapt: bool = False
    words_budget: float | None = None
    explain: bool = False
    endpointer: str = ROOM

    def check(self) -> None:
        """Raise HeartenError where ``words``, ``words_budget`` or ``endpointer`` makes no sense."""
        if self.endpointer not in ENDPOINTERS:
            known = " or ".join(map(repr, ENDPOINTERS))
            raise HeartenError(f"endpointer is {known}, not {self.endpointer!r}")
        if not isinstance(self.words, bool) and self.words != TRANSCRIPT:
            raise HeartenError(f"words is True, False or {TRANSCRIPT!r}, not {self.words!r}")
        budget = self.words_budget
        if budget is not None and not (isinstance(budget, int | float) and 0.0 < budget <= 1.0):
            raise HeartenError(
                f"words_budget is a share of a core above 0 and up to 1, not {budget!r}"
            )

"""What a recording was like as a whole: shares of categories, mean V/A/D, turning points."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from edge.emotion import DIMENSIONS, Emotion
from edge.lines import clock

WINDOW = 30.0  # seconds of the moving mean
MOVE = 0.4  # change of the moving mean of valence that makes a turning point
NEAR_ZERO = 0.05  # a mean closer to zero has no sign: noise around zero is no turning point


class MovingMean:
    """The mean of a value over the last 30 s, weighted by how long each utterance lasted."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float, float]] = deque()
        self._first: float | None = None

    def add(self, start: float, end: float, value: float) -> float | None:
        """Add an utterance (seconds) and return the mean at its end, None in the first 30 s."""
        if self._first is None:
            self._first = start
        self._recent.append((start, end, value))
        edge = end - WINDOW
        while self._recent[0][1] <= edge:
            self._recent.popleft()
        if edge < self._first:
            return None
        parts = [(last - max(first, edge), x) for first, last, x in self._recent]
        total = sum(length for length, _ in parts)
        return sum(length * x for length, x in parts) / total if total > 0 else None


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """Where the moving mean of valence went from ``before`` to ``after``; ``at`` in seconds."""

    at: float
    before: float
    after: float

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form, rounded as events are."""
        return {
            "at": round(self.at, 3),
            "before": round(self.before, 4),
            "after": round(self.after, 4),
        }


class Turns:
    """Finds turning points: the moving mean changes sign, or moves by more than 0.4."""

    def __init__(self) -> None:
        self._mean = MovingMean()
        self._last: float | None = None
        self._sign = 0
        self.points: list[TurningPoint] = []

    def add(self, start: float, end: float, valence: float) -> None:
        """Add an utterance: its times in seconds and its valence."""
        mean = self._mean.add(start, end, valence)
        if mean is None:
            return
        sign = self._sign if abs(mean) < NEAR_ZERO else (1 if mean > 0 else -1)
        crossed = self._sign not in (0, sign)
        self._sign = sign
        if self._last is not None and not crossed and abs(mean - self._last) <= MOVE:
            return
        if self._last is not None:
            self._turn(TurningPoint(end, self._last, mean))
        self._last = mean

    def _turn(self, point: TurningPoint) -> None:
        """Add a point; what goes on the same way within a window is still the same turn."""
        last = self.points[-1] if self.points else None
        if last and point.at - last.at < WINDOW and _way(point) == _way(last):
            self.points[-1] = TurningPoint(last.at, last.before, point.after)
        else:
            self.points.append(point)


class Summary:
    """One channel's summary, built event by event; it grows with turning points only."""

    def __init__(self, channel: int | None = None) -> None:
        """``channel`` is counted from 1, None for the mix of all channels."""
        self.channel = channel
        self.utterances = 0
        self.speech = 0.0  # seconds
        self._by_category: dict[str, float] = {}
        self._sums = dict.fromkeys(DIMENSIONS, 0.0)
        self._turns = Turns()

    def add(self, emotion: Emotion) -> None:
        """Count a final event; partial events say nothing new."""
        if emotion.type != "final":
            return
        length = max(0.0, emotion.end - emotion.start)
        self.utterances += 1
        self.speech += length
        self._by_category[emotion.category] = self._by_category.get(emotion.category, 0.0) + length
        for name in DIMENSIONS:
            self._sums[name] += length * getattr(emotion, name)
        self._turns.add(emotion.start, emotion.end, emotion.valence)

    def shares(self) -> dict[str, float]:
        """Return each category's share of the time spoken, the largest first; {} in silence."""
        if not self.speech:
            return {}
        order = sorted(self._by_category.items(), key=lambda item: -item[1])
        return {name: length / self.speech for name, length in order}

    def means(self) -> dict[str, float | None]:
        """Return the means of V/A/D weighted by duration; None each where nobody spoke."""
        speech = self.speech
        return {name: total / speech if speech else None for name, total in self._sums.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``channel`` only where there is one."""
        head = {} if self.channel is None else {"channel": self.channel}
        means = self.means().items()
        return {
            **head,
            "utterances": self.utterances,
            "speech_seconds": round(self.speech, 3),
            "shares": {name: round(share, 4) for name, share in self.shares().items()},
            **{name: None if mean is None else round(mean, 4) for name, mean in means},
            "turning_points": [point.to_dict() for point in self._turns.points],
        }

    def lines(self) -> list[str]:
        """Return readable lines: how much was said, shares, means, turning points."""
        who = "all channels" if self.channel is None else f"channel {self.channel}"
        if not self.speech:
            return [f"{who}: no speech"]
        noun = "utterance" if self.utterances == 1 else "utterances"
        shares = "  ".join(f"{name} {share:.0%}" for name, share in self.shares().items())
        means = "  ".join(f"{name[0].upper()} {mean:+.2f}" for name, mean in self.means().items())
        turns = ", ".join(f"{clock(p.at)} {_way(p)} to {p.after:+.2f}" for p in self._turns.points)
        return [
            f"{who}: {self.utterances} {noun}, {clock(self.speech)} of speech",
            f"  {shares}",
            f"  mean  {means}",
            f"  turning points of valence: {turns or 'none'}",
        ]


def _way(point: TurningPoint) -> str:
    return "rises" if point.after > point.before else "falls"

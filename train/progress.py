"""How far a set of jobs is: done, running, left, and an estimate that rests on finished jobs."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable

BEAT = 60.0  # seconds between two lines when nothing else happens


class Progress:
    """Lines on stderr, one for each finished job and one a minute; a context manager."""

    def __init__(self, total: int, before: int, width: Callable[[], int]) -> None:
        """``before`` of ``total`` jobs were done by an earlier run; ``width()`` run at a time,
        which may change when workers come and go."""
        self._total, self._before, self._width = total, before, width
        self._seconds: list[float] = []
        self._failed = 0
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        earlier = f" ({self._before} by an earlier run)" if self._before else ""
        self._say(f"{self.line()}{earlier}")
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        """Count a job that ended after ``seconds``, and print how far all are."""
        with self._lock:
            if error is None:
                self._seconds.append(seconds)
            else:
                self._failed += 1
        how = f"failed: {error}" if error else f"done in {duration(seconds)}"
        self._say(f"{name} {how}\n{self.line()}")

    def line(self) -> str:
        """Return one line: jobs done, failed, running, left, time so far and time to come."""
        left = self._total - self._before - len(self._seconds) - self._failed
        width = max(1, self._width())
        running = min(width, left)
        failed = f", {self._failed} failed" if self._failed else ""
        return (
            f"{self._before + len(self._seconds)} of {self._total} jobs done{failed}, "
            f"{running} running, {left - running} waiting; {self._estimate(left, width)}"
        )

    def _estimate(self, left: int, width: int) -> str:
        """Return the time to come from the mean of finished jobs, as a range where the last
        round of jobs is not full. With nothing finished there is nothing to go by."""
        spent = time.monotonic() - self._began
        if not left:
            return f"{duration(spent)} in all"
        if not self._seconds:
            return f"{duration(spent)} so far, no estimate before the first is done"
        each = sum(self._seconds) / len(self._seconds)
        whole = each * left / width
        late = math.ceil(left / width) * each  # a last round that is not full
        high = max(whole, late)
        between = duration(whole) if high - whole < 60 else f"{duration(whole)} to {duration(high)}"
        return f"{duration(spent)} so far, about {between} to go ({duration(each)} a job)"

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            self._say(self.line())

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return seconds as "40 s", "12 min" or "3 h 05 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"

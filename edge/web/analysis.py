"""A recording for the page, in a process of its own: ``python -m edge.web.analysis JSON``.

Apart because decoding words holds the interpreter lock: the live stream must not feel it. Options
and engine are those of ``hearten file``, so the results are too. Lines of JSON come out: progress,
events, and at last the end or an error.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from edge.audio.files import duration
from edge.commands import open_engine
from edge.errors import HeartenError
from edge.web.controls import Controls, message
from edge.web.hub import encode

NICE = 10  # the live stream comes first


def main(job: dict[str, Any]) -> None:
    """Hear ``job["path"]``, called ``job["name"]``, with the ``options`` of a command line."""
    os.nice(NICE)
    logging.disable()  # the live engine has said it already
    try:
        _hear(Path(job["path"]), argparse.Namespace(**job["options"]), job["values"])
    except HeartenError as error:
        _print({"kind": "error", "message": str(error).replace(job["path"], job["name"])})


def _hear(path: Path, options: argparse.Namespace, values: dict[str, float | None]) -> None:
    whole = duration(path)
    with open_engine(options, recording=True) as engine:
        controls = Controls(engine)
        controls.set({name: value for name, value in values.items() if value is not None})
        for emotion in engine.stream(path, lambda seconds: _progress(seconds, whole)):
            _print(message(emotion, controls.words))
        _print({"kind": "end", "seconds": round(engine.seconds, 3)})


def _progress(seconds: float, whole: float | None) -> None:
    _print({"kind": "progress", "seconds": round(seconds, 2), "of": whole and round(whole, 2)})


def _print(content: dict[str, Any]) -> None:
    print(encode(content), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

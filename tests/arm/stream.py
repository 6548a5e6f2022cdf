"""Run inside a tree: one stream of silence, one of speech, with marks for the counter.

``python stream.py FILE...`` prints, as JSON, how many frames lie between marks and how many of
them are in an utterance. Voice only, 100 ms pieces, all of ``Engine.push`` included.
"""

import json
import os
import sys
from importlib.metadata import version

import numpy as np

from edge import Engine
from edge.audio.files import blocks
from edge.interpreter import interpreter_class

MARK = 0x68656172  # a file descriptor that nobody has: count_instructions.c
PIECE = 3200  # bytes, 100 ms
WARM, COUNTED = 40, 200  # pieces before the first mark, and between the marks


def main() -> None:
    """Push both streams; a mark after the first pieces and at the end of each."""
    engine = Engine.open(words=False)
    noise = np.random.default_rng(0).normal(0.0, 8.0, (WARM + COUNTED) * PIECE // 2)  # -72 dB
    silence = np.rint(noise).astype("<i2").tobytes()
    speech = b"".join(loud(path) for path in sys.argv[1:])
    inside = {
        name: count(engine, data) for name, data in (("silence", silence), ("speech", speech))
    }
    module = interpreter_class()[1].partition(".")[0]
    names = ("numpy", module.replace("_", "-"))
    about = {"frames": COUNTED * 10, "inside": inside, "versions": {n: version(n) for n in names}}
    manifest = engine.pack.manifest.raw
    pack = f"{manifest['name']}, {manifest['voice']['quantization']}"
    print(json.dumps({**about, "pack": pack, "voice": engine.pack.voice_digest}))


def loud(path: str) -> bytes:
    """Return a recording as loud as the others: behind louder ones a soft one is no speech."""
    samples = np.concatenate(list(blocks(path))).astype(np.float64)
    return np.rint(samples * (16000.0 / np.abs(samples).max())).astype("<i2").tobytes()


def count(engine: Engine, data: bytes) -> float:
    """Return the share of the counted pieces that end inside an utterance."""
    if len(data) < (WARM + COUNTED) * PIECE:
        raise SystemExit(f"too little audio: {len(data) / 32000:.1f} s")
    engine.reset()
    speaking = 0
    for index in range(WARM + COUNTED):
        if index == WARM:
            os.isatty(MARK)
        engine.push(data[index * PIECE : (index + 1) * PIECE])
        speaking += engine.speaking and index >= WARM
    os.isatty(MARK)
    return round(speaking / COUNTED, 3)


main()

"""Make the sound files of this folder with speech synthesisers (python make_samples.py).

Needs Debian's flite, festival and espeak-ng. The same versions give the same bytes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from edge.audio.files import read  # noqa: E402
from edge.audio.resample import RATE  # noqa: E402

TOOLS = ("flite", "text2wave", "espeak-ng")
QUIET = 0.01  # of the peak: below it, the ends are silence
MARGIN = RATE * 3 // 10  # 0.3 s of silence kept at both ends

GIFT = "This is a wonderful gift."
DEATH = "It was a horrible death."
MARKET = "We are going to the market in the morning."
MEETING = "The meeting is on Monday at ten."
BOOK = "Please put the book on the table."
SOFT = ("-a", "10", "-s", "100", "-p", "5")
LOUD = ("-a", "120", "-s", "220", "-p", "85")


@dataclass(frozen=True)
class Sample:
    """One file: its name, what is said, by which voice, what it is for, which words count."""

    name: str
    text: str
    voice: str
    purpose: str
    keywords: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


SAMPLES = (
    Sample("gift_slt", GIFT, "slt", "words: pleasant", ("wonderful", "gift")),
    Sample("death_slt", DEATH, "slt", "words: unpleasant, same voice", ("horrible", "death")),
    Sample("gift_rms", GIFT, "rms", "words: pleasant", ("wonderful", "gift")),
    Sample("death_rms", DEATH, "rms", "words: unpleasant, same voice", ("horrible", "death")),
    Sample("gift_festival", GIFT, "festival", "words: pleasant", ("wonderful", "gift")),
    Sample("death_festival", DEATH, "festival", "words: unpleasant", ("horrible", "death")),
    Sample("joy_awb", "I love this beautiful music.", "awb", "joy", ("love", "beautiful", "music")),
    Sample(
        "joy_kal16",
        "I love you my friend, this is a beautiful day.",
        "kal16",
        "joy",
        ("love", "friend", "beautiful"),
    ),
    Sample(
        "grief_rms",
        "She cried at the funeral of her mother.",
        "rms",
        "grief",
        ("cried", "funeral", "mother"),
    ),
    Sample(
        "grief_slt",
        "He died a horrible death and I am so sad.",
        "slt",
        "grief",
        ("died", "horrible", "death", "sad"),
    ),
    Sample("anger_slt", "Stop it, I am very angry with you.", "slt", "anger", ("angry",)),
    Sample(
        "anger_awb",
        "I hate you, this is a terrible insult.",
        "awb",
        "anger",
        ("hate", "terrible", "insult"),
    ),
    Sample("fear_rms", "Please help me, I am scared to death.", "rms", "fear", ("scared", "death")),
    Sample(
        "fear_kal16",
        "I am afraid there is danger in the dark.",
        "kal16",
        "fear",
        ("afraid", "danger"),
    ),
    Sample("everyday_slt", MARKET, "slt", "everyday talk", ("market",)),
    Sample("everyday_rms", MEETING, "rms", "everyday talk", ("meeting",)),
    Sample("market_soft", MARKET, "espeak-ng", "voice: soft, slow, low", options=SOFT),
    Sample("market_loud", MARKET, "espeak-ng", "voice: loud, fast, high", options=LOUD),
    Sample("meeting_soft", MEETING, "espeak-ng", "voice: soft, slow, low", options=SOFT),
    Sample("meeting_loud", MEETING, "espeak-ng", "voice: loud, fast, high", options=LOUD),
    Sample("book_soft", BOOK, "espeak-ng", "voice: soft, slow, low", options=SOFT),
    Sample("book_loud", BOOK, "espeak-ng", "voice: loud, fast, high", options=LOUD),
)


def command(sample: Sample, out: Path) -> list[str]:
    """Return the synthesiser's command line; festival reads the text from stdin."""
    if sample.voice == "festival":
        return ["text2wave", "-o", str(out)]
    if sample.voice == "espeak-ng":
        return ["espeak-ng", "-v", "en-us+f2", *sample.options, "-w", str(out), sample.text]
    return ["flite", "-voice", sample.voice, "-t", sample.text, "-o", str(out)]


def speak(sample: Sample, folder: Path) -> NDArray[np.int16]:
    """Return the sentence as 16 kHz mono int16 with 0.3 s of silence at both ends."""
    out = folder / "spoken.wav"
    subprocess.run(command(sample, out), input=sample.text.encode(), check=True)
    sound = read(out)
    level = np.abs(sound.astype(np.int32))
    loud = np.flatnonzero(level > QUIET * level.max())
    padded = np.pad(sound, MARGIN)
    return padded[loud[0] : loud[-1] + 1 + 2 * MARGIN]


def write(path: Path, sound: NDArray[np.int16]) -> None:
    """Write a 16 kHz mono 16-bit WAVE file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.astype("<i2").tobytes())


def main() -> int:
    """Write every sample and the list of them; return 2 if a synthesiser is missing."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        print(f"{', '.join(missing)} not found: apt install flite festival espeak-ng")
        return 2
    listing = []
    for sample in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            write(HERE / f"{sample.name}.wav", speak(sample, Path(folder)))
        listing.append(
            {
                "file": f"{sample.name}.wav",
                "text": sample.text,
                "voice": " ".join((sample.voice, *sample.options)),
                "purpose": sample.purpose,
                "keywords": list(sample.keywords),
            }
        )
    (HERE / "samples.json").write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
    print(f"{len(listing)} files in {HERE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the built-in pack must say of recordings that we know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge import Emotion, Engine


@pytest.fixture(scope="module")
def heard(samples: Path) -> dict[str, Emotion]:
    """The final event of every sample recording; each holds one utterance."""
    found = {}
    with Engine.open() as engine:
        for row in json.loads((samples / "samples.json").read_text()):
            (found[row["file"]],) = engine.file(samples / row["file"])
    return found


def test_loud_fast_high_is_more_aroused_than_soft_slow_low(heard: dict[str, Emotion]) -> None:
    pairs = [
        (heard[f"{sentence}_loud.wav"].arousal, heard[f"{sentence}_soft.wav"].arousal)
        for sentence in ("book", "market", "meeting")
    ]
    differences = [loud - soft for loud, soft in pairs]
    assert min(differences) > 0.0
    assert sum(differences) / len(differences) > 0.1


@pytest.mark.parametrize("voice", ["slt", "rms", "festival"])
def test_a_gift_is_more_pleasant_than_a_death(heard: dict[str, Emotion], voice: str) -> None:
    gift, death = heard[f"gift_{voice}.wav"], heard[f"death_{voice}.wav"]
    assert gift.valence > death.valence
    heard_alone = gift.voice["valence"] - death.voice["valence"]
    assert gift.valence - death.valence > heard_alone + 0.15, "words move valence"
    assert {"wonderful", "gift"} & {w.word for w in gift.words}
    assert {"horrible", "death"} & {w.word for w in death.words}
    assert gift.text is not None
    assert death.text is not None
    assert gift.text["valence"] > 0 > death.text["valence"]


def test_keywords_are_heard(heard: dict[str, Emotion], samples: Path) -> None:
    wanted = found = 0
    for row in json.loads((samples / "samples.json").read_text()):
        words = {word.word for word in heard[row["file"]].words}
        wanted += len(row["keywords"])
        found += len(words & set(row["keywords"]))
    assert found >= 0.6 * wanted

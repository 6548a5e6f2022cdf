"""The card of a pack: what it tells of results that are there, and of those that are not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")

from convert import evidence, sources
from convert.card import card
from convert.evidence import Evidence
from train import licence
from train.corpora import LABELS

RESULT = {
    "protocol": "luna-jimenez",
    "seeds": [0, 1],
    "command": "python -m train it",
    "date": "2026-01-02",
    "notes": "actors apart",
}
LOST = {"mean": 3.25, "ci95": [1.0, 5.5]}


def uar(mean: float) -> dict:
    return {"uar": {"mean": mean, "sd": 0.011, "ci95": [mean - 0.05, mean + 0.05]}}


def store(folder: Path, name: str, **content: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps({**RESULT, **content}))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """One result of each task, in the form that the tasks write."""
    model = {"parameters": 1000, "bytes": 2000}
    store(tmp_path, "voice-ravdess-speech-luna-jimenez-streaming", corpus="ravdess-speech",
          model=model, metrics=uar(0.701))  # fmt: skip
    store(tmp_path, "voice-ravdess-song-emobox-streaming", corpus="ravdess-song",
          model={"parameters": 7}, metrics=uar(0.802), protocol="emobox", seeds=[0])  # fmt: skip
    rows = {"clean": uar(0.7), "noise-10": uar(0.667) | {"points_lost": LOST}}
    store(tmp_path, "robustness-ravdess-speech-luna-jimenez", metrics=rows)
    refused = {"threshold": 0.4, "coverage": 0.9, "risk": 0.25, "uar_accepted": {"mean": 0.75}}
    false = {"minutes": 17.0, "final": 40.0, "balanced": 12.0, "cautious": 3.0}
    store(
        tmp_path,
        "unknown-ravdess-speech-luna-jimenez",
        metrics={"before scaling": {"ece": 0.08}, "after scaling": {"ece": 0.03}},
        tables={
            "refused": {"balanced": refused, "cautious": refused | {"risk": None}},
            "Sounds without speech, mine: final events an hour": {"all": false},
        },
    )
    store(tmp_path, "voice-gate-luna-jimenez",
          tables={"Speech that is kept": {"clean": {"share": 0.991, "count": 9}}})  # fmt: skip
    steady = {"likeliest category": {"changes_a_second": {"mean": 0.83}}}
    store(tmp_path, "streaming-ravdess-speech-luna-jimenez",
          metrics={"0.5 s": uar(0.31), "1 s": uar(0.42), "2 s": uar(0.53), "end": uar(0.7)},
          tables={"flicker": steady, "alike": {}})  # fmt: skip
    keys = ("without", "neutral-4", "past", "neutral-4-of-another")
    store(tmp_path, "voice-speaker-luna-jimenez",
          metrics={key: uar(0.6 + i / 100) for i, key in enumerate(keys)})  # fmt: skip
    return tmp_path


def training(**voice: object) -> dict:
    said = {"uar": 0.7, "ccc": [0.1, 0.2, 0.3]}
    quality = dict.fromkeys(("voice_macro_f1", "fused_macro_f1", "voice_ece", "fused_ece"), 0.5)
    partition = {"protocol": "luna-jimenez", "fold": 0, "test": ["02"], "dev": ["04"]}
    told = {"partition": partition, "corpora": ["ravdess-speech", "emodb"], "labels": LABELS}
    return {
        "sources": "RAVDESS",
        "commands": ["python -m train voice --seed 3"],
        "voice": {**told, "teacher": None, "sibling": None, **voice},
        "artefacts": {"streaming": {"heard" if voice else "dev": said, "test": said}},
        "text": "words",
        "fusion": {"test": quality},
    }


def test_every_result_is_told(results: Path) -> None:
    found = Evidence("luna-jimenez", "mine", 1000, results).sections()
    assert "| 0.701 | 0.011 | 0.651-0.751 | 2 |" in found["protocols"]
    assert re.search(
        r"song, EmoBox.* 0.802 \| one seed .*7 parameters, not this pack", found["protocols"]
    )
    assert "Ravdess-song, Luna-Jimenez, 5 folds: was not measured." in found["protocols"]
    assert "| noise at 10 dB SNR | 0.667 | +3.2 (+1.0 to +5.5) |" in found["robustness"]
    assert "| level -30 dB | was not measured | |" in found["robustness"]
    assert "0.080 before temperature scaling, 0.030 after" in found["calibration"]
    assert "answers 90% of the utterances, of which 25% wrongly" in found["calibration"]
    assert "12 with `balanced`, 3 with `cautious` (17 minutes)" in found["calibration"]
    assert "another pack" not in found["calibration"]
    assert "clean 0.991" in found["gate"]
    assert "0.310 after 0.5 s, 0.420 after 1 s, 0.530 after 2 s, 0.700 at" in found["streaming"]
    assert "0.600 without, 0.610 with four neutral" in found["speakers"]
    other = Evidence("luna-jimenez", "yours", 1000, results).sections()
    assert "another pack" in other["calibration"]


def test_other_folds_are_told_where_the_own_were_not_measured(results: Path) -> None:
    (results / "robustness-ravdess-speech-luna-jimenez.json").rename(
        results / "robustness-ravdess-speech-emobox.json"
    )
    assert (
        "| 0.667 | +3.2" in Evidence("luna-jimenez", "mine", 1000, results).sections()["robustness"]
    )
    other = Evidence("crema-d", "mine", 1000, results).sections()
    assert "was not measured" in other["robustness"]


def test_nothing_measured_or_damaged_is_said_plainly(results: Path, tmp_path: Path) -> None:
    for path in results.glob("*.json"):
        path.write_text('{"notes": "", "metrics": []}')
    (results / "voice-gate-luna-jimenez.json").write_text("{")
    store(results, "voice-speaker-luna-jimenez", notes="SMOKE RUN, the numbers mean nothing")
    found = Evidence("luna-jimenez", "mine", 1000, results).sections()
    assert "smoke run" in found.pop("speakers")
    assert all("cannot be read" in told for told in found.values())
    nothing = Evidence("crema-d", "mine", 1000, tmp_path / "none").sections()
    assert all("was not measured" in told for told in nothing.values())
    assert "RAVDESS" not in "".join(nothing.values()).upper()


def test_who_was_heard_and_who_taught(results: Path) -> None:
    told = Evidence("luna-jimenez", "mine", 1000, results).sections()
    names = licence.of_voice(["ravdess-speech", "emodb"], taught=True)
    plain = card("mine", LABELS, names, training(), told)
    assert "| artefact | dev UAR |" in plain
    assert "No teacher" in plain
    assert "not in training: 04" in plain
    assert "Never says" not in plain
    taught = training(teacher="runs/t.npz", sibling="runs/first")
    other = card("mine", LABELS[:7], names, taught, told)
    assert "development speakers (heard in training) UAR" in other
    assert "dev UAR" not in other
    assert "Whisper base (OpenAI, MIT)" in other
    assert "a first model of the same making (`runs/first`)" in other
    assert "`python -m train voice --seed 3`" in other
    assert "Never says surprised" in other
    assert "Weights: CC BY-NC-SA 4.0. No commercial use: ravdess-speech, emodb" in other
    assert "- Whisper, Radford et al. (2022), OpenAI: MIT" in other


def test_the_licence_counts_everything_that_is_in_the_pack() -> None:
    voice = {"corpora": ["crema-d"], "teacher": "x.npz"}
    text = {"sources": ["emobank", "goemotions", "glove"]}
    names = sources.of_pack(voice, text, {})
    assert {"noise", "librispeech", "whisper-base", "cmu-sphinx"} <= set(names)
    licence.demand_commercial(names)
    assert sources.licence_of(names) == "CC BY-SA 4.0"
    papers = sources.document(names)
    assert "https://creativecommons.org/licenses/by-sa/4.0/" in papers
    assert "contains information from CREMA-D" in papers
    assert "Carnegie Mellon University" in papers
    assert "All of its data allow commercial use" in papers
    # Runs that do not say what they are from are taken to be from all of it.
    old = sources.of_pack({"corpora": ["ravdess-song"]}, {}, {"sources": ["tess"]})
    assert {"isear", "warriner", "tess"} <= set(old)
    assert "not to be passed on" in sources.licence_of(old)
    old.remove("tess")
    assert sources.licence_of(old) == "CC BY-NC-SA 4.0"
    assert "No commercial use: ravdess-song, isear, warriner forbid it." in sources.document(old)
    assert "no rating is in the pack" in sources.document(old)


def test_the_sentence_on_words_leaves_out_what_is_not_there() -> None:
    rated = {f"r_{name}": 0.5 for name in ("valence", "arousal", "dominance")}
    part = {"emobank": rated, "goemotions": {"macro_f1": 0.41}}
    told = evidence.text({"test": {"clean": part, "third": part}})
    assert "macro-F1 0.41" in told
    assert "ISEAR" not in told

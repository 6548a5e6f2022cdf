"""A pack for commercial use, from end to end: made-up corpora, all steps, and a real pack."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")
pytest.importorskip("pocketsphinx", reason="pip install 'hearten[asr]'")

from convert import __main__ as convert
from edge import Engine
from edge.audio.files import read
from edge.pack import open_pack
from tests.train.small import write
from train import __main__ as train
from train import evaluate
from train.corpora import crema_d

RATE = 16000
PITCH = {"ANG": 330, "DIS": 110, "FEA": 440, "HAP": 260, "NEU": 160, "SAD": 130}
SPOKEN = ("happy", "sad", "angry", "fearful", "disgust", "neutral")
WITHOUT = ("--without", "isear", "warriner", "--commercial")


def spoken(path: Path, hertz: float, rng: np.random.Generator) -> None:
    """Write a second of a buzzing, swelling tone with silence around it."""
    time = np.arange(RATE) / RATE
    phase = 2 * np.pi * hertz * time * rng.uniform(0.95, 1.05)
    tone = sum(np.sin(k * phase) / k for k in range(1, 9)) * (1.2 + np.sin(20 * time))
    signal = np.concatenate([np.zeros(RATE // 2), 2500 * tone, np.zeros(RATE // 2)])
    signal += rng.normal(size=len(signal)) * 3
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(signal.astype("<i2").tobytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every step of ``make pack-commercial`` was taken, but for measurements.

    There is neither ISEAR nor Warriner's list nor RAVDESS to be found.
    """
    home = tmp_path_factory.mktemp("commercial")
    corpora, voices = home / "corpora", home / "corpora/crema-d/AudioWAV"
    voices.mkdir(parents=True)
    write(corpora)
    for name in ("isear.csv", "warriner_norms.csv"):
        (corpora / name).unlink()
    rng = np.random.default_rng(0)
    actors = [*crema_d.FOLDS[0][:2], *crema_d.FOLDS[1][:2], *crema_d.FOLDS[2][:4]]
    for actor in actors:
        for emotion, hertz in PITCH.items():
            for sentence in ("DFA", "IEO"):
                spoken(voices / f"{actor}_{sentence}_{emotion}_XX.wav", hertz, rng)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTEN_CORPORA", str(corpora))
        patch.chdir(home)
        _make()
    return home


def _make() -> None:
    steps = (
        ("vocabulary", *WITHOUT, "--out", "text", "--size", "40", "--forms", "60"),
        ("text", *WITHOUT, "--out", "text", "--epochs", "2"),
        ("language", "--keywords", "text/keywords.txt", "--out", "language",
         "--words", "300", "--bigrams", "2000"),
        ("voice", "--commercial", "--corpora", "crema-d", "--fold", "crema-d:0",
         "--epochs", "3", "--out", "voice"),
        ("speaker", "--no-folds", "--voice", "voice"),
        ("fusion", "--commercial", *FOLDERS[:6], "--mishearing", RATES, "--out", "fusion"),
    )  # fmt: skip
    for step in steps:
        assert train.main(list(step)) == 0, step


RATES = str(Path(__file__).parents[2] / "results" / "recognition-mishearing.json")
FOLDERS = (
    *("--voice", "voice", "--text", "text"),
    *("--language", "language", "--fusion", "fusion"),
)


@pytest.fixture(scope="module")
def pack(made: Path) -> Path:
    """The pack of these runs. Float: three epochs leave close calls, which int8 decides anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTEN_CORPORA", str(made / "corpora"))
        patch.chdir(made)
        given = [*FOLDERS, "--commercial", "--quantize", "float32", "--name", "mine"]
        assert convert.main([*given, "--out", "pack"]) == 0
    return made / "pack"


def test_the_pack_says_what_it_is_from_and_may_be_used(pack: Path) -> None:
    manifest = json.loads((pack / "manifest.json").read_text())
    assert manifest["licence"] == "CC BY-SA 4.0"
    papers = {name: (pack / name).read_text() for name in ("CARD.md", "LICENSE")}
    told = json.dumps(manifest) + "".join(papers.values())
    for name in ("RAVDESS", "ISEAR, ", "Warriner", "EmoDB", "-NC", "No commercial use"):
        assert name not in told
    for notice in manifest["notices"]:
        assert all(notice in paper for paper in papers.values())
    who = ("CREMA-D", "ESC-10", "LibriSpeech", "EmoBank", "GoEmotions", "GloVe", "CMU Sphinx")
    assert all(any(name in notice for notice in manifest["notices"]) for name in who)
    card = papers["CARD.md"]
    assert "Weights: CC BY-SA 4.0. All of its data allow commercial use" in card
    assert "Never says calm or surprised" in card
    assert "Crema-d, crema-d: was not measured." in card
    assert "`python -m convert" in card
    assert "crema-d-1004" in card


def test_the_pack_has_the_labels_that_were_spoken_and_works(pack: Path) -> None:
    manifest = open_pack(pack).manifest
    assert set(manifest.labels) == set(SPOKEN)
    assert not (pack / "melody.tflite").exists()  # nobody sang
    assert manifest.raw["features"]["cepstra"] == 20
    assert manifest.speaker is not None
    assert np.isfinite(manifest.speaker.reference).all()
    voices = pack.parent / "corpora/crema-d/AudioWAV"
    with Engine.open(pack, words=False) as engine:
        for path in sorted(voices.glob("1004_*.wav"))[:3]:
            (event,) = engine.file(path)
            assert set(event.probabilities) == set(SPOKEN)
            assert sum(event.probabilities.values()) == pytest.approx(1.0, abs=1e-4)
            assert np.isfinite([event.valence, event.arousal, event.dominance]).all()
    with Engine.open(pack) as engine:
        engine.push(read(next(voices.glob("1004_*.wav"))).tobytes())
        engine.flush()
        (good,) = engine.words("wonderful delight happiness")
    assert good.text is not None
    assert np.isfinite(good.valence)


def test_data_that_forbid_it_are_refused_by_every_step(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(made)
    monkeypatch.setenv("HEARTEN_CORPORA", str(made / "corpora"))

    def refused(*given: str) -> str:
        assert train.main(list(given)) == 2
        return capsys.readouterr().err

    assert "--without isear warriner" in refused("vocabulary", "--commercial", "--out", "x")
    told = refused("text", "--commercial", "--without", "isear", "--out", "text")
    assert "warriner (CC BY-NC-ND 3.0)" in told
    taught = ("voice", "--commercial", "--corpora", "crema-d", "--fold", "crema-d:0", "--teacher")
    np.savez(made / "ravdess.npz", ids=np.zeros(0))  # from before files named their corpora
    assert "ravdess-speech" in refused(*taught, "ravdess.npz", "--out", "x")
    assert "ravdess-song" in refused("voice", "--commercial", "--out", "x")
    about = json.loads((made / "text/model.json").read_text())
    for folder in ("text", "other"):
        (made / folder).mkdir(exist_ok=True)
    (made / "other/model.json").write_text(json.dumps(about | {"sources": ["isear"]}))
    assert "isear" in refused("fusion", "--commercial", "--voice", "voice", "--text", "other")
    given = [*FOLDERS, "--commercial", "--out", "x"]
    assert convert.main([*given, "--text", "other"]) == 2
    assert "isear" in capsys.readouterr().err
    assert not (made / "x").exists()


def test_keywords_of_forbidden_data_are_found_out(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("HEARTEN_CORPORA", str(made / "corpora"))
    for name in ("keywords.txt", "shared.txt"):
        (tmp_path / name).write_bytes((made / "text" / name).read_bytes())
    assert train.main(["text", *WITHOUT, "--out", str(tmp_path)]) == 2  # nobody knows their data
    assert "isear (free for research), warriner" in capsys.readouterr().err
    start = ["text", "--without", "warriner", "--start", "norms", "--out", str(tmp_path)]
    assert train.main(start) == 2
    assert "needs Warriner's norms" in capsys.readouterr().err


def test_results_of_others_are_left_alone(made: Path) -> None:
    """The protocol's own name is in the files, so they do not replace those of RAVDESS."""
    assert "crema-d" not in evaluate.RAVDESS
    stored = json.loads((made / "results/fusion-constructed-pairs.json").read_text())
    assert stored["corpus"] == "crema-d with emobank, goemotions (constructed pairs)"

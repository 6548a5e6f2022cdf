"""CREMA-D and TESS as they are published, on small made-up trees; and what licences allow."""

from __future__ import annotations

import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge.audio.files import read
from edge.errors import HeartenError
from train import licence, recordings
from train.corpora import LABELS, crema_d, tess
from train.corpora.folds import split
from train.corpora.sources import SOURCES

# Of the actors 1001 to 1091, as published.
SEXES = (
    "MFFFMFFFFFMFFMMMMFMFFMMFFMMFFFMMMMMMFMMMMMFMMFFMFMMFFFFFMFMFFMFMMMMMMMMFFFFFMFFMMFMFMMMMFMF"
)
EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")


def tone(path: Path, rate: int = 16000, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    signal = np.sin(np.arange(int(rate * seconds)) * 0.1) * 8000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(signal.astype("<i2").tobytes())


def crema_tree(folder: Path) -> Path:
    names = [
        "1001_DFA_ANG_XX",
        "1001_IEO_HAP_LO",
        "1002_IEO_HAP_MD",
        "1003_IEO_FEA_HI",
        "1003_TAI_NEU_XX",
        "1040_ITH_SAD_X",  # its name in older copies
        "1076_MTI_SAD_XX",  # silent
        "1006_TIE_NEU_XX",  # the same recording as the next
        "1006_TIE_HAP_XX",
        "1001_ZZZ_ANG_XX",  # no such sentence
    ]
    for name in names:
        tone(folder / "crema-d" / "AudioWAV" / f"{name}.wav")
    return folder


def test_crema_names_labels_and_quirks(tmp_path: Path) -> None:
    found = {u.id: u for u in crema_d.load(crema_tree(tmp_path))}
    assert list(found) == [
        "1001_DFA_ANG_XX",
        "1001_IEO_HAP_LO",
        "1002_IEO_HAP_MD",
        "1003_IEO_FEA_HI",
        "1003_TAI_NEU_XX",
        "1040_ITH_SAD_XX",
    ]
    assert found["1040_ITH_SAD_XX"].label == "sad" and found["1040_ITH_SAD_XX"].speaker == "1040"
    first = found["1001_DFA_ANG_XX"]
    assert (first.speaker, first.sentence, first.label) == ("1001", "DFA", "angry")
    assert first.text == "Don't forget a jacket." and first.intensity == "unspecified"
    low, high = found["1001_IEO_HAP_LO"].arousal, found["1002_IEO_HAP_MD"].arousal
    assert low is not None and high is not None and 0 < low < high < 0.51
    assert "derived" in first.sources["valence"]


def test_crema_checkout_without_its_sound_is_told_apart(tmp_path: Path) -> None:
    place = tmp_path / "AudioWAV" / "1001_DFA_ANG_XX.wav"
    place.parent.mkdir()
    place.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 72862\n")
    with pytest.raises(HeartenError, match=r"Git LFS pointer.*git lfs pull"):
        crema_d.load(tmp_path)


def test_crema_folds_hold_every_actor_once_and_both_sexes() -> None:
    folds = crema_d.FOLDS
    assert sorted(actor for fold in folds for actor in fold) == [str(1001 + i) for i in range(91)]
    for fold in folds:
        counts = Counter(SEXES[int(actor) - 1001] for actor in fold)
        assert counts["F"] in (8, 9) and counts["M"] in (9, 10)


@pytest.mark.parametrize(
    "layout",
    [
        "tess/{talker}_{emotion}",  # as unpacked by hand
        "tess/TESS Toronto emotional speech set data/{talker}_Pleasant_surprise",
        "tess",  # all in one folder, as the repository gives them
    ],
)
def test_tess_in_every_layout(tmp_path: Path, layout: str) -> None:
    for talker in ("OAF", "YAF"):
        for emotion in EMOTIONS:
            folder = tmp_path / layout.format(talker=talker, emotion=emotion)
            tone(folder / f"{talker}_back_{emotion}.wav", rate=24414)
    tone(tmp_path / layout.format(talker="OAF", emotion="neutral") / "OA_bite_neutral.wav")
    found = {u.id: u for u in tess.load(tmp_path)}
    assert len(found) == 15
    assert found["OAF_bite_neutral"].speaker == "OAF", "a misspelt name is no third speaker"
    surprised = found["YAF_back_ps"]
    assert (surprised.label, surprised.text) == ("surprised", "Say the word back.")
    assert surprised.arousal == pytest.approx(0.67)
    assert {u.label for u in found.values()} == set(LABELS) - {"calm"}
    assert surprised.path and len(read(surprised.path)) == pytest.approx(8000, abs=2)


def test_tess_copies_count_once(tmp_path: Path) -> None:
    for outer in ("a", "a/b"):  # a well-known copy holds everything twice
        tone(tmp_path / outer / "YAF_dog_happy.wav")
    assert len(tess.load(tmp_path)) == 1


@pytest.mark.parametrize("module", [crema_d, tess])
def test_missing_or_empty(tmp_path: Path, module) -> None:
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(HeartenError, match=rf"python -m train fetch {module.NAME}"):
            module.load(place)


def test_training_takes_them_with_speakers_apart(tmp_path: Path) -> None:
    crema_tree(tmp_path)
    for talker in ("OAF", "YAF"):
        tone(tmp_path / "tess" / f"{talker}_back_sad.wav")
    items = recordings.load(tmp_path, ["crema-d", "tess"])
    people = {u.speaker for u in items}
    assert people == {"crema-d-1001", "crema-d-1002", "crema-d-1003", "crema-d-1040"} | {
        "tess-OAF",
        "tess-YAF",
    }
    parts = split(items, ["crema-d-1001"], ["tess-YAF"])
    speakers = [{u.speaker for u in part} for part in parts]
    assert speakers[1:] == [{"tess-YAF"}, {"crema-d-1001"}]
    assert speakers[0] == people - speakers[1] - speakers[2]
    assert all(None not in (u.valence, u.arousal, u.dominance) for u in items)
    with pytest.raises(HeartenError, match=r"unknown corpus 'savee'; known: .*crema-d, tess"):
        recordings.load(tmp_path, ["savee"])


def test_commercial_use_refuses_by_name() -> None:
    licence.demand_commercial(["crema-d", "noise", "emobank"])
    with pytest.raises(HeartenError, match=r"ravdess-song \(CC BY-NC-SA 4.0\), tess \(CC BY-NC-ND"):
        licence.demand_commercial(["crema-d", "ravdess-song", "tess"])
    with pytest.raises(HeartenError, match="'savee' is not known"):
        licence.demand_commercial(["savee"])


def test_licence_of_weights_is_that_of_the_strictest_corpus() -> None:
    assert licence.of_weights(["crema-d", "noise"]) == "CC BY 4.0"
    assert licence.of_weights(["crema-d", "emobank"]) == "CC BY-SA 4.0"
    assert licence.of_weights(["crema-d", "ravdess-speech", "emobank"]) == "CC BY-NC-SA 4.0"
    assert "not to be passed on" in licence.of_weights(["crema-d", "tess"])
    assert licence.notices(["ravdess-speech", "ravdess-song", "crema-d"]) == [
        "RAVDESS, Livingstone & Russo (2018): CC BY-NC-SA 4.0",
        "contains information from CREMA-D, Cao et al. (2014): ODbL 1.0",
    ]


def test_terms_agree_with_the_modules() -> None:
    for source in SOURCES:
        assert source.corpus.LICENCE.startswith(licence.terms(source.name).licence[:8])
        assert not (
            licence.terms(source.name).commercial
            and ("NC" in source.corpus.LICENCE or "research" in source.corpus.LICENCE)
        )

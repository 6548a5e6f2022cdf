"""The constructed benchmark: the stored list is what the corpora give, and what it promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import HeartenError
from train import bimodal, text_data
from train.bimodal import LEVELS, Pair
from train.corpora import ravdess
from train.pairs import TEXT_CLASS, quantiles

STORED = Path(__file__).parents[2] / bimodal.PLACE


@pytest.fixture(scope="module")
def stored() -> list[Pair]:
    return bimodal.read(STORED)


def test_the_list_is_rebuilt_as_it_is_stored(stored: list[Pair], corpora: Path) -> None:
    assert bimodal.build(corpora) == stored
    assert STORED.stat().st_size < 300_000


def test_pairs_agree_and_disagree_as_they_promise(stored: list[Pair], corpora: Path) -> None:
    voices = {u.id: u for u in ravdess.load(corpora, "speech")}
    texts = bimodal.sentences(corpora)
    parts = {u.id: u.split for u in texts.values()}
    for pair in stored:
        acted = TEXT_CLASS[voices[pair.utterance].label]
        assert texts[pair.sentence].labels == (acted,)
        if pair.other:
            assert texts[pair.other].labels not in ((acted,), ())
        named = (pair.sentence, pair.other, pair.rated, pair.opposite)
        assert {parts[name] for name in named if name} == {pair.part}
    of_emotion = [p for p in stored if p.part == "test" and not p.seed]
    wanted, other = (
        text_data.vad_targets([texts[getattr(p, key) or p.rated] for p in of_emotion])
        for key in ("rated", "opposite")
    )
    acted_vad = text_data.vad_targets([voices[p.utterance] for p in of_emotion])
    opposed = np.array([bool(p.opposite) for p in of_emotion])
    ranks = quantiles(acted_vad)[:, 0]
    assert np.corrcoef(ranks, quantiles(wanted)[:, 0])[0, 1] > 0.8
    assert np.corrcoef(ranks[opposed], quantiles(other)[opposed, 0])[0, 1] < -0.5


def test_a_fifth_disagrees_and_three_fifths_are_silent(stored: list[Pair]) -> None:
    for part in bimodal.PARTS:
        for seed in range(bimodal.SEEDS):
            rows = [p for p in stored if p.part == part and p.seed == seed]
            assert len({p.utterance for p in rows}) == len(rows) == 1439
            assert sum(bool(p.other) for p in rows) / len(rows) == pytest.approx(0.2, abs=1e-3)
            assert sum(p.silent for p in rows) / len(rows) == pytest.approx(0.6, abs=1e-3)
    assert len({p.key for p in stored}) > 0.99 * len(stored)


def test_what_is_said_depends_on_the_level() -> None:
    pair = Pair("test", 0, "u", "agrees", "other", "rated", "opposite", True)
    said = {level: (pair.said(level, False), pair.said(level, True)) for level in LEVELS}
    assert said == {
        "consistent": ("agrees", "rated"),
        "conflicting": ("other", "opposite"),
        "missing": ("agrees", "rated"),
    }
    usual = Pair("test", 0, "u", "agrees", "", "rated", "", False)
    assert usual.said("conflicting", False) == "agrees"


def test_a_list_survives_the_file_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    pairs = [Pair("dev", 3, "03-01", "a,b", "", "c", "", True)]
    place = tmp_path / "list.csv.gz"
    bimodal.write(pairs, place)
    before = place.read_bytes()
    bimodal.write(pairs, place)
    assert bimodal.read(place) == pairs and place.read_bytes() == before
    for content in (b"", b"no list", before[:20]):
        place.write_bytes(content)
        with pytest.raises(HeartenError, match="python -m train bimodal"):
            bimodal.read(place)
    with pytest.raises(HeartenError, match="python -m train bimodal"):
        bimodal.read(tmp_path / "none")

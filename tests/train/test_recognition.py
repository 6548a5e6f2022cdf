"""Scoring of the recogniser and its confidence map."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edge.confidence import Odds, Piece
from edge.decoder import RecognizerSettings
from edge.errors import HeartenError
from train import recognition_acted, report_charts
from train.__main__ import main
from train.corpora import LABELS, Utterance, librispeech
from train.language import Keywords, build
from train.recognition import CONDITIONS, halves, planned, rtf
from train.recognition_heard import Decoded, Listener, Store
from train.recognition_map import Scored, Trust, fit, judge, metrics, reliability, scores
from train.recognition_setup import LEAST, device_settings

IDENTITY = Trust()


def overconfident(snr=20.0, share=0.5, count=2000):
    """Words that are right a share as often as their posterior says."""
    rng = np.random.default_rng(int(snr))
    pairs = tuple(
        (Piece("x", 0.0, 0.1, float(p), 5), bool(rng.random() < share * p))
        for p in rng.random(count)
    )
    return Scored("a", ("x",) * count, 3600.0, 360.0, snr, pairs)


def words(*pairs):
    return tuple((Piece(word, 0.0, 0.1, p, 3), right) for word, p, right in pairs)


def test_the_map_is_calibrated_rises_and_spans_the_range():
    heard = overconfident()
    trust = fit([heard], plain=True)
    posterior, sure = np.array(trust.points).T
    assert trust.odds == Odds() and trust.unsure == 0.0
    assert posterior[0] == 0.0 and posterior[-1] == 1.0
    assert (np.diff(posterior) > 0).all() and (np.diff(sure) >= 0).all()
    assert sure == pytest.approx(posterior / 2, abs=0.1)
    assert metrics([heard], trust, 0.5)["ece"] < 0.04 < metrics([heard], IDENTITY, 0.5)["ece"]


def test_the_map_learns_what_noise_does():
    clean, noisy = overconfident(25.0, 0.9), overconfident(5.0, 0.2)
    plain, trust = fit([clean, noisy], plain=True), fit([clean, noisy])
    assert trust.odds.snr > 0.02 and abs(trust.odds.phones) < 0.05
    for one in (clean, noisy):
        assert metrics([one], trust, 0.5)["ece"] < metrics([one], plain, 0.5)["ece"] / 2
    table = reliability([clean, noisy], trust)
    assert sum(row["words"] for row in table.values()) == 4000
    assert all(abs(row["confidence"] - row["right"]) < 0.12 for row in table.values())


def test_words_of_partial_results_have_their_own_share():
    heard = overconfident()
    partial = words(*(("y", None, place < 6) for place in range(10)))
    trust = fit([heard, Scored("b", ("y",) * 6, 10.0, 1.0, 20.0, partial)])
    assert trust.unsure == pytest.approx(0.5) == trust(partial[0][0], 20.0)


def test_what_is_fitted_is_what_the_device_reads(tmp_path):
    (tmp_path / "language.json").write_text('{"options": {"lw": 7.0}}')
    trust = fit([overconfident(25.0, 0.9), overconfident(5.0, 0.2)])
    content = trust.to_dict() | {"min_confidence": 0.3}
    (tmp_path / "confidence.json").write_text(json.dumps(content))
    settings = device_settings(tmp_path)
    assert settings.options == {"lw": 7.0} and settings.min_confidence == 0.3
    assert (settings.confidence_odds, settings.confidence_map) == (trust.odds, trust.points)
    for wrong in ('{"confidence_map": [["much", 1]]}', '{"min_confidence": 7}', "[", '{"x": 1}'):
        (tmp_path / "confidence.json").write_text(wrong)
        with pytest.raises(HeartenError, match="python -m train"):
            device_settings(tmp_path)


def test_metrics_count_hits_misses_and_false_alarms():
    found = words(("joy", 0.9, True), ("joy", 0.8, False), ("fear", 0.2, True))
    item = Scored("a", ("joy", "fear", "sad", "sad"), 1800.0, 90.0, 20.0, found)
    values = metrics([item], IDENTITY, 0.5)
    assert values["precision"] == 0.5 and values["recall"] == 0.25
    assert values["f1"] == pytest.approx(1 / 3) and values["false_alarms_per_hour"] == 2.0
    nothing = metrics([Scored("a", (), 10.0, 1.0, 20.0, ())], IDENTITY, 0.5)
    assert set(nothing.values()) == {0.0}
    low, high = scores([item, replace(item, speaker="b")], IDENTITY, 0.5)["recall"]["ci95"]
    assert low == high == 0.25 and rtf([item]) == pytest.approx(0.05)


def test_a_keyword_is_right_as_often_as_it_was_said():
    said = (("joy", 0.0, 0.5), ("joy", 1.0, 0.9), ("the", 2.0, 0.9), ("sad", 3.0, None))
    pieces = [Piece(word, start, start + 0.1, p, 3) for word, start, p in said]
    scored = judge(Decoded(4.0, 20.0, 0.4, tuple(pieces)), ["joy", "the"], {"joy", "sad"}, "a")
    assert scored.said == ("joy",)
    assert [(p.word, p.posterior, right) for p, right in scored.words] == [
        ("joy", 0.9, True), ("joy", 0.5, False), ("sad", None, False),
    ]  # fmt: skip


def test_too_little_is_refused():
    with pytest.raises(HeartenError, match="more audio"):
        fit([Scored("a", ("joy",), 3.0, 0.3, 20.0, words(("joy", 0.9, True)))])
    command = ["recognition", "--keywords", "x", "--threshold"]
    assert main([*command, "nan"]) == main([*command, "7"]) == 2


def test_speakers_are_parted_and_noises_spread():
    items = [Utterance(id=f"{n}", speaker=f"s{n % 5}") for n in range(20)]
    dev, test = halves(items)
    assert len(dev) + len(test) == 20
    assert not {u.speaker for u in dev} & {u.speaker for u in test}
    plan = list(planned(dev, 3))
    assert [u for name, u in plan if name == "clean"] == dev
    assert {name for name, _ in plan} == set(CONDITIONS)
    assert len(plan) == pytest.approx(len(dev) * (1 + 4 / 3), abs=4)


def test_the_command_fits_and_tells(corpora, tmp_path, monkeypatch):
    """The decoder is left out: what it hears is decided here."""
    pytest.importorskip("pocketsphinx")
    words = ("the", "happy", "of", "in", "and", "to", "was", "he", "that", "it")
    build(Keywords(words, {}), tmp_path, 60, 500)
    (tmp_path / "keywords.txt").write_text("\n".join(words))
    rng = np.random.default_rng(0)

    def hear(self, samples):
        pieces = (Piece(word, n, n + 0.5, float(rng.random()), 2) for n, word in enumerate(words))
        return Decoded(len(samples) / 16000, float(rng.uniform(0, 30)), 0.5, tuple(pieces))

    monkeypatch.setattr(Listener, "hear", hear)
    options = {"language": tmp_path, "keywords": tmp_path / "keywords.txt", "every": 3}
    options |= {"kept": tmp_path / "kept", "results": tmp_path / "results", "limit": 24}
    command = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    assert main(["recognition", *command]) == 0
    settings = device_settings(tmp_path)
    assert settings.confidence_odds != Odds() and len(settings.confidence_map) > 3
    assert settings.min_confidence == LEAST
    errors = json.loads((tmp_path / "errors.json").read_text())
    assert set(errors) <= set(CONDITIONS)
    rows = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "results").iterdir()}
    assert {f"recognition-{n}" for n in ("as-decoded", "calibrated", "noise", "reliability")} <= {
        *rows
    }
    noise = rows["recognition-noise"]["metrics"]
    assert list(noise) == list(CONDITIONS) and "ece_posterior_alone" in noise["noise-5"]
    assert rows["recognition-as-decoded"]["metrics"]["load_mb"]["mean"] > 1.0
    picture = report_charts.of(rows["recognition-reliability"], "r")["r-curves.svg"]
    assert "as sure as right" in picture


def test_real_speech_is_scored_and_decoded_once(corpora, tmp_path):
    pytest.importorskip("pocketsphinx")
    item = librispeech.load(corpora)[0]
    spoken = (item.text or "").split()
    known = frozenset(word for word in spoken if len(word) > 4)
    build(Keywords(tuple(sorted(known)), {}), tmp_path, 2000, 100000)
    files = str(tmp_path / "words.lm.bin"), str(tmp_path / "words.dict")
    settings, place = RecognizerSettings(*files), tmp_path / "kept" / "some.json"
    from edge.audio.files import read

    with Store(place, settings) as store, Listener(settings, known) as listener:
        found = listener.hear(read(item.path))
        store.put(item.id, found)
    scored = judge(found, spoken, known, "a")
    assert 0.0 < rtf([scored]) < 5.0 and 5.0 < found.snr_db < 60.0
    assert len(scored.said) == sum(word in known for word in spoken)
    assert metrics([scored], IDENTITY, 0.0)["recall"] > 0.2
    assert Store(place, settings).get(item.id) == found
    assert Store(place, replace(settings, options={"lw": 7.0})).get(item.id) is None
    place.write_text("{")
    assert Store(place, settings).get(item.id) is None


def test_acted_words_are_heard_and_stored(corpora, tmp_path, monkeypatch):
    """A real decoder that knows few words hears a recording of each emotion and statement."""
    pytest.importorskip("pocketsphinx")
    words = (*sorted(recognition_acted.COUNTED), "are", "by", "the")
    build(Keywords(words, {}), tmp_path, 60, 500)
    (tmp_path / "keywords.txt").write_text("\n".join(words))
    monkeypatch.setattr(recognition_acted, "CONDITIONS", ("clean",))
    options = {"language": tmp_path, "keywords": tmp_path / "keywords.txt", "each": 1}
    options |= {"kept": tmp_path / "kept", "results": tmp_path / "results"}
    command = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    assert main(["recognition_acted", *command]) == 0
    (place,) = (tmp_path / "results").iterdir()
    rows = json.loads(place.read_text())["metrics"]
    assert set(rows) == {*(f"{label}, clean" for label in LABELS), "all, clean"}
    assert rows["all, clean"]["recall_heard"] > 0.5

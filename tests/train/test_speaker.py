"""Evidence is drawn fairly, trust is chosen on development actors, and gains are measured."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge.emotion import Scores
from edge.errors import HeartenError
from edge.speaker import KINDS, Trust
from train import speaker, speaker_trial
from train.corpora import LABELS
from train.speaker_trial import ALL, ANGRY, NEUTRAL, Development, Draw, Heard, Trial, said, session

DEV, TEST = ("01", "02", "03"), ("04", "05")
SIZE = len(LABELS)


class Nearest:
    """A voice branch whose classes are corners of a cube."""

    def judge(self, pooled: np.ndarray) -> Scores:
        odds = np.exp(8.0 * pooled)
        return Scores(np.zeros(3, np.float32), (odds / odds.sum()).astype(np.float32))


def made(names: tuple[str, ...], own: float, seed: int = 0) -> Heard:
    """Speakers who each say every emotion eight times, and whose voice differs by ``own``."""
    rng = np.random.default_rng(seed)
    classes = np.tile(np.repeat(np.arange(SIZE), 8), len(names))
    speakers = np.repeat(np.array(names), 8 * SIZE)
    offsets = {name: own * rng.normal(size=SIZE) for name in names}
    pooled = np.eye(SIZE)[classes] + 0.2 * rng.normal(size=(len(classes), SIZE))
    pooled = (pooled + [offsets[name] for name in speakers]).astype(np.float32)
    shares = np.stack([Nearest().judge(row).probabilities for row in pooled])
    return Heard(pooled, shares, np.full(len(classes), 2.0, np.float32), classes, speakers)


def trial(own: float = 0.6) -> Trial:
    parts = {"dev": made(DEV, own, 1), "test": made(TEST, own, 2)}
    return Trial(Nearest(), parts, np.eye(SIZE, dtype=np.float32))


def test_an_utterance_is_never_in_its_own_evidence() -> None:
    heard = made(TEST, 0.0)
    marked = replace(heard, pooled=np.eye(len(heard.classes), dtype=np.float32))
    for draw in (Draw("past", ALL), Draw("neutral", 4), Draw("past", 5, ANGRY)):
        for index, evidence in enumerate(draw.of(marked)):
            used = np.flatnonzero(evidence.mean)
            assert index not in used
            assert len(used) == evidence.count <= draw.count
            assert evidence.seconds == 2.0 * evidence.count
            assert {heard.speakers[row] for row in used} == {heard.speakers[index]}
            labels = {int(heard.classes[row]) for row in used}
            if draw.kind == "neutral":
                assert labels == {NEUTRAL}
            if draw.labels:
                assert labels == set(ANGRY)
    others = Draw("past", 9, other=True).of(marked)
    for name, evidence in zip(heard.speakers, others, strict=True):
        assert {heard.speakers[row] for row in np.flatnonzero(evidence.mean)} == {*TEST} - {name}


def test_knowing_a_voice_that_differs_helps_and_another_does_not() -> None:
    one = trial()
    settings = one.settings(dict.fromkeys(KINDS, Trust(1.0, 1.0)))
    truth = one.parts["test"].classes

    def right(draw: Draw | None) -> float:
        return float(np.mean(said(one, "test", settings, draw) == truth))

    without = right(None)
    assert right(Draw("balanced", ALL)) > without + 0.1
    assert right(Draw("neutral", 4)) > without + 0.1
    assert right(Draw("balanced", ALL, other=True)) < right(Draw("balanced", ALL))


def test_trust_is_chosen_where_it_helps_and_refused_where_it_harms() -> None:
    assert Development([trial()]).choose("neutral", ()).weight > 0.5
    # Voices that do not differ: what evidence says of them is chance, and all angry speech harms.
    same = Development([trial(own=0.0)])
    assert same.choose("neutral", ()).weight == 0.0
    assert same.choose("past", ()).weight == 0.0


def test_past_speech_that_may_harm_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker_trial, "TOLERATED", 1.0)
    assert Development([trial()]).choose("past", ()).weight > 0.0
    monkeypatch.setattr(speaker_trial, "TOLERATED", -1.0)  # nothing is harmless enough
    assert Development([trial()]).choose("past", ()).weight == 0.0


def test_a_folds_test_actors_have_no_say() -> None:
    one = trial()
    dev = one.parts["dev"]
    # The truth of actor 01 is turned round: with that actor, everything looks useless.
    spoilt = replace(dev, classes=np.where(dev.speakers == "01", 7 - dev.classes, dev.classes))
    clean = Development([replace(one, parts={"dev": dev.of(DEV[1:])})])
    mixed = Development([replace(one, parts={"dev": spoilt})])
    rows = mixed._speakers != "01"
    assert mixed.choose("balanced", ("01",)).weight > 0.0
    assert mixed._uar(Trust(0.0, 1.0), None, ("01",)) == clean._uar(Trust(0.0, 1.0), None, ())
    assert mixed._uar(Trust(0.0, 1.0), None, ()) < clean._uar(Trust(0.0, 1.0), None, ())
    assert rows.sum() == 2 * 8 * SIZE


def test_a_session_begins_without_knowledge_and_learns() -> None:
    one = trial()
    settings = one.settings({"past": Trust(1.0, 0.5), "neutral": Trust(1.0, 0.5)})
    rows = list(session(one, "test", settings, known=False, seed=0))
    assert sorted(row for row, _, _ in rows) == list(range(len(one.parts["test"].classes)))
    plain = said(one, "test", settings, None)
    assert all(plain[row] == found for row, place, found in rows if place == 0)
    assert any(plain[row] != found for row, place, found in rows if place > 0)
    known = list(session(one, "test", settings, known=True, seed=0))
    assert len(known) == len(rows) - 2 * len(TEST), "what the profile holds is not scored"


def test_results_and_the_packs_section(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = trial()
    monkeypatch.setattr(speaker, "DRAWS", {"neutral-4": Draw("neutral", 4)})
    args = SimpleNamespace(protocol="luna-jimenez", quantize="int8-dynamic", seed=0)
    development = Development([one])
    content = json.loads(json.dumps(speaker.measure(args, [one, one], development)))
    rows = content["metrics"]
    assert {"without", "neutral-4", "session", "session-early", "session-later"} <= set(rows)
    assert rows["without"]["gain"]["mean"] == 0.0
    found = rows["neutral-4"]
    low, high = found["gain"]["ci95"]
    assert low <= found["gain"]["mean"] <= high
    difference = found["uar"]["mean"] - rows["without"]["uar"]["mean"]
    assert found["gain"]["mean"] == pytest.approx(difference, abs=2e-4)
    assert len(found["uar"]["folds"]) == 2
    assert len(speaker.lines(content)) == 1 + len(rows)
    speaker._keep(tmp_path, one, speaker._trust(one, development))
    section = json.loads((tmp_path / speaker.FILE).read_text())["speaker"]
    assert list(section["reference"]) == list(LABELS)
    assert set(section["trust"]) == set(KINDS)


def test_the_command(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker.corpora, "root", lambda: tmp_path)
    monkeypatch.setattr(speaker.recordings, "load", lambda *_: [])
    parser = argparse.ArgumentParser()
    speaker.add_arguments(parser)
    given = ["--voice", str(tmp_path), "--runs", str(tmp_path), "--results", str(tmp_path)]
    with pytest.raises(HeartenError, match="no run in"):
        speaker.run(parser.parse_args(given))
    monkeypatch.setattr(speaker, "_Hear", lambda *_: lambda folder: trial())
    monkeypatch.setattr(speaker, "DRAWS", {})
    (tmp_path / "model.json").write_text(
        json.dumps({"partition": {"protocol": "luna-jimenez", "fold": 1}})
    )
    assert speaker.run(parser.parse_args(given)) == 0
    place = tmp_path / "voice-speaker-luna-jimenez.json"
    content = json.loads(place.read_text())
    assert len(content["metrics"]["without"]["uar"]["folds"]) == 5
    content["trust"][1]["past"] = {"weight": 0.125, "count": 8.0}
    place.write_text(json.dumps(content))
    assert speaker.run(parser.parse_args([*given, "--no-folds"])) == 0
    kept = json.loads((tmp_path / speaker.FILE).read_text())["speaker"]
    assert kept["trust"]["past"] == {"weight": 0.125, "count": 8.0}

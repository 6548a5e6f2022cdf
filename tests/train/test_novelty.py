"""How unlike acted speech something is: fitted, written, read by the device, and used in pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import HeartenError
from edge.manifest import _novelty as parsed
from train import novelty, pairs
from train.corpora import LABELS
from train.modalities import UNLABELLED, Side
from train.text_data import CATEGORIES

SIZE = 60


def pooled(rng: np.random.Generator, n: int, stretch: float = 1.0) -> np.ndarray:
    """Vectors that vary along a few directions, with a little of all beside them."""
    ways = np.random.default_rng(7).normal(size=(8, SIZE))
    noise = stretch * rng.normal(size=(n, SIZE))
    return (3.0 * rng.normal(size=(n, 8)) @ ways + noise).astype(np.float32)


def test_what_varies_otherwise_is_novel_and_the_device_says_the_same() -> None:
    rng = np.random.default_rng(0)
    measure = novelty.learned(pooled(rng, 400), pooled(rng, 200))
    usual, strange = (novelty.novelties(measure, pooled(rng, 100, s)) for s in (1.0, 3.0))
    assert np.median(usual) == pytest.approx(1.0, abs=0.1)
    assert strange.min() > np.quantile(usual, 0.95)
    device = parsed(json.loads(json.dumps(novelty.section(measure))))
    rows = pooled(rng, 20)
    assert novelty.novelties(device, rows) == pytest.approx(novelty.novelties(measure, rows))
    told = novelty.summary({"dev": usual, "plain": strange})
    assert told["plain"]["above"] == 1.0 and told["dev"]["above"] == 0.05


def voices(n: int) -> pairs.Voices:
    rng = np.random.default_rng(1)
    logits, vad = rng.normal(size=(n, 8)), rng.uniform(-1, 1, (n, 3))
    classes = np.full(n, LABELS.index("neutral"))
    return pairs.Voices(logits, vad, np.full((n, 3), np.nan), classes, (), np.linspace(1, 2, n))


def test_plain_voices_say_every_emotion_alike_often() -> None:
    rng = np.random.default_rng(2)
    classes = np.repeat([0, 3, 6, -1], [50, 5, 20, 25])
    truth = np.where(classes[:, None] < 0, rng.normal(0.05, 0.1, (100, 3)), np.nan)
    side = Side(None, np.full((100, 7), 1 / 7), np.zeros((100, 3)))
    texts = pairs.Texts(side, truth, classes, np.ones(100), CATEGORIES)
    acted = rng.uniform(-0.8, 0.8, (500, 3))
    rows = pairs.plain_pairs(voices(40), np.full((40, 8), 1 / 8), texts, acted)
    named = rows.classes[rows.labelled]
    assert sorted(np.bincount(named)[np.unique(named)]) == [40, 40, 40]
    assert {LABELS[c] for c in named} == {CATEGORIES[c] for c in (0, 3, 6)}
    assert (rows.classes[rows.rated] == UNLABELLED).all()
    spread = rows.truth[rows.rated].std(axis=0)
    assert spread == pytest.approx(acted.std(axis=0), rel=0.2)
    assert rows.unlike.min() == 1.0 and rows.unlike.max() == 2.0
    assert rows.take(rows.unlike > 1.5).unlike.min() > 1.5


def test_a_run_without_a_measure_trusts_and_a_measure_of_another_run_is_told(
    tmp_path: Path,
) -> None:
    saved = {"ids": np.array(["03-01-1", "03-01-2"]), "classes": np.zeros(2, int)}
    saved |= {"logits": np.zeros((2, 8)), "vad": np.zeros((2, 3)), "truth": np.zeros((2, 3))}
    np.savez(tmp_path / "predictions.npz", **{f"dev/{k}": v for k, v in saved.items()})
    assert pairs.load_voices(tmp_path, "dev").novelty is None
    with pytest.raises(HeartenError, match="python -m train novelty"):
        pairs.load_plain(tmp_path)
    heard = {"ids": np.array(["03-01-2", "03-01-1"]), "novelty": np.array([1.5, 0.9])}
    np.savez(tmp_path / pairs.NOVELTY, **{f"dev/{k}": v for k, v in heard.items()})
    assert pairs.load_voices(tmp_path, "dev").novelty == pytest.approx([0.9, 1.5])
    heard["ids"][1] = "03-01-3"
    np.savez(tmp_path / pairs.NOVELTY, **{f"dev/{k}": v for k, v in heard.items()})
    with pytest.raises(HeartenError, match="lacks 03-01-1"):
        pairs.load_voices(tmp_path, "dev")


def test_a_missing_run_names_the_command(tmp_path: Path) -> None:
    import argparse

    parser = argparse.ArgumentParser()
    novelty.add_arguments(parser)
    with pytest.raises(HeartenError, match="python -m train evaluate voice"):
        novelty.run(parser.parse_args(["--voice", str(tmp_path)]))

"""Running statistics equal the ones over everything at once."""

from __future__ import annotations

import numpy as np
import pytest

from edge.pooling import Functionals, Pool

LAGS = (1, 2, 10)


def test_blocks_and_whole_agree_with_numpy() -> None:
    rng = np.random.default_rng(0)
    states, scores = (rng.normal(size=shape).astype(np.float32) for shape in ((30, 5), (30,)))
    scores *= 40  # exponentials would overflow without care
    pool = Pool(5)
    for i in range(0, 30, 3):
        pool.add(states[i : i + 3], scores[i : i + 3, None], np.zeros((24, 4), np.float32))
    weights = np.exp(scores.astype(np.float64) - scores.max())
    wanted = np.concatenate(
        [
            weights @ states / weights.sum(),
            states.mean(axis=0),
            np.sqrt(states.var(axis=0) + 1e-5),
        ]
    )
    assert pool.steps == 30
    np.testing.assert_allclose(pool.value()[0], wanted, atol=1e-5)


def test_several_views_are_pooled_apart_and_averaged() -> None:
    rng = np.random.default_rng(2)
    shapes = (30, 3, 5), (30, 3), (30, 3, 4)  # of states, scores and frames, three views of each
    heard = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    together = Pool(5, 4, LAGS, views=3)
    together.add(*(part.reshape(30, -1) for part in heard))
    apart = []
    for view in range(3):
        states, scores, frames = (part[:, view] for part in heard)
        apart.append(Pool(5, 4, LAGS))
        apart[-1].add(states, scores[:, None], frames)
    values = [pool.value() for pool in apart]
    assert np.ptp(values, axis=0).min() > 0, "no two views are alike"
    np.testing.assert_allclose(together.value(), np.mean(values, axis=0), atol=1e-5)
    np.testing.assert_allclose(together.first(), values[0], atol=1e-5)


@pytest.mark.parametrize("piece", [1, 3, 7, 60])
def test_functionals_in_pieces_agree_with_numpy(piece: int) -> None:
    frames = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    functionals = Functionals(4, LAGS)
    for i in range(0, 60, piece):
        functionals.add(frames[i : i + piece])
    changes = [np.sqrt(((frames[n:] - frames[:-n]) ** 2).mean(axis=0) + 1e-4) for n in LAGS]
    wanted = [
        frames.mean(axis=0),
        np.sqrt(frames.var(axis=0) + 1e-4),
        *changes,
        np.maximum(frames - 1, 0).mean(axis=0),
        np.maximum(-1 - frames, 0).mean(axis=0),
    ]
    np.testing.assert_allclose(functionals.value(), np.concatenate(wanted), atol=1e-5)
    assert Pool.length(5, 4, LAGS) == 15 + len(functionals.value())


def test_functionals_of_fewer_frames_than_a_lag_are_finite() -> None:
    functionals = Functionals(4, LAGS)
    functionals.add(np.ones((3, 4), np.float32))
    assert np.isfinite(functionals.value()).all()
    assert functionals.value()[16] == pytest.approx(0.01), "no pair 10 frames apart"

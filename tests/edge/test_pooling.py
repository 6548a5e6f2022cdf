"""Running statistics equal the ones over everything at once."""

from __future__ import annotations

import numpy as np

from edge.pooling import Pool


def test_blocks_and_whole_agree_with_numpy() -> None:
    rng = np.random.default_rng(0)
    states, scores = (rng.normal(size=shape).astype(np.float32) for shape in ((30, 5), (30,)))
    scores *= 40  # exponentials would overflow without care
    pool = Pool(5)
    for i in range(0, 30, 3):
        pool.add(states[i : i + 3], scores[i : i + 3])
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

"""The losses against numpy, closed forms and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from edge.errors import HeartenError
from train import losses, metrics

RNG = np.random.default_rng(5)
TRUTH = RNG.uniform(-1, 1, (40, 3))
SAID = 0.6 * TRUTH + 0.2 + RNG.normal(0, 0.2, (40, 3))


def by_covariance(truth: np.ndarray, said: np.ndarray) -> float:
    """CCC from numpy's covariance matrix, without the module under test."""
    (var_t, shared), (_, var_s) = np.cov(truth, said, ddof=0)
    return 2 * shared / (var_t + var_s + (truth.mean() - said.mean()) ** 2)


def test_ccc_of_each_dimension_equals_numpy():
    each = losses.ccc_each(tf.constant(TRUTH), tf.constant(SAID)).numpy()
    expected = [1 - by_covariance(TRUTH[:, i], SAID[:, i]) for i in range(3)]
    assert each == pytest.approx(expected, abs=2e-5)
    assert losses.ccc_loss(TRUTH, SAID).numpy() == pytest.approx(np.mean(expected), abs=2e-5)
    assert [1 - metrics.ccc(TRUTH[:, i], SAID[:, i]) for i in range(3)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("slope", "shift", "expected"),
    [
        (1.0, 0.0, 1.0),
        (-1.0, 0.0, -1.0),
        (0.0, 0.0, 0.0),
        (0.5, 0.0, 2 * 0.5 / (1 + 0.25)),  # scale alone: 2 s / (1 + s^2)
        (1.0, 2.0, 2 / (2 + 4)),  # shift by m at variance 1: 2 / (2 + m^2)
    ],
)
def test_ccc_has_its_closed_forms(slope, shift, expected):
    x = RNG.normal(size=64)
    x = ((x - x.mean()) / x.std())[:, None]
    assert 1 - losses.ccc_loss(x, slope * x + shift).numpy() == pytest.approx(expected, abs=2e-6)


def test_gradient_equals_finite_differences():
    said = tf.Variable(SAID[:6])
    with tf.GradientTape() as tape:
        loss = losses.ccc_loss(tf.constant(TRUTH[:6]), said)
    gradient = tape.gradient(loss, said).numpy()
    step = 1e-5
    for place in np.ndindex(6, 3):
        moved = np.zeros((6, 3))
        moved[place] = step
        above, below = (
            losses.ccc_loss(TRUTH[:6], SAID[:6] + sign * moved).numpy() for sign in (1, -1)
        )
        assert gradient[place] == pytest.approx((above - below) / (2 * step), abs=1e-7)
    assert np.abs(gradient).max() > 0.01


@pytest.mark.parametrize("rows", [1, 8])
def test_constant_batches_stay_finite(rows):
    said = tf.Variable(tf.fill((rows, 3), 0.3))
    with tf.GradientTape() as tape:
        loss = losses.ccc_loss(tf.fill((rows, 3), 0.3), said)
    assert loss.numpy() == pytest.approx(1.0)
    assert np.isfinite(tape.gradient(loss, said).numpy()).all()


def test_errors_equal_numpy_and_the_metrics():
    mse, mae = losses.mse_each(TRUTH, SAID).numpy(), losses.mae_each(TRUTH, SAID).numpy()
    assert mse == pytest.approx(((TRUTH - SAID) ** 2).mean(axis=0))
    assert mae == pytest.approx(np.abs(TRUTH - SAID).mean(axis=0))
    assert mse[1] == pytest.approx(metrics.mse(TRUTH[:, 1], SAID[:, 1]))
    assert mae[1] == pytest.approx(metrics.mae(TRUTH[:, 1], SAID[:, 1]))


def test_cross_entropy_equals_the_metric_and_smoothing_its_formula():
    logits = RNG.normal(size=(30, 4))
    classes = RNG.integers(0, 4, 30)
    odds = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    hard = np.eye(4)[classes]
    assert losses.cross_entropy(hard, tf.constant(logits)).numpy() == pytest.approx(
        metrics.nll(classes, odds)
    )
    soft = losses.cross_entropy(hard, tf.constant(logits), smoothing=0.2).numpy()
    uniform = -np.log(odds).mean()
    assert soft == pytest.approx(0.8 * metrics.nll(classes, odds) + 0.2 * uniform)


@pytest.mark.parametrize("each", [losses.ccc_each, losses.mse_each, losses.mae_each])
def test_totals_are_weighted_sums(each):
    v, a, d = each(TRUTH, SAID).numpy()
    truth, said = tf.constant(TRUTH, tf.float32), tf.constant(SAID, tf.float32)
    for weights, expected in (
        (losses.no_parameter(), v + a + d),
        (losses.two_parameters(), 0.7 * v + 0.2 * a + 0.1 * d),
        (losses.three_parameters(), 0.9 * v + 0.9 * a + 0.2 * d),
        (losses.ACOUSTIC, 0.1 * v + 0.5 * a + 0.4 * d),
        (losses.two_parameters(0.0, 1.0), a),
    ):
        assert losses.multitask(weights, each)(truth, said).numpy() == pytest.approx(
            expected, rel=1e-5
        )


def test_two_parameters_sum_to_one_and_no_more():
    for alpha, beta in ((0.7, 0.2), (0.7, 0.3), (0.1, 0.5), (1.0, 0.0)):
        assert sum(losses.two_parameters(alpha, beta)) == pytest.approx(1.0)
    assert sum(losses.ACOUSTIC) == pytest.approx(1.0) == sum(losses.TEXT)
    assert losses.two_parameters(0.7, 0.2) == losses.TEXT


@pytest.mark.parametrize(
    "make",
    [
        lambda: losses.two_parameters(0.7, 0.4),
        lambda: losses.three_parameters(-0.1, 0.9, 0.2),
        lambda: losses.three_parameters(0.0, 0.0, 0.0),
        lambda: losses.multitask((float("nan"), 1.0, 1.0)),
        lambda: losses.multitask((float("inf"), 1.0, 1.0)),
    ],
)
def test_impossible_weights_are_refused(make):
    with pytest.raises(HeartenError, match=r"loss weights .* none may be negative"):
        make()


def test_equal_weights_are_three_times_the_mean_that_the_voice_trains_on():
    total = losses.multitask(losses.no_parameter())(
        tf.constant(TRUTH, tf.float32), tf.constant(SAID, tf.float32)
    )
    assert total.numpy() == pytest.approx(3 * losses.ccc_loss(TRUTH, SAID).numpy(), rel=1e-5)

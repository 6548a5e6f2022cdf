"""The metrics against scikit-learn, scipy and sums done by hand."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from train import metrics


@pytest.fixture
def classes() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 5, 400)
    return truth, np.where(rng.random(400) < 0.6, truth, rng.integers(0, 5, 400))


def test_class_metrics_equal_scikit_learn(classes):
    truth, guess = classes
    assert metrics.war(truth, guess) == pytest.approx(sk.accuracy_score(truth, guess))
    assert metrics.uar(truth, guess) == pytest.approx(sk.balanced_accuracy_score(truth, guess))
    assert metrics.macro_f1(truth, guess) == pytest.approx(
        sk.f1_score(truth, guess, average="macro")
    )
    assert (metrics.confusion(truth, guess, 5) == sk.confusion_matrix(truth, guess)).all()


def test_a_class_only_predicted_does_not_spoil_the_means():
    truth, guess = [0, 0, 1, 1], [0, 2, 1, 1]
    assert metrics.uar(truth, guess) == pytest.approx(0.75)
    assert metrics.macro_f1(truth, guess) == pytest.approx((2 / 3 + 1.0) / 2)
    assert metrics.confusion(truth, guess, 3)[0].tolist() == [1, 0, 1]


def test_a_class_never_predicted_counts_as_zero():
    assert metrics.uar([0, 1], [0, 0]) == 0.5
    assert metrics.macro_f1([0, 1], [0, 0]) == pytest.approx(1 / 3)


def test_ccc_by_hand_and_by_its_identity_with_pearson():
    # means 2 and 3, population variances 2/3 and 2/3, covariance 2/3: 2 (2/3) / (4/3 + 1)
    assert metrics.ccc([1, 2, 3], [2, 3, 4]) == pytest.approx(4 / 7)
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    y = 0.5 * x + rng.normal(size=200) + 0.3
    r, u = stats.pearsonr(x, y)[0], (x.mean() - y.mean()) ** 2
    expected = 2 * r * x.std() * y.std() / (x.var() + y.var() + u)
    assert metrics.ccc(x, y) == pytest.approx(expected)
    assert metrics.pearson(x, y) == pytest.approx(r)


@pytest.mark.parametrize("metric", [metrics.ccc, metrics.pearson])
def test_a_constant_side_gives_zero(metric):
    wave = np.sin(np.arange(50))
    for constant in (0.0, 0.1, 1e9):
        assert metric(wave, np.full(50, constant)) == 0.0
        assert metric(np.full(50, constant), wave) == 0.0
    assert metric([0.1], [0.1]) == 0.0


def test_ccc_punishes_scale_and_shift_and_pearson_does_not():
    x = np.linspace(-1, 1, 30)
    assert metrics.pearson(x, 3 * x + 1) == pytest.approx(1.0)
    assert metrics.ccc(x, 3 * x + 1) < 0.6
    assert metrics.ccc(x, x) == pytest.approx(1.0)
    assert metrics.ccc(x, -x) == pytest.approx(-1.0)


def test_ece_by_hand():
    # two items at .9 (one right), two at .6 (both right): (2 |.5 - .9| + 2 |1 - .6|) / 4
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert metrics.ece([0, 1, 0, 0], shares) == pytest.approx(0.4)
    assert metrics.ece([0, 0], [[1.0, 0.0], [1.0, 0.0]]) == 0.0


def test_ece_is_small_for_calibrated_and_large_for_overconfident_guesses():
    rng = np.random.default_rng(1)
    p = rng.uniform(0.5, 1.0, 20_000)
    truth = (rng.random(20_000) > p).astype(int)
    assert metrics.ece(truth, np.stack([p, 1 - p], 1)) < 0.02
    assert metrics.ece(truth, np.tile([0.999, 0.001], (20_000, 1))) > 0.2


def test_nll_equals_log_loss_and_survives_a_zero():
    rng = np.random.default_rng(2)
    shares = rng.dirichlet(np.ones(4), 100)
    truth = rng.integers(0, 4, 100)
    expected = sk.log_loss(truth, shares, labels=range(4))
    assert metrics.nll(truth, shares) == pytest.approx(expected)
    assert metrics.nll([1], [[1.0, 0.0]]) == pytest.approx(-np.log(1e-12))


def test_ccc_from_the_covariance_matrix_and_its_closed_forms():
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=300), rng.normal(size=300)
    (var_x, shared), (_, var_y) = np.cov(x, y, ddof=0)
    expected = 2 * shared / (var_x + var_y + (x.mean() - y.mean()) ** 2)
    assert metrics.ccc(x, y) == pytest.approx(expected)
    unit = (x - x.mean()) / x.std()
    assert metrics.ccc(unit, 0.5 * unit) == pytest.approx(2 * 0.5 / (1 + 0.25))
    assert metrics.ccc(unit, unit + 2.0) == pytest.approx(2 / (2 + 4))
    assert metrics.ccc(x, y) == pytest.approx(metrics.ccc(y, x))


def test_ccc_of_values_that_hardly_differ_is_a_number():
    tiny = np.array([1e-170, 2e-170, 3e-170])
    for metric in (metrics.ccc, metrics.pearson):
        assert metric(tiny, tiny) == 0.0


def test_batched_ccc_is_the_mean_of_its_batches_in_order():
    rng = np.random.default_rng(8)
    mood = np.repeat(rng.normal(size=5), 32)[:150]  # each batch has its own level
    truth = mood + 0.3 * rng.normal(size=150)
    said = mood + 0.3 * rng.normal(size=150)
    batches = [slice(0, 32), slice(32, 64), slice(64, 96), slice(96, 128), slice(128, 150)]
    expected = np.mean([metrics.ccc(truth[b], said[b]) for b in batches])
    assert metrics.ccc_batches(truth, said) == pytest.approx(expected)
    # The same predictions: what varies between batches does not count (protocol: .40 and .52).
    assert metrics.ccc_batches(truth, said) < metrics.ccc(truth, said) - 0.3
    assert metrics.ccc_batches(truth, said, size=150) == pytest.approx(metrics.ccc(truth, said))
    shuffled = rng.permutation(150)
    assert metrics.ccc_batches(truth[shuffled], said[shuffled]) > expected + 0.2
    assert metrics.ccc(truth[shuffled], said[shuffled]) == pytest.approx(metrics.ccc(truth, said))


def test_batched_ccc_counts_a_last_item_alone_as_zero():
    x = np.arange(33.0)
    assert metrics.ccc_batches(x, x) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="at least 1"):
        metrics.ccc_batches(x, x, size=0)


def test_errors_equal_scikit_learn():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=50), rng.normal(size=50)
    assert metrics.mse(x, y) == pytest.approx(sk.mean_squared_error(x, y))
    assert metrics.mae(x, y) == pytest.approx(sk.mean_absolute_error(x, y))


def test_uar_war_and_the_confusion_matrix_agree(classes):
    truth, guess = classes
    matrix = metrics.confusion(truth, guess, 5)
    recalls = np.diag(matrix) / matrix.sum(axis=1)
    shares = matrix.sum(axis=1) / matrix.sum()
    assert metrics.uar(truth, guess) == pytest.approx(recalls.mean())
    assert metrics.war(truth, guess) == pytest.approx((shares * recalls).sum())


@pytest.mark.parametrize("strange", [-1, 3])
def test_a_class_outside_the_matrix_is_refused(strange):
    with pytest.raises(ValueError, match="outside 0 to 2"):
        metrics.confusion([0, 1], [0, strange], 3)
    with pytest.raises(ValueError, match="a class without one"):
        metrics.nll([0, strange], np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("metric", [metrics.ccc, metrics.ccc_batches, metrics.mse, metrics.uar])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(metric, bad):
    with pytest.raises(ValueError, match="not finite"):
        metric([0.0, 1.0], [0.0, bad])
    with pytest.raises(ValueError, match="not finite"):
        metrics.nll([0], [[bad, 0.5]])


@pytest.mark.parametrize(
    "metric",
    [
        metrics.uar,
        metrics.war,
        metrics.ccc,
        metrics.ccc_batches,
        metrics.mse,
        metrics.mae,
        metrics.ece,
        metrics.nll,
    ],
)
def test_empty_or_unequal_input_is_refused(metric):
    with pytest.raises(ValueError, match="wanted"):
        metric([], [])
    with pytest.raises(ValueError, match="wanted"):
        metric([0, 1], [0])

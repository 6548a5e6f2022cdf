"""Losses for valence, arousal, dominance and classes, in TensorFlow; no missing values in them.

Shapes: ``truth`` and ``predicted`` are (batch, dimensions), class targets and logits (batch,
classes). A loss of each dimension is a vector (dimensions,); ``multitask`` weighs them into one,
with no, two or three parameters as in Atmaja & Akagi (2020), "Dimensional speech emotion
recognition from speech features and word embeddings by using multitask learning", APSIPA
Transactions on Signal and Information Processing 9. ``train.metrics`` has what is reported.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from edge.errors import HeartenError

Weights = tuple[float, float, float]  # of valence, arousal, dominance
Each = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

# Atmaja's choices for voice alone (IEMOCAP) and for text alone.
ACOUSTIC: Weights = (0.1, 0.5, 0.4)
TEXT: Weights = (0.7, 0.2, 0.1)
STEADY = 1e-6  # keeps a constant batch finite


def ccc_each(truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Return 1 - CCC of each dimension, in [0, 2].

    ``1 - 2 cov / (var_t + var_p + (mean_t - mean_p)^2 + 1e-6)`` over the batch, with population
    moments. CCC: Lin (1989), Biometrics 45: 255; as a loss: Atmaja & Akagi (2020). A
    constant side, hence also a batch of one, gives 1. The 1e-6 costs a perfect prediction
    1e-6 / (2 var): .00002 at a deviation of .16.
    """
    mean_t, mean_p = tf.reduce_mean(truth, 0), tf.reduce_mean(predicted, 0)
    covariance = tf.reduce_mean((truth - mean_t) * (predicted - mean_p), 0)
    spread = tf.math.reduce_variance(truth, 0) + tf.math.reduce_variance(predicted, 0)
    return 1.0 - 2.0 * covariance / (spread + (mean_t - mean_p) ** 2 + STEADY)


def ccc_loss(truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Return 1 - CCC, averaged over the dimensions; see ``ccc_each``."""
    return tf.reduce_mean(ccc_each(truth, predicted))


def mse_each(truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Return the mean squared error of each dimension, ``mean (t - p)^2`` over the batch."""
    return tf.reduce_mean((truth - predicted) ** 2, 0)


def mae_each(truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute error of each dimension, ``mean |t - p|`` over the batch."""
    return tf.reduce_mean(tf.abs(truth - predicted), 0)


def cross_entropy(targets: tf.Tensor, logits: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    """Return the mean cross-entropy in nats, ``-sum_c t_c log softmax(logits)_c``.

    ``targets`` are shares of classes that sum to 1 (one-hot, or mixed). ``smoothing`` in [0, 1]
    moves that share of them to all classes alike (Szegedy et al. 2016, CVPR).
    """
    soft = targets * (1.0 - smoothing) + smoothing / float(logits.shape[-1])
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(soft, logits))


def no_parameter() -> Weights:
    """Return the weights of the plain sum: V + A + D."""
    return 1.0, 1.0, 1.0


def two_parameters(alpha: float = 0.7, beta: float = 0.2) -> Weights:
    """Return weights that sum to 1: alpha V + beta A + (1 - alpha - beta) D.

    Raises:
        HeartenError: a weight would be negative.
    """
    # Rounding makes 1 - .7 - .3 a tiny negative number.
    return _checked((alpha, beta, round(1.0 - alpha - beta, 12)))


def three_parameters(alpha: float = 0.9, beta: float = 0.9, gamma: float = 0.2) -> Weights:
    """Return free weights: alpha V + beta A + gamma D.

    Raises:
        HeartenError: a weight is negative, or all are 0.
    """
    return _checked((alpha, beta, gamma))


def multitask(weights: Weights, each: Each = ccc_each) -> Each:
    """Return the total loss of (truth, predicted): the weighted sum over V, A and D.

    ``each`` gives the loss of each dimension: ``ccc_each``, ``mse_each`` or ``mae_each``. The sum
    is not divided by the weights' sum, so totals of different weights do not compare.

    Raises:
        HeartenError: a weight is negative, or all are 0.
    """
    weighed = tf.constant(_checked(weights))

    def total(truth: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(weighed * each(truth, predicted))

    return total


def _checked(weights: Weights) -> Weights:
    if not all(0.0 <= weight < float("inf") for weight in weights) or not any(weights):
        told = ", ".join(f"{weight:g}" for weight in weights)
        raise HeartenError(f"loss weights {told} of V, A, D: none may be negative, one must count")
    return weights

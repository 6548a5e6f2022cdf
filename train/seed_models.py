"""The networks of the seed's table (Atmaja, TENCON 2020), and two classifiers beside them.

386 functionals, as one time step; batch normalisation, three layers of 256 units, dropout .4,
softmax; cross-entropy, RMSprop 1e-3, batches of 16, 200 epochs, no early stop.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.emotion import Floats

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

NETWORKS = ("mlp", "lstm", "gru", "conv1d")
CLASSIFIERS = ("svm", "forest")
UNITS, DROPOUT = 256, 0.4
KERNELS = (4, 8, 12)
RATE, BATCH, EPOCHS = 1e-3, 16, 200
TREES = 500

Classes = NDArray[np.int64]


def predict(
    name: str, train: Floats, classes: Classes, test: Floats, epochs: int = EPOCHS, seed: int = 0
) -> Classes:
    """Fit the model ``name`` on (n, 386) features and classes from 0; return those of ``test``."""
    if name in CLASSIFIERS:
        return np.asarray(classifier(name, seed).fit(train, classes).predict(test))
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    model = network(name, train.shape[1], int(classes.max()) + 1)
    fit(model, shaped(name, train), classes, epochs, seed)
    return np.asarray(model(shaped(name, test), training=False).numpy().argmax(axis=1))


def classifier(name: str, seed: int = 0) -> Any:
    """Return an RBF SVM on standardised features ("svm") or a forest of 500 trees ("forest").

    All else is scikit-learn's default: nothing is chosen.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if name == "forest":
        return RandomForestClassifier(TREES, random_state=seed)
    return make_pipeline(StandardScaler(), SVC())


def network(name: str, features: int, classes: int) -> Any:
    """Return a Keras model of ``NETWORKS``; it gives probabilities, shape (n, classes)."""
    import tensorflow as tf

    layers = tf.keras.layers
    rows = [layers.BatchNormalization(), *_three(name), layers.Flatten(), layers.Dropout(DROPOUT)]
    model = tf.keras.Sequential([*rows, layers.Dense(classes, activation="softmax")])
    model.build((None, *shaped(name, np.zeros((1, features), np.float32)).shape[1:]))
    return model


def parameters(name: str, classes: int) -> int:
    """Return how many parameters a network of ``NETWORKS`` has on 386 features."""
    return int(network(name, 386, classes).count_params())


def shaped(name: str, features: Floats) -> Floats:
    """Return (n, 386) features as a network wants them: one time step, or 386 of one value."""
    place = 2 if name == "conv1d" else 1
    return np.expand_dims(features, place).astype(np.float32)


def fit(model: Any, features: Floats, classes: Classes, epochs: int, seed: int) -> None:
    """Train as described. An epoch is one graph: far less overhead than ``model.fit``."""
    import tensorflow as tf

    step = _step(model)
    data, truth = tf.constant(features), tf.constant(classes.astype(np.int32))
    full, last = divmod(len(features), BATCH)

    @tf.function
    def epoch(order: tf.Tensor) -> None:
        if full:
            for index in tf.range(full):
                rows = tf.ensure_shape(order[index * BATCH : (index + 1) * BATCH], [BATCH])
                step(tf.gather(data, rows), tf.gather(truth, rows))
        if last:
            step(tf.gather(data, order[full * BATCH :]), tf.gather(truth, order[full * BATCH :]))

    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        epoch(tf.constant(rng.permutation(len(features)).astype(np.int32)))


def _step(model: Any) -> Callable[[Any, Any], None]:
    """Return one step of training.

    With one time step and a zero initial state the recurrent kernels have no gradient: they
    count as parameters, and stay as they were drawn.
    """
    import tensorflow as tf

    trained = [v for v in model.trainable_variables if "recurrent_kernel" not in v.name]
    # The fused kernel of the older class; the same update as the newer one's.
    optimizer = tf.keras.optimizers.legacy.RMSprop(RATE)
    loss = tf.keras.losses.SparseCategoricalCrossentropy()

    def step(features: Any, truth: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(truth, model(features, training=True))
        optimizer.apply_gradients(zip(tape.gradient(value, trained), trained, strict=True))

    return step


def _three(name: str) -> list[Any]:
    import tensorflow as tf

    layers = tf.keras.layers
    if name == "mlp":
        return [layers.Dense(UNITS, activation="relu") for _ in range(3)]
    if name == "conv1d":
        return [layers.Conv1D(UNITS, width, activation="relu") for width in KERNELS]
    cell = layers.LSTMCell if name == "lstm" else layers.GRUCell
    # Keras's own kernels for sequences cost more than the one step that there is.
    return [layers.RNN(cell(UNITS), return_sequences=True, unroll=True) for _ in range(3)]

"""Fusions of features: what was measured of voice and words goes into one model.

Also hierarchical ones: what the model of one side says goes, as further features, into a model of
the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from edge.errors import HeartenError
from train.fusion_alone import spread, text_cues
from train.modalities import Fused, Rows, Values, demand, logs

STRENGTH = 100.0  # of the ridge; 1 / C of the logistic regression
UNITS = 64
SVM = {"kernel": "rbf", "C": 1.0}
KINDS = ("linear", "svm", "mlp")
ORDERS = ("text first", "voice first")


@dataclass
class Features:
    """Feature concatenation: standardised features of both sides in one model.

    ``kind`` "linear" is ridge and logistic regression, "svm" support vectors (RBF), "mlp" one
    hidden layer of 64 units. V/A/D and classes have a model each.
    """

    kind: str = "linear"
    seed: int = 0
    wants: str = "features"
    _vad: Any = None
    _classes: Any = None

    def fit(self, rows: Rows) -> Self:
        """Fit on what has targets."""
        rated, known = rows.take(rows.rated), rows.take(rows.labelled)
        if len(rated):
            self._vad = _regression(self.kind, self.seed).fit(self._inputs(rated), rated.truth)
        if len(known):
            model = _classifier(self.kind, self.seed)
            self._classes = model.fit(self._inputs(known), known.classes)
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return both, or what there were targets for."""
        inputs = self._inputs(rows)
        vad = None if self._vad is None else np.asarray(self._vad.predict(inputs))
        shares = None if self._classes is None else spread(self._classes, inputs, rows.size)
        return Fused(shares, vad)

    def _inputs(self, rows: Rows) -> Values:
        return joined(rows)


@dataclass
class Hierarchical(Features):
    """One side decides first; its decision is a feature of the other side's model.

    "text first": what the text model says, beside the features of the voice. "voice first": what
    the voice model says, beside the features of the text.
    """

    order: str = "text first"

    def __post_init__(self) -> None:
        """Refuse another order; the order is what it is fitted on."""
        if self.order not in ORDERS:
            raise HeartenError(f"unknown order {self.order!r}; known: {', '.join(ORDERS)}")
        self.wants = self.order

    def _inputs(self, rows: Rows) -> Values:
        if self.order == "text first":
            return np.concatenate(
                [_text(rows), demand(rows.voice.features, "features of the voice")], axis=1
            )
        return np.concatenate(
            [_voice(rows), demand(rows.text.features, "features of the text")], axis=1
        )


def joined(rows: Rows) -> Values:
    """Return the features of both sides beside each other."""
    return np.concatenate(
        [
            demand(rows.voice.features, "features of the voice"),
            demand(rows.text.features, "features of the text"),
        ],
        axis=1,
    )


def _text(rows: Rows) -> Values:
    """Return the decision of the text; V/A/D count only as far as a word was heard."""
    vad = demand(rows.text.vad, "V/A/D of the text") * rows.heard[:, None]
    return (
        vad if rows.text.probabilities is None else np.concatenate([vad, text_cues(rows)], axis=1)
    )


def _voice(rows: Rows) -> Values:
    vad, shares = demand(rows.voice.vad, "V/A/D of the voice"), rows.voice.probabilities
    return vad if shares is None else np.concatenate([vad, logs(shares)], axis=1)


def _regression(kind: str, seed: int) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.multioutput import MultiOutputRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.svm import SVR

    models = {
        "linear": Ridge(alpha=STRENGTH),
        "svm": MultiOutputRegressor(SVR(**SVM)),
        "mlp": MLPRegressor(
            hidden_layer_sizes=(UNITS,), alpha=1.0, early_stopping=True, random_state=seed
        ),
    }
    return _standardised(models, kind)


def _classifier(kind: str, seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    models = {
        "linear": LogisticRegression(C=1.0 / STRENGTH, max_iter=1000),
        "svm": CalibratedClassifierCV(SVC(**SVM), ensemble=False),
        "mlp": MLPClassifier(
            hidden_layer_sizes=(UNITS,), alpha=1.0, early_stopping=True, random_state=seed
        ),
    }
    return _standardised(models, kind)


def _standardised(models: dict[str, Any], kind: str) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind not in models:
        raise HeartenError(
            f"unknown kind {kind!r} of fusion of features; known: {', '.join(KINDS)}"
        )
    return make_pipeline(StandardScaler(), models[kind])

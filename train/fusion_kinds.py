"""Every way of joining voice and words, by name; ``train.modalities`` says how one is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from edge.errors import HeartenError
from train.fusion_alone import Alone, restoring
from train.fusion_early import Features, Hierarchical
from train.fusion_gate import Gate
from train.fusion_late import LateSvr, Product, Stacked
from train.fusion_network import Network
from train.metrics import nll
from train.modalities import Fused, Fusion, Rows, Values, logs, softmax

TEMPERATURES = np.geomspace(0.25, 5.0, 61)
Speaks = Sequence[int] | None

NAMES: dict[str, Callable[[int, Speaks], Fusion]] = {
    "voice": lambda seed, speaks: Alone("voice"),
    "text": lambda seed, speaks: Alone("text"),
    "network": lambda seed, speaks: Network(seed),
    "features-linear": lambda seed, speaks: Features("linear", seed),
    "features-svm": lambda seed, speaks: Features("svm", seed),
    "features-mlp": lambda seed, speaks: Features("mlp", seed),
    "text-first": lambda seed, speaks: Hierarchical("linear", seed, order="text first"),
    "voice-first": lambda seed, speaks: Hierarchical("linear", seed, order="voice first"),
    "late-svr": lambda seed, speaks: LateSvr(),
    "late-stacked": lambda seed, speaks: Stacked(),
    "late-product": lambda seed, speaks: Product(speaks),
    "late-gate": lambda seed, speaks: Gate(speaks),
}
TITLES = {
    "voice": "voice alone",
    "text": "text alone",
    "network": "network concatenation",
    "features-linear": "feature concatenation, ridge and logistic",
    "features-svm": "feature concatenation, SVM",
    "features-mlp": "feature concatenation, MLP",
    "text-first": "hierarchical, text then voice",
    "voice-first": "hierarchical, voice then text",
    "late-svr": "decisions, SVR for each dimension",
    "late-stacked": "decisions, ridge and stacked logistic",
    "late-product": "decisions, product of experts (shipped)",
    "late-gate": "decisions, gate by confidence",
}


def make(name: str, seed: int = 0, speaks: Speaks = None) -> Fusion:
    """Return a fusion of ``NAMES``, not fitted.

    ``speaks[c]`` is the class of the text that speaks for class c of the voice; None: the same.

    Raises:
        HeartenError: there is none of that name.
    """
    if name not in NAMES:
        raise HeartenError(f"unknown fusion {name!r}; known: {', '.join(NAMES)}")
    return NAMES[name](seed, speaks)


@dataclass
class Refitted:
    """Makes what a fusion says comparable: one temperature, and V/A/D with their variance restored.

    Both are fitted on development utterances; every row of a comparison gets them, the single
    modalities too. Ranks are unchanged: accuracy, F1 and Pearson's r stay as they were.
    """

    inner: Fusion
    wants: str = "decisions"
    temperature: float = 1.0
    _vad: tuple[Values, Values] = field(default_factory=lambda: (np.ones(3), np.zeros(3)))

    def fit(self, rows: Rows) -> Self:
        """Fit temperature, gain and shift to what the inner fusion, fitted before, says."""
        said = self.inner.predict(rows)
        if said.probabilities is not None and rows.labelled.any():
            shares, classes = said.probabilities[rows.labelled], rows.classes[rows.labelled]
            losses = [nll(classes, softmax(logs(shares) / t)) for t in TEMPERATURES]
            self.temperature = float(TEMPERATURES[int(np.argmin(losses))])
        if said.vad is not None and rows.rated.any():
            self._vad = restoring(said.vad[rows.rated], rows.truth[rows.rated])
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return what the inner fusion says, refitted."""
        said, (gain, shift) = self.inner.predict(rows), self._vad
        shares = said.probabilities
        return Fused(
            None if shares is None else softmax(logs(shares) / self.temperature),
            None if said.vad is None else said.vad * gain + shift,
        )

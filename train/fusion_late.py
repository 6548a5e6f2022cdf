"""Fusions of decisions: what two models say of an utterance becomes one answer.

They are fitted on development utterances, which neither model was trained on. Where no word was
heard the answer is the voice's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from edge.errors import HeartenError
from edge.fusion import LARGEST
from train.fusion_alone import logistic, restoring, spread, text_cues, unless_unheard
from train.metrics import ccc, macro_f1, nll
from train.modalities import Fused, Rows, Values, demand, logs, soft, softmax

# Of the seed: an SVR for each dimension, on two predictions of it.
SVR = {"kernel": "rbf", "C": 200.0, "gamma": 0.1, "epsilon": 0.01}
WEIGHTS = tuple(i / 8 for i in range(17))
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
VAD_SCALES = (*SCALES, 8.0)
EVEN = 0.002  # nats a pair
VAGUE = 0.005  # nats a pair that doubt in the voice may cost
LOST = 0.003  # macro-F1 that it may cost
FLAT = 0.005  # of the sum of three CCC
SLOPES = (4.0, 8.0, 16.0, 32.0)
MIDDLES = tuple(0.9 + i / 20 for i in range(23))  # novelty, 1 being usual
SHARES = tuple(i / 20 for i in range(21))


@dataclass
class LateSvr:
    """The seed's late fusion: a support vector regression for each of V, A and D.

    Its two inputs are what both models predict of that dimension; classes are left out.
    """

    wants: str = "decisions"
    _models: list[Any] = field(default_factory=list)

    def fit(self, rows: Rows) -> Self:
        """Fit on the rated utterances of which a word was heard."""
        from sklearn.svm import SVR as Regression

        known = rows.take(rows.rated & rows.heard)
        inputs = _both_vad(known)
        self._models = [
            Regression(**SVR).fit(inputs[:, [d, 3 + d]], known.truth[:, d]) for d in range(3)
        ]
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return V/A/D."""
        inputs = _both_vad(rows)
        said = [model.predict(inputs[:, [d, 3 + d]]) for d, model in enumerate(self._models)]
        return unless_unheard(rows, Fused(None, np.stack(said, axis=1)))


@dataclass
class Stacked:
    """Linear stacking: ridge regression of V/A/D, multinomial logistic regression of classes."""

    wants: str = "decisions"
    strength: float = 1.0
    _vad: Any = None
    _classes: Any = None

    def fit(self, rows: Rows) -> Self:
        """Fit on the utterances of which a word was heard, what has targets."""
        from sklearn.linear_model import Ridge

        if (rated := rows.take(rows.rated & rows.heard)).truth.size:
            self._vad = Ridge(alpha=self.strength).fit(_both_vad(rated), rated.truth)
        if (known := rows.take(rows.labelled & rows.heard)).classes.size:
            self._classes = logistic(_both_cues(known), known.classes)
        return self

    def predict(self, rows: Rows) -> Fused:
        """Return both, or what there were targets for."""
        vad = None if self._vad is None else self._vad.predict(_both_vad(rows))
        shares = None
        if self._classes is not None:
            shares = spread(self._classes, _both_cues(rows), rows.size)
        return unless_unheard(rows, Fused(shares, vad))


@dataclass
class Product:
    """What the device ships (``edge.fusion.LogLinear``), fitted.

    A product of experts for the classes, ``p_voice ** (1 - g (1 - t)) (p_text / prior) ** (weight
    g)``, and a mean of both sides for V/A/D, where the text has ``h (t share + (1 - t) novel)``;
    ``g = 1 - exp(-evidence / scale)``, and ``h`` the same with ``vad_scale``; ``t`` is the trust in
    the voice, 1 but where ``fit_novel`` found the novelty from which it falls.
    ``speaks[c]`` is the text's class that speaks for class c; None: the same.
    """

    speaks: Sequence[int] | None = None
    wants: str = "decisions"
    weight: float = 0.0
    scale: float = 1.0
    prior: Values | None = None
    vad_scale: float = 1.0
    share: Values = field(default_factory=lambda: np.zeros(3))
    mean: Values = field(default_factory=lambda: np.zeros(3))
    gain: Values = field(default_factory=lambda: np.ones(3))
    middle: float = LARGEST
    slope: float = 1.0
    novel: Values | None = None

    def fit(self, rows: Rows) -> Self:
        """Choose weight and scale by likelihood, shares by CCC; every voice is trusted."""
        known, rated = rows.take(rows.labelled), rows.take(rows.rated)
        if len(known):
            said = demand(known.text.probabilities, "probabilities of the text")
            self.prior = said[known.heard].mean(axis=0)
            grid = [(w, s) for s in SCALES for w in WEIGHTS]
            losses = np.array([nll(known.classes, self.shares(known, *c)) for c in grid])
            # Of those as good, the one by which doubtful words count least: where words are lost,
            # what is heard is wrong.
            good = [c for c, loss in zip(grid, losses, strict=True) if loss <= losses.min() + EVEN]
            self.weight, self.scale = max(good, key=lambda cell: (cell[1], -cell[0]))
        if len(rated):
            self._fit_vad(rated)
        return self

    def fit_novel(self, acted: Rows, plain: Rows) -> Self:
        """Choose how trust falls with novelty: best for plain speech, and no worse for acted.

        ``fit`` comes first. Best is macro-F1, since there the voice is sure and wrong. No worse: by
        ``LOST`` of macro-F1, by ``VAGUE`` of likelihood, by a third of ``FLAT`` of valence's CCC.
        """
        parts = [part.take(part.labelled) for part in (acted, plain)]
        (loss, score), found = self._scores(parts[0]), [(0.0, 1.0, LARGEST)]
        for self.slope in SLOPES:
            for self.middle in MIDDLES:
                mine = self._scores(parts[0])
                if mine[0] <= loss + VAGUE and mine[1] >= score - LOST:
                    found.append((self._scores(parts[1])[1], self.slope, self.middle))
        _, self.slope, self.middle = max(found)
        self._fit_novel_vad(acted.take(acted.rated), plain.take(plain.rated))
        return self

    def _scores(self, rows: Rows) -> tuple[float, float]:
        """Return negative log-likelihood and macro-F1."""
        shares = self.shares(rows, self.weight, self.scale)
        return nll(rows.classes, shares), macro_f1(rows.classes, shares.argmax(axis=1))

    def _fit_novel_vad(self, acted: Rows, plain: Rows) -> None:
        """Choose the text's share of valence in speech that is all new.

        Arousal and dominance stay the voice's: a plain voice is calm whatever it reads, and that
        such pairs are rated by their sentence is how they were made.
        """
        self.novel = self.share.copy()
        least, best = self._cccs(acted)[0] - FLAT / 3, self._cccs(plain)[0]
        chosen = float(self.share[0])
        for share in SHARES:
            self.novel[0] = share
            said = self._cccs(plain)[0]
            if said > best and self._cccs(acted)[0] >= least:
                chosen, best = share, said
        self.novel[0] = chosen

    def trust(self, rows: Rows) -> Values:
        """Return how far the voice is trusted, (n, 1)."""
        far = np.clip(self.slope * (rows.unlike - self.middle), -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(far)))[:, None]

    def _fit_vad(self, rated: Rows) -> None:
        said = demand(rated.text.vad, "V/A/D of the text")[rated.heard]
        self.mean = said.mean(axis=0)
        self.gain, _ = restoring(said, rated.truth)
        found = []
        for self.vad_scale in VAD_SCALES:
            scores = np.array([self.shared(rated, share) for share in SHARES])
            best = np.array(SHARES)[scores.argmax(axis=0)]
            found.append((float(scores.max(axis=0).sum()), self.vad_scale, best))
        most = max(total for total, _, _ in found)
        # The scale hardly matters to CCC: of those as good, the one by which a word counts most.
        _, self.vad_scale, self.share = next(one for one in found if one[0] >= most - FLAT)

    def shared(self, rated: Rows, share: float) -> list[float]:
        """Return the CCC of each dimension if the text has this share in all."""
        self.share = np.full(3, share)
        return self._cccs(rated)

    def _cccs(self, rated: Rows) -> list[float]:
        said = self._vad(rated)
        return [ccc(rated.truth[:, d], said[:, d]) for d in range(3)]

    def predict(self, rows: Rows) -> Fused:
        """Return both, or what there were targets for."""
        shares = None if self.prior is None else self.shares(rows, self.weight, self.scale)
        vad = None if rows.voice.vad is None or rows.text.vad is None else self._vad(rows)
        return Fused(shares, vad)

    def shares(self, rows: Rows, weight: float, scale: float) -> Values:
        voice = logs(demand(rows.voice.probabilities, "probabilities of the voice"))
        count = soft(rows.evidence, scale)
        power = 1.0 - count * (1.0 - self.trust(rows))
        return softmax(power * voice + weight * count * self.odds(rows))

    def odds(self, rows: Rows) -> Values:
        """Return the text's log odds against what is usual, a column a class of the rows."""
        said = logs(demand(rows.text.probabilities, "probabilities of the text"))
        speaks = list(self.speaks) if self.speaks is not None else list(range(rows.size))
        if self.prior is None or max(speaks) >= said.shape[1]:
            raise HeartenError(
                f"fusion: {said.shape[1]} classes in the text, {rows.size} in the voice: say "
                "which class of the text speaks for each"
            )
        return np.asarray((said - np.log(self.prior))[:, speaks])

    def scaled(self, rows: Rows) -> Values:
        """Return the text's V/A/D on the scale of the truth, in [-1, 1]."""
        return np.clip(self.gain * (demand(rows.text.vad, "V/A/D of the text") - self.mean), -1, 1)

    def _vad(self, rows: Rows) -> Values:
        voice = demand(rows.voice.vad, "V/A/D of the voice")
        move = soft(rows.evidence, self.vad_scale)
        novel = self.share if self.novel is None else self.novel
        share = novel + self.trust(rows) * (self.share - novel)
        return np.clip(voice + move * share * (self.scaled(rows) - voice), -1.0, 1.0)


def _both_vad(rows: Rows) -> Values:
    """Return V/A/D of the text, then of the voice, (n, 6)."""
    text = demand(rows.text.vad, "V/A/D of the text")
    return np.concatenate([text, demand(rows.voice.vad, "V/A/D of the voice")], axis=1)


def _both_cues(rows: Rows) -> Values:
    voice = logs(demand(rows.voice.probabilities, "probabilities of the voice"))
    return np.concatenate([voice, text_cues(rows)], axis=1)

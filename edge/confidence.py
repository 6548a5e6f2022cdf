"""How sure a recognised word is: from the decoder's posterior, the noise, and the word's length.

The decoder is over-confident, the more so the noisier it is and the shorter the word. Its posterior
is first corrected for both, in log odds, and then mapped to how often such a word is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SURE = 0.999  # beyond it, and below 1 - it, posteriors are all the same
SNR_DB, MOST_SNR_DB = 20.0, 30.0  # what is corrected for the others, and what is no noise
PHONES, MOST_PHONES = 5, 9
LOUD = 95  # percentile of the levels of an utterance: speech

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Odds:
    """What the log odds of a word are: ``posterior`` times the decoder's own, and so much a dB of
    SNR over ``SNR_DB`` and a phone over ``PHONES``. The default changes nothing."""

    posterior: float = 1.0
    snr: float = 0.0
    phones: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A word that the decoder found, whether or not it is a keyword.

    Times are seconds of the stream. ``posterior`` in [0, 1] is None in a partial result.
    """

    word: str
    start: float
    end: float
    posterior: float | None
    phones: int


def snr_db(levels: Sequence[float]) -> float:
    """Return about the SNR of an utterance, at least 0 dB, from the levels of its frames in dB.

    The quieter half of the utterance stands for the noise, which need not be steady: no silence
    around it is needed. Clean speech has 25 dB, at 5 dB and less it has 15 (LibriSpeech, ESC-10).
    """
    if not levels:
        return 0.0
    quiet = np.sort(levels)[: (len(levels) + 1) // 2]
    noise = 10.0 * np.log10(np.mean(10.0 ** (quiet / 10.0)))
    return max(0.0, float(np.percentile(levels, LOUD) - noise))


def corrected(posterior: float, snr: float, phones: int, odds: Odds) -> float:
    """Return the posterior, [0, 1], corrected for the noise (dB) and the length of the word."""
    posterior = min(max(posterior, 0.0), 1.0)
    if odds == Odds():
        return posterior
    safe = min(max(posterior, 1.0 - SURE), SURE)
    total = odds.posterior * math.log(safe / (1.0 - safe))
    total += odds.snr * (min(snr, MOST_SNR_DB) - SNR_DB)
    total += odds.phones * (min(phones, MOST_PHONES) - PHONES)
    return 1.0 / (1.0 + math.exp(-total))


def confidence(piece: Piece, snr: float, odds: Odds, points: Points, unsure: float) -> float:
    """Return how often a word like this one is right, [0, 1]; ``unsure`` without a posterior.

    ``points`` are (corrected posterior, confidence), rising; none: the corrected posterior itself.
    """
    if piece.posterior is None:
        return unsure
    value = corrected(piece.posterior, snr, piece.phones, odds)
    if not points:
        return value
    return float(np.interp(value, [p for p, _ in points], [c for _, c in points]))

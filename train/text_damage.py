"""What is done to the words while training, and when a model is chosen.

``--heard`` names it: "clean" leaves the words as written, "rough" loses and invents some at random
(``text_data.as_heard``), "measured" makes the errors that ``python -m train recognition`` counted,
of which half of the utterances are spared (``recognition_errors.as_heard``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import HeartenError
from train import recognition_errors, text_data
from train.text_data import Bags

WAYS = ("rough", "clean", "measured")

HEARD = 1 / 3
"""Share of the words that the recogniser hears: its recall on LibriSpeech test-other."""

CONFIDENCES = (0.4, 0.8)
"""What the calibrated recogniser gives the words that it keeps."""

Damage = Callable[[Bags, np.random.Generator], Bags]


def damaged(bags: Bags, condition: str) -> Bags:
    """Return the bags of a condition: "clean" as they are, "third" as a recogniser leaves them.

    That is a third of the words, with the confidences that it gives.
    """
    if condition == "clean":
        return bags
    rng = np.random.default_rng(20)
    kept = text_data.keep_share(bags, HEARD, rng)
    sure = rng.uniform(*CONFIDENCES, size=kept.weights.shape).astype(np.float32)
    return Bags(kept.ids, kept.weights * sure, kept.written)


def way(
    name: str, said: Bags, forms: Sequence[str], listened: Collection[str], errors: Path
) -> Damage:
    """Return what ``--heard`` names.

    ``said`` tells how frequent the words are that "rough" invents; ``listened`` are the forms that
    the recogniser can hear, and ``errors`` the file with what was measured.

    Raises:
        HeartenError: there is no such file.
    """
    if name == "clean":
        return lambda bags, rng: bags
    if name == "rough":
        counts = text_data.word_counts(said, len(forms) + 1)
        return lambda bags, rng: text_data.as_heard(bags, counts, rng)
    found = _read(errors)
    return lambda bags, rng: recognition_errors.as_heard(bags, forms, found, rng, listened)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        message = f"no measured errors in {path} ({error}): python -m train recognition"
        raise HeartenError(message) from None

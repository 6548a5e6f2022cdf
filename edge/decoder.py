"""The decoder behind the word recogniser: its models, its options, and what it may cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.confidence import Odds
from edge.errors import MissingExtra, PackError

OPTIONS: dict[str, Any] = {
    "fwdflat": False,
    "bestpath": True,
    "maxhmmpf": 3000,
    "maxwpf": 5,
    # A small vocabulary hears short keywords in longer unknown words: make new words dearer.
    "lw": 8.0,
    "wip": 0.1,
    # The mean cepstrum of LibriSpeech utterances.
    "cmninit": "46.43,4.94,2.66,5.54,-0.09,-0.87,-6.62,-5.77,-5.53,-1.35,4.45,-3.64,3.91",
}
# What a rung costs next to the first, and what it changes: see ``rung``. Precision / recall of the
# built-in pack on 120 utterances of LibriSpeech test-other, confidence >= .4 (each +- .06 / .04):
LADDER: tuple[tuple[float, dict[str, Any]], ...] = (
    (1.0, {}),  # .57 / .18
    (0.9, {"topn": 2}),  # .63 / .19
    (0.65, {"ds": 2, "topn": 2, "maxhmmpf": 1500}),  # .54 / .18
    (0.5, {"ds": 2, "topn": 2, "maxhmmpf": 800}),  # .48 / .16
    (0.35, {"ds": 3, "topn": 2, "maxhmmpf": 800}),  # .35 / .12
)
# The name of a search that holds no word.
DEAF = "channel"
# The weight, in frames, of the usual channel against the one that is heard.
PRIOR_FRAMES = 20
FRAME = 160
LARGEST = 1e9  # of a number among the options
STRONGEST = 10.0  # of a weight among the log odds

Samples = NDArray[np.int16]
Cepstrum = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RecognizerSettings:
    """What a recogniser needs; a pack's manifest holds it.

    ``language_model`` (binary trie or ARPA) and ``dictionary`` are paths; ``acoustic_model`` is a
    folder, or None for the en-us model inside the pocketsphinx wheel. Words whose confidence is
    below ``min_confidence`` are dropped. ``partial_confidence`` is given to the words of a partial
    result, which have no posterior: 0 drops them. ``confidence_odds`` correct the posteriors for
    noise and the length of the word, ``confidence_map`` holds points (corrected posterior,
    confidence), posteriors rising: the decoder is over-confident, and the line through the
    points says how often it is right; empty means the posterior itself. ``settle`` is the audio,
    in seconds, from which the channel is learnt before decoding starts; the decoder then catches
    up. ``options`` are settings of the decoder, over ``OPTIONS``.
    """

    language_model: str
    dictionary: str
    acoustic_model: str | None = None
    min_confidence: float = 0.5
    partial_confidence: float = 0.3
    confidence_odds: Odds = field(default_factory=Odds)
    confidence_map: tuple[tuple[float, float], ...] = ()
    settle: float = 2.0
    options: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise PackError, which names it, where a number makes no sense."""
        for name in ("min_confidence", "partial_confidence"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise PackError(f"recognizer: {name} must lie in 0..1, not {getattr(self, name)}")
        if not 0.0 <= self.settle <= 10.0:
            raise PackError(f"recognizer: settle must lie in 0..10 seconds, not {self.settle}")
        for name, value in asdict(self.confidence_odds).items():
            # A better posterior never makes a word less sure.
            if not abs(value) <= STRONGEST or (name == "posterior" and value <= 0.0):
                raise PackError(f"recognizer: confidence_odds: {name} cannot be {value}")
        posteriors = [posterior for posterior, _ in self.confidence_map]
        if posteriors != sorted(set(posteriors)):
            raise PackError("the posteriors of the recogniser's confidence_map must rise")
        if not all(0.0 <= value <= 1.0 for point in self.confidence_map for value in point):
            raise PackError("recognizer: confidence_map must hold numbers in 0..1")
        for name, value in self.options.items():
            # Every other text is a path, and some make the decoder write down what it hears.
            fits = isinstance(value, bool | int | float) and abs(value) <= LARGEST
            if not fits and not (name == "cmninit" and isinstance(value, str)):
                raise PackError(f"recognizer: option {name!r} must be a number, not {value!r:.40}")


def rung(cost: float, budget: float) -> dict[str, Any]:
    """Return the options of the best rung that a budget can pay, else of the cheapest.

    ``cost`` is what a second of speech costs on the first rung, ``budget`` what it may, both in
    seconds of a core.
    """
    return next((options for share, options in LADDER if cost * share <= budget), LADDER[-1][1])


def load(settings: RecognizerSettings) -> Any:
    """Return a decoder with its models loaded, and a search without words beside its own.

    Raises:
        MissingExtra: pocketsphinx is not installed.
        PackError: a model file is missing or damaged, or a setting is wrong.
    """
    settings.check()
    try:
        from pocketsphinx import Config, Decoder, get_model_path
    except ImportError as error:
        raise MissingExtra("recognising words", "asr") from error
    acoustic = settings.acoustic_model or str(Path(get_model_path()) / "en-us" / "en-us")
    _check_files(settings, acoustic)
    files = {"hmm": acoustic, "lm": settings.language_model, "dict": settings.dictionary}
    try:
        # The decoder's own log goes to stderr; every failure is reported here instead.
        options = OPTIONS | settings.options | files | {"loglevel": "FATAL"}
        decoder = Decoder(Config(**options))
        decoder.add_fsg(DEAF, decoder.create_fsg(DEAF, 0, 1, [(0, 1, 1.0)]))
        decoder.activate_search()
    except KeyError as error:
        raise PackError(f"the word recogniser has no such option: {error}") from error
    except (RuntimeError, TypeError, ValueError) as error:
        raise PackError(f"the word recogniser cannot load its models: {error}") from error
    return decoder


def cepstrum(decoder: Any) -> Cepstrum:
    """Return the decoder's cepstral mean; shape (13,)."""
    return np.array([float(value) for value in decoder.get_cmn().split(",")])


def channel(decoder: Any, samples: Samples, usual: Cepstrum) -> str:
    """Return the cepstral mean of int16 ``samples`` and a little of the ``usual`` one.

    Noise and channel estimates outlive an utterance of the decoder; this resets both. The audio
    is searched for no word: with the decoder's own search this would cost as much as decoding.
    """
    decoder.activate_search(DEAF)
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), no_search=True, full_utt=True)
    decoder.end_utt()
    decoder.activate_search()
    frames = len(samples) / FRAME
    mean = (frames * cepstrum(decoder) + PRIOR_FRAMES * usual) / (frames + PRIOR_FRAMES)
    return ",".join(f"{value:.4f}" for value in mean)


def _check_files(settings: RecognizerSettings, acoustic: str) -> None:
    """Name the file that is missing: the decoder itself would only say that it failed."""
    for what, path in (
        ("language model", Path(settings.language_model)),
        ("dictionary", Path(settings.dictionary)),
        ("acoustic model", Path(acoustic) / "mdef"),
    ):
        if not path.is_file():
            raise PackError(f"the {what} of the word recogniser is missing: {path}")

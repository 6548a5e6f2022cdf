"""What the licences of the corpora allow to do with a model that was trained on them.

Not legal advice: a reading of the licences' own words, to keep accidents out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.errors import HeartenError
from train.corpora import plain


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a corpus: its licence, whether commercial use is allowed, what to say of it."""

    licence: str
    commercial: bool
    notice: str


# By the names that commands use; the words of each licence are in the corpus's module.
TERMS: Mapping[str, Terms] = {
    "ravdess-speech": Terms("CC BY-NC-SA 4.0", False, "RAVDESS, Livingstone & Russo (2018)"),
    "ravdess-song": Terms("CC BY-NC-SA 4.0", False, "RAVDESS, Livingstone & Russo (2018)"),
    "emodb": Terms("free for research", False, "EmoDB, Burkhardt et al. (2005)"),
    "tess": Terms("CC BY-NC-ND 4.0", False, "TESS, Pichora-Fuller & Dupuis (2020)"),
    "crema-d": Terms("ODbL 1.0", True, "contains information from CREMA-D, Cao et al. (2014)"),
    "iemocap": Terms("signed agreement, research only", False, "IEMOCAP, Busso et al. (2008)"),
    "msp-improv": Terms(
        "signed agreement, research only", False, "MSP-IMPROV, Busso et al. (2017)"
    ),
    "mspin": Terms("signed agreement, research only", False, "MSP-IMPROV, Busso et al. (2017)"),
    "noise": Terms("CC BY 3.0", True, "ESC-10, Piczak (2015)"),
    "emobank": Terms("CC BY-SA 4.0", True, "EmoBank, Buechel & Hahn (2017)"),
    "goemotions": Terms("Apache-2.0", True, "GoEmotions, Demszky et al. (2020)"),
    "isear": Terms("free for research", False, "ISEAR, Scherer & Wallbott (1994)"),
    "warriner": Terms("CC BY-NC-ND 3.0", False, "Warriner et al. (2013)"),
    "glove": Terms("PDDL 1.0", True, "GloVe, Pennington et al. (2014)"),
    "librispeech": Terms("CC BY 4.0", True, "LibriSpeech, Panayotov et al. (2015)"),
    "coffee": Terms("Apache-2.0", True, "Picovoice (2020)"),
    "whisper-base": Terms("MIT", True, "Whisper, Radford et al. (2022), OpenAI"),
    "sentence-encoder": Terms("Apache-2.0", True, "Sentence-Transformers, Reimers et al. (2019)"),
    "unlabelled-sentences": Terms(
        "texts of the web, not to be republished", False, "nlp-corpus 4.4.0, Kelly"
    ),
    "cmu-sphinx": Terms("BSD", True, "CMU Sphinx en-us, Carnegie Mellon University"),
}
ADDED = ("noise", "librispeech")  # to what every voice hears in training: noise and babble
OWN = Terms("yours to state", False, "recordings of your own")  # a CSV


def demand_commercial(names: Sequence[str]) -> None:
    """Raise HeartenError, naming them, where corpora do not allow commercial use."""
    refused = [f"{name} ({terms(name).licence})" for name in names if not terms(name).commercial]
    if refused:
        allowed = ", ".join(name for name, found in TERMS.items() if found.commercial)
        raise HeartenError(
            f"--commercial, but {', '.join(refused)} may not be used so; allowed: {allowed}"
        )


def of_voice(corpora: Sequence[str], taught: bool) -> list[str]:
    """Return all that a voice model is made from; ``taught``: by a teacher's labels too."""
    whole = [part for name in corpora for part in (plain.SOURCES if name == plain.NAME else [name])]
    return list(dict.fromkeys([*whole, *ADDED, *(["whisper-base"] if taught else [])]))


def of_weights(names: Sequence[str]) -> str:
    """Return the licence of weights trained on corpora: that of the strictest one.

    Weights from corpora that allow commercial use are CC BY 4.0, or CC BY-SA 4.0 where a corpus
    shares alike; the notices of ``notices`` have to come along.

    Raises:
        HeartenError: an unknown corpus.
    """
    found = [terms(name) for name in names]
    if any("agreement" in one.licence for one in found):
        return "not to be passed on (trained on data under a signed agreement)"
    if any("-ND" in one.licence for one in found):
        return "not to be passed on (trained on data under a no-derivatives licence)"
    if any(not one.commercial and one is not OWN for one in found):
        return "CC BY-NC-SA 4.0"
    if OWN in found:
        return "yours to state (trained on recordings of your own)"
    return "CC BY-SA 4.0" if any("-SA" in one.licence for one in found) else "CC BY 4.0"


def notices(names: Sequence[str]) -> list[str]:
    """Return one line for each corpus: who made it and under which licence."""
    lines = (f"{terms(name).notice}: {terms(name).licence}" for name in names)
    return list(dict.fromkeys(lines))


def terms(name: str) -> Terms:
    """Return the terms of a corpus; HeartenError for one that is not known."""
    if name.endswith(".csv"):
        return OWN
    if name not in TERMS:
        raise HeartenError(f"the licence of {name!r} is not known; known: {', '.join(TERMS)}")
    return TERMS[name]

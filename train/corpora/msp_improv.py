"""MSP-IMPROV: twelve actors in six sessions of two; 8438 rated turns in four scenarios.

V/A/D are published means on a scale from 1 to 5, mapped by (x - 3) / 2. Which end of activation is
the excited one is not certain: the loader looks whether anger lies above sadness, turns the scale
round where it does not, and says in ``sources`` what it found.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import (
    RATED,
    Utterance,
    read_tolerant,
    sound_files,
    unlicensed,
    with_recordings,
)
from train.corpora.table import transcripts

NAME = "msp-improv"
LICENCE = "signed agreement between institutions, research only"
LICENCE_URL = "https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html"
CITE = (
    "Busso C, Parthasarathy S, Burmania A, AbdelWahab M, Sadoughi N, Mower Provost E (2017) "
    "MSP-IMPROV: An Acted Corpus of Dyadic Interactions to Study Emotion Perception. IEEE "
    "Transactions on Affective Computing 8(1): 67-80. doi:10.1109/TAFFC.2016.2515617"
)
RATINGS = ("Evalution.txt", "Evaluation.txt")  # the first is how the publisher spells it

SCENARIOS = {
    "R": "target sentence, read",
    "T": "target sentence, improvised",
    "S": "other turns of the improvisation",
    "P": "between the recordings, natural",
}
MSPIN = "SP"  # without the target sentences
LABEL_OF = {"N": "neutral", "H": "happy", "S": "sad", "A": "angry", "O": None, "X": None}

# sentence and the emotion aimed at, sex and session, scenario, turn
IDENTIFIER = re.compile(r"UTD-IMPROV-S(\d\d)([AHNS])-([FM])0?([1-6])-([RTSP])-([FM]{2}\d+)")
ENOUGH = 5  # turns of anger and of sadness that tell the direction of activation


@dataclass(frozen=True, slots=True)
class Rated:
    """A line of the ratings: identifier, consensus, means by letter (None where not a number)."""

    match: re.Match[str]
    consensus: str
    means: dict[str, float | None]


def load(folder: Path, scenarios: str = "".join(SCENARIOS)) -> list[Utterance]:
    """Return the rated turns of some scenarios (letters of ``SCENARIOS``) in file order.

    ``speaker`` is "F01" to "M06", ``session`` "1" to "6", ``sentence`` the number of the target
    sentence ("01" to "20"), ``intensity`` is not rated. "Other" and turns without agreement have
    label None, as V/A/D have that the file gives as NaN. Texts come from a file
    ``transcripts.csv`` (id, text) beside the ratings.

    Raises:
        HeartenError: no such corpus, a line that is none of its own, a value outside the scale,
            or recordings that are missing.
    """
    home, path = _find(folder)
    rated = _ratings(path)
    activation = _activation(rated, path)
    texts = transcripts(home)
    chosen = [_utterance(one, activation, texts) for one in rated if one.match[5] in scenarios]
    if not chosen:
        raise unlicensed(path, NAME, f"turns of the scenarios {', '.join(scenarios)}")
    sounds = home / "Audio" if (home / "Audio").is_dir() else home
    return with_recordings(chosen, sound_files(sounds), sounds)


def mspin(folder: Path) -> list[Utterance]:
    """Return the subset MSPIN, without the two scenarios of target sentences: 7166 turns.

    Raises:
        HeartenError: as in ``load``.
    """
    return load(folder, MSPIN)


def _find(folder: Path) -> tuple[Path, Path]:
    """Return the corpus's folder and the file of ratings in it."""
    for home in (folder / NAME, folder / "MSP-IMPROV", folder):
        for name in RATINGS:
            if (home / name).is_file():
                return home, home / name
    raise unlicensed(folder, NAME, " or ".join(RATINGS))


def _ratings(path: Path) -> list[Rated]:
    """Return the lines of means; those of single raters begin with no UTD-IMPROV."""
    found: dict[str, Rated] = {}
    for number, line in enumerate(read_tolerant(path).splitlines(), start=1):
        if line.startswith("UTD-IMPROV"):
            rated = _line(line, f"{path}, line {number}")
            if found.setdefault(rated.match[0], rated) is not rated:
                raise HeartenError(f"{path}, line {number}: {rated.match[0]} is rated twice")
    if not found:
        raise unlicensed(path, NAME, "lines that begin with UTD-IMPROV")
    return list(found.values())


def _line(line: str, place: str) -> Rated:
    name, *fields = (text.strip() for text in line.split(";"))
    match = IDENTIFIER.fullmatch(name.removesuffix(".avi"))
    if match is None or not fields:
        raise HeartenError(f"{place}: {name!r} is no turn of {NAME}: unpack the corpus anew")
    if fields[0] not in LABEL_OF:
        raise HeartenError(f"{place}: unknown emotion {fields[0]!r}; known: {', '.join(LABEL_OF)}")
    given = dict(text.partition(":")[::2] for text in fields[1:] if text)
    if lost := [letter for letter in "AVD" if letter not in given]:
        raise HeartenError(f"{place}: no value {', '.join(lost)}: unpack the corpus anew")
    return Rated(match, fields[0], {x: _number(given[x], place) for x in "AVD"})


def _number(text: str, place: str) -> float | None:
    if "nan" in text.lower():  # NaN, or -nan(ind)
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise HeartenError(f"{place}: {text!r} is not a number: unpack the corpus anew") from error
    if not 1 <= value <= 5:
        raise HeartenError(f"{place}: {value:g} lies outside 1 to 5: unpack the corpus anew")
    return value


def _activation(rated: Sequence[Rated], path: Path) -> tuple[int, str]:
    """Return 1 or -1, the direction of activation, and what is known of it."""
    angry, sad = (
        [a for one in rated if one.consensus == who and (a := one.means["A"]) is not None]
        for who in "AS"
    )
    if min(len(angry), len(sad)) < ENOUGH:
        return 1, f"{RATED}, direction unconfirmed (too few angry and sad turns)"
    high, low = sum(angry) / len(angry), sum(sad) / len(sad)
    told = f"angry {high:.2f}, sad {low:.2f}"
    if high > low:
        return 1, f"{RATED}, direction confirmed ({told})"
    print(f"{path}: activation runs from excited to calm ({told}): turned round", file=sys.stderr)
    return -1, f"published, (3 - x) / 2: turned round ({told})"


def _utterance(rated: Rated, activation: tuple[int, str], texts: dict[str, str]) -> Utterance:
    sentence, _, sex, session, *_ = rated.match.groups()
    name = rated.match[0].replace("UTD", "MSP", 1)
    sign, told = activation
    label = LABEL_OF[rated.consensus]
    told_of = (("valence", "V", RATED), ("arousal", "A", told), ("dominance", "D", RATED))
    sources = {name: text for name, letter, text in told_of if rated.means[letter] is not None}
    return Utterance(
        id=name,
        text=texts.get(name),
        speaker=f"{sex}0{session}",
        sentence=sentence,
        session=session,
        label=label,
        labels=(label,) if label else (),
        published=(rated.consensus,),
        valence=_scaled(rated.means["V"]),
        arousal=_scaled(rated.means["A"], sign),
        dominance=_scaled(rated.means["D"]),
        sources=sources | ({"label": "published"} if label else {}),
    )


def _scaled(mean: float | None, sign: int = 1) -> float | None:
    return None if mean is None else sign * (mean - 3) / 2

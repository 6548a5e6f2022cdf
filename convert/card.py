"""The model card of a pack: what it is for, what it was made of, how good it is, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEMPLATE = """# {name}

Emotion from voice and words for English speech: valence, arousal, dominance in [-1, 1] and one of
{labels}, or "unknown".
For voice assistants on small devices, through the hearten runtime.

## Intended use
Giving an assistant a sense of how something was said. Not for decisions about people: not for
hiring, schooling, policing, credit, or health. The EU AI Act forbids inferring emotions of people
at work and in education. Tell the people who are heard.

## Made from
{sources}
Test speakers (RAVDESS actors, in no part of the training): {test}.
Development speakers (early stop, temperature, thresholds): {dev}.
Commands: {commands}

## Quality
RAVDESS speech, 8 classes, actors apart, one seed; "streaming" is the artefact as shipped. RAVDESS
has acted speech of two fixed sentences; its V/A/D are derived from the emotion word (Russell &
Mehrabian 1977), not rated. {folds}
{speakers}

| artefact | dev UAR | dev CCC V / A / D (derived) | test UAR | test CCC V / A / D (derived) |
|---|---|---|---|---|
{artefacts}

Text: {text}
With a third of the words, as the recogniser leaves them, about half of this remains.

Fusion was fitted on constructed pairs (RAVDESS voices with sentences of the same emotion): no open
English corpus carries emotion in both voice and words.

## Limits
- Trained on acted speech of North American (and a few German) adults; expect less on
  spontaneous speech, children, other accents and languages.
- Words are recognised worst where emotion is strongest; with no keyword heard the result is
  the voice's alone.
- Single utterances are often wrong: use the confidence, and "unknown".

## Licence
Weights: {licence} (RAVDESS is CC BY-NC-SA 4.0, EmoBank CC BY-SA 4.0; the embedding starts from
Warriner's norms, CC BY-NC-ND 3.0, which are not in the pack): no commercial use.
The code of hearten is Apache-2.0. The language model and dictionary come from CMU Sphinx
(BSD-style licence).
"""


def card(name: str, labels: list[str], licence: str, training: Mapping[str, Any]) -> str:
    """Return the text of ``CARD.md``."""
    voice = training["voice"]
    return TEMPLATE.format(
        name=name,
        labels=", ".join(labels),
        licence=licence,
        sources=training["sources"],
        folds=training["folds"],
        speakers=training["speakers"],
        test=", ".join(voice["partition"]["test"]),
        dev=", ".join(voice["partition"]["dev"]),
        commands="; ".join(f"`{command}`" for command in training["commands"]),
        artefacts="\n".join(_row(kind, row) for kind, row in training["artefacts"].items()),
        text=training["text"],
    )


def licence(name: str) -> str:
    """Return the text of ``LICENSE``."""
    return (
        f"The model weights of this pack are licensed under {name}\n"
        "(https://creativecommons.org/licenses/by-nc-sa/4.0/), as the data they were trained on.\n"
        "words.lm.bin and words.dict are derived from the CMU Sphinx en-us models,\n"
        "Copyright (C) Carnegie Mellon University, under their BSD-style licence.\n"
    )


def _row(kind: str, row: Mapping[str, Any]) -> str:
    cells = [kind]
    for part in ("dev", "test"):
        values = row[part]
        cells += [f"{values['uar']:.3f}", " / ".join(f"{x:.2f}" for x in values["ccc"])]
    return "| " + " | ".join(cells) + " |"

"""The model card of a pack: what it is for, what it was made of, how good it is, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convert import sources
from train.corpora import plain
from train.evaluate import RAVDESS

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
{teacher}
Test speakers, in no part of the training: {test}.
{development}
Commands, in this order:

{commands}

## Quality
{corpus}; actors apart. "streaming" is the artefact as shipped.

### This pack
{artefacts}

### Models made the same way, every speaker tested
{protocols}

### Noise, rooms, level, microphones
Points of UAR lost against clean, the whole recording degraded.

{robustness}

### Knowing that it does not know
{calibration}
{gate}

### Over time
{streaming}

### A voice learned
{speakers}

### Words
{text}

Fusion was fitted on constructed pairs (voices with sentences of the same emotion): no open English
corpus carries emotion in both voice and words. On test actors with test sentences, a third of the
words: {fusion}

## Limits
- {heard}; expect less on spontaneous speech, children, other accents and languages.
{absent}- Words are recognised worst where emotion is strongest; with no keyword heard the result is
  the voice's alone.
- Single utterances are often wrong: use the confidence, and "unknown".

## Licence
Weights: {licence}. {use}

{notices}

The code of hearten is Apache-2.0. The language model and dictionary come from CMU Sphinx
(BSD-style licence, its words are in LICENSE).
"""
PLAIN = (
    "plain speech (read aloud, drink orders) taken as neutral: emotional speech unlike the acted "
    "one often comes out neutral"
)
RAVDESS_CORPUS = (
    "RAVDESS speech, 8 classes: acted, two fixed sentences; its V/A/D are derived from the emotion "
    "word (Russell & Mehrabian 1977), not rated"
)
OTHER_CORPUS = "Test speech of {}; V/A/D of acted speech are derived from the emotion word"
TEACHER = (
    "The voice also learnt from a teacher ({}): soft labels by heads, each fitted on other "
    "speakers, on the frozen encoder of Whisper base (OpenAI, MIT); its weights are not in "
    "the pack."
)
PARTS = {
    "dev": "dev",
    "heard": "development speakers (heard in training)",
    "test": "test",
}
VOICES = {
    "ravdess": "North American adults (RAVDESS)",
    "emodb": "a few German adults (EmoDB)",
    "crema-d": "North American adults (CREMA-D)",
    "tess": "two Canadian women (TESS)",
}


def card(
    name: str,
    labels: Sequence[str],
    names: Sequence[str],
    training: Mapping[str, Any],
    evidence: Mapping[str, str],
) -> str:
    """Return the text of ``CARD.md``.

    ``names`` are all data of the pack (``convert.sources``), ``training`` is the manifest's
    section, ``evidence`` has the paragraphs of ``convert.evidence``.
    """
    voice = training["voice"]
    partition = voice["partition"]
    absent = [label for label in voice["labels"] if label not in labels]
    return TEMPLATE.format(
        name=name,
        labels=", ".join(labels),
        sources=training["sources"],
        teacher=_teacher(voice),
        test=", ".join(partition["test"]),
        development=_development(voice),
        commands="\n".join(f"- `{command}`" for command in training["commands"]),
        corpus=_corpus(voice),
        artefacts=_artefacts(training["artefacts"]),
        text=training["text"],
        fusion=_fusion(training["fusion"]),
        heard=_heard(voice["corpora"]),
        absent=f"- Never says {' or '.join(absent)}: nobody spoke so in training.\n" * bool(absent),
        licence=sources.licence_of(names),
        use=sources.use(names),
        notices="\n".join(f"- {line}" for line in sources.notices(names)),
        **evidence,
    )


def _teacher(voice: Mapping[str, Any]) -> str:
    taught = voice["teacher"]
    return TEACHER.format(f"`{taught}`") if taught else "No teacher: labels of the corpora alone."


def _development(voice: Mapping[str, Any]) -> str:
    dev = ", ".join(voice["partition"]["dev"])
    if not voice["sibling"]:
        return f"Development speakers (temperature, thresholds, fusion), not in training: {dev}."
    return (
        f"Development speakers: {dev}. They are in the training; temperature, thresholds and "
        f"fusion come from a first model of the same making (`{voice['sibling']}`) that kept them "
        "apart."
    )


def _corpus(voice: Mapping[str, Any]) -> str:
    if voice["partition"]["protocol"] in RAVDESS:
        return RAVDESS_CORPUS
    return OTHER_CORPUS.format(", ".join(voice["corpora"]))


def _artefacts(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of UAR and CCC of each artefact on each part that was scored."""
    parts = list(next(iter(rows.values())))
    named = [PARTS.get(part, part) for part in parts]
    head = [f"{n} UAR | {n} CCC V / A / D (derived)" for n in named]
    lines = [f"| artefact | {' | '.join(head)} |", "|---" * (1 + 2 * len(parts)) + "|"]
    return "\n".join(lines + [_row(kind, row, parts) for kind, row in rows.items()])


def _row(kind: str, row: Mapping[str, Any], parts: Sequence[str]) -> str:
    cells = [kind]
    for part in parts:
        values = row[part]
        cells += [f"{values['uar']:.3f}", " / ".join(f"{x:.2f}" for x in values["ccc"])]
    return "| " + " | ".join(cells) + " |"


def _fusion(metrics: Mapping[str, Any]) -> str:
    test = metrics["test"]
    return (
        f"macro-F1 {test['voice_macro_f1']:.3f} voice alone, {test['fused_macro_f1']:.3f} fused; "
        f"calibration error {test['voice_ece']:.3f} and {test['fused_ece']:.3f}."
    )


def _heard(corpora: Sequence[str]) -> str:
    """Return who spoke in training."""
    acted = (n.removesuffix("-speech").removesuffix("-song") for n in plain.without(corpora))
    known = [VOICES.get(name, name) for name in acted]
    told = f"Trained on the acted speech of {', '.join(dict.fromkeys(known))}"
    return f"{told}, and on {PLAIN}" if plain.NAME in corpora else told

"""What ``results/`` holds of models made like a pack's, as paragraphs of its card.

A result that is not there, or that cannot be read, gives a sentence that says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.conditions import KNOWN
from train.evaluate import RAVDESS, RESULTS

SPOKEN = {
    "noise": "noise at {0:g} dB SNR",
    "babble": "babble at {0:g} dB SNR",
    "level": "level {0:+g} dB",
    "room": "room, {0:g} s of reverberation",
    "telephone": "telephone band",
    "clip": "clipped at {0:.0%} of the peak",
    "microphone": "cheap microphone",
    "speed": "speed {0:g}",
}
SHOWN = [
    name
    for name, condition in KNOWN.items()
    if name in ("noise-10", "babble-10", "level-30") or condition.kind in tuple(SPOKEN)[3:]
]
NAMED = {"luna-jimenez": "Luna-Jimenez, 5 folds", "emobox": "EmoBox, 6 folds"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The results that belong to a pack: of its protocol, in a folder; ``pack`` is its name."""

    protocol: str
    pack: str
    parameters: int
    folder: Path = RESULTS

    def sections(self) -> dict[str, str]:
        """Return the paragraphs of a card by name."""
        return {
            "protocols": self.protocols(),
            "robustness": self._told("robustness", self._one("robustness"), _robustness),
            "calibration": self._told("calibration", self._one("unknown"), self._unknown),
            "gate": self._told(
                "how much speech the gate keeps", f"voice-gate-{self.protocol}", _gate
            ),
            "streaming": self._told(
                "what it says after .5, 1 and 2 s, and its flicker",
                self._one("streaming"),
                _streaming,
            ),
            "speakers": self._told(
                "what knowing the speaker is worth", f"voice-speaker-{self.protocol}", _speakers
            ),
        }

    def protocols(self) -> str:
        """Return the table of all protocols: models made the same way, every speaker tested."""
        found = [
            self._told(f"{corpus}, {NAMED.get(name, name)}", _voice(corpus, name), self._protocol)
            for corpus, name in self._measured()
        ]
        rows = [row for row in found if row.startswith("|")]
        head = (
            "| corpus, folds | UAR | sd over seeds | 95 % over speakers | seeds | made by |\n"
            "|---|---|---|---|---|---|"
        )
        table = ["\n".join([head, *rows])] if rows else []
        return "\n\n".join(table + [row for row in found if row not in rows])

    def _measured(self) -> list[tuple[str, str]]:
        if self.protocol not in RAVDESS:
            return [(self.protocol, self.protocol)]
        return [(f"ravdess-{kind}", name) for kind in ("speech", "song") for name in NAMED]

    def _one(self, task: str) -> str:
        """Return the name of a result: of the pack's own folds, or else of RAVDESS's others."""
        if self.protocol not in RAVDESS:
            return f"{task}-{self.protocol}-{self.protocol}"
        names = [f"{task}-ravdess-speech-{name}" for name in (self.protocol, *NAMED)]
        there = [name for name in names if (self.folder / f"{name}.json").is_file()]
        return (there or names)[0]

    def _told(self, what: str, name: str, tell: Callable[[Row], str]) -> str:
        """Return what ``tell`` makes of a result, or the sentence that there is none."""
        path = self.folder / f"{name}.json"
        if not path.is_file():
            return f"{what[0].upper()}{what[1:]}: was not measured."
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            if "SMOKE" in result["notes"]:
                return f"{what[0].upper()}{what[1:]}: was not measured, but for a smoke run."
            return tell(result)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return f"{what[0].upper()}{what[1:]}: {path} cannot be read; make it again."

    def _protocol(self, result: Row) -> str:
        row = result["metrics"]["uar"]
        other = int(result["model"]["parameters"])
        which = (
            "" if other == self.parameters else f" ({other:,} parameters, not this pack's model)"
        )
        name = str(result["protocol"])
        cells = [
            f"{result['corpus']}, {NAMED.get(name, name)}",
            f"{row['mean']:.3f}",
            f"{row['sd']:.3f}" if len(result["seeds"]) > 1 else "one seed",
            _between(row["ci95"]),
            str(len(result["seeds"])),
            f"`{result['command']}`, {result['date']}{which}",
        ]
        return "| " + " | ".join(cells) + " |"

    def _unknown(self, result: Row) -> str:
        before, after = (result["metrics"][f"{when} scaling"] for when in ("before", "after"))
        told = [
            f"Calibration error (ECE) on test speakers: {before['ece']:.3f} before temperature "
            f"scaling, {after['ece']:.3f} after."
        ]
        refused, false = list(result["tables"].values())[:2]
        for name in ("balanced", "cautious"):
            if name in refused and refused[name]["risk"] is not None:
                row = refused[name]
                told.append(
                    f"`--reject {name}` answers {row['coverage']:.0%} of the utterances, of which "
                    f"{row['risk']:.0%} wrongly (UAR of these {row['uar_accepted']['mean']:.3f})."
                )
        rows, title = false["all"], list(result["tables"])[1]
        told.append(
            f"{title}: {rows['final']:.0f} events an hour, {rows['balanced']:.0f} with "
            f"`balanced`, {rows['cautious']:.0f} with `cautious` ({rows['minutes']:.0f} minutes)."
        )
        if new := false.get("all, new to the gate"):
            told.append(
                f"Of these, sounds that the gate never learned from: {new['balanced']:.0f} and "
                f"{new['cautious']:.0f} an hour."
            )
        if f" {self.pack}:" not in title:
            told.append("That was another pack than this one.")
        return " ".join([*told, _made(result)])


def _voice(corpus: str, protocol: str) -> str:
    return f"voice-{corpus}-{protocol}-streaming"


def _robustness(result: Row) -> str:
    rows = result["metrics"]
    lines = ["| condition | UAR | points lost (95 % over speakers) |", "|---|---|---|"]
    lines.append(f"| clean | {rows['clean']['uar']['mean']:.3f} | - |")
    for name in SHOWN:
        what = SPOKEN[KNOWN[name].kind].format(KNOWN[name].value)
        if name not in rows:
            lines.append(f"| {what} | was not measured | |")
            continue
        uar, lost = rows[name]["uar"]["mean"], rows[name]["points_lost"]
        low, high = lost["ci95"]
        lines.append(f"| {what} | {uar:.3f} | {lost['mean']:+.1f} ({low:+.1f} to {high:+.1f}) |")
    return "\n".join([*lines, "", _made(result)])


GATED = ("clean", "first 0.5 s", "noise-10")  # conditions that the card tells


def _gate(result: Row) -> str:
    told = []
    for title, rows in result["tables"].items():
        known = {name: row["share"] for name, row in rows.items()}
        short = {n: share for n, share in known.items() if n.endswith(GATED)} or known
        told.append(f"{title}: {', '.join(f'{n} {share:.3f}' for n, share in short.items())}.")
    return " ".join([*told, _made(result)])


def _streaming(result: Row) -> str:
    rows = result["metrics"]
    uars = ", ".join(f"{row['uar']['mean']:.3f} after {name}" for name, row in rows.items())
    steady = next(iter(result["tables"].values()))
    changes = "; ".join(
        f"{name} {row['changes_a_second']['mean']:.2f}" for name, row in steady.items()
    )
    uars = uars.replace("after end", "at the end")
    return f"UAR {uars}. Changes of category a second: {changes}. {_made(result)}"


def _speakers(result: Row) -> str:
    rows = result["metrics"]
    without, neutral, past, other = (
        rows[key]["uar"]["mean"] for key in ("without", "neutral-4", "past", "neutral-4-of-another")
    )
    return (
        f"Knowing the speaker (all folds of {result['protocol']}): UAR {without:.3f} without, "
        f"{neutral:.3f} with four neutral sentences, {past:.3f} with 59 utterances of past speech; "
        f"another's profile: {other:.3f}. {_made(result)}"
    )


def text(metrics: Row) -> str:
    """Return the sentence on the text model, from the ``metrics.json`` of its run."""
    clean, third = (metrics["test"][name] for name in ("clean", "third"))
    rated = clean["emobank"]
    r = " / ".join(f"{rated['r_' + name]:.2f}" for name in ("valence", "arousal", "dominance"))
    told = f"EmoBank test (official split), reference text: Pearson r V / A / D {r}"
    for name, how in (
        ("goemotions", "GoEmotions test, 7 classes"),
        ("isear", "ISEAR, held-out respondents, 5 classes"),
    ):
        if name in clean:
            told += f"; {how}: macro-F1 {clean[name]['macro_f1']:.2f}"
    left = third["emobank"]["r_valence"]
    return (
        f"{told}.\nOf a written text, pairs of words and the marks ! and ? count too, as they do "
        "here; recognised words have neither. With a third of the words, as the recogniser leaves "
        "them: r of valence "
        f"{left:.2f}, macro-F1 of GoEmotions {third['goemotions']['macro_f1']:.2f}."
    )


def _between(ci95: Sequence[float]) -> str:
    return f"{ci95[0]:.3f}-{ci95[1]:.3f}"


def _made(result: Row) -> str:
    seeds = ", ".join(map(str, result["seeds"]))
    folds = f"folds of {result['protocol']}, seeds {seeds}"
    return f"(`{result['command']}`, {result['date']}, {folds}.)"

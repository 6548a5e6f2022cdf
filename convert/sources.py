"""What a pack was made from, and under which licence it may be passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from train import licence, text_sources

RECOGNISER = ("cmu-sphinx", "librispeech")  # models; what its confidences were fitted on
# Ratings that choose keywords and begin the table's training: no rating is in the pack.
CONSULTED = "warriner"
ADDRESSES = {
    f"CC {kind.upper()} 4.0": f"https://creativecommons.org/licenses/{kind}/4.0/"
    for kind in ("by", "by-sa", "by-nc-sa")
}
SPHINX = (
    "words.lm.bin and words.dict are derived from the CMU Sphinx en-us models,\n"
    "Copyright (C) Carnegie Mellon University, under their BSD-style licence.\n"
)


def of_pack(
    voice: Mapping[str, Any], text: Mapping[str, Any], fusion: Mapping[str, Any]
) -> list[str]:
    """Return the names of all data in a pack, from what its runs say of themselves.

    A run from before these were written down is taken to have used all that its command does.
    """
    own = voice.get("sources") or licence.of_voice(voice["corpora"], bool(voice.get("teacher")))
    words = text.get("sources", text_sources.SOURCES)
    return list(dict.fromkeys([*own, *words, *fusion.get("sources", ()), *RECOGNISER]))


def licence_of(names: Sequence[str]) -> str:
    """Return the licence of a pack: that of the strictest data whose content it learnt."""
    return licence.of_weights([name for name in names if name != CONSULTED])


def notices(names: Sequence[str]) -> list[str]:
    """Return a line for each source: who made it, under which licence."""
    told = licence.notices(names)
    if CONSULTED in names:
        row = licence.notices([CONSULTED])[0]
        because = "begins the embedding and helps to choose keywords; no rating is in the pack"
        told[told.index(row)] = f"{row} ({because})"
    return told


def use(names: Sequence[str]) -> str:
    """Return whether data forbid commercial use, and which."""
    refused = [name for name in names if not licence.terms(name).commercial]
    if not refused:
        return "All of its data allow commercial use; keep the notices with the pack."
    return f"No commercial use: {', '.join(refused)} forbid it."


def document(names: Sequence[str]) -> str:
    """Return the text of ``LICENSE``."""
    name = licence_of(names)
    address = f"\n({ADDRESSES[name]})" if name in ADDRESSES else ""
    lines = "".join(f"- {line}\n" for line in notices(names))
    return (
        f"The model weights of this pack: {name}{address}.\n"
        f"{use(names)}\n\nMade from:\n{lines}\n{SPHINX}{_sphinx()}"
    )


def _sphinx() -> str:
    """Return that licence's own words, which have to come along, where they are installed."""
    try:
        files = distribution("pocketsphinx").files or []
    except PackageNotFoundError:
        return ""
    texts = [file.locate() for file in files if file.name == "LICENSE"]
    return "\n" + texts[0].read_text(encoding="utf-8") if texts else ""

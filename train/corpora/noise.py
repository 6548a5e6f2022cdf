"""ESC-10: 5 s clips of 10 kinds of everyday sounds, to mix under speech."""

from __future__ import annotations

from pathlib import Path

from train.corpora import Utterance, missing, sound_files, unusable

NAME = "noise"
LICENCE = "CC BY 3.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/3.0/"
CITE = "Piczak KJ (2015) ESC: Dataset for Environmental Sound Classification. ACM MM 2015"


def load(folder: Path) -> list[Utterance]:
    """Return the clips sorted by path; ``published`` is the class, ``session`` the fold.

    Raises:
        HeartenError: no such corpus, or no clip in class folders such as "002 - Rain".
    """
    home = next((p for p in (folder / "noise" / "esc10", folder / "esc10") if p.is_dir()), folder)
    if not home.is_dir():
        raise missing(folder, NAME)
    found = [
        Utterance(
            id=path.stem,
            path=path,
            session=path.stem.split("-")[0],
            published=(path.parent.name.split(" - ")[1].lower(),),
            sources={"published": "published"},
        )
        for path in sound_files(home)
        if " - " in path.parent.name
    ]
    if not found:
        raise unusable(home, NAME, 'clips in folders such as "002 - Rain"')
    return found

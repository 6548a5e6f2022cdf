"""LibriSpeech test-other: read English with transcripts, for the keyword recogniser."""

from __future__ import annotations

from pathlib import Path

from train.corpora import Utterance, locate, read_lines, sound_files, unusable

NAME = "librispeech"
LICENCE = "CC BY 4.0"
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"
CITE = (
    "Panayotov V, Chen G, Povey D, Khudanpur S (2015) Librispeech: an ASR corpus based on public "
    "domain audio books. ICASSP 2015"
)


def load(folder: Path) -> list[Utterance]:
    """Return every recording that has a transcript (lower case), sorted by identifier.

    Transcripts come from ``transcripts.tsv`` or from the ``*.trans.txt`` of the archive.

    Raises:
        HeartenError: no such corpus, or no recording with a transcript in it.
    """
    home = locate(folder, NAME, "librispeech", "LibriSpeech", "transcripts.tsv", "test-other")
    home = home.parent if home.name in ("transcripts.tsv", "test-other") else home
    texts: dict[str, str] = {}
    for path in [*home.glob("transcripts.tsv"), *sorted(home.rglob("*.trans.txt"))]:
        for line in read_lines(path, NAME):
            identifier, _, text = line.replace("\t", " ", 1).partition(" ")
            texts[identifier] = text.strip().lower()
    found = {path.stem: path for path in sound_files(home) if texts.get(path.stem)}
    if not found:
        raise unusable(home, NAME, "recordings with transcripts")
    return [_utterance(name, found[name], texts[name]) for name in sorted(found)]


def _utterance(name: str, path: Path, text: str) -> Utterance:
    speaker, chapter, *_ = (*name.split("-"), "")
    return Utterance(id=name, path=path, text=text, speaker=speaker, session=chapter, split="test")

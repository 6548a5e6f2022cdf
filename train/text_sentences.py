"""Sentences without labels, for the teacher of the text model to label.

EmoBank has 8 062 sentences to learn from, and a bag of words gains with every doubling of them; a
teacher labels as many as there are. Any text will do: a sentence a line (``.txt``), a list of
strings (``.json``), or an archive of such lists, as this one of 100 000 sentences of fiction, film
dialogue, headlines, trivia and talk (its texts are not to be republished; nothing of them is in a
pack but what words are worth)::

    npm pack nlp-corpus@4.4.0       # nlp-corpus-4.4.0.tgz, 4 MB
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError
from edge.text import tokenise

NAME = "sentences"
SOURCE = "unlabelled-sentences"  # among the data that a pack names
SHORTEST, LONGEST = 3, 45  # words


def read(paths: Sequence[Path]) -> list[str]:
    """Return the sentences of files, in their order.

    Raises:
        HeartenError: a file is missing, damaged, of another kind, or holds none.
    """
    found: list[str] = []
    for path in paths:
        try:
            some = [" ".join(sentence.split()) for sentence in _sentences(path)]
        except (OSError, ValueError, tarfile.TarError) as error:
            raise HeartenError(
                f"no sentences in {path} ({error}): .txt, a sentence a line, a .json list of "
                "strings, or a .tgz of such lists"
            ) from error
        if not some:
            raise HeartenError(f"no sentences in {path}: it is empty")
        found += some
    return found


def chosen(sentences: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return those of ``SHORTEST`` to ``LONGEST`` words, each once, and none of ``known``.

    Sentences are the same where their words are: nothing of a test part is learnt from.
    """
    seen = {tuple(tokenise(sentence)) for sentence in known}
    kept = []
    for sentence in sentences:
        words = tuple(tokenise(sentence))
        if SHORTEST <= len(words) <= LONGEST and words not in seen:
            seen.add(words)
            kept.append(sentence)
    return kept


def packed(sentences: Sequence[str]) -> NDArray[np.uint8]:
    """Return sentences as the bytes of their lines, for a file of arrays."""
    return np.frombuffer("\n".join(sentences).encode(), np.uint8)


def unpacked(lines: NDArray[np.uint8]) -> list[str]:
    """Return what ``packed`` was given."""
    return lines.tobytes().decode().split("\n")


def of(teacher: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return the sentences that a teacher's file holds; none where it labelled none."""
    return unpacked(teacher[NAME]) if NAME in teacher else []


def _sentences(path: Path) -> Iterator[str]:
    if path.suffix in (".tgz", ".gz"):
        with tarfile.open(path) as archive:
            for member in sorted(archive.getmembers(), key=lambda one: one.name):
                held = archive.extractfile(member) if member.name.endswith(".json") else None
                if held is not None and isinstance(found := json.load(held), list):
                    yield from _strings(found)
    elif path.suffix == ".json":
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, list):
            raise ValueError("not a list")
        yield from _strings(found)
    else:
        yield from path.read_text("utf-8").splitlines()


def _strings(found: Sequence[object]) -> list[str]:
    if not all(isinstance(one, str) for one in found):
        raise ValueError("a list of other things than strings")
    return [str(one) for one in found]

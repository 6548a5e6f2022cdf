"""A corpus of your own: one CSV with a row for each recording or text.

Columns: path, speaker, session, text, valence, arousal, dominance, label; README.md beside this
file has an example. The reader serves the tables of other corpora too.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from edge.errors import HeartenError
from train.corpora import DERIVED, EMOTION_VAD, GUIDE, LABELS, Utterance

NAME = "table"
LICENCE = "that of your recordings"
LICENCE_URL = ""
CITE = "none"

DIMENSIONS = ("valence", "arousal", "dominance")
REQUIRED = ("path", "speaker")
COLUMNS = (*REQUIRED, "session", "text", *DIMENSIONS, "label", "id", "sentence", "split")
SPLITS = ("train", "dev", "test")
TRANSCRIPTS = "transcripts.csv"

Row = dict[str, str]


def load(path: Path) -> list[Utterance]:
    """Return the rows of a CSV in file order; recordings are relative to the CSV's folder.

    V/A/D lie in [-1, 1]; what is empty in a row with a label is derived from it. The id is the
    column ``id``, otherwise the path, after the name of the CSV.

    Raises:
        HeartenError: no such file, no CSV in UTF-8, other columns, or a row that cannot be used;
            the message names the line, the cause and what to do.
    """
    lines: dict[str, int] = {}
    found = []
    for line, row in read_rows(path, REQUIRED, COLUMNS):
        place = f"{path}, line {line}"
        utterance = _utterance(row, path, place)
        if utterance.id in lines:
            raise HeartenError(
                f"{place}: {row.get('id') or row['path']!r} stands in line {lines[utterance.id]} "
                "already: remove one, or give each an id"
            )
        lines[utterance.id] = line
        found.append(utterance)
    return found


def read_rows(
    path: Path, required: Sequence[str], known: Sequence[str] = ()
) -> list[tuple[int, Row]]:
    """Return (line, values by column) of every row of a comma-separated file, values stripped.

    Raises:
        HeartenError: as in ``load``; other columns than ``known`` are refused where it is given.
    """
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        _check_header([name.strip() for name in reader.fieldnames or ()], path, required, known)
        rows = [(reader.line_num, _cells(row, path, reader.line_num)) for row in reader]
    except csv.Error as error:
        # The row that fails begins below the last one that was read.
        place = f"{path}, line {reader.line_num + 1}"
        raise HeartenError(f'{place}: {error}: check the quotes (") of this row') from error
    if not rows:
        raise HeartenError(f"{path} has no row below its header: add one for each recording")
    return rows


def transcripts(folder: Path) -> dict[str, str]:
    """Return the texts by id of ``transcripts.csv`` (id, text), which a corpus need not have.

    Raises:
        HeartenError: the file is there and cannot be used.
    """
    path = folder / TRANSCRIPTS
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for line, row in read_rows(path, ("id", "text")):
        if row["id"] in found:
            raise HeartenError(f"{path}, line {line}: {row['id']!r} is there twice: remove one")
        found[row["id"]] = row["text"]
    return found


def _text(path: Path) -> str:
    if not path.is_file():
        raise HeartenError(f"{path} is not a file: give the path of a CSV, see {GUIDE}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise HeartenError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HeartenError(f"{path} is not UTF-8 text: save it as CSV in UTF-8") from error
    if "\0" in text:
        raise HeartenError(f"{path} holds NUL bytes: save it as CSV in UTF-8")
    if not text.strip():
        raise HeartenError(f"{path} is empty: write a header and a row for each recording")
    return text


def _check_header(
    names: Sequence[str], path: Path, required: Sequence[str], known: Sequence[str]
) -> None:
    place = f"{path}, line 1"
    if lost := [name for name in required if name not in names]:
        for other, told in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if len(names) == 1 and other in names[0]:
                raise HeartenError(f"{place}: columns are separated by {told}: use commas")
        raise HeartenError(
            f"{place}: no column {', '.join(lost)} in {', '.join(names)}: name them so ({GUIDE})"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise HeartenError(f"{place}: column {twice[0]!r} stands there twice: remove one")
    if strange := [name for name in names if known and name not in known]:
        raise HeartenError(
            f"{place}: unknown column {strange[0]!r}: rename or remove it; known: "
            f"{', '.join(known)}"
        )


def _cells(row: dict[str | None, str | list[str] | None], path: Path, line: int) -> Row:
    """Return a row's values; HeartenError where there are more or fewer than columns."""
    wide, narrow = None in row, None in row.values()
    if wide or narrow:
        raise HeartenError(
            f"{path}, line {line}: {'more' if wide else 'fewer'} values than columns: put a text "
            'with a comma in quotes ("), and a comma for each empty value'
        )
    return {str(name).strip(): str(value).strip() for name, value in row.items()}


def _utterance(row: Row, path: Path, place: str) -> Utterance:
    if not row["speaker"]:
        raise HeartenError(f"{place}: no speaker: name one, speakers are kept apart in training")
    label = _label(row.get("label", ""), place)
    rated: dict[str, float | None] = {
        name: _rating(row.get(name, ""), name, place) for name in DIMENSIONS
    }
    sources = {name: "published" for name, value in rated.items() if value is not None}
    if label is None and not sources:
        raise HeartenError(f"{place}: neither a label nor V/A/D: give one of them")
    for name, mean in zip(DIMENSIONS, EMOTION_VAD.get(label or "", ()), strict=False):
        if rated[name] is None:
            rated[name], sources[name] = mean, DERIVED
    recording, text = _recording(row["path"], path, place), row.get("text") or None
    name = row.get("id") or row["path"]
    if not name or not (recording or text):
        raise HeartenError(f"{place}: no path: give one, or an id and a text")
    return Utterance(
        id=f"{path.stem}:{name}",
        path=recording,
        text=text,
        speaker=row["speaker"],
        sentence=row.get("sentence") or None,
        session=row.get("session") or None,
        label=label,
        labels=(label,) if label else (),
        published=(row["label"],) if label else (),
        valence=rated["valence"],
        arousal=rated["arousal"],
        dominance=rated["dominance"],
        split=_split(row.get("split", ""), place),
        sources=sources | ({"label": "published"} if label else {}),
    )


def _label(text: str, place: str) -> str | None:
    label = text.lower()
    if label and label not in LABELS:
        raise HeartenError(f"{place}: unknown label {text!r}: use one of {', '.join(LABELS)}")
    return label or None


def _rating(text: str, name: str, place: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise HeartenError(f"{place}: {name} {text!r} is not a number such as -0.25")
    if not -1 <= value <= 1:
        raise HeartenError(
            f"{place}: {name} {text} lies outside -1 to 1; of ratings from 1 to 5 write (x - 3) / 2"
        )
    return value


def _recording(text: str, path: Path, place: str) -> Path | None:
    if not text:
        return None
    recording = path.parent / text
    try:
        found = recording.is_file()
    except OSError:  # such as a name that is too long for one
        found = False
    if not found:
        raise HeartenError(
            f"{place}: no recording {recording}: paths are relative to the folder of the CSV"
        )
    return recording


def _split(text: str, place: str) -> str | None:
    if text and text not in SPLITS:
        raise HeartenError(f"{place}: unknown split {text!r}: use one of {', '.join(SPLITS)}")
    return text or None

"""Settings in one TOML file: checked key by key, with the line in every message; flags override.

The file is ``--config FILE``, or ``hearten/config.toml`` in ``$XDG_CONFIG_HOME`` (``~/.config``)
if it is there. A command's parser takes the values as its defaults, so whatever is given on the
command line wins.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from edge.choices import ENDPOINTERS, ROOM
from edge.errors import HeartenError
from edge.web import DEFAULT

LARGEST = 1 << 14  # bytes; a settings file is small
HELPING = {"-h", "--help", "--version"}  # these must work even with a broken file
NUMBER = re.compile(r"[-+.\d]")

Names = tuple[str, str]  # table and key


class SettingsError(HeartenError):
    """A settings file that cannot be used; the message names file, line, cause and fix."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: where it stands, its default, what it means, and how it is checked.

    ``check`` returns what the value must be, or None when it is that.
    """

    table: str
    name: str
    default: Any
    meaning: str
    example: str
    check: Callable[[Any], str | None]


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "a text that is not empty"


def _truth(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _number(value: Any, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most


def _reject(value: Any) -> str | None:
    named = isinstance(value, str) and value and not NUMBER.match(value)
    fits = named or _number(value, 0.0, 1.0)
    return None if fits else '"balanced", "cautious", or a number from 0 to 1'


def _endpointer(value: Any) -> str | None:
    return None if value in ENDPOINTERS else " or ".join(f'"{name}"' for name in ENDPOINTERS)


def _share(value: Any) -> str | None:
    fits = value == "none" or _number(value, 1e-6, 1.0)
    return None if fits else 'a number above 0, up to 1, or "none"'


def _device(value: Any) -> str | None:
    whole = type(value) is int and value >= 0
    return None if whole or _text(value) is None else "a number from 0, or part of a name"


def _channel(value: Any) -> str | None:
    return None if type(value) is int and _number(value, 1, 64) else "a whole number from 1 to 64"


def _web(value: Any) -> str | None:
    from edge.web import address  # rarely needed, and start-up counts

    try:
        address.parse(value if isinstance(value, str) else "")
    except HeartenError:
        return f'HOST:PORT, such as "{DEFAULT}"'
    return None


KEYS = (
    Key("engine", "pack", None, "folder or .zip of a pack; built in if left out", '"my"', _text),
    Key("engine", "words", True, "hear words as well as the voice", "true", _truth),
    Key(
        "engine",
        "reject",
        "balanced",
        'say "unknown" below this: "balanced", "cautious", or a confidence from 0 to 1',
        '"balanced"',
        _reject,
    ),
    Key(
        "engine",
        "endpointer",
        ROOM,
        'listen to whoever speaks in the "room", or to one person "near" the microphone only',
        '"room"',
        _endpointer,
    ),
    Key(
        "engine",
        "words_budget",
        1.0,
        'share of a core, up to 1, that words may cost live, or "none": wait for every word',
        "1.0",
        _share,
    ),
    Key("engine", "add_words", None, "file of your own words; see hearten file", '"my.txt"', _text),
    Key("engine", "speaker", None, "whose voice it is; see hearten speakers", '"Anna"', _text),
    Key("engine", "adapt", False, "follow the voice that is heard", "false", _truth),
    Key("listen", "device", None, "number or part of the name of the microphone", '"USB"', _device),
    Key("listen", "channel", 1, "channel of the microphone, counted from 1", "1", _channel),
    Key(
        "serve",
        "web",
        DEFAULT,
        "where hearten serve shows its page; 0.0.0.0:8600 lets the network see it",
        f'"{DEFAULT}"',
        _web,
    ),
    Key("serve", "device", None, "as in [listen], for hearten serve", '"USB"', _device),
    Key("serve", "channel", 1, "as in [listen], for hearten serve", "1", _channel),
    Key("serve", "files_only", False, "no live stream, dropped recordings only", "false", _truth),
)
TABLES = {key.table: [k.name for k in KEYS if k.table == key.table] for key in KEYS}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file says: the values that it sets, and the line of each; ``file`` None: no file."""

    file: Path | None = None
    values: dict[Names, Any] = field(default_factory=dict)
    lines: dict[Names, int] = field(default_factory=dict)

    def adopt(self, parser: argparse.ArgumentParser, command: str) -> None:
        """Make the values defaults of a command's parser, and declare ``--config`` in it."""
        text = "settings; see hearten config"
        parser.add_argument("--config", metavar="FILE", type=self._is_mine, help=text)
        if parser.get_default("no_words") is not None:
            text = "voice and words, whatever the settings say"
            parser.add_argument("--words", dest="no_words", action="store_false", help=text)
        parser.set_defaults(settings=self)
        for (table, name), value in self.values.items():
            if table in ("engine", command):
                parser.set_defaults(**self._default(name, value))

    def _is_mine(self, name: str) -> str:
        """Refuse what argparse takes for ``--config`` though ``choose`` did not: ``--conf``."""
        if self.file != Path(name):
            raise argparse.ArgumentTypeError("write --config in full, and once")
        return name

    def _default(self, name: str, value: Any) -> dict[str, Any]:
        """Return a value as the option of that name would store it."""
        if name == "words":
            return {"no_words": not value}
        if name in ("pack", "add_words") and self.file:  # relative to the file that names it
            return {name: str(self.file.parent / _home(value))}
        return {name: str(value) if name == "device" else value}


def choose(arguments: Sequence[str] | None = None) -> Settings:
    """Return the settings that a command line (None: this program's) uses, by its ``--config``.

    Raises:
        SettingsError: the named file is missing, or a file holds something that is not right.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    given = given[: given.index("--")] if "--" in given else given
    scout = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    scout.add_argument("--config")
    try:
        named = scout.parse_known_args(given)[0].config
    except argparse.ArgumentError:  # no name follows: the command's own parser says so
        return Settings()
    if HELPING & set(given):
        return Settings(Path(named) if named else None)
    if named is not None:
        return load(Path(named))
    usual = usual_place()
    try:
        there = usual.is_file()
    except OSError:  # a folder on the way that may not be entered
        there = False
    return load(usual) if there else Settings()


def usual_place() -> Path:
    """Return where the file is looked for without ``--config``."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else _home("~/.config")
    return folder / "hearten" / "config.toml"


def _home(name: str) -> Path:
    """Expand ``~`` where there is a home; a service may have none."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def load(path: Path) -> Settings:
    """Read and check a settings file. Raises SettingsError at the first thing that is wrong."""
    text = _read(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}:{_syntax(str(error), text)}") from error
    lines = _lines(text)
    values: dict[Names, Any] = {}
    for table, name, value in _entries(content, path, lines):
        place = f"{path}:{lines[table, name]}"
        key = next((k for k in KEYS if (k.table, k.name) == (table, name)), None)
        if key is None:
            raise SettingsError(f"{place}: no key {name!r} in [{table}]; {_meant(name, table)}")
        if wanted := key.check(value):
            raise SettingsError(f"{place}: {table}.{name} must be {wanted}, not {_shown(value)}")
        values[table, name] = value
    return Settings(path, values, {names: lines[names] for names in values})


def _entries(
    content: dict[str, Any], path: Path, lines: dict[tuple[str, ...], int]
) -> Iterator[tuple[str, str, Any]]:
    """Yield table, key and value of all there is; an unknown table raises SettingsError."""
    for table, entries in content.items():
        if table not in TABLES or not isinstance(entries, dict):
            known = ", ".join(f"[{name}]" for name in TABLES)
            kind = "table" if isinstance(entries, dict) else "place for the key"
            raise SettingsError(f"{path}:{lines[(table,)]}: no {kind} {table!r}; there are {known}")
        yield from ((table, name, value) for name, value in entries.items())


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"cannot read the settings {path}: {reason}") from error
    if len(data) > LARGEST:
        raise SettingsError(f"{path} is no settings file: it is larger than {LARGEST} bytes")
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}:{number}: not UTF-8; save the file as UTF-8 text") from error


def _syntax(message: str, text: str) -> str:
    """Return line and reason of tomllib's message, which ends in its place."""
    reason, _, place = message.partition(" (at ")
    found = re.search(r"line (\d+)", place)
    number = int(found[1]) if found else max(1, len(text.splitlines()))
    return f"{number}: this is not TOML: {reason}"


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the line on which each table and key begins, however it is written.

    What a growing part of the file newly holds began after the last part that was whole.
    """
    lines = text.split("\n")
    found: dict[tuple[str, ...], int] = {}
    whole = 0
    for count, line in enumerate(lines, 1):
        if whole == count - 1 and line.strip()[:1] in ("", "#"):
            whole = count  # nothing new, and not worth another reading
            continue
        try:
            content = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for table, entries in content.items():
            found.setdefault((table,), whole + 1)
            for name in entries if isinstance(entries, dict) else ():
                found.setdefault((table, name), whole + 1)
        whole = count
    return found


def _meant(name: str, table: str) -> str:
    close = get_close_matches(name, TABLES[table], 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(TABLES[table])}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if len(repr(value)) < 40 else f"a long {type(value).__name__}"

"""Show the settings in force and where each comes from, or print a settings file to begin with."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.commands import share
from edge.settings import KEYS, TABLES, Key, Settings, usual_place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten config``: the flags that override settings, and more."""
    parser.add_argument("action", choices=["show", "example"])
    parser.add_argument("--pack", dest="flag_pack", help="as in hearten file")
    parser.add_argument("--words", dest="flag_words", action="store_true", default=None)
    parser.add_argument("--no-words", dest="flag_words", action="store_false")
    parser.add_argument("--reject", dest="flag_reject", help="as in hearten file")
    parser.add_argument("--endpointer", dest="flag_endpointer", help="as in hearten file")
    parser.add_argument("--words-budget", dest="flag_words_budget", type=share)
    parser.add_argument("--add-words", dest="flag_add_words", help="as in hearten file")
    parser.add_argument("--speaker", dest="flag_speaker", help="as in hearten file")
    parser.add_argument("--adapt", dest="flag_adapt", action=argparse.BooleanOptionalAction)
    parser.add_argument("--device", dest="flag_device", help="as in hearten listen")
    parser.add_argument("--channel", dest="flag_channel", type=int, help="as in hearten listen")
    parser.add_argument("--web", dest="flag_web", help="as in hearten serve")
    parser.add_argument("--files-only", dest="flag_files_only", action="store_true", default=None)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the effective settings, or a commented file with every key."""
    if args.action == "example":
        print(example(), end="")
        return 0
    settings: Settings = args.settings
    rows = {key: _effective(key, args, settings) for key in KEYS}
    if args.json:
        print(json.dumps(_to_dict(settings, rows), ensure_ascii=False))
        return 0
    wide = max(len(f"{key.table}.{key.name}") for key in KEYS) + 2
    print(f"{'file':<{wide}}{settings.file or f'none (looked for {usual_place()})'}")
    for key, (value, source) in rows.items():
        print(f"{key.table + '.' + key.name:<{wide}}{_shown(value):<20} {source}")
    return 0


def example() -> str:
    """Return a settings file that documents every key; all of them are commented out."""
    parts = ["# Settings of hearten. Flags on the command line override them."]
    for table in TABLES:
        parts += ["", f"[{table}]"]
        for key in (key for key in KEYS if key.table == table):
            parts += [f"# {key.meaning}", f"# {key.name} = {key.example}"]
    return "\n".join([*parts, ""])


def _effective(key: Key, args: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    """Return the value in force and its source: flag, file:line, or default."""
    given = getattr(args, f"flag_{key.name}")
    if given is not None:
        return given, "flag"
    names = (key.table, key.name)
    if names in settings.values:
        return settings.values[names], f"{settings.file}:{settings.lines[names]}"
    return key.default, "default"


def _to_dict(settings: Settings, rows: dict[Key, tuple[Any, str]]) -> dict[str, Any]:
    tables: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    for key, (value, source) in rows.items():
        tables[key.table][key.name] = {"value": value, "source": source}
    return {"file": str(settings.file) if settings.file else None, "settings": tables}


def _shown(value: Any) -> str:
    return "(not set)" if value is None else json.dumps(value, ensure_ascii=False)

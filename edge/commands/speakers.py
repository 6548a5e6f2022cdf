"""List, rename or delete learned speakers: small files of averages in your data folder."""

from __future__ import annotations

import argparse
import json
import sys

from edge import profile
from edge.errors import HeartenError
from edge.profile import Profile

NAMES = {"list": (0, 0), "rename": (2, 2), "delete": (1, None)}  # least and most
USAGE = {"list": "", "rename": "OLD NEW", "delete": "NAME ..."}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten speakers``."""
    parser.add_argument("action", nargs="?", choices=list(NAMES), default="list")
    parser.add_argument("names", nargs="*", metavar="NAME", help="rename OLD NEW, delete NAME ...")
    parser.add_argument("--json", action="store_true", help="one JSON object a speaker")


def run(args: argparse.Namespace) -> int:
    """Do what ``action`` says."""
    least, most = NAMES[args.action]
    if not least <= len(args.names) <= (len(args.names) if most is None else most):
        raise HeartenError(f"hearten speakers {args.action} {USAGE[args.action]}".rstrip())
    if args.action == "list":
        return _list(args.json)
    if args.action == "rename":
        profile.rename(*args.names)
        _say(args.json, f"{args.names[0]} is {args.names[1]} now", renamed=args.names)
        return 0
    for name in args.names:
        profile.find(name)  # all of them or none
    for name in args.names:
        profile.delete(name)
    _say(args.json, f"deleted: {', '.join(args.names)}", deleted=args.names)
    return 0


def _list(as_json: bool) -> int:
    """Print the speakers; a damaged profile is reported, the others are still listed."""
    known: list[Profile] = []
    broken = False
    for name in profile.names():
        try:
            known.append(profile.load(profile.find(name)))
        except HeartenError as error:
            print(f"hearten: {error}", file=sys.stderr)
            broken = True
    rows = [one.summary() for one in known]
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    elif rows:
        _table(rows)
    elif not broken:
        print("no speakers yet: hearten enroll NAME")
    return 2 if broken else 0


def _table(rows: list[dict[str, object]]) -> None:
    width = max(4, *(len(str(row["name"])) for row in rows))
    print(f"{'name':<{width}}  kind      utterances  seconds  created     pack")
    for row in rows:
        print(
            f"{row['name']:<{width}}  {row['kind']:<8}  {row['utterances']:>10}  "
            f"{row['seconds']:>7}  {row['created']}  {row['pack']}"
        )


def _say(as_json: bool, text: str, **content: list[str]) -> None:
    print(json.dumps(content, ensure_ascii=False) if as_json else text)

"""Show what a pack holds, or load every part of it to see that it works here."""

from __future__ import annotations

import argparse
import json

from edge.bench.reference import parity
from edge.commands import native_notes_off
from edge.pack import Pack, open_pack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten pack``."""
    parser.add_argument("action", choices=["show", "verify"])
    parser.add_argument("pack", nargs="?", help="folder or .zip; the built-in pack by default")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Show or verify the pack."""
    pack = open_pack(args.pack)
    if args.action == "verify":
        _verify(pack, args.json)
    elif args.json:
        print(json.dumps({**pack.manifest.raw, "sizes": pack.sizes}, ensure_ascii=False))
    else:
        _show(pack)
    return 0


def _show(pack: Pack) -> None:
    raw = pack.manifest.raw
    print(f"{raw['name']} {raw['version']} ({raw['language']}), {raw['licence']}")
    print(f"labels: {', '.join(raw['labels'])}")
    print("files:")
    for name, size in pack.sizes.items():
        print(f"  {name:<22}{size:>10,} bytes")
    for name, value in raw.get("training", {}).items():
        print(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")


def _verify(pack: Pack, as_json: bool) -> None:
    with native_notes_off():
        report = parity(pack)
    if as_json:
        print(json.dumps({"pack": pack.manifest.name, "valid": True, **report}))
        return
    print(
        f"{pack.manifest.name}: {len(pack.sizes)} files match their hashes, "
        f"reference outputs differ by {report['difference']:.4f} at most"
    )

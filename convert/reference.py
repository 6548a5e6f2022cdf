"""Reference outputs for a pack: ``python -m convert.reference PACK`` stores what it says here.

``python -m convert`` does so by itself. By hand it is for packs made without, or whose files were
changed on purpose; a device compares with what is stored (``hearten bench``, ``pack verify``).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.bench.reference import outputs
from edge.errors import HeartenError, PackError
from edge.pack import open_pack

DIGITS = 5


def add(place: Path) -> dict[str, list[float]]:
    """Write the section ``reference`` of the manifest in the folder ``place``; return it.

    Raises:
        PackError: it is no folder of a pack that works here.
    """
    if not place.is_dir():
        raise PackError(f"{place} is no folder: unpack the pack first")
    found = outputs(open_pack(place))
    section = {part: [round(float(x), DIGITS) for x in row] for part, row in found.items()}
    path = place / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    files = content.pop("files")  # last, where people look for it last
    content = {**content, "reference": section, "files": files}
    try:
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        fresh.replace(path)  # never half a manifest
    except OSError as error:
        raise PackError(f"cannot write {path}: {error.strerror}") from error
    return section


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m convert.reference", description=__doc__)
    parser.add_argument("pack", type=Path, help="folder of the pack, which is changed")
    args = parser.parse_args(arguments)
    try:
        section = add(args.pack)
    except HeartenError as error:
        print(f"convert: {error}", file=sys.stderr)
        return 2
    print(f"{args.pack}: reference outputs of {', '.join(section)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""``python -m train report``: every stored result as one page, with tables and pictures.

Reads ``results/*.json`` and nothing else; the numbers of others come from ``anchors.json``. The
page has no date of its own, so that it changes only when a result does.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edge.errors import HeartenError
from train import report_charts, report_pages, report_tables
from train.report_blocks import Picture

ANCHORS = Path(__file__).with_name("anchors.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument(
        "--out", type=Path, help=f"folder of the pages (RESULTS/{report_charts.FOLDER})"
    )


def run(args: argparse.Namespace) -> int:
    """Write ``index.html`` (self-contained), ``README.md`` and its pictures; return 0.

    Raises:
        HeartenError: no results, a result that cannot be read, or a folder that cannot be written.
    """
    out = args.out or args.results / report_charts.FOLDER
    results = load(args.results)
    anchors = json.loads(ANCHORS.read_text(encoding="utf-8"))["tables"]
    blocks = report_tables.blocks(results, anchors)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for block in blocks:
            if isinstance(block, Picture):
                place = out / block.file
                place.write_text(report_charts.standalone(block.svg), encoding="utf-8")
        (out / "index.html").write_text(report_pages.html(blocks), encoding="utf-8")
        (out / "README.md").write_text(report_pages.markdown(blocks), encoding="utf-8")
    except OSError as error:
        raise HeartenError(f"cannot write {out}: {error.strerror}; choose another --out") from error
    print(f"{len(results)} results -> {out / 'index.html'}, {out / 'README.md'}")
    return 0


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """Return {name: result} of every JSON file in ``folder``.

    Raises:
        HeartenError: there is none, or one of them is no JSON object.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise HeartenError(f"{path} cannot be read as a result: {error}") from error
        if not isinstance(content, dict):
            raise HeartenError(f"{path} cannot be read as a result: it holds no JSON object")
        found[path.stem] = content
    if not found:
        raise HeartenError(f"no results in {folder}: python -m train evaluate writes some")
    return found

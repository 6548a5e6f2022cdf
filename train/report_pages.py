"""The blocks of a report as a web page or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edge.plot import DARK, LIGHT, clean
from train.report_blocks import Block, Fold, Heading, Picture, Table, Text
from train.report_charts import style

STYLE = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 24px 20px 64px; line-height: 1.5;
  font: 15px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 28px; margin: 12px 0 4px; } h2 { font-size: 20px; margin: 44px 0 8px; }
h3 { font-size: 15px; margin: 26px 0 6px; } p { margin: 6px 0 10px; max-width: 760px; }
.scroll { overflow-x: auto; margin: 8px 0 16px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 5px 12px 5px 0; vertical-align: top; }
thead th { font-weight: 600; vertical-align: bottom; } td.number { white-space: nowrap; }
.long { min-width: 220px; } summary { cursor: pointer; margin: 8px 0; }
tr.strong td { font-weight: 600; } figure { margin: 8px 0 20px; overflow-x: auto; }
code { font: 12.5px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
nav { margin: 12px 0; display: flex; flex-wrap: wrap; gap: 2px 16px; }
td:first-child { white-space: nowrap; } td.long:first-child { white-space: normal; }
"""
COLOURS = """
body { background: %(page)s; color: %(ink)s; } a { color: %(valence)s; }
p.soft, figcaption, summary, thead th { color: %(soft)s; }
th, td { border-bottom: 1px solid %(grid)s; } h2 { border-top: 1px solid %(grid)s; padding-top: 18px; }
"""  # noqa: E501
NUMBER = re.compile(r"[-+]?[\d.,]+( |$|\s*\()")


def html(blocks: Sequence[Block]) -> str:
    """Return a page that needs nothing else: no script, no font, no network."""
    dark = f"@media (prefers-color-scheme: dark) {{{COLOURS % DARK}}}"
    title = next((block.text for block in blocks if isinstance(block, Heading)), "report")
    sections = [block for block in blocks if isinstance(block, Heading) and block.level == 2]
    links = "".join(f'<a href="#{_anchor(s.text)}">{clean(s.text)}</a>' for s in sections)
    body: list[str] = []
    for block in blocks:
        body.append(_html(block))
        if isinstance(block, Heading) and block.level == 1:
            body.append(f"<nav>{links}</nav>")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{clean(title)}</title><style>{STYLE}{COLOURS % LIGHT}{dark}{style()}</style>"
        "</head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def markdown(blocks: Sequence[Block]) -> str:
    """Return Markdown whose pictures lie beside it."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        level = block.level
        return f'<h{level} id="{_anchor(block.text)}">{clean(block.text)}</h{level}>'
    if isinstance(block, Text):
        return f"<p{_class('soft', block.soft)}>{_inline(block.text)}</p>"
    if isinstance(block, Picture):
        return f"<figure>{block.svg}</figure>"
    if isinstance(block, Fold):
        return f"<details><summary>{clean(block.text)}</summary>{_table(block.table)}</details>"
    return _table(block)


def _table(table: Table) -> str:
    head = "".join(f"<th{_kind(name)}>{_inline(name)}</th>" for name in table.head)
    rows = []
    for index, row in enumerate(table.rows):
        cells = "".join(f"<td{_kind(cell)}>{_inline(cell)}</td>" for cell in row)
        rows.append(f"<tr{_class('strong', index in table.strong)}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _kind(cell: str) -> str:
    number = bool(NUMBER.match(cell))
    return _class("number" if number else "long", number or len(cell) > 40)


def _class(name: str, wanted: bool) -> str:
    return f' class="{name}"' if wanted else ""


def _inline(text: str) -> str:
    """Return text for a page; what stands between backquotes is code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", clean(text))


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Text):
        return block.text
    if isinstance(block, Picture):
        return f"![{block.text}]({block.file})"
    if isinstance(block, Fold):
        return f"**{block.text}**\n\n{_markdown(block.table)}"
    lines = [block.head, ["---"] * len(block.head), *block.rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

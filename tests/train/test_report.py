"""The report: every kind of result, real and made up, as a page and as Markdown."""

from __future__ import annotations

import argparse
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge.errors import HeartenError
from train import report, report_charts, report_tables
from train.report_blocks import Table, show
from train.report_charts import Entry

STORED = Path(__file__).parents[2] / "results"
VOID = {"meta", "rect", "circle", "path"}


class Page(HTMLParser):
    """Collects the text of a page, and checks that its elements close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        self.addresses += [v for k, v in attrs if k in ("href", "src")]
        self.ids += [v for k, v in attrs if k == "id"]

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def make(folder: Path) -> tuple[Page, str]:
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    assert report.run(parser.parse_args(["--results", str(folder)])) == 0
    out = folder / report_charts.FOLDER
    return Page((out / "index.html").read_text()), (out / "README.md").read_text()


def copy_stored(folder: Path) -> list[Path]:
    paths = sorted(STORED.glob("*.json"))
    for path in paths:
        (folder / path.name).write_text(path.read_text())
    return paths


VOICE = {
    "task": "voice",
    "corpus": "ravdess-speech",
    "protocol": "luna-jimenez",
    "artefact": "int8-dynamic streaming",
    "model": {"parameters": 75052, "bytes": 93296},
    "folds": [["01"]] * 5,
    "seeds": [0, 1],
    "labels": ["neutral", "calm", "happy"],
    "confusion": [[8, 1, 1], [0, 10, 0], [0, 0, 0]],
    "scatter": {"valence": {"derived": [-0.5, 0.8], "said": [-0.2, 1.7]}},
    "metrics": {
        "uar": {"mean": 0.701, "sd": 0.012, "ci95": [0.65, 0.75], "runs": [0.689, 0.713]},
        "ccc_valence": {"mean": 0.5, "sd": 0.0, "ci95": [0.4, 0.6], "runs": [0.5, 0.5]},
        "recall_calm": {"mean": 1.0, "sd": 0.0, "ci95": [1.0, 1.0], "runs": [1.0, 1.0]},
    },
    "command": "python -m train evaluate voice --seeds 0 1",
    "notes": "actors apart; more",
}


def test_every_stored_result_is_in_the_report(tmp_path: Path) -> None:
    paths = copy_stored(tmp_path)
    page, markdown = make(tmp_path)
    for path in paths:
        assert f"{path.stem}.json" in page.text and f"{path.stem}.json" in markdown
        commands = json.loads(path.read_text())["command"]
        assert commands in page.text and commands in markdown
    assert "Speaker-dependent" in page.text and "memory of a voice" in markdown
    assert not re.search(r"\b(nan|None|inf)\b", page.text)


def test_page_needs_nothing_else(tmp_path: Path) -> None:
    copy_stored(tmp_path)
    page, markdown = make(tmp_path)
    assert all(address.startswith("#") for address in page.addresses)
    assert {address[1:] for address in page.addresses} <= set(page.ids)
    raw = (tmp_path / "report/index.html").read_text()
    assert "<script" not in raw and "prefers-color-scheme: dark" in raw
    assert not re.search(r"url\(|@import|http-equiv", raw)
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown)
    assert pictures and all((tmp_path / "report" / name).is_file() for name in pictures)


def test_voice_shows_numbers_pictures_and_published_ones(tmp_path: Path) -> None:
    (tmp_path / "voice-x.json").write_text(json.dumps(VOICE))
    page, markdown = make(tmp_path)
    for wanted in ("0.701 +- 0.012 (0.650-0.750)", "75,052 parameters", "3 classes, 5 folds"):
        assert wanted in page.text and wanted in markdown
    assert "ResLSTM-SA, 46.8 k parameters, float" in page.text, "the anchor of this protocol"
    assert "0.701  (0.650-0.750)" in page.text, "ours on the same axis"
    elsewhere = markdown.split("## Published numbers")[1]
    assert "Whisper-large-v3" in elsewhere and "ResLSTM" not in elsewhere
    names = {path.name for path in (tmp_path / "report").glob("*.svg")}
    assert {"voice-x-confusion.svg", "voice-x-ccc.svg"} <= names
    for name in names:
        ET.fromstring((tmp_path / "report" / name).read_text())


def test_confusion_matrix_shows_shares_of_rows() -> None:
    svg = report_charts.confusion(VOICE["labels"], VOICE["confusion"], "x")
    texts = [t.text for t in ET.fromstring(svg).iter() if t.tag.endswith("text")]
    shares = [t for t in texts if t and t.endswith("%")]
    assert shares == ["80%", "10%", "10%", "0%", "100%", "0%", "0%", "0%", "0%"]


def test_points_stay_in_their_panel() -> None:
    svg = report_charts.scatter(VOICE["scatter"], VOICE["metrics"], "x")
    panel = next(e for e in ET.fromstring(svg).iter() if e.tag.endswith("rect"))
    top, side = float(panel.get("y")), float(panel.get("height"))
    heights = [float(e.get("cy")) for e in ET.fromstring(svg).iter() if e.tag.endswith("circle")]
    assert len(heights) == 2 and all(top <= y <= top + side for y in heights)
    assert heights[0] == pytest.approx(top + side * 0.6, abs=0.06)


def test_ranking_is_best_first_and_keeps_all_in_view() -> None:
    entries = [Entry("low", 0.05), Entry("high", 0.98, 0.9, 1.0, ours=True), Entry("mid", 0.5)]
    root = ET.fromstring(report_charts.ranking(entries, "x", "UAR"))
    names = [e.text for e in root.iter() if e.text in ("low", "mid", "high")]
    assert names == ["high", "mid", "low"]
    left, right = report_charts.NAMES, report_charts.NAMES + report_charts.PLOT
    across = [float(e.get("cx")) for e in root.iter() if e.tag.endswith("circle")]
    assert all(left <= x <= right for x in across) and across == sorted(across, reverse=True)


def test_unknown_kinds_become_plain_tables(tmp_path: Path) -> None:
    odd = {"task": "smell", "metrics": {"a": 1, "b": {"mean": 0.5, "ci95": [0.4, 0.6]}, "c": None}}
    (tmp_path / "odd.json").write_text(json.dumps(odd | {"notes": "<b>&|`x`"}))
    (tmp_path / "bare.json").write_text('{"x": 3, "deep": {"y": {"z": 1.25}}, "empty": {}}')
    nested = {"quiet": {"uar": 0.5, "n": 3}, "loud": {"uar": {"mean": 0.25}}}
    (tmp_path / "voice-speaker-x.json").write_text(
        json.dumps({"task": "voice-speaker", "metrics": nested})
    )
    page, markdown = make(tmp_path)
    assert "smell" in page.text and "0.500 (0.400-0.600)" in page.text
    assert "<b>&|" in page.text, "text, not markup"
    assert "y z 1.250" in page.text and "bare" in page.text
    assert "| condition | UAR | n |\n| --- | --- | --- |\n| quiet | 0.500 | 3 |" in markdown
    assert "| loud | 0.250 | - |" in markdown


def test_like_results_share_a_table_and_pairs_stand_side_by_side() -> None:
    pair = {"task": "fusion", "metrics": {"voice_ece": 0.1, "voice_f": 1, "fused_ece": 0.2}}
    one = {"task": "recognition", "corpus": "a", "metrics": {"recall": 0.25}}
    two = one | {"corpus": "b", "metrics": {"recall": 0.5}}
    blocks = report_tables.blocks({"1": one, "2": two}, [])
    tables = [b for b in blocks if isinstance(b, Table)]
    assert [["recall", "0.250", "0.500"]] in [t.rows for t in tables]
    pair["metrics"]["fused_f"] = 2
    tables = [b for b in report_tables.blocks({"p": pair}, []) if hasattr(b, "head")]
    assert tables[0].head == ["", "voice", "fused"] and tables[0].rows[0] == [
        "ECE",
        "0.100",
        "0.200",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.61349, "0.613"),
        (0.0, "0.000"),
        (1151, "1,151"),
        (137.199, "137.2"),
        (2780787.0, "2,780,787"),
        (None, "-"),
        (True, "true"),
        ([0, 1], "0, 1"),
        ({"mean": 0.5, "sd": 0.1, "runs": [0.5]}, "0.500"),
        ({"mean": 0.1, "ci95": [-0.1, 0.3]}, "0.100 (-0.100 to 0.300)"),
        ({"mean": 0.5, "sd": 0.1, "runs": [0.4, 0.6]}, "0.500 +- 0.100"),
    ],
)
def test_numbers(value: object, text: str) -> None:
    assert show(value) == text


def test_anchors_are_whole_and_name_their_source() -> None:
    tables = json.loads(report.ANCHORS.read_text())["tables"]
    for table in tables:
        assert table["title"] and table["source"] and table["rows"]
        assert all(row["name"] for row in table["rows"])
        if "corpus" in table:
            assert all(0 < row["uar"] < 1 for row in table["rows"])
    assert sum(bool(table.get("speaker_dependent")) for table in tables) == 1


def test_mistakes_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(HeartenError, match=r"no results in .*train evaluate"):
        make(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(HeartenError, match=r"broken.json cannot be read as a result"):
        make(tmp_path)
    (tmp_path / "broken.json").write_text("[1]")
    with pytest.raises(HeartenError, match=r"broken.json .* holds no JSON object"):
        make(tmp_path)
    (tmp_path / "broken.json").write_text('{"x": 1}')
    (tmp_path / "report").write_text("in the way")
    with pytest.raises(HeartenError, match=r"cannot write .*--out"):
        make(tmp_path)

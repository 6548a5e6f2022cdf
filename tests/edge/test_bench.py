"""``hearten bench`` for real, once and quickly, and what its output is good for."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, HeartenError
from edge.bench import (
    budgets,
    busy,
    compare,
    figures,
    measure,
    signals,
    stages,
    start,
    stream,
    table,
)
from edge.bench.effort import QUICK, Effort
from edge.engine import PARTIAL
from edge.features import Features
from edge.pack import open_pack
from tests.edge.test_cli import HEARTEN, hearten, refused, strict

ROOT = Path(__file__).parents[2]
TINY = Effort(starts=1, seconds=0.05, utterances=2, minutes=0.0, words_minutes=0.0)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a quick run with a little stream, as a file."""
    command = [*HEARTEN, "bench", "--quick", "--minutes", "0.2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert done.stderr == ""
    path = tmp_path_factory.mktemp("bench") / "here.json"
    path.write_text(done.stdout)
    return path


@pytest.fixture
def report(stored: Path) -> dict:
    (content,) = strict(stored.read_text().splitlines())
    return content


def test_every_figure_is_measured(report: dict) -> None:
    metrics = report["metrics"]
    wanted = {key for group in figures.GROUPS for f in group.figures for key in f.keys}
    busy = {key for key in wanted if "_busy_" in key}
    assert wanted - set(metrics) == {"voice_dropped", *busy}
    positive = wanted & set(metrics) - {"words_dropped", "words_growth_mb", "voice_growth_mb"}
    assert all(metrics[key] > 0 for key in positive)
    assert metrics["parity_difference"] <= 0.05
    assert report["parity"]["verdict"] == "passes"
    assert report["stream"]["statistics"]["utterances"] >= 2


def test_the_figures_agree_with_each_other(report: dict) -> None:
    m = report["metrics"]
    assert m["voice_silence_core_percent"] < m["voice_core_percent"] < m["words_core_percent"]
    assert m["voice_us"] < m["recogniser_us"]
    assert m["graph_us"] < m["voice_us"]
    assert m["voice_import_s"] + m["voice_load_s"] < m["voice_cold_start_s"]
    assert m["voice_package_s"] + m["voice_numpy_s"] < m["voice_import_s"]
    assert m["voice_rss_mb"] < m["words_rss_mb"] < 200
    assert m["models_mb"] < m["pack_mb"] < m["installed_mb"]
    assert m["wheel_mb"] < 6
    for side in ("voice", "words"):
        assert m[f"{side}_final_p50_ms"] <= m[f"{side}_final_p95_ms"] <= m[f"{side}_final_p99_ms"]
        # The hang-over begins a moment before or after the last sample, and ends inside a chunk.
        waited = m[f"{side}_latency_p50_ms"] - m[f"{side}_final_p50_ms"]
        assert m["hangover_ms"] - 100 < waited < m["hangover_ms"] + 200


def test_the_table_names_units_and_is_aligned(report: dict) -> None:
    lines = table.text(report).splitlines()
    (row,) = [line for line in lines if "voice graph" in line]
    assert row.split()[-2:] == [f"{report['metrics']['graph_us']:.2f}", "us"]
    units = {f.unit for group in figures.GROUPS for f in group.figures if f.unit}
    ends = {len(line) - len(unit) for line in lines for unit in units if line.endswith(f" {unit}")}
    assert ends == {table.LABEL + table.COLUMN + 1, table.LABEL + 2 * table.COLUMN + 1}
    assert any(line.startswith("board ") for line in lines)
    assert any("of which the endpoint's hang-over" in line for line in lines)


def test_every_budget_is_shown_with_what_became_of_it(report: dict) -> None:
    report["metrics"] |= {"voice_rss_mb": 50.0, "words_rss_mb": 85.1}
    report["budgets"] = budgets.checked(report["metrics"])
    assert report["budgets"]["voice_rss_mb"] == {"budget": 50.0, "met": True}
    assert report["budgets"]["words_rss_mb"] == {"budget": 85.0, "met": False}
    lines = table.text(report).splitlines()
    (row,) = [line for line in lines if line.startswith("  memory after load")]
    assert row.split()[3:] == ["50.0", "of", "50", "MB", "met", "85.1", "of", "85", "MB", "MISSED"]
    shown = {key for b in budgets.BUDGETS for key in b.most if "_busy_" not in key}
    assert set(report["budgets"]) == shown
    del report["budgets"], report["metrics"]["voice_package_s"]
    assert "Budgets" not in table.text(report), "a report of an older version"


def test_a_stored_run_is_shown_and_compared(stored: Path, report: dict, tmp_path: Path) -> None:
    other = deepcopy(report)
    other["metrics"]["graph_us"] /= 2
    other["metrics"]["voice_us"] *= 3
    other["metrics"]["pack_mb"] /= 1.05
    other["machine"]["board"] = "Another board"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(other))
    done = hearten("bench", "--show", stored, "--compare", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert table.text(report) in done.stdout
    assert "not the same board" in done.stdout
    assert "Another board in other.json" in done.stdout
    lines = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()}
    assert lines["A 10 ms frame of speech: voice graph"][-2:] == ["2.00", "worse"]
    assert lines["A 10 ms frame of speech: voice branch, whole"][-2:] == ["0.33", "better"]
    assert lines["Size: pack"][-1] == "1.05"
    assert "1 of" in done.stdout.splitlines()[-1]
    strictly = hearten("bench", "--show", stored, "--compare", path, "--tolerance", "2")
    assert "2 of" in strictly.stdout.splitlines()[-1]


def test_a_comparison_as_json(stored: Path, report: dict) -> None:
    done = hearten("bench", "--show", stored, "--compare", stored, "--json")
    (both,) = strict(done.stdout.splitlines())
    rows = both["comparison"]["figures"]
    assert {row["mark"] for row in rows} == {None}
    assert {row["ratio"] for row in rows} <= {1.0, None}
    assert both["metrics"] == report["metrics"]


def test_what_one_run_lacks_has_no_ratio(report: dict) -> None:
    other = deepcopy(report)
    del other["metrics"]["head_us"]
    (row,) = [r for r in compare.differences(report, other) if "head" in r.name]
    assert (row.there, row.ratio, row.mark) == ("-", None, "")


def test_small_differences_of_small_figures_mean_nothing(report: dict) -> None:
    other = deepcopy(report)
    report["metrics"]["voice_silence_rtf"] = 0.0002
    other["metrics"]["voice_silence_rtf"] = 0.0001
    rows = compare.differences(report, other)
    (row,) = [r for r in rows if r.name.endswith("silence: real-time factor, voice only")]
    assert (row.ratio, row.mark) == (2.0, "")


def test_the_row_of_a_board(stored: Path, report: dict) -> None:
    line = hearten("bench", "--show", stored, "--row").stdout.strip()
    page = (ROOT / "docs" / "boards.md").read_text().splitlines()
    heads = [head.strip() for head in next(p for p in page if p.startswith("| board")).split("|")]
    cells = [cell.strip() for cell in line.split("|")]
    assert len(cells) == len(heads)
    assert cells[heads.index("voice, us a frame")] == f"{report['metrics']['voice_us']:.1f}"
    assert {name for name, *_ in table.COLUMNS} <= set(heads)


def test_the_page_of_boards_has_every_stored_result() -> None:
    page = (ROOT / "docs" / "boards.md").read_text()
    for path in (ROOT / "results").glob("bench-*.json"):
        content = json.loads(path.read_text())
        assert f"results/{path.name}" in page
        if content.get("format") == measure.FORMAT:
            assert table.row(content) in page, f"hearten bench --show {path} --row"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a result of hearten bench"),
        ('{"task": "bench", "format": 1}', "has format 1"),
        ('{"task": "bench", "format": 2}', "lacks the section 'metrics'"),
    ],
)
def test_broken_results_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(HeartenError, match=f"other.json.*{message}"):
        compare.read(path)


def test_a_broken_result_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(b"\xff\x00{")
    refused(hearten("bench", "--compare", path), "other.json", "not JSON")


def test_results_changed_by_hand_are_refused(report: dict, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for change, message in (
        (lambda r: r["metrics"].update(voice_us=True), "voice_us is True, not a number"),
        (lambda r: r["metrics"].update(voice_us=float("nan")), "voice_us is nan"),
        (lambda r: r["machine"].pop("board"), "incomplete or was changed by hand: 'board'"),
        (lambda r: r["condition"].update(after=None), "incomplete"),
    ):
        content = deepcopy(report)
        change(content)
        path.write_text(json.dumps(content))
        with pytest.raises(HeartenError, match=message):
            compare.read(path)
    with pytest.raises(HeartenError, match="No such file"):
        compare.read(tmp_path / "none.json")


def test_options_that_make_no_sense(stored: Path) -> None:
    refused(hearten("bench", "--minutes", "-1"), "--minutes", "0..1440")
    refused(hearten("bench", "--minutes", "nan"), "--minutes")
    refused(hearten("bench", "--tolerance", "-1"), "--tolerance")
    refused(hearten("bench", "--show", stored, "--quick"), "--show measures nothing")
    refused(hearten("bench", "--pack", "nowhere.zip"), "no pack at nowhere.zip")


def test_a_slow_part_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    push = Features.push

    def slow(self: Features, samples: np.ndarray) -> np.ndarray:
        end = time.process_time() + 0.005
        while time.process_time() < end:
            pass
        return push(self, samples)

    monkeypatch.setattr(Features, "push", slow)
    pack = open_pack()
    costs = stages.frame_costs(pack, TINY, recogniser=False)
    slowed = 5000 / PARTIAL  # 5 ms for each event
    assert costs["features_us"] > slowed
    assert costs["voice_us"] > 0.5 * slowed
    assert costs["graph_us"] < 0.5 * slowed
    assert "recogniser_us" not in costs


class Sluggish:
    """An engine that takes 50 ms more for a final event."""

    def __init__(self, engine: Engine) -> None:
        self.reset, self.pack, self._push = engine.reset, engine.pack, engine.push

    def push(self, chunk: bytes) -> list:
        events = self._push(chunk)
        time.sleep(0.05 * len(events))
        return events


def test_computing_and_hangover_are_told_apart() -> None:
    with Engine.open(words=False, partials=False) as engine:
        late = stream.latency(Sluggish(engine), replace(TINY, utterances=6, seconds=1.0))
        assert stream.hangover_ms(engine) == 600
    assert late["utterances"] >= 5
    assert late["final_p50_ms"] >= 50
    assert late["latency_p50_ms"] >= late["final_p50_ms"] + 500


def test_on_a_busy_core_counters_tell_what_was_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """For real, four seconds; then with a recogniser's budget that drops everything."""
    before = os.sched_getaffinity(0)
    found = busy.listen(None, words=False, seconds=4.0)
    assert os.sched_getaffinity(0) == before
    assert found["finals"] >= 1
    assert found["statistics"]["words"] is None
    metrics = found["metrics"]
    assert 0 < metrics["busy_p50_ms"] <= metrics["busy_p95_ms"]
    pytest.importorskip("pocketsphinx")
    monkeypatch.setattr(stream, "LIVE_BUDGET", 0.001)
    found = busy.listen(None, words=True, seconds=4.0)
    assert found["statistics"]["words"]["dropped"] == found["finals"] >= 1
    shown = table._tail({"metrics": {}, "notes": "", "busy": {"voice": found, "words": found}})
    assert f"words of {found['finals']} dropped" in "".join(shown)


def test_a_pack_that_decides_otherwise_here(edit_manifest: Callable[..., Path]) -> None:
    pack = edit_manifest(lambda m: m["reference"]["voice"].__setitem__(0, 0.9))
    found: dict = {}
    assert measure._parity(open_pack(pack), found)["verdict"].startswith("fails")
    assert found["parity_difference"] > 0.05
    pack = edit_manifest(lambda m: m.pop("reference"))
    assert measure._parity(open_pack(pack), found)["verdict"] == "no reference"
    assert found["parity_difference"] is None


def test_a_pack_without_words(edit_manifest: Callable[..., Path]) -> None:
    def voice_only(manifest: dict) -> None:
        for section in ("text", "recognizer", "fusion"):
            del manifest[section]

    steps: list[str] = []
    found = measure.measure(str(edit_manifest(voice_only)), TINY, None, steps.append)
    assert not [key for key in found["metrics"] if key.startswith("words_")]
    assert found["metrics"]["voice_us"] > 0
    assert not [step for step in steps if "words" in step]
    assert "word recogniser" not in table.text(found)


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(HeartenError, match=r"a fresh process failed: .*no pack at nowhere"):
        start.run("nowhere", words=False)


def test_made_speech_is_heard_and_a_room_is_not() -> None:
    with Engine.open(words=False, partials=False) as engine:
        assert engine.push(signals.room(4.0).tobytes()) == []
        sound, said = signals.utterance(1.5)
        (event,) = engine.push(sound.tobytes()) + engine.flush()
        assert event.end == pytest.approx(4.0 + said / 16000, abs=0.3)
    assert np.array_equal(sound, signals.utterance(1.5)[0])
    assert len(signals.conversation(7.3)) == round(7.3 * 16000)


def test_quick_is_quick() -> None:
    assert QUICK.starts * 2 + QUICK.seconds * 6 < 10

"""The table of initialisations: every row trained for real on small corpora, for one epoch."""

import argparse
import json

import numpy as np
import pytest

from tests.train.small import BAD, GOOD, PLAIN
from train import text_data, text_table

ROWS = (("random", False), ("glove+norms", True))


@pytest.fixture
def given(small, tmp_path, monkeypatch):
    """Arguments of a table of two rows, with keywords and a teacher."""
    pytest.importorskip("tensorflow")
    monkeypatch.setenv("HEARTEN_CORPORA", str(small))
    monkeypatch.setattr(text_table, "ROWS", ROWS)
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "keywords.txt").write_text("\n".join(sorted([*GOOD, *BAD, *PLAIN])))
    said = {}
    for corpus, parts in text_data.load(small).items():
        for part, found in parts.items():
            said[f"{corpus}/{part}/vad"] = np.zeros((len(found), 3), np.float32)
            said[f"{corpus}/{part}/probabilities"] = np.full((len(found), 7), 1 / 7, np.float32)
    vectors = np.eye(len(GOOD), dtype=np.float16)
    np.savez(tmp_path / "teacher.npz", words=np.array(GOOD), word_vectors=vectors, **said)
    parser = argparse.ArgumentParser()
    text_table.add_arguments(parser)
    paths = {"text": "text", "teacher": "teacher.npz", "out": "out", "results": "results"}
    chosen = [x for name, path in paths.items() for x in (f"--{name}", str(tmp_path / path))]
    return parser.parse_args([*chosen, "--epochs", "1", "--seeds", "3"])


def test_a_table_has_a_row_a_start_and_keeps_finished_runs(given):
    assert text_table.run(given) == 0
    place = given.results / text_table.RESULT
    content = json.loads(place.read_text())
    assert set(content["metrics"]) == {"random", "glove+norms, contextual teacher"}
    for part in ("metrics", "development"):
        for scores in content[part].values():
            assert {"emobank_r_valence", "goemotions_macro_f1"} <= set(scores)
            assert all(len(one["runs"]) == 1 and one["sd"] == 0.0 for one in scores.values())
    assert content["seeds"] == [3]
    described = json.loads((given.out / "glove+norms-taught-3" / "metrics.json").read_text())
    assert described["teacher"]
    assert described["start"] == "glove+norms"
    described["test"]["clean"]["emobank"]["r_valence"] = 0.25
    (given.out / "glove+norms-taught-3" / "metrics.json").write_text(json.dumps(described))
    assert text_table.run(given) == 0
    again = json.loads(place.read_text())["metrics"]["glove+norms, contextual teacher"]
    assert again["emobank_r_valence"]["mean"] == 0.25

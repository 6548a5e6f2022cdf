"""The counts in results/ cover what CI counts, so that nothing is compared with nothing."""

from __future__ import annotations

import json

from tests.arm import cost
from tests.arm.trees import TREES


def test_what_ci_counts_is_stored() -> None:
    stored = json.loads(cost.STORED.read_text())
    systems = [tree for tree in TREES.values() if tree.architecture == "arm64"]
    wanted = {f"{tree.name}, {cpu}" for tree in systems for cpu in (tree.cpu, "cortex-a53")}
    assert wanted <= set(stored["metrics"])
    assert {tree.name for tree in systems} <= set(stored["systems"])
    for row in stored["metrics"].values():
        assert 0 < row["silence"] < row["speech"] / 2

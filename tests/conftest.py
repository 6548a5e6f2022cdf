"""Fixtures that more than one room of tests needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from train import corpora as rooms

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of corpora; a machine without it skips, and is told how to get it."""
    folder = rooms.root()
    if not (folder / "ravdess").is_dir():
        pytest.skip(f"needs corpora in {folder}: python -m train fetch all --to {folder}")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the recordings that we made with speech synthesisers."""
    return SAMPLES


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing may be skipped: a skip is a check that could not fail."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("HEARTEN_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED

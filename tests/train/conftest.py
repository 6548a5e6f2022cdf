"""Fixtures of the tests of training."""

import pytest

from tests.train.small import write


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The folder of small made-up corpora."""
    folder = tmp_path_factory.mktemp("corpora")
    write(folder)
    return folder

"""Words as vectors, and the seed's networks for V/A/D: what they read and that they learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]'")

from edge.errors import HeartenError
from tests.train.test_licensed_corpora import put
from train import vad_data, vad_networks
from train.corpora import Utterance
from train.metrics import ccc


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    """Small networks take longer to compile than to run."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_words_become_vectors(tmp_path: Path) -> None:
    items = [Utterance(id="a", text="Good day, good night!"), Utterance(id="b")]
    known = vad_data.Vocabulary(items)
    assert known(items)[0, :5].tolist() == [3, 2, 3, 4, 0] and not known(items)[1].any()
    assert known([Utterance(id="c", text="bad day")])[0, :3].tolist() == [1, 2, 0]
    binary = tmp_path / "v.bin"
    put(binary, b"2 3\n" + b"good " + np.array([1, 2, 3], "<f4").tobytes())
    with pytest.raises(HeartenError, match="ends in the middle of a vector"):
        known.vectors(str(binary), 0)
    both = b"\nday ".join(np.array(v, "<f4").tobytes() for v in ([1, 2, 3], [4, 5, 6]))
    put(binary, b"2 3\ngood " + both)
    table = known.vectors(str(binary), 0)
    assert table.shape == (5, 3) and not table[0].any()
    assert table[known.numbers["good"]].tolist() == [1, 2, 3]
    assert table[known.numbers["day"]].tolist() == [4, 5, 6]
    with pytest.raises(HeartenError, match="no vector of any of the 3 words"):
        known.vectors(str(put(tmp_path / "x.txt", "bad 1 2\n")), 0)
    with pytest.raises(HeartenError, match="different lengths"):
        known.vectors(str(put(tmp_path / "x.txt", "good 1 2\nday 1 2 3\n")), 0)


def made_up(count: int) -> vad_networks.Inputs:
    """Utterances whose voice and first two words tell V/A/D."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, (count, 3))
    words = np.zeros((count, 3), np.int32)
    words[:, 0] = np.digitize(truth[:, 0], (-0.5, 0, 0.5)) + 1
    words[:, 1] = np.digitize(truth[:, 1], (-0.5, 0, 0.5)) + 5
    words[: count // 2, 2] = 9  # texts differ in length
    words[-1] = 0  # and one has no words
    return vad_networks.Inputs(truth @ rng.normal(size=(3, 6)).astype("f"), words, truth)


@pytest.mark.parametrize("name", ["voice", "text"])  # both together: test_multitask_totals
def test_networks_learn(name: str) -> None:
    one, vectors = made_up(64), np.random.default_rng(1).normal(0, 0.5, (10, 8)).astype("f")
    setting = vad_networks.Setting(name, vectors, (1.0, 1.0, 1.0), 0, 12, 16, "bag", rate=0.02)
    dev, test = vad_networks.predict(setting, [one, one, one])
    np.testing.assert_array_equal(dev, test)
    assert np.isfinite(dev).all()
    assert min(ccc(one.truth[:, d], dev[:, d]) for d in range(2)) > 0.2


def test_the_seeds_text_network_reads_words_in_their_order() -> None:
    vectors = np.random.default_rng(1).normal(0, 0.5, (10, 8)).astype("f")
    setting = vad_networks.Setting("text", vectors, (0.7, 0.2, 0.1), 0, 1, 4, "lstm")
    net = vad_networks.network(setting, 6)
    assert [layer.units for layer in net.layers if "lstm" in layer.name] == [4, 4, 4]
    texts = np.array([[2, 6, 0], [6, 2, 0], [2, 6, 9], [2, 6, 0]], np.int32)
    first, turned, longer, same = net([texts]).numpy()
    assert np.abs(first - turned).max() > 1e-6 and np.abs(first - longer).max() > 1e-6
    assert first == pytest.approx(same)

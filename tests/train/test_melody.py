"""What pitch tells: of song alone, and nothing of valence, arousal and dominance."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")

import tensorflow as tf

from edge.features import FeatureSettings
from train.voice_model import Arrays, VoiceNet, sizes

SETTINGS = sizes(FeatureSettings(kind="mfcc", cepstra=40))
KINDS = 9  # functionals of each value
SPEECH, SONG = -20.0, 20.0  # log-odds that somebody sings


@pytest.fixture(scope="module")
def net() -> VoiceNet:
    tf.keras.utils.set_random_seed(4)
    net = VoiceNet(SETTINGS)
    net.build_now()
    return net


def judged(net: VoiceNet, singing: float, moved: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return what moving the functionals of some values changes: in the logits, in V/A/D."""
    arrays: Arrays = net.arrays()
    arrays["melody_share/kernel"][:] = 0.0
    arrays["melody_share/bias"][:] = singing
    net.load_arrays(arrays)
    rng = np.random.default_rng(5)
    heard = rng.normal(size=(3, 3 * SETTINGS.units)).astype(np.float32)
    functionals = rng.normal(size=(3, KINDS, SETTINGS.size)).astype(np.float32)
    said = []
    for shift in (0.0, 1.0):
        functionals[:, :, moved] += shift
        rows = functionals.reshape(3, -1)
        pooled = tf.constant(heard), tf.constant(rows)
        out = net.judge(*pooled, training=False)
        share, melody = net.sing(*pooled, training=False)
        said.append(((out.logits + tf.sigmoid(share) * melody).numpy(), out.vad.numpy()))
    return np.abs(said[1][0] - said[0][0]), np.abs(said[1][1] - said[0][1])


def test_pitch_is_heard_in_song_and_never_moves_vad(net: VoiceNet) -> None:
    pitch = slice(SETTINGS.seen, None)
    logits, vad = judged(net, SONG, pitch)
    assert (logits.max(axis=1) > 0.1).all()
    assert not vad.any()
    logits, vad = judged(net, SPEECH, pitch)
    assert logits.max() < 1e-6
    assert not vad.any()


def test_the_envelope_moves_all(net: VoiceNet) -> None:
    logits, vad = judged(net, SPEECH, slice(0, SETTINGS.seen))
    assert (logits.max(axis=1) > 0.1).all()
    assert (vad.max(axis=1) > 0.01).all()


def train(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "train", "voice", "--smoke", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)


def test_a_voice_taken_over_keeps_all_it_knew(corpora: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    assert train("--cepstra", 20, "--out", before).returncode == 0
    done = train("--voice", before, "--out", after)
    assert done.returncode == 0, done.stderr
    assert "melody 30/30" in done.stderr
    assert "epoch 1/" not in done.stderr
    with np.load(before / "model.npz") as old, np.load(after / "model.npz") as new:
        for name in old.files:
            if name.startswith("scale/"):
                wide = new[name].reshape(KINDS, -1)[:, : SETTINGS.seen]
                np.testing.assert_array_equal(wide.ravel(), old[name])
            else:
                np.testing.assert_array_equal(new[name], old[name])
        assert new["melody_share/kernel"].any(), "it has learnt who sings"
    again = train("--voice", after, "--out", tmp_path / "again")
    assert again.returncode == 2
    assert "no fewer than 40 cepstra" in again.stderr
    other = train("--voice", before, "--fold", "luna-jimenez:1", "--out", tmp_path / "other")
    assert other.returncode == 2
    assert "must be of the same fold" in other.stderr


def test_no_voice_to_take_over(corpora: Path, tmp_path: Path) -> None:
    done = train("--voice", tmp_path / "none", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "holds no trained voice" in done.stderr

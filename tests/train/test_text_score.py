"""Scoring the shipped text graph sees what the device sees."""

from __future__ import annotations

import numpy as np

from edge.interpreter import Graph
from edge.pack import open_pack
from edge.text import marked
from train import text_data
from train.text_score import predict

SENTENCES = ("What a wonderful gift!", "He died a horrible death.", "Nothing here counts, so what?")


def test_batch_scores_equal_the_device() -> None:
    pack = open_pack()
    model = pack.text()
    graph = Graph((pack.place / "text.tflite").read_bytes(), "text.tflite")
    slots = graph.shape("ids")[-1]
    bags = text_data.encode([marked(s) for s in SENTENCES], model.words, slots)
    vad, shares = predict(graph, bags)
    for row, sentence in enumerate(SENTENCES):
        said = model.from_transcript(sentence)
        assert said is not None
        np.testing.assert_allclose(vad[row], said.vad, atol=1e-6)
        np.testing.assert_allclose(shares[row], said.probabilities, atol=1e-6)
    assert vad[0, 0] > 0 > vad[1, 0]

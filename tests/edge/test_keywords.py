"""Keywords in synthesised sentences, through the real recogniser and a small language model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.audio.files import read
from edge.confidence import Odds, confidence
from edge.decoder import RecognizerSettings
from edge.errors import HeartenError, PackError
from edge.keywords import LONGEST, RATE, Recognizer
from train.language import Keywords, build

pytest.importorskip("pocketsphinx")

SAMPLES = Path(__file__).parents[1] / "samples"
KEYWORDS = frozenset(
    ("wonderful", "gift", "horrible", "death", "angry", "fear", "grief", "joy", "happy", "terrible")
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    build(Keywords(tuple(sorted(KEYWORDS)), {}), folder, words=300, bigrams=5000)
    return RecognizerSettings(
        str(folder / "words.lm.bin"), str(folder / "words.dict"), min_confidence=0.0
    )


@pytest.fixture(scope="module")
def recognizer(settings):
    recognizer = Recognizer(settings, KEYWORDS)
    yield recognizer
    recognizer.close()


def hear(recognizer, samples, size=None, start=0.0):
    recognizer.begin(start)
    for first in range(0, len(samples), size or max(1, len(samples))):
        recognizer.push(samples[first : first + (size or len(samples))])
    return recognizer.end()


@pytest.mark.parametrize("name", ["gift_slt", "gift_rms", "death_slt", "death_rms"])
def test_hears_the_keywords_of_a_sentence(recognizer, name):
    entries = json.loads((SAMPLES / "samples.json").read_text())
    spoken = next(e["keywords"] for e in entries if e["file"] == f"{name}.wav")
    samples = read(SAMPLES / f"{name}.wav")
    words = hear(recognizer, samples, start=7.0)
    assert [word.word for word in words] == spoken
    assert all(word in recognizer.heard.split() for word in spoken)
    for word in words:
        assert 7.0 <= word.start < word.end <= 7.0 + len(samples) / RATE
        assert 0.0 <= word.confidence <= 1.0


def test_times_point_at_the_word(recognizer):
    samples = read(SAMPLES / "gift_slt.wav")
    gift = hear(recognizer, samples)[-1]
    cut = samples.copy()
    cut[int(gift.start * RATE) :] = 0
    assert "gift" not in [word.word for word in hear(recognizer, cut)]


@pytest.mark.parametrize("size", [1, 160, 999, 1600, 12345])
def test_pieces_do_not_matter(recognizer, size):
    samples = read(SAMPLES / "death_slt.wav")
    samples = samples[: RATE // 2] if size == 1 else np.concatenate([samples, samples])
    assert hear(recognizer, samples, size) == hear(recognizer, samples)


def test_utterances_do_not_depend_on_each_other(recognizer, settings):
    first, second = read(SAMPLES / "gift_rms.wav"), read(SAMPLES / "death_slt.wav")
    fresh = Recognizer(settings, KEYWORDS)
    alone = hear(fresh, second)
    fresh.close()
    hear(recognizer, np.clip(first * 3.0, -32768, 32767).astype(np.int16))
    assert hear(recognizer, second) == alone
    recognizer.begin(0.0)
    recognizer.push(first)
    recognizer.abort()
    assert recognizer.end() == []
    assert hear(recognizer, second) == alone


@pytest.mark.parametrize("length", [0, 1, 160, 1600, 3 * RATE])
def test_silence_and_scraps_hold_no_words(recognizer, length):
    assert hear(recognizer, np.zeros(length, np.int16)) == []
    assert recognizer.end() == []


def test_loud_noise_stays_finite(recognizer):
    noise = np.random.default_rng(3).integers(-32768, 32767, 3 * RATE).astype(np.int16)
    for word in hear(recognizer, noise):
        assert np.isfinite([word.start, word.end, word.confidence]).all()


def test_an_endless_utterance_goes_on_after_the_cut(recognizer):
    sample = read(SAMPLES / "gift_slt.wav")
    times = LONGEST // len(sample) + 3
    words = hear(recognizer, np.tile(sample, times), size=1600)
    gifts = [word.start for word in words if word.word == "gift"]
    # One or two sentences may be lost where the cut falls into them.
    assert len(gifts) >= times - 2
    assert gifts[-1] > LONGEST / RATE
    period = len(sample) / RATE
    assert (gifts[-1] - gifts[0]) / period == pytest.approx(times - 1, abs=0.1)


def test_unsure_words_are_dropped_and_the_map_is_used(settings):
    sample = read(SAMPLES / "gift_slt.wav")
    mapped = Recognizer(replace(settings, confidence_map=((0.0, 0.2), (1.0, 0.2))), KEYWORDS)
    assert {word.confidence for word in hear(mapped, sample)} == {0.2}
    strict = Recognizer(
        replace(settings, min_confidence=0.3, confidence_map=((0.0, 0.2), (1.0, 0.2))), KEYWORDS
    )
    assert hear(strict, sample) == []


def test_noise_and_length_count_where_the_map_says_so(settings):
    sample, odds = read(SAMPLES / "gift_slt.wav"), Odds(1.0, 0.1, 0.1)
    recognizer = Recognizer(replace(settings, confidence_odds=odds), KEYWORDS)
    words, snr = hear(recognizer, sample, size=777), recognizer.snr_db
    assert {piece.word for piece in recognizer.pieces} >= {"this", "is", "wonderful", "gift"}
    assert {p.word: p.phones for p in recognizer.pieces}["wonderful"] == 8
    known = {p.word: p for p in recognizer.pieces}
    for word in words:
        assert word.confidence == confidence(known[word.word], snr, odds, (), 0.0)
        assert word.confidence != pytest.approx(known[word.word].posterior)
    noise = np.random.default_rng(1).normal(0.0, 1500.0, len(sample)).astype(np.int16)
    hear(recognizer, np.clip(sample.astype(int) + noise, -32768, 32767).astype(np.int16))
    assert recognizer.snr_db < snr - 3
    recognizer.close()


def test_only_keywords_are_returned(settings):
    recognizer = Recognizer(settings, frozenset({"gift"}))
    words = hear(recognizer, read(SAMPLES / "gift_slt.wav"))
    assert [word.word for word in words] == ["gift"]


def test_a_partial_result_grows_while_audio_comes(recognizer):
    samples = read(SAMPLES / "gift_slt.wav")
    recognizer.begin(0.0)
    seen = set()
    for first in range(0, len(samples) + 2 * RATE, 1600):
        piece = samples[first : first + 1600]
        recognizer.push(piece if len(piece) else np.zeros(1600, np.int16))
        seen.add(recognizer.heard)
    recognizer.end()
    assert "" in seen and any("wonderful" in text for text in seen)


def test_misuse_is_refused(recognizer):
    recognizer.abort()
    with pytest.raises(ValueError, match="without begin"):
        recognizer.push(np.zeros(10, np.int16))
    recognizer.begin(0.0)
    with pytest.raises(ValueError, match="int16"):
        recognizer.push(np.zeros(10, np.float32))
    recognizer.abort()


def test_bad_files_are_named(settings, tmp_path, capfd):
    damaged = tmp_path / "damaged.lm.bin"
    damaged.write_bytes(Path(settings.language_model).read_bytes()[:1000])
    empty = tmp_path / "empty.dict"
    empty.write_text("")
    cases = [
        (replace(settings, language_model="nowhere.lm.bin"), "language model.*nowhere.lm.bin"),
        (replace(settings, dictionary="nowhere.dict"), "dictionary.*nowhere.dict"),
        (replace(settings, acoustic_model=str(tmp_path)), "acoustic model"),
        (replace(settings, language_model=str(damaged)), "cannot load"),
        (replace(settings, dictionary=str(empty)), "none of the keywords"),
        (replace(settings, confidence_map=((1.0, 1.0), (0.0, 0.0))), "must rise"),
        (replace(settings, options={"nonsense": 1}), "no such option.*nonsense"),
    ]
    for wrong, message in cases:
        with pytest.raises(PackError, match=message):
            Recognizer(wrong, KEYWORDS)
    assert capfd.readouterr().err == ""


def test_an_added_word_is_heard(tmp_path):
    build(Keywords(("horrible", "death"), {}), tmp_path, words=300, bigrams=5000)
    settings = RecognizerSettings(
        str(tmp_path / "words.lm.bin"), str(tmp_path / "words.dict"), min_confidence=0.0
    )
    recognizer = Recognizer(settings, frozenset({"horrible", "death"}))
    samples = read(SAMPLES / "gift_slt.wav")
    assert "gift" not in [word.word for word in hear(recognizer, samples)]
    recognizer.add_word("gift", "g ih f t")
    recognizer.add_word("wonderful", "W AH N D ER F AH L")
    assert {"wonderful", "gift"} <= {word.word for word in hear(recognizer, samples)}
    recognizer.add_word("gift", "JH IH F T")  # another way to say it
    recognizer.add_word("gift")
    recognizer.close()


@pytest.mark.parametrize(
    ("word", "phones", "message"),
    [
        ("zonked", None, "give its phones"),
        ("zonked", "  ", "give its phones"),
        ("zonked", "Z AA XX K T", "no such phone: XX; there are AA AE"),
        ("horrible", "1", "no such phone: 1"),
    ],
)
def test_a_wrong_pronunciation_is_refused(recognizer, word, phones, message):
    with pytest.raises(HeartenError, match=message):
        recognizer.add_word(word, phones)
    assert word in KEYWORDS or word not in recognizer.keywords

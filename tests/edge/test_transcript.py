"""Words that come as text instead of being recognised."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from edge import Emotion, Engine, HeartenError
from edge.pack import open_pack
from edge.text import SLOTS
from edge.transcript import keywords
from tests.edge.made import read_wav

SAID = "What a wonderful gift, I am so happy!"
KNOWN = frozenset(("wonderful", "gift", "happy", "don't"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine that is told the words and recognises none."""
    with Engine.open(words="transcript", partials=False) as engine:
        yield engine


def hear(engine: Engine, samples: Path, name: str = "everyday_slt.wav") -> Emotion:
    engine.reset()
    events = engine.push(read_wav(samples / name))
    (final,) = [e for e in events + engine.flush() if e.type == "final"]
    return final


def decided(emotion: Emotion) -> tuple:
    return emotion.category, emotion.probabilities, emotion.text, [w.word for w in emotion.words]


def test_a_transcript_after_the_event_decides_it_anew(engine: Engine, samples: Path) -> None:
    voice = hear(engine, samples)
    assert voice.words == () and voice.text is None and voice.notes == ()
    (revised,) = engine.words(SAID)
    assert {"wonderful", "happy"} <= {w.word for w in revised.words}
    assert all(
        (w.start, w.end, w.confidence) == (voice.start, voice.end, 1.0) for w in revised.words
    )
    assert revised.type == "final" and "revised" in revised.notes[0]
    assert (revised.start, revised.end, revised.snr_db) == (voice.start, voice.end, voice.snr_db)
    assert revised.voice == voice.voice
    assert revised.probabilities["happy"] > voice.probabilities["happy"]
    assert revised.valence > voice.valence
    (unsure,) = engine.words(SAID, 0.1)
    assert voice.valence < unsure.valence < revised.valence


def test_a_transcript_before_the_end_gives_the_same(engine: Engine, samples: Path) -> None:
    hear(engine, samples)
    (after,) = engine.words(SAID)
    engine.reset()
    engine.push(read_wav(samples / "everyday_slt.wav"))
    assert engine.speaking
    assert engine.words(SAID) == []
    (before,) = engine.flush()
    assert before.notes == ()
    assert decided(before) == decided(after)
    assert hear(engine, samples).words == (), "a transcript is for one utterance"


def test_a_transcript_replaces_what_is_recognised(samples: Path) -> None:
    pytest.importorskip("pocketsphinx")
    data = read_wav(samples / "gift_slt.wav")
    with Engine.open(partials=False) as engine:
        engine.push(data[: len(data) // 2])
        engine.words("horrible")
        before = engine.statistics()["words"]["decoded_s"]
        engine.push(data[len(data) // 2 :])
        (told,) = engine.flush()
        assert [w.word for w in told.words] == ["horrible"]
        assert engine.statistics()["words"]["decoded_s"] == before, "recognition stops at once"
        (heard,) = engine.file(samples / "gift_slt.wav")
        assert "gift" in [w.word for w in heard.words], "and goes on with the next utterance"


def test_nothing_is_recognised_where_transcripts_are_declared(
    engine: Engine, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with Engine.open(words="transcript") as other:  # not even pocketsphinx is needed
        assert hear(other, samples, "gift_slt.wav").words == ()
        assert other.words("gift")[0].words[0].word == "gift"
        counts = other.statistics()["words"]
    assert counts["decoded_s"] == 0.0 and counts["busy_s"] < 0.05
    assert (counts["transcripts"], counts["words"], counts["dropped"]) == (1, 1, 0)


def test_nothing_to_revise(engine: Engine, samples: Path) -> None:
    engine.reset()
    assert engine.words(SAID) == []
    hear(engine, samples)
    engine.reset()
    assert engine.words(SAID) == [], "the utterance belonged to another stream"


@pytest.mark.parametrize(
    "text",
    ["", " \n", "zyzzyva", "это прекрасный подарок", "素晴らしい贈り物", "🙂 123 \x00", "\ud800"],
)
def test_text_without_keywords_leaves_the_voice(engine: Engine, samples: Path, text: str) -> None:
    voice = hear(engine, samples)
    (revised,) = engine.words(text)
    assert revised.words == () and revised.text is None
    assert revised.probabilities == voice.probabilities
    assert revised.to_json()


def test_a_megabyte_is_read_in_linear_time_and_bounded(engine: Engine, samples: Path) -> None:
    hear(engine, samples)
    spent = []
    for repeats in (3_000, 30_000):
        text = "a wonderful gift, and so happy! " * repeats
        began = time.thread_time()
        (revised,) = engine.words(text)
        spent.append(time.thread_time() - began)
        assert len(revised.words) == SLOTS
        assert len(revised.to_json()) < 10_000
    assert len(text) > 900_000
    assert spent[1] < 40 * max(spent[0], 0.005)
    (one,) = engine.words("x" * 1_000_000)
    assert one.words == ()


def test_confidences_word_by_word() -> None:
    words = keywords("wonderful gift I-don't", [0.9, 0.2, 0.5], KNOWN)
    assert [(w.word, w.confidence) for w in words] == [
        ("wonderful", 0.9), ("gift", 0.2), ("don't", 0.5),
    ]  # fmt: skip
    many = keywords("gift " * 50 + "happy", [0.5] * 50 + [1.0], KNOWN)
    assert len(many) == SLOTS and many[-1].word == "happy", "the surest are kept, in their order"


def test_neighbours_may_be_a_keyword_together_and_come_first() -> None:
    known = {"gift", "happy", "so_happy", "gift_so"}
    words = keywords("A gift, so happy.", [0.9, 0.8, 0.4, 1.0], known)
    assert [(w.word, w.confidence) for w in words] == [
        ("gift_so", 0.4), ("so_happy", 0.4), ("gift", 0.8), ("happy", 1.0),
    ]  # fmt: skip
    assert [w.word for w in keywords("so, a happy_gift", 1.0, known)] == ["happy", "gift"]
    marks = keywords("A gift!!! So?", 1.0, known | {"!"})
    assert [w.word for w in marks] == ["!", "gift_so", "gift"]


@pytest.mark.parametrize(
    ("text", "confidence", "message"),
    [
        (None, 1.0, "a transcript is a text, not NoneType"),
        (b"gift", 1.0, "a transcript is a text, not bytes"),
        ("gift", 1.5, "lies in 0..1, not 1.5"),
        ("gift", math.nan, "lies in 0..1, not nan"),
        ("gift", "high", "a number or a list"),
        ("gift", None, "a number or a list"),
        ("a gift", [0.5], "1 confidences do not fit 2 words"),
        ("a gift", [0.5, "x"], "lies in 0..1, not 'x'"),
    ],
)
def test_what_is_no_transcript(engine: Engine, text: object, confidence: object, message: str):
    with pytest.raises(HeartenError, match=message):
        engine.words(text, confidence)


def test_a_closed_engine_and_a_wrong_wish() -> None:
    engine = Engine.open(words="transcript")
    engine.close()
    with pytest.raises(HeartenError, match="closed"):
        engine.words("gift")
    with pytest.raises(HeartenError, match="words is True, False or 'transcript'"):
        Engine.open(words="transcripts")


def test_added_words_count_in_transcripts(samples: Path) -> None:
    with Engine.open(words="transcript", partials=False) as engine:
        engine.words.add_word("zonked", like="tired")
        hear(engine, samples)
        (revised,) = engine.words("Zonked!")
    assert [w.word for w in revised.words] == ["!", "zonked"]
    assert revised.text is not None


def test_pairs_and_marks_are_no_more_evidence_than_their_words() -> None:
    model = open_pack().text()
    words = keywords("I can't wait!", 0.5, model.known)
    assert {"!", "can't_wait"} <= {word.word for word in words}
    assert model.evidence(words) == pytest.approx(1.5)

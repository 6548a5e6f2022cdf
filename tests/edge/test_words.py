"""Words that a user adds to the built-in pack: in code and in a file."""

import json
import shutil
import subprocess
import sys

import pytest

from edge.emotion import Word
from edge.errors import HeartenError
from edge.pack import open_pack
from edge.words import AddedWord, Words, read_words

pytest.importorskip("pocketsphinx")


@pytest.fixture(scope="module")
def words() -> Words:
    return Words(open_pack())


def vad_of(words: Words, word: str):
    scores = words.model.score([Word(word, 0.0, 0.1, 1.0)])
    return None if scores is None else words.fuse.scaled(scores.vad)


def test_a_file_adds_words_by_likeness_and_by_vad(words, tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(
        "# mine\n\nZonked Z AA NG K T = sad\ngroovalicious G R UW V AH = 0.9 0.4 0.3  # nice\n"
        "dreckish D R EH K = -0.9 .3 -0.4\n"
    )
    assert read_words(path)[0] == AddedWord("zonked", "Z AA NG K T", like=("sad",))
    words.add_file(path)
    assert (vad_of(words, "zonked") == vad_of(words, "sad")).all()
    assert vad_of(words, "groovalicious")[0] > 0.1 > -0.1 > vad_of(words, "dreckish")[0]
    assert {"zonked", "groovalicious", "dreckish"} <= words.recognizer.keywords


def test_a_word_that_cannot_be_said_is_not_half_added(words):
    with pytest.raises(HeartenError, match="no such phone: QQ"):
        words.add_word("blorf", "QQ", like="sad")
    assert vad_of(words, "blorf") is None
    words.add_word("blorf", "B L AO R F", like="sad")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("zonk", r"mine.txt, line 2: not 'word PHONES"),
        ("zonk Z AA =", r"line 2: not 'word PHONES"),
        ("zonk Z AA = 0.3 sad 0.1", "mixes words and numbers"),
        ("zonk Z AA = 0.3 0.1", "three numbers in -1..1"),
        ("zonk Z AA = 3 0 0", "three numbers in -1..1"),
        ("zonk = sad", "give its phones"),
        ("sad S AE D = happy", "keyword already"),
        ("zonk Z AA = hapy", "did you mean 'happy'"),
    ],
)
def test_a_wrong_line_is_named(words, tmp_path, line, message):
    path = tmp_path / "mine.txt"
    path.write_text(f"# mine\n{line}\n")
    with pytest.raises(HeartenError, match=message):
        words.add_file(path)


def test_a_file_that_cannot_be_read_is_named(words, tmp_path):
    with pytest.raises(HeartenError, match=r"cannot read the words in .*none\.txt"):
        words.add_file(tmp_path / "none.txt")


def test_a_word_of_ones_own_is_heard(tmp_path):
    if not shutil.which("flite"):
        pytest.skip("flite is not installed (sh tests/system.sh)")
    speech, mine = tmp_path / "speech.wav", tmp_path / "mine.txt"
    said = "I feel completely zonked today"
    subprocess.run(["flite", "-voice", "slt", "-t", said, "-o", speech], check=True)
    mine.write_text("zonked Z AA NG K T = tired\n")

    def heard(*more):
        command = [sys.executable, "-m", "edge.cli", "file", "--json", speech, *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    _, (plain,) = heard()
    _, (added,) = heard("--add-words", mine)
    assert "zonked" not in [word["word"] for word in plain["words"]]
    assert "zonked" in [word["word"] for word in added["words"]]
    assert added["valence"] < plain["valence"]
    mine.write_text("zonked Z AA QQ = tired\n")
    done, events = heard("--add-words", mine)
    assert done.returncode == 2
    assert not events
    assert f"{mine}: 'zonked': no such phone: QQ" in done.stderr

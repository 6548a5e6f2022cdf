"""IEMOCAP, MSP-IMPROV, USOMS-e and your own CSV, on small made-up trees with their defects."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import HeartenError
from train import splits
from train.corpora import EMOTION_VAD, LABELS, Utterance, iemocap, msp_improv, table, usoms

HEADER = "path,speaker,session,text,valence,arousal,dominance,label\n"


def put(path: Path, content: str | bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def turn(name: str, code: str, means: str, *raters: str) -> str:
    return "\n".join([f"[6.2901 - 8.2357]\t{name}\t{code}\t[{means}]", *raters, "", ""])


def iemocap_tree(home: Path) -> Path:
    """Two sessions; an own rating, an empty ``dom``, NaN, 5.5, ``._`` files, Latin-1."""
    raters = ("C-E2:\tNeutral;\t()", "A-E3:\tval 3; act 2; dom  2;\t()")
    rated = {
        (1, "Ses01F_impro01"): [
            turn("Ses01F_impro01_F000", "neu", "2.5000, 2.5000, 2.5000", *raters),
            turn(
                "Ses01F_impro01_M000",
                "fru",
                "2.0000, 3.0000, nan",
                "A-E2:\tval 2; act 3; dom  ;\t()",
                "A-E4:\tval 2; act 3; dom  4;\t()",
                "A-M1:\tval 5; act 5; dom  1;\t()",
            ),
            turn("Ses01F_impro01_M001", "xxx", "nan, nan, nan", "A-M1:\tval 5; act 5; dom  1;\t()"),
        ],
        (1, "Ses01M_script01_1"): [
            turn("Ses01M_script01_1_F000", "exc", "5.0000, 5.5000, 1.0000", *raters),
        ],
        (2, "Ses02M_script01_1b"): [
            turn("Ses02M_script01_1b_M000", "sad", "1.5000, 0.5000, 3.0000", *raters),
        ],
    }
    for (session, dialog), turns in rated.items():
        folder = home / f"Session{session}"
        text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "".join(turns)
        put(folder / "dialog" / "EmoEvaluation" / f"{dialog}.txt", text)
        put(folder / "dialog" / "EmoEvaluation" / f"._{dialog}.txt", b"\x00\x05\x16\x07" * 9)
        put(folder / "dialog" / "EmoEvaluation" / "Attribute" / f"{dialog}_e2_atr.txt", "x\n")
        for line in text.splitlines():
            if line.startswith("["):
                name = line.split("\t")[1]
                put(folder / "sentences" / "wav" / dialog / f"{name}.wav")
                put(folder / "sentences" / "wav" / dialog / f"._{name}.wav")
    put(
        home / "Session1" / "dialog" / "transcriptions" / "Ses01F_impro01.txt",
        "M: not a turn\nSes01F_impro01_F000 [006.2901-008.2357]: Excuse me, caf\xe9.\r\n"
        "Ses01F_impro01_FXX0 [008.0-009.0]: never rated\n".encode("latin-1"),
    )
    return home


@pytest.mark.parametrize("place", ["iemocap", "IEMOCAP_full_release", "."])
def test_iemocap_in_its_published_layout(tmp_path, place):
    iemocap_tree(tmp_path / place)
    found = {u.id: u for u in iemocap.load(tmp_path)}
    assert list(found) == [
        "Ses01F_impro01_F000",
        "Ses01F_impro01_M000",
        "Ses01F_impro01_M001",
        "Ses01M_script01_1_F000",
        "Ses02M_script01_1b_M000",
    ]
    first = found["Ses01F_impro01_F000"]
    assert (first.label, first.published, first.session) == ("neutral", ("neu",), "1")
    assert (first.valence, first.arousal, first.dominance) == (-0.25, -0.25, -0.25)
    assert first.text == "Excuse me, café." and first.path.name == "Ses01F_impro01_F000.wav"
    assert first.path.is_file() and not first.path.name.startswith("._")
    assert [u.speaker for u in found.values()] == [
        "Ses01F",
        "Ses01M",
        "Ses01M",
        "Ses01F",  # the last letter of the turn, not the first of the dialogue
        "Ses02M",
    ]
    scripted = found["Ses01M_script01_1_F000"], found["Ses02M_script01_1b_M000"]
    assert {u.sentence for u in scripted} == {"script01_1"}
    assert (scripted[0].label, scripted[0].published) == ("happy", ("exc",))


def test_iemocap_defects(tmp_path):
    found = {u.id: u for u in iemocap.load(iemocap_tree(tmp_path))}
    frustrated, nobody = found["Ses01F_impro01_M000"], found["Ses01F_impro01_M001"]
    assert frustrated.label is None and frustrated.published == ("fru",)
    # The mean is NaN, one listener left dom empty, and the own rating (A-M1: 1) does not count.
    assert frustrated.dominance == (4 - 3) / 2
    assert "1 listeners" in frustrated.sources["dominance"]
    assert (nobody.valence, nobody.arousal, nobody.dominance) == (None, None, None)
    assert nobody.sources == {}
    high, low = found["Ses01M_script01_1_F000"], found["Ses02M_script01_1b_M000"]
    assert (high.valence, high.arousal, high.dominance, low.arousal) == (1, 1, -1, -1)
    assert high.sources["arousal"].endswith("5.5 counts as 5")
    assert "counts as" not in high.sources["valence"]


def test_iemocap_four_classes():
    every = [Utterance(id=str(label), label=label) for label in (*LABELS, None)]
    four = {u.label for u in iemocap.four_classes(every)}
    assert four == {"angry", "happy", "sad", "neutral"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1.0 - 2.0]\tSes01F_impro01_F009\tneu", "line 2: not a turn of Ses01F_impro01"),
        ("[1.0 - 2.0]\tSes02F_impro01_F000\tneu\t[3, 3, 3]", "not a turn of Ses01F_impro01"),
        ("[1.0 - 2.0]\tSes01F_impro01_F009\tboo\t[3, 3, 3]", "unknown emotion 'boo'"),
        ("[1.0 - 2.0]\tSes01F_impro01_X009\tneu\t[3, 3, 3]", "is not a turn such as"),
        ("[1.0 - 2.0]\tSes01F_impro01_F009\tneu\t[3, 25, 3]", "arousal 25 lies outside 1 to 5"),
        ("[1.0 - 2.0]\tSes01M_script01_1_F000\tneu\t[3, 3, 3]", "not a turn of"),
        ("[1.0 - 2.0]\tSes01F_impro01_F009\tneu\t[3, 3, 3]", "1 of 2 rated turns"),
    ],
)
def test_iemocap_damage_is_named(tmp_path, line, message):
    iemocap_tree(tmp_path)
    path = tmp_path / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    good = "[1.0 - 2.0]\tSes01F_impro01_F000\tneu\t[3, 3, 3]"
    (path.parent / "Ses01M_script01_1.txt").unlink()
    put(path, f"{good}\n{line}\n")
    with pytest.raises(HeartenError, match=message) as caught:
        iemocap.load(tmp_path)
    assert str(path) in str(caught.value) or "recording" in str(caught.value)


def test_iemocap_turn_rated_twice(tmp_path):
    path = iemocap_tree(tmp_path) / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    put(path, path.read_text() * 2)
    with pytest.raises(HeartenError, match="Ses01F_impro01_F000 is rated twice"):
        iemocap.load(tmp_path)


def improv_line(number: int, consensus: str, activation: float, scenario: str = "S") -> str:
    return (
        f"UTD-IMPROV-S01A-F0{number % 6 + 1}-{scenario}-FM{number:02}.avi; {consensus}; "
        f"A:{activation:.6f}; V:3.500000; D:3.000000 ; N:4.000000;"
    )


def improv_tree(home: Path, lines: list[str], name: str = "Evalution.txt") -> Path:
    raters = "001-p1; Neutral; Neutral,Other; A:3; V:5; D:2; N:4;\n\n"
    put(home / name, "\r\n".join(f"{line}\r\n{raters}" for line in lines))
    for line in lines:
        stem = line.split(".avi")[0].replace("UTD", "MSP")
        scenario = stem.split("-")[4]
        put(home / "Audio" / "session1" / "S01A" / scenario / f"{stem}.wav")
        put(home / "Audio" / "session1" / "S01A" / scenario / f"._{stem}.wav")
    return home


def both(angry: float, sad: float, count: int = 5) -> list[str]:
    lines = [improv_line(n, "A", angry) for n in range(count)]
    return lines + [improv_line(n + count, "S", sad) for n in range(count)]


@pytest.mark.parametrize("name", ["Evalution.txt", "Evaluation.txt"])
@pytest.mark.parametrize("place", ["msp-improv", "MSP-IMPROV", "."])
def test_msp_improv_in_its_published_layout(tmp_path, name, place):
    lines = [*both(4.5, 2.0), improv_line(10, "N", 3, "R"), improv_line(11, "X", 3, "P")]
    improv_tree(tmp_path / place, lines, name)
    found = msp_improv.load(tmp_path)
    assert len(found) == 12 and len({u.id for u in found}) == 12
    first = found[0]
    assert first.id == "MSP-IMPROV-S01A-F01-S-FM00" and first.path.stem == first.id
    assert (first.speaker, first.session, first.sentence) == ("F01", "1", "01")
    assert (first.valence, first.arousal, first.dominance) == (0.25, 0.75, 0.0)
    assert first.label == "angry" and "direction confirmed" in first.sources["arousal"]
    assert found[11].label is None and found[11].published == ("X",)
    assert [u.id[20] for u in msp_improv.mspin(tmp_path)] == ["S"] * 10 + ["P"]


def test_msp_improv_scale_that_runs_the_other_way_is_turned_and_told(tmp_path, capsys):
    improv_tree(tmp_path, both(1.5, 4.0))
    found = msp_improv.load(tmp_path)
    assert found[0].label == "angry" and found[0].arousal == 0.75
    assert found[-1].label == "sad" and found[-1].arousal == -0.5
    assert found[0].valence == 0.25, "only activation is turned"
    assert "turned round (angry 1.50, sad 4.00)" in found[0].sources["arousal"]
    assert "Evalution.txt: activation runs from excited to calm" in capsys.readouterr().err


def test_msp_improv_direction_needs_enough_turns(tmp_path, capsys):
    improv_tree(tmp_path, both(1.5, 4.0, count=4))
    found = msp_improv.load(tmp_path)
    assert found[0].arousal == -0.75 and "unconfirmed" in found[0].sources["arousal"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("nan", ["NaN", "nan", "-nan(ind)"])
def test_msp_improv_nan_and_order_of_the_values(tmp_path, nan):
    name = "UTD-IMPROV-S20H-M06-T-MF03.avi; H; "
    improv_tree(tmp_path, [name + f"V:5.000000; A:{nan}; D:1.000000 ; N:4.000000;"])
    put(tmp_path / "transcripts.csv", "id,text\nMSP-IMPROV-S20H-M06-T-MF03,How can I not?\n")
    (only,) = msp_improv.load(tmp_path)
    assert (only.valence, only.arousal, only.dominance) == (1.0, None, -1.0)
    assert set(only.sources) == {"valence", "dominance", "label"}
    assert (only.speaker, only.sentence, only.label) == ("M06", "20", "happy")
    assert only.text == "How can I not?"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("UTD-IMPROV-S01A-F09-S-FM01.avi; N; A:3; V:3; D:3;", "is no turn of msp-improv"),
        ("UTD-IMPROV-S01A-F01-S-FM01.avi", "is no turn of msp-improv"),
        ("UTD-IMPROV-S01A-F01-S-FM01.avi; Q; A:3; V:3; D:3;", "unknown emotion 'Q'"),
        ("UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3; V:3;", "no value D"),
        ("UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3; V:x; D:3;", "'x' is not a number"),
        ("UTD-IMPROV-S01A-F01-S-FM01.avi; N; A:3; V:7; D:3;", "7 lies outside 1 to 5"),
        (improv_line(0, "N", 3), "UTD-IMPROV-S01A-F01-S-FM00 is rated twice"),
    ],
)
def test_msp_improv_damage_is_named(tmp_path, line, message):
    path = improv_tree(tmp_path, [improv_line(0, "N", 3)]) / "Evalution.txt"
    put(path, f"{path.read_text()}{line}\n")
    with pytest.raises(HeartenError, match=rf"Evalution\.txt, line \d: .*{message}"):
        msp_improv.load(tmp_path)


def test_a_few_lost_recordings_are_told_many_are_refused(tmp_path, capsys):
    lines = [improv_line(n, "N", 3) for n in range(100)]
    improv_tree(tmp_path, lines)
    sounds = tmp_path / "Audio" / "session1" / "S01A" / "S"
    (sounds / "MSP-IMPROV-S01A-F02-S-FM07.wav").unlink()
    assert len(msp_improv.load(tmp_path)) == 99
    assert "1 of 100 rated turns have no recording" in capsys.readouterr().err
    (sounds / "MSP-IMPROV-S01A-F03-S-FM08.wav").unlink()
    with pytest.raises(HeartenError, match=r"first: MSP-IMPROV-S01A-F02-S-FM07.*unpack all sound"):
        msp_improv.load(tmp_path)


USOMS = """filename_audio,ID_story,partition,V_cat,V_cat_no,A_cat,A_cat_no
train_001.wav,ABCD0101_st1,train,L,0,H,2
train_002.wav,ABCD0101_st1,train,L,0,H,2
devel_001.wav,EFGH0202_st3,devel,M,1,M,1
test_001.wav,hidden7,test,?,?,?,?
"""


@pytest.mark.parametrize("place", ["usoms-e", "ComParE2020_Elderly", "."])
def test_usoms_in_the_layout_of_the_challenge(tmp_path, place):
    home = tmp_path / place
    put(home / "lab" / "labels.csv", USOMS)
    put(home / "transcripts.csv", "id,text\nABCD0101_st1,Ich war froh.\n")
    for name in ("train_001", "train_002", "devel_001", "test_001"):
        put(home / "wav" / f"{name}.wav")
    first, second, other, hidden = usoms.load(tmp_path)
    assert (first.speaker, first.sentence, first.split) == ("ABCD0101", "ABCD0101_st1", "train")
    assert (first.valence, first.arousal, first.dominance) == (-2 / 3, 2 / 3, None)
    assert (usoms.level(first, "valence"), usoms.level(first, "arousal")) == ("L", "H")
    assert first.text == second.text == "Ich war froh." and "derived" in first.sources["valence"]
    assert (other.split, other.valence, usoms.level(other, "arousal")) == ("dev", 0.0, "M")
    assert (hidden.split, hidden.speaker, hidden.valence, hidden.published) == (
        "test",
        None,
        None,
        (),
    )
    assert usoms.level(hidden, "valence") is None
    assert [len(part) for part in splits.official([first, second, other, hidden])] == [2, 1, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("filename_audio,V_cat\na.wav,L\n", "line 1: no column ID_story"),
        ("filename_audio,ID_story,V_cat\ntrain_1.wav,A_st1,L\n", "line 2: no column A_cat or"),
        ("filename_audio,ID_story,V_cat,A_cat\ntrain_1.wav,A_st1,L,4\n", "A_cat '4': use L, M, H"),
        ("filename_audio,ID_story,V_cat,A_cat\nx.wav,A_st1,L,L\n", "part of 'x' unknown"),
        ("filename_audio,ID_story,V_cat,A_cat\n,A_st1,L,L\n", "must not be empty"),
        (
            "filename_audio,ID_story,V_cat_no,A_cat_no\n" + "train_1.wav,A_st1,0,2\n" * 2,
            "line 3: train_1 is there twice",
        ),
    ],
)
def test_usoms_damage_is_named(tmp_path, content, message):
    put(tmp_path / "lab" / "labels.csv", content)
    with pytest.raises(HeartenError, match=rf"labels\.csv, {'line 2: ' * ('line' not in message)}"):
        usoms.load(tmp_path)
    with pytest.raises(HeartenError, match=message):
        usoms.load(tmp_path)


@pytest.mark.parametrize("module", [iemocap, msp_improv, usoms])
def test_a_folder_that_is_not_the_corpus(tmp_path, module):
    put(tmp_path / "Session1" / "dialog" / "EmoEvaluation" / "notes.txt", "nothing")
    put(tmp_path / "Evalution.txt", "nothing\n")
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(HeartenError, match=rf"no {module.NAME} in .*train/corpora/README.md"):
            module.load(place)
    assert (Path(__file__).parents[2] / "train" / "corpora" / "README.md").is_file()


def own(folder: Path, rows: str, header: str = HEADER) -> Path:
    for name in ("a.wav", "sub/b.wav"):
        put(folder / name)
    return put(folder / "mine.csv", header + rows)


def test_your_own_csv(tmp_path):
    spoken = 'a.wav,ann,1,"Hello, you",0.5,-0.25,,happy'
    silent = ",ann,,Fine.,1,,,"
    with pytest.raises(HeartenError, match=r"mine\.csv, line 3: no path: give one, or an id"):
        table.load(own(tmp_path, f"{spoken}\n{silent}\n"))
    rows = f"{spoken},,\nsub/b.wav,bob,2,,,,,angry,,\n{silent},t3,dev\n"
    path = own(tmp_path, rows, HEADER.replace("\n", ",id,split\n"))
    first, second, third = table.load(path)
    assert (first.id, first.path, first.text) == ("mine:a.wav", tmp_path / "a.wav", "Hello, you")
    assert (first.valence, first.arousal, first.dominance) == (0.5, -0.25, EMOTION_VAD["happy"][2])
    assert first.sources["valence"] == first.sources["label"] == "published"
    assert "derived" in first.sources["dominance"]
    assert (second.speaker, second.session) == ("bob", "2")
    assert (second.valence, second.arousal, second.dominance) == EMOTION_VAD["angry"]
    assert "derived" in second.sources["valence"]
    assert (third.id, third.path, third.text, third.label) == ("mine:t3", None, "Fine.", None)


def test_the_example_of_the_readme_can_be_read(tmp_path):
    guide = Path(table.__file__).with_name("README.md").read_text("utf-8")
    example = guide.split("```csv\n")[1].split("```")[0]
    for name in ("ann/01.wav", "ann/02.wav", "bob/01.flac"):
        put(tmp_path / name)
    happy, sad, angry = table.load(put(tmp_path / "mine.csv", example))
    assert (happy.text, happy.valence, angry.label) == ("I got the job!", 0.8, "angry")
    assert (sad.text, sad.dominance, sad.session) == ("Well, that was that.", -0.33, "monday")


def test_your_own_csv_from_other_programs(tmp_path):
    expected = table.load(own(tmp_path, "a.wav,ann,,,,,,Happy \n"))
    windows = (HEADER + "a.wav,ann,,,,,,happy\n\n").replace("\n", "\r\n")
    put(tmp_path / "mine.csv", b"\xef\xbb\xbf" + windows.encode())
    (only,) = table.load(tmp_path / "mine.csv")
    assert (only.id, only.label, only.valence) == (
        expected[0].id,
        expected[0].label,
        expected[0].valence,
    )
    absolute = own(tmp_path, f"{tmp_path / 'a.wav'},ann,,,,,,happy\n")
    assert table.load(absolute)[0].path == tmp_path / "a.wav"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "has no row below its header"),
        ("a.wav,ann,,,,,,joyful\n", "line 2: unknown label 'joyful': use one of neutral, calm"),
        ("a.wav,ann,,,3.5,,,\n", r"line 2: valence 3.5 lies outside -1 to 1.*\(x - 3\) / 2"),
        ("a.wav,ann,,,,nan,,\n", "line 2: arousal 'nan' is not a number"),
        ('a.wav,ann,,,,,"0,5",\n', "line 2: dominance '0,5' is not a number"),
        ("a.wav,ann,,,,inf,,\n", "line 2: arousal inf lies outside"),
        ("a.wav,ann,,,,,,happy\nno.wav,ann,,,,,,sad\n", r"line 3: no recording .*no\.wav"),
        ("sub,ann,,,,,,happy\n", "line 2: no recording"),
        ("a.wav,ann,,,,,,happy\na.wav,bob,,,,,,sad\n", "line 3: 'a.wav' stands in line 2 already"),
        ("a.wav,,,,,,,happy\n", "line 2: no speaker"),
        ("a.wav,ann,,hello,,,,\n", "line 2: neither a label nor V/A/D"),
        ("a.wav,ann,,Well, yes,,,,happy\n", "line 2: more values than columns"),
        ("a.wav,ann\n", "line 2: fewer values than columns"),
        ('a.wav,ann,,"never closed,,,,happy\n', "line 2: unexpected end of data: check the quotes"),
        (f"{'a' * 999}.wav,ann,,,,,,happy\n", "line 2: no recording"),
        (f"a.wav,ann,,{'a' * 200_000},,,,happy\n", "line 2: field larger than field limit"),
        ("a\0.wav,ann,,,,,,happy\n", "NUL bytes"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, rows, message):
    with pytest.raises(HeartenError, match=message) as caught:
        table.load(own(tmp_path, rows))
    assert "mine.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (HEADER.replace(",", ";"), "line 1: columns are separated by semicolons: use commas"),
        (HEADER.replace(",", "\t"), "line 1: columns are separated by tabs"),
        ("path,label\na.wav,happy\n", "line 1: no column speaker in path, label"),
        ("path,speaker,valance\na.wav,ann,1\n", "line 1: unknown column 'valance'"),
        ("path,speaker,label,label\n", "line 1: column 'label' stands there twice"),
        (HEADER.encode("utf-16"), "not UTF-8"),
        (bytes(range(256)), "not UTF-8"),
        ("path,speaker,split\na.wav,ann,dev\n", "neither a label"),
        ("path,speaker,label,split\na.wav,ann,sad,devel\n", "unknown split 'devel'"),
    ],
)
def test_files_that_are_no_such_csv(tmp_path, content, message):
    put(tmp_path / "a.wav")
    with pytest.raises(HeartenError, match=message) as caught:
        table.load(put(tmp_path / "mine.csv", content))
    assert "mine.csv" in str(caught.value)


def test_a_csv_that_is_not_there(tmp_path):
    for place in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(HeartenError, match="is not a file: give the path of a CSV"):
            table.load(place)


def test_transcripts_name_an_id_once(tmp_path):
    assert table.transcripts(tmp_path) == {}
    put(tmp_path / "transcripts.csv", "id,text\nx,one\nx,two\n")
    with pytest.raises(HeartenError, match=r"transcripts\.csv, line 3: 'x' is there twice"):
        table.transcripts(tmp_path)

"""Settings: every mistake named with its line, flags before file before default."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from edge import Engine, HeartenError
from edge.commands.config import example
from edge.settings import KEYS, SettingsError, choose, load, usual_place
from tests.edge.made import read_wav, write_wav
from tests.edge.test_cli import hearten, refused, strict


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str | bytes, name: str = "config.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return _write


WRONG = {
    "unknown key": ("[engine]\n\nword = true\n", 3, "did you mean 'words'?"),
    "another key": ("[engine]\nwords = true\n[listen]\nfrequency = 1\n", 4, "device, channel"),
    "unknown table": ("# x\n[motor]\nwords = true\n", 2, "[engine], [listen]"),
    "empty unknown table": ("\n\n[motor]\n", 3, "no table 'motor'"),
    "key without table": ('\npack = "x"\n', 2, "[engine], [listen]"),
    "table twice over": ("[[engine]]\nwords = true\n", 1, "engine"),
    "truth": ('[engine]\npack = "x"\nwords = "yes"\n', 3, "true or false, not 'yes'"),
    "truth as number": ("[engine]\nwords = 1\n", 2, "true or false, not 1"),
    "text": ("[engine]\n# it\npack = 3\n", 3, "a text"),
    "empty text": ('[engine]\npack = " "\n', 2, "a text that is not empty"),
    "too much": ("[engine]\nreject = 1.5\n", 2, "from 0 to 1, not 1.5"),
    "too little": ("[engine]\nreject = -0.1\n", 2, "from 0 to 1"),
    "not a number": ("[engine]\nreject = nan\n", 2, "from 0 to 1, not nan"),
    "true is no number": ("[engine]\nreject = true\n", 2, "not true"),
    "number in quotes": ('[engine]\nreject = "0.5"\n', 2, "a number"),
    "endpointer": ('[engine]\nendpointer = "far"\n', 2, '"room" or "near", not'),
    "channel": ("[listen]\nchannel = 0\n", 2, "from 1 to 64"),
    "half a channel": ("[listen]\nchannel = 1.0\n", 2, "a whole number"),
    "no address": ('[serve]\nweb = "nonsense:"\n', 2, "HOST:PORT, such as"),
    "address as number": ("[serve]\nweb = 8600\n", 2, "HOST:PORT, such as"),
    "files_only": ('[serve]\nfiles_only = "yes"\n', 2, "true or false"),
    "device": ("[listen]\ndevice = -1\n", 2, "part of a name"),
    "dotted": ("listen.channel = 1\nengine.words = 0\n", 2, "true or false"),
    "inline": ("\nengine = { words = true, reject = 7 }\n", 2, "from 0 to 1"),
    "after a long value": ('[engine]\npack = """\na\nb\n"""\nwords = 3\n', 6, "true or false"),
    "a long value itself": ("[engine]\n\npack = [\n 1,\n 2,\n]\n", 3, "a text"),
    "a comment in a long value": (
        '[engine]\npack = """\n# words = 1\n\n"""\nwords = 1\n',
        6,
        "true",
    ),
    "windows line ends": ("[engine]\r\n\r\nwords = 1\r\n", 3, "true or false"),
    "syntax": ("[engine]\nwords = true\nreject 0.5\n", 3, "not TOML"),
    "twice": ("[engine]\nwords = true\nwords = true\n", 3, "not TOML"),
    "unfinished": ('[engine]\npack = "x', 2, "not TOML"),
    "encoding": (b'[engine]\n# gr\xfc\xdfe\npack = "x"\n', 2, "UTF-8"),
}


@pytest.mark.parametrize("case", WRONG)
def test_every_mistake_is_named_with_its_line(write, case: str) -> None:
    text, line, message = WRONG[case]
    path = write(text)
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_good_values_and_their_lines(write) -> None:
    path = write("[engine]\n# c\nreject = 0.5\nwords = false\n[listen]\ndevice = 2\nchannel = 2\n")
    settings = load(path)
    assert settings.values == {
        ("engine", "reject"): 0.5,
        ("engine", "words"): False,
        ("listen", "device"): 2,
        ("listen", "channel"): 2,
    }
    assert list(settings.lines.values()) == [3, 4, 6, 7]
    assert load(write("")).values == {}
    assert load(write('[engine]\nreject = "cautious"\n')).values["engine", "reject"] == "cautious"


def test_files_that_are_no_settings(write, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(SettingsError, match="Is a directory"):
        load(tmp_path)
    with pytest.raises(SettingsError, match="larger than"):
        load(write("#" * 100_000))
    with pytest.raises(SettingsError, match="cannot read"):
        load(Path("a\0b"))


def test_the_example_documents_every_key_and_is_right(write) -> None:
    text = example()
    assert load(write(text)).values == {}
    settings = load(write("\n".join(x[2:] if " = " in x else x for x in text.splitlines())))
    assert set(settings.values) == {(key.table, key.name) for key in KEYS}
    assert all(key.meaning in text for key in KEYS)


def test_where_the_file_is_looked_for(monkeypatch, write, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert choose(["file", "x.wav"]).file is None
    usual = write("[engine]\nwords = false\n", "hearten/config.toml")
    assert usual_place() == usual
    assert choose(["file", "x.wav"]).file == usual
    other = write("[engine]\nwords = true\n", "other.toml")
    for arguments in (["file", "x", "--config", str(other)], ["file", f"--config={other}"]):
        assert choose(arguments).file == other
    assert choose(["file", "--", "--config", "x"]).file == usual
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert usual_place() == tmp_path / ".config" / "hearten" / "config.toml"


def test_flags_override_the_file_and_the_file_overrides_defaults(write, samples: Path) -> None:
    sound = samples / "gift_slt.wav"
    config = write("[engine]\nwords = false\nreject = 1.0\n")

    def heard(*flags: object) -> dict:
        (event,) = strict(hearten("file", sound, "--json", *flags).stdout.splitlines())
        return event

    assert heard()["words"]
    assert heard()["category"] != "unknown"
    mine = heard("--config", config)
    assert (mine["words"], mine["category"]) == ([], "unknown")
    mixed = heard("--config", config, "--words", "--reject", "0")
    assert mixed["words"]
    assert mixed["category"] != "unknown"


def test_whom_to_listen_to(write, samples: Path, tmp_path: Path) -> None:
    """Somebody 20 dB softer comes after the speaker: heard in the room, not when near."""
    speech = np.frombuffer(read_wav(samples / "gift_slt.wav"), "<i2")
    spoken = np.concatenate([speech, np.zeros(16000, np.int16)])
    sound = write_wav(tmp_path / "two.wav", np.concatenate([spoken, spoken // 10]))
    config = write('[engine]\nendpointer = "near"\n')

    def count(*flags: object) -> int:
        shown = hearten("file", sound, "--json", "--no-words", *flags)
        return len(strict(shown.stdout.splitlines()))

    assert (count(), count("--endpointer", "near"), count("--config", config)) == (2, 1, 1)
    assert count("--config", config, "--endpointer", "room") == 2
    assert "choose from 'room', 'near'" in hearten("file", sound, "--endpointer", "far").stderr
    with pytest.raises(HeartenError, match="'room' or 'near', not 'far'"):
        Engine.open(endpointer="far")


def test_show_says_where_each_value_comes_from(write, tmp_path: Path) -> None:
    path = write("[engine]\nwords = false\nreject = 0.25\n[listen]\ndevice = 'USB'\n")
    shown = hearten("config", "show", "--config", path, "--reject", "0.9")
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert lines["engine.words"].endswith(f"false                {path}:2")
    assert lines["engine.reject"].endswith("flag")
    assert "0.9" in lines["engine.reject"]
    assert lines["listen.device"].endswith(f"{path}:5")
    assert lines["listen.channel"].endswith("default")
    (content,) = strict(hearten("config", "show", "--json", "--config", path).stdout.splitlines())
    assert content["file"] == str(path)
    assert content["settings"]["engine"]["reject"] == {"value": 0.25, "source": f"{path}:3"}
    assert content["settings"]["engine"]["pack"] == {"value": None, "source": "default"}


def test_the_usual_file_is_used(write, tmp_path: Path) -> None:
    path = write("[engine]\nwords = false\n", "hearten/config.toml")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    shown = hearten("config", "show", "--json", env=environment)
    assert json.loads(shown.stdout)["settings"]["engine"]["words"]["source"] == f"{path}:2"


def test_mistakes_on_the_command_line(write, samples: Path, tmp_path: Path) -> None:
    sound = samples / "gift_slt.wav"
    wrong = write("[engine]\nwords = 1\n")
    refused(hearten("file", sound, "--config", wrong), f"{wrong}:2", "true or false")
    refused(hearten("file", sound, "--config", tmp_path / "no.toml"), "no.toml", "No such file")
    abbreviated = hearten("file", sound, "--conf", write("", "good.toml"))
    assert abbreviated.returncode == 2
    assert "in full" in abbreviated.stderr
    assert hearten("file", "--config", wrong, "--help").returncode == 0


def test_a_pack_is_found_beside_the_file(write, pack_copy: Path, samples: Path) -> None:
    path = write(f'[engine]\npack = "{pack_copy.name}"\n')
    assert pack_copy.parent == path.parent
    done = hearten("file", samples / "gift_slt.wav", "--config", path, "--no-words")
    assert done.returncode == 0, done.stderr
    path = write('[engine]\npack = "nowhere.pack"\n')
    refused(hearten("file", samples / "gift_slt.wav", "--config", path), "nowhere.pack")


def test_what_serve_takes_from_the_file(write, tmp_path: Path) -> None:
    path = write('[serve]\nweb = "127.0.0.1:1"\nfiles_only = true\n')
    shown = hearten("config", "show", "--config", path, "--web", "127.0.0.1:2")
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert lines["serve.web"].endswith("flag")
    assert lines["serve.files_only"].endswith(f"true                 {path}:3")
    if os.geteuid() and importlib.util.find_spec("aiohttp"):  # root may use any port
        refused(hearten("serve", "--no-words", "--config", path), "127.0.0.1:1", "1024")
    refused(hearten("serve", "--config", path, "--stdin"), "exclude")  # files_only was taken

"""Build the small language model and dictionary with which the device hears its keywords."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from edge.decoder import OPTIONS
from edge.errors import HeartenError, MissingExtra
from train.ngram import Bigrams, boosted, prune, read_trie, restrict, write_arpa

WORDS = 7500
BIGRAMS = 600_000
VARIANT = re.compile(r"\(\d+\)$")

Pronunciations = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Keywords:
    """A keyword list: the words in the order of the file, and pronunciations given beside them."""

    words: tuple[str, ...]
    given: dict[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train language``."""
    parser.add_argument(
        "--keywords",
        type=Path,
        required=True,
        metavar="FILE",
        help="a word a line; 'word<TAB>phones' adds a pronunciation",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--words", type=int, default=WORDS, help="size of the dictionary")
    parser.add_argument("--bigrams", type=int, default=BIGRAMS, help="size of the language model")
    parser.add_argument("--json", action="store_true", help="print language.json on stdout")


def run(args: argparse.Namespace) -> int:
    """Write words.lm.bin, words.dict and language.json to ``--out``; return the exit code."""
    summary = build(read_keywords(args.keywords), args.out, args.words, args.bigrams)
    missing = summary["missing"]
    if missing:
        print(
            f"not in the dictionary, dropped ({len(missing)}): {' '.join(missing)}", file=sys.stderr
        )
    print(
        f"{summary['words']} words, {summary['keywords']} of them keywords, "
        f"{summary['bigrams']} bigrams in {args.out}: "
        + ", ".join(f"{name} {size} bytes" for name, size in summary["bytes"].items()),
        file=sys.stderr,
    )
    if args.json:
        print(json.dumps(summary, indent=1))
    return 0


def read_keywords(path: Path) -> Keywords:
    """Read a keyword file: a word a line, optionally a tab and its phones; ``#`` comments.

    Raises:
        HeartenError: the file cannot be read, or holds no word.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise HeartenError(f"cannot read the keyword file {path}: {error}") from error
    words: dict[str, None] = {}
    given: dict[str, str] = {}
    for line in lines:
        word, _, phones = line.partition("\t")
        word = word.strip().lower()
        if not word or word.startswith("#"):
            continue
        words[word] = None
        if phones.strip():
            given[word] = " ".join(phones.upper().split())
    if not words:
        raise HeartenError(f"{path} holds no keyword: write a word a line")
    return Keywords(tuple(words), given)


def build(
    keywords: Keywords,
    out: Path,
    words: int,
    bigrams: int,
    boost: Mapping[str, float] | None = None,
    variants: bool = True,
) -> dict[str, Any]:
    """Build the pack's dictionary and language model from pocketsphinx's own English ones.

    ``boost`` makes words so much likelier, where no bigram tells; without ``variants`` every word
    has its first pronunciation only. The same input gives the same bytes. Returns what
    language.json holds.

    Raises:
        HeartenError: the sizes are too small, a pronunciation is wrong, or no keyword is known.
        MissingExtra: pocketsphinx is not installed.
    """
    home = source()
    model = read_trie(home / "en-us.lm.bin")
    spoken = read_dictionary(home / "cmudict-en-us.dict")
    _add_given(spoken, keywords.given)
    known = [word for word in keywords.words if word in spoken]
    if not known or words < len(known) or bigrams < 1:
        raise HeartenError(
            f"{len(known)} keywords are in the dictionary, which is to hold {words} words and "
            f"{bigrams} bigrams: raise --words or --bigrams, or check the keyword file"
        )
    keep = _vocabulary(model, spoken, known, words)
    small = prune(boosted(restrict(_with_words(model, known), keep), boost or {}), bigrams)
    out.mkdir(parents=True, exist_ok=True)
    most = None if variants else 1
    _write_dictionary({word: spoken[word][:most] for word in keep}, out / "words.dict")
    _write_binary(small, out / "words.lm.bin")
    summary = {
        "words": len(keep),
        "keywords": len(known),
        "missing": [word for word in keywords.words if word not in spoken],
        "bigrams": len(small.probability),
        "bytes": {name: (out / name).stat().st_size for name in ("words.lm.bin", "words.dict")},
        "source": {
            "package": f"pocketsphinx {version('pocketsphinx')}",
            **{name: _sha256(home / name) for name in ("en-us.lm.bin", "cmudict-en-us.dict")},
        },
        "sha256": {name: _sha256(out / name) for name in ("words.lm.bin", "words.dict")},
        "options": OPTIONS,
    }
    (out / "language.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    return summary


def read_dictionary(path: Path) -> Pronunciations:
    """Read a pronunciation dictionary; each word has all its variants, ``word(2)`` included."""
    spoken: Pronunciations = {}
    for line in path.read_text("utf-8").splitlines():
        entry, _, phones = line.strip().partition(" ")
        if phones:
            spoken.setdefault(VARIANT.sub("", entry), []).append(phones.strip())
    return spoken


def source() -> Path:
    """Return the folder of pocketsphinx's English models; raises MissingExtra without it."""
    try:
        from pocketsphinx import get_model_path
    except ImportError as error:
        raise MissingExtra("building the language model", "asr") from error
    return Path(get_model_path()) / "en-us"


def _add_given(spoken: Pronunciations, given: Mapping[str, str]) -> None:
    """Add the keyword file's own pronunciations; every phone must be one of the dictionary's."""
    phones = {phone for variants in spoken.values() for each in variants for phone in each.split()}
    for word, said in given.items():
        unknown = sorted(set(said.split()) - phones)
        if unknown:
            raise HeartenError(f"keyword {word!r}: no such phone: {' '.join(unknown)}")
        variants = spoken.setdefault(word, [])
        if said not in variants:
            variants.append(said)


def _vocabulary(model: Bigrams, spoken: Pronunciations, known: list[str], size: int) -> set[str]:
    """Return the known keywords, filled up to ``size`` with the model's most frequent words."""
    keep = set(known)
    for index in np.argsort(-model.unigram, kind="stable"):
        if len(keep) >= size:
            break
        if model.words[index] in spoken:
            keep.add(model.words[index])
    return keep


def _with_words(model: Bigrams, words: list[str]) -> Bigrams:
    """Return the model with a rare word's probability for those it does not hold."""
    new = sorted(set(words) - set(model.words))
    if not new:
        return model
    rare = np.full(len(new), np.quantile(model.unigram, 0.25))
    return Bigrams(
        (*model.words, *new),
        np.concatenate([model.unigram, rare]),
        np.concatenate([model.backoff, np.ones(len(new))]),
        model.history,
        model.word,
        model.probability,
    )


def _write_dictionary(spoken: Mapping[str, list[str]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for word in sorted(spoken):
            for number, phones in enumerate(spoken[word], 1):
                file.write(f"{word if number == 1 else f'{word}({number})'} {phones}\n")


def _write_binary(model: Bigrams, path: Path) -> None:
    """Write pocketsphinx's binary form, by way of ARPA text and pocketsphinx itself."""
    from pocketsphinx import Config, LogMath, NGramModel

    with tempfile.TemporaryDirectory() as folder:
        arpa = Path(folder) / "words.arpa"
        write_arpa(model, arpa)
        loaded = NGramModel(Config(), LogMath(), str(arpa))
        loaded.write(str(path), NGramModel.str_to_type("bin"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

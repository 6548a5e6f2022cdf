"""Choose the keywords: the words that tell emotion, that a recogniser can hear, at most 2000.

A word's score is the share of variance that it explains in a linear bag-of-words model,
``p (1 - p) |c|^2``, where ``p`` is the share of utterances that hold the word and ``c`` its ridge
coefficients. Four sources vote, each normalised to sum 1 over all words: valence, arousal and
dominance of EmoBank; the seven categories of GoEmotions; those of ISEAR (training splits only);
and Warriner's norms, where the ratings stand for ``c`` and Zipf's law on GloVe's frequency order
gives ``p``, so that words which the corpora lack ("loathe") can enter. The sum is multiplied by a
root of the chance that pocketsphinx hears the word right (``train.text_hearing``).

A candidate must have a pronunciation in pocketsphinx's dictionary. Negations are always in.
Function words ("you", "was") tell too, of arousal and dominance most: ``--content-only`` leaves
them out (scikit-learn's list, where Warriner's norms do not rate them), and with them words of
fewer than three phones, which a recogniser inserts and confuses most, unless they negate or are
rated at least 0.4 from the middle in valence or arousal ("joy", "die").

A keyword is a row of the model's table. Further words, called forms, share a keyword's row: its
inflections ("cried": "cry"), and frequent words that GloVe puts next to one (``train.text_forms``).
Further words still, in whatever is written to the device, count in the linear half of the model
only (``train.text_lexicon``): those that the training texts hold most often, with or without a
pronunciation. ``keywords.txt`` lists all forms and behind them these words, ``shared.txt`` the
keyword of each form that shares a row, ``linear.txt`` the words without one.

``heard.txt`` lists those to listen for: the first that obey the rule of ``--content-only``.
Function words are half of what is said, are heard worst, and do not tell valence (train/text.md).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from edge.errors import HeartenError
from edge.text import tokenise
from train import text_data, text_hearing, text_sources
from train.corpora import glove, root
from train.text_forms import share
from train.text_hearing import Hearing
from train.text_model import Lookup
from train.word_votes import votes

Array = NDArray[np.float64]

NEGATIONS = (
    *("no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "without", "cannot"),
    *("don't", "doesn't", "didn't", "can't", "couldn't", "won't", "wouldn't", "shouldn't"),
    *("isn't", "aren't", "wasn't", "weren't", "haven't", "hasn't", "hadn't", "ain't"),
)
MIN_PHONES = 3
MIN_COUNT = 4
STRONG = 0.4
CLARITY = 0.5
"""Power of the chance to be heard: 0 would ignore it, 1 would halve the chance of "sad"."""
LIKE = 0.65
"""Least cosine in GloVe of a word and the keyword whose row it shares."""
FORMS, SHARED, LINEAR, HEARD = "keywords.txt", "shared.txt", "linear.txt", "heard.txt"
LINEAR_WORDS = 8000
MOST = 32_767
"""Rows that the graph can number: two bytes a word."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """The keywords, a row of the table each, and all forms, a word id each, with their keyword.

    The last of the forms, ``linear``, have no keyword: they count in the linear half only.
    """

    rows: tuple[str, ...]
    forms: tuple[str, ...]
    keyword: Mapping[str, str]
    linear: tuple[str, ...] = ()


def can_be_heard(
    word: str, hearing: Hearing, norms: Mapping[str, Sequence[float]], content_only: bool
) -> bool:
    """Tell whether a keyword may be ``word``: see the rule in the module's docstring."""
    phones = hearing.phones(word)
    if tokenise(word) != [word] or not phones:
        return False
    if word in NEGATIONS or not content_only:
        return True
    if "'" in word or (word in ENGLISH_STOP_WORDS and word not in norms):
        return False
    if phones >= MIN_PHONES:
        return True
    return max((abs(x) for x in norms.get(word, (0.0,))[:2]), default=0.0) >= STRONG


def choose(scores: Array, candidates: Sequence[str], size: int) -> list[str]:
    """Return the ``size`` best words, negations first in, sorted; ties go by the alphabet."""
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i]))
    always = [word for word in NEGATIONS if word in set(candidates)]
    rest = [candidates[i] for i in order if candidates[i] not in always]
    return sorted((always + rest)[:size])


def read(folder: Path) -> Keywords:
    """Read the keywords that ``run`` wrote to a folder.

    Raises:
        HeartenError: there are none, one is no word or named twice, or ``shared.txt`` names a
            word that is no form, or one as its keyword that is none; or ``linear.txt`` does not
            name the last forms.
    """
    shared, linear = folder / SHARED, folder / LINEAR
    try:
        forms = tuple((folder / FORMS).read_text(encoding="utf-8").split())
        lines = shared.read_text(encoding="utf-8").splitlines() if shared.is_file() else []
        alone = tuple(linear.read_text(encoding="utf-8").split()) if linear.is_file() else ()
        pairs = [(form, keyword) for form, keyword in (line.split("\t") for line in lines)]
    except (OSError, ValueError) as error:
        message = f"no keywords in {folder} ({error}): python -m train vocabulary --out {folder}"
        raise HeartenError(message) from error
    _check(folder / FORMS, forms)
    _check(shared, [form for form, _ in pairs], empty=True)
    if alone != forms[len(forms) - len(alone) :]:
        raise HeartenError(f"{linear} does not name the last of {FORMS}: train vocabulary again")
    keyword = dict(pairs)
    rows = tuple(word for word in forms[: len(forms) - len(alone)] if word not in keyword)
    if lost := sorted((set(keyword.values()) - set(rows)) | (set(keyword) - set(forms))):
        raise HeartenError(f"{shared}: no such keyword: {' '.join(lost[:10])}")
    return Keywords(rows, forms, keyword | {word: word for word in rows}, alone)


def listened(folder: Path) -> tuple[str, ...]:
    """Return the words that a recogniser listens for: ``heard.txt``, or all forms without it.

    Raises:
        HeartenError: as ``read``, or a word of the list is no form.
    """
    forms, path = read(folder).forms, folder / HEARD
    if not path.is_file():
        return forms
    words = tuple(path.read_text(encoding="utf-8").split())
    _check(path, words)
    if lost := sorted(set(words) - set(forms)):
        raise HeartenError(f"{path}: no such keyword: {' '.join(lost[:10])}")
    return words


def _check(path: Path, words: Sequence[str], empty: bool = False) -> None:
    """Refuse a list that is empty (unless it may be), or holds what is no word, or a word twice."""
    if not words and not empty:
        raise HeartenError(f"{path} holds no keyword: python -m train vocabulary writes it")
    if strange := next((word for word in words if tokenise(word) != [word]), None):
        raise HeartenError(f"{path}: {strange!r:.40} is not one word in small letters")
    if twice := next((word for word, count in Counter(words).items() if count > 1), None):
        raise HeartenError(f"{path} names {twice!r} twice: leave one out")


def lookup(keywords: Keywords) -> Lookup:
    """Return the row of each word id, and which ids negate; id and row 0 are no word.

    A word that counts in the linear half only has row 0.
    """
    row = {word: i for i, word in enumerate(keywords.rows, start=1)}
    rows = [0, *(row.get(keywords.keyword.get(form, ""), 0) for form in keywords.forms)]
    negates = [False, *(form in NEGATIONS for form in keywords.forms)]
    return Lookup(np.array(rows, np.int32), np.array(negates, np.float32))


def candidates_of(
    texts: Iterable[list[str]],
    hearing: Hearing,
    norms: Mapping[str, Sequence[float]],
    content_only: bool,
) -> list[str]:
    """Return the words that may become keywords: heard, and frequent enough or rated."""
    counts = Counter(word for words in texts for word in set(words))
    known = {word for word, n in counts.items() if n >= MIN_COUNT} | set(norms) | set(NEGATIONS)
    return sorted(word for word in known if can_be_heard(word, hearing, norms, content_only))


def build(
    folder: Path,
    size: int,
    forms: int,
    hearing: Hearing,
    content_only: bool = False,
    smoke: bool = False,
    names: Sequence[str] = text_sources.SOURCES,
    linear: int = 0,
) -> Keywords:
    """Return the keywords made from the named data under ``folder``.

    ``size`` and ``forms`` are the most keywords and the most forms, keywords included; the forms
    are the most frequent ones that can share a row; ``linear`` is the most further words, those
    that the training texts hold most often. ``smoke`` reads only the first 2000 training
    utterances of each corpus.
    """
    norms = text_sources.norms(folder, names)
    words, vectors = glove.vectors(folder)
    sources: list[tuple[list[list[str]], Array]] = []
    for corpus, parts in text_data.load(folder, names).items():
        train = parts["train"][: 2000 if smoke else None]
        targets = text_data.vad_targets if corpus == "emobank" else text_data.category_targets
        said = [text_data.words_of(utterance) for utterance in train]
        sources.append((said, targets(train).astype(np.float64)))
    everything = [said for texts, _ in sources for said in texts]
    candidates = candidates_of(everything, hearing, norms, content_only)
    ranks = {word: rank for rank, word in enumerate(words)}
    scores = votes(sources, norms, ranks, candidates)
    scores *= np.array([hearing.chance(word) for word in candidates]) ** CLARITY
    rows = choose(scores, candidates, size)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    others = [word for word in words if can_be_heard(word, hearing, norms, content_only)]
    like = dict(zip(words, unit, strict=True))
    shared = share(rows, others, like, norms, LIKE, NEGATIONS)
    keyword = dict(list(shared.items())[: max(forms - len(rows), 0)])
    keyword |= {word: word for word in rows}
    stop = {word for word in ENGLISH_STOP_WORDS if content_only and word not in norms}
    alone = further(everything, {*keyword, *stop, *NEGATIONS}, linear)
    return Keywords(tuple(rows), (*sorted(keyword), *alone), keyword, alone)


def further(texts: Iterable[list[str]], without: Collection[str], count: int) -> tuple[str, ...]:
    """Return the ``count`` words that most texts hold, but those ``without``, sorted."""
    held = Counter(word for words in texts for word in sorted(set(words)) if word not in without)
    return tuple(sorted(word for word, _ in held.most_common(count)))


def to_hear(
    keywords: Keywords, hearing: Hearing, norms: Mapping[str, Sequence[float]], most: int
) -> list[str]:
    """Return the words to listen for, sorted: the keywords come first, then the other forms."""
    first = list(dict.fromkeys([*keywords.rows, *keywords.keyword]))[:most]
    return sorted(word for word in first if can_be_heard(word, hearing, norms, content_only=True))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train vocabulary``."""
    parser.add_argument("--out", type=Path, default=Path("runs/text"), help="folder to write to")
    parser.add_argument("--size", type=int, default=2000, help="most keywords (default 2000)")
    parser.add_argument("--forms", type=int, default=12000, help="most forms (default 12000)")
    parser.add_argument(
        "--heard",
        type=int,
        default=7000,
        help="of so many forms, the content words are listened for",
    )
    parser.add_argument(
        "--linear", type=int, default=LINEAR_WORDS, help="most further words of the linear half"
    )
    parser.add_argument("--content-only", action="store_true", help="no function words")
    parser.add_argument(
        "--hearing", action="store_true", help="only fit how well words are heard, and print it"
    )
    text_sources.add_arguments(parser)
    parser.add_argument("--smoke", action="store_true", help="a quick run on a subset")


def run(args: argparse.Namespace) -> int:
    """Write the keywords and what is listened for; return the exit code.

    Raises:
        HeartenError: the sizes cannot be, or data are missing.
    """
    if not 1 <= args.size <= min(args.forms, MOST):
        raise HeartenError(
            f"--size {args.size} --forms {args.forms}: at least 1 keyword, at most {MOST}, "
            "and no fewer forms than keywords"
        )
    hearing = Hearing.open()
    if args.hearing:
        numbers, items = text_hearing.fit(root(), hearing, 10 if args.smoke else None)
        print(f"{items} words: {', '.join(f'{x:.3f}' for x in numbers)}")
        return 0
    names = text_sources.chosen(args)
    about = hearing, args.content_only, args.smoke, names, args.linear
    keywords = build(root(), args.size, args.forms, *about)
    write(keywords, args.out)
    spoken = to_hear(keywords, hearing, text_sources.norms(root(), names), args.heard)
    (args.out / HEARD).write_text("".join(f"{word}\n" for word in spoken), encoding="utf-8")
    text_sources.write(args.out, names)
    counted = f"{len(keywords.rows)} keywords, {len(keywords.forms)} forms"
    print(f"vocabulary: {counted} -> {args.out / FORMS}", file=sys.stderr)
    return 0


def write(keywords: Keywords, folder: Path) -> None:
    """Write the three files that ``read`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = sorted((a, b) for a, b in keywords.keyword.items() if a != b)
    (folder / FORMS).write_text("".join(f"{w}\n" for w in keywords.forms), encoding="utf-8")
    (folder / SHARED).write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    (folder / LINEAR).write_text("".join(f"{w}\n" for w in keywords.linear), encoding="utf-8")

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
rated at least 0.4 from the middle in valence or arousal ("joy", "die"). "!" and "?" are keywords
besides, which only a written text has.

A keyword is a row of the model's table. Further words, called forms, share a keyword's row: its
inflections ("cried": "cry"), and frequent words that GloVe puts next to one (``train.text_forms``).
Further words still, in whatever is written to the device, count in the linear half of the model
only (``train.text_lexicon``): those that the training texts hold most often, with or without a
pronunciation. So do pairs of words, which a teacher's ratings choose (``train.text_pairs``).
``keywords.txt`` lists all forms, behind them these words and then the pairs ("can't_wait"),
``shared.txt`` the keyword of each form that shares a row, ``linear.txt`` what has none.

``heard.txt`` lists those to listen for: the first that obey the rule of ``--content-only``.
Function words are half of what is said, are heard worst, and do not tell valence (train/text.md).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from edge.errors import HeartenError
from edge.text import MARKS, spoken, tokenise
from train import text_data, text_hearing, text_pairs, text_sources
from train.corpora import glove, root
from train.keyword_files import FORMS, HEARD, NEGATIONS, Keywords, write
from train.text_forms import share
from train.text_hearing import Hearing
from train.text_training import read_teacher
from train.word_votes import votes

Array = NDArray[np.float64]

MIN_PHONES = 3
MIN_COUNT = 4
STRONG = 0.4
CLARITY = 0.5
"""Power of the chance to be heard: 0 would ignore it, 1 would halve the chance of "sad"."""
LIKE = 0.65
"""Least cosine in GloVe of a word and the keyword whose row it shares."""
LINEAR_WORDS = 8000
PAIRS = 3500
MOST = 32_767
"""Rows that the graph can number: two bytes a word."""


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
    rows = [*MARKS, *rows]
    keyword |= {word: word for word in rows}
    stop = {word for word in ENGLISH_STOP_WORDS if content_only and word not in norms}
    alone = further(everything, {*keyword, *stop, *NEGATIONS}, linear)
    return Keywords(tuple(rows), (*sorted(keyword), *alone), keyword, alone)


def further(texts: Iterable[list[str]], without: Collection[str], count: int) -> tuple[str, ...]:
    """Return the ``count`` words that most texts hold, but those ``without``, sorted."""
    held = Counter(word for words in texts for word in sorted(set(words)) if word not in without)
    return tuple(sorted(word for word, _ in held.most_common(count)))


def with_pairs(keywords: Keywords, teacher: Mapping[str, NDArray[Any]], count: int) -> Keywords:
    """Return the keywords with the best pairs of their words behind them."""
    rated = text_data.load(root(), ["emobank"])["emobank"]["train"]
    pairs = text_pairs.chosen(teacher, rated, frozenset(keywords.forms), count)
    return replace(keywords, forms=(*keywords.forms, *pairs), linear=(*keywords.linear, *pairs))


def to_hear(
    keywords: Keywords, hearing: Hearing, norms: Mapping[str, Sequence[float]], most: int
) -> list[str]:
    """Return the words to listen for, sorted: the keywords come first, then the other forms."""
    first = list(dict.fromkeys(filter(spoken, [*keywords.rows, *keywords.keyword])))[:most]
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
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="chooses the pairs of words")
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help="most pairs of words, with a teacher"
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
    teacher, names = read_teacher(args.teacher), text_sources.chosen(args)
    used = text_sources.chosen(args, text_sources.taught(teacher))
    about = hearing, args.content_only, args.smoke, names, args.linear
    keywords = build(root(), args.size, args.forms, *about)
    if teacher:
        keywords = with_pairs(keywords, teacher, args.pairs)
    write(keywords, args.out)
    heard = to_hear(keywords, hearing, text_sources.norms(root(), names), args.heard)
    (args.out / HEARD).write_text("".join(f"{word}\n" for word in heard), encoding="utf-8")
    text_sources.write(args.out, used)
    counted = f"{len(keywords.rows)} keywords, {len(keywords.forms)} forms"
    print(f"vocabulary: {counted} -> {args.out / FORMS}", file=sys.stderr)
    return 0

"""Choose the keywords: the words that tell emotion, that a recogniser can hear, at most 3000.

A word's score is the share of variance that it explains in a linear bag-of-words model,
``p (1 - p) |c|^2``, where ``p`` is the share of utterances that hold the word and ``c`` its ridge
coefficients. Four sources vote, each normalised to sum 1 over all words: valence, arousal and
dominance of EmoBank; the seven categories of GoEmotions; those of ISEAR (training splits only);
and Warriner's norms, where the ratings stand for ``c`` and Zipf's law on GloVe's frequency order
gives ``p``, so that words which the corpora lack ("loathe") can enter.

A candidate must have a pronunciation in pocketsphinx's dictionary. Words of fewer than three
phones ("a", "to", "why") are what a recogniser inserts and confuses most: they enter only when
they are negations ("no") or when Warriner's norms put their valence or arousal at least 0.4 from
the middle ("joy", "die"). Negations are always in. Function words ("this", "was", scikit-learn's
list) without a norm, and contractions that negate nothing ("it's"), are out: they would fill the
device's list of heard words and mean nothing to its user.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import lsqr
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from edge.text import tokenise
from train import text_data
from train.corpora import glove, root, warriner

Array = NDArray[np.float64]

NEGATIONS = (
    *("no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "without", "cannot"),
    *("don't", "doesn't", "didn't", "can't", "couldn't", "won't", "wouldn't", "shouldn't"),
    *("isn't", "aren't", "wasn't", "weren't", "haven't", "hasn't", "hadn't", "ain't"),
)
MIN_PHONES = 3
MIN_COUNT = 4
STRONG = 0.4
RIDGE = 10.0


def pronunciations(dictionary: Path | None = None) -> dict[str, int]:
    """Return the phones of each word's first pronunciation in pocketsphinx's dictionary.

    ``dictionary`` is a CMU-format file; the default is the one in the pocketsphinx wheel.
    """
    if dictionary is None:
        import pocketsphinx

        dictionary = Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"
    phones: dict[str, int] = {}
    for line in dictionary.read_text(encoding="utf-8").splitlines():
        word, *rest = line.split()
        if "(" not in word:
            phones[word] = len(rest)
    return phones


def can_be_heard(word: str, phones: dict[str, int], norms: dict[str, Sequence[float]]) -> bool:
    """Tell whether a keyword may be ``word``: see the rule in the module's docstring."""
    if tokenise(word) != [word] or word not in phones:
        return False
    if word in NEGATIONS:
        return True
    if "'" in word or (word in ENGLISH_STOP_WORDS and word not in norms):
        return False
    if phones[word] >= MIN_PHONES:
        return True
    return max((abs(x) for x in norms.get(word, (0.0,))[:2]), default=0.0) >= STRONG


def explained(
    texts: Sequence[list[str]], targets: Array, candidates: Sequence[str], ridge: float = RIDGE
) -> Array:
    """Return the variance that each candidate explains in ``targets``, shape (candidates,).

    ``texts`` are tokenised utterances, ``targets`` has shape (utterances, dimensions); targets
    are standardised together, so a rare class does not count as much as a common one.
    """
    row = {word: i for i, word in enumerate(candidates)}
    pairs = [(i, row[w]) for i, words in enumerate(texts) for w in sorted(set(words)) if w in row]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    bag = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(candidates))
    )
    share = np.asarray(bag.sum(axis=0)).ravel() / max(len(texts), 1)
    centred = targets - targets.mean(axis=0)
    total = np.zeros(len(candidates))
    for column in centred.T:
        coefficients = lsqr(bag, column, damp=np.sqrt(ridge), iter_lim=60)[0]
        total += share * (1 - share) * coefficients**2
    return total / max(float(centred.var(axis=0).sum()), 1e-12)


def votes(
    sources: Sequence[tuple[Sequence[list[str]], Array]],
    norms: dict[str, Sequence[float]],
    frequency: dict[str, int],
    candidates: Sequence[str],
) -> Array:
    """Return the summed score of each candidate; each source is normalised to sum 1.

    ``sources`` are tokenised texts with their targets; ``frequency`` maps a word to its rank.
    """
    total = np.zeros(len(candidates))
    for texts, targets in sources:
        score = explained(texts, targets, candidates)
        total += score / max(score.sum(), 1e-12)
    last = len(frequency) + 1
    zipf = np.array([1.0 / (1 + frequency.get(word, last)) for word in candidates])
    rating = np.array([sum(x * x for x in norms.get(word, (0.0,))) for word in candidates])
    # A square root keeps the few most frequent words from taking the whole vote.
    score = np.sqrt(zipf) * rating
    total += score / max(score.sum(), 1e-12)
    return total


def choose(scores: Array, candidates: Sequence[str], size: int) -> list[str]:
    """Return the ``size`` best words, negations first in, sorted; ties go by the alphabet."""
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i]))
    always = [word for word in NEGATIONS if word in set(candidates)]
    rest = [candidates[i] for i in order if candidates[i] not in always]
    return sorted((always + rest)[:size])


def read(path: Path) -> tuple[str, ...]:
    """Return the keywords of a file, one word a line, in row order."""
    return tuple(path.read_text(encoding="utf-8").split())


def candidates_of(
    texts: Iterable[list[str]], phones: dict[str, int], norms: dict[str, Sequence[float]]
) -> list[str]:
    """Return the words that may become keywords: heard, and frequent enough or rated."""
    counts = Counter(word for words in texts for word in set(words))
    known = {word for word, n in counts.items() if n >= MIN_COUNT} | set(norms) | set(NEGATIONS)
    return sorted(word for word in known if can_be_heard(word, phones, norms))


def build(folder: Path, size: int, smoke: bool = False) -> list[str]:
    """Return the keyword list made from the corpora under ``folder``.

    ``smoke`` reads only the first 2000 training utterances of each corpus.
    """
    norms: dict[str, Sequence[float]] = dict(warriner.norms(folder))
    frequency = {word: rank for rank, word in enumerate(glove.vectors(folder)[0])}
    sources: list[tuple[list[list[str]], Array]] = []
    for corpus, parts in text_data.load(folder).items():
        train = parts["train"][: 2000 if smoke else None]
        targets = text_data.vad_targets if corpus == "emobank" else text_data.category_targets
        words = [text_data.words_of(utterance) for utterance in train]
        sources.append((words, targets(train).astype(np.float64)))
    everything = (words for texts, _ in sources for words in texts)
    candidates = candidates_of(everything, pronunciations(), norms)
    return choose(votes(sources, norms, frequency, candidates), candidates, size)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train vocabulary``."""
    parser.add_argument("--out", type=Path, default=Path("runs/text"), help="folder to write to")
    parser.add_argument("--size", type=int, default=3000, help="most keywords (default 3000)")
    parser.add_argument("--smoke", action="store_true", help="a quick run on a subset")


def run(args: argparse.Namespace) -> int:
    """Write ``keywords.txt``, one word a line, row order; return the exit code."""
    keywords = build(root(), args.size, args.smoke)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "keywords.txt"
    path.write_text("".join(f"{word}\n" for word in keywords), encoding="utf-8")
    print(f"vocabulary: {len(keywords)} keywords -> {path}", file=sys.stderr)
    return 0

"""N-gram language models: read pocketsphinx's binary trie, trim it to a bigram model, write ARPA.

The binary layout is little-endian: a magic string, the order (one byte), an int32 count for each
order, one unused int32, the quantisation tables (65 536 float32 each: probability and back-off for
every middle order, probability for the longest), the unigrams (probability, back-off, index of the
first successor; one sentinel at the end), the bit-packed middle and longest arrays, the byte length
of the word list, and the zero-terminated words. Scores are logarithms to the base 1.0001.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import HeartenError

MAGIC = b"Trie Language Model"
TABLE = 1 << 16
QUANT_BITS = 16
LOG10 = math.log10(1.0001)
ARPA_FLOOR = -99.0
UNIGRAM = np.dtype([("prob", "<f4"), ("backoff", "<f4"), ("next", "<u4")])

Doubles = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bigrams:
    """A back-off bigram model; probabilities and back-off weights are linear, not logarithms.

    ``unigram`` and ``backoff`` have shape (words,); ``history``, ``word`` and ``probability`` have
    shape (bigrams,), sorted by history, then word; ids index ``words``.
    """

    words: tuple[str, ...]
    unigram: Doubles
    backoff: Doubles
    history: Ids
    word: Ids
    probability: Doubles

    def sums(self, weight: Doubles) -> Doubles:
        """Sum ``weight``, one value a bigram, over each history; shape (words,)."""
        total = np.bincount(self.history, weights=weight, minlength=len(self.words))
        return total.astype(np.float64)


def read_trie(path: Path) -> Bigrams:
    """Read the unigrams and bigrams of a binary trie model of order 2 or more.

    Raises:
        HeartenError: the file is missing, is not a trie model, or ends too early.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise HeartenError(f"cannot read the language model {path}: {error.strerror}") from error
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + 1:
        raise HeartenError(f"{path} is not a binary trie language model of pocketsphinx")
    try:
        return _parse(data)
    except (ValueError, IndexError) as error:
        raise HeartenError(f"{path} is damaged: {error}; reinstall pocketsphinx") from error


def _parse(data: bytes) -> Bigrams:
    offset = len(MAGIC)
    order = data[offset]
    if order < 2:
        raise ValueError("a model of order 1 has no bigrams")
    counts = np.frombuffer(data, "<u4", order, offset + 1).astype(int).tolist()
    offset += 1 + 4 * order + 4
    # Middle orders come first, each with two tables; a bigram model has only the longest's one.
    table = np.frombuffer(data, "<f4", TABLE, offset).astype(np.float64)
    offset += 4 * TABLE * (2 * (order - 2) + 1)
    unigrams = np.frombuffer(data, UNIGRAM, counts[0] + 1, offset)
    offset += unigrams.nbytes
    first = unigrams["next"].astype(np.int64)
    packed = np.frombuffer(data, np.uint8, offset=offset)
    history, code = _unpack(packed, counts, int(first[-1]))
    # The trie runs backwards: under each word stand the histories that it follows.
    word = np.repeat(np.arange(counts[0]), np.diff(first))
    sort = np.lexsort((word, history))
    words = _words(data, offset + _packed_bytes(counts), counts[0])
    return Bigrams(
        words=words,
        unigram=_linear(unigrams["prob"][:-1]),
        backoff=_linear(unigrams["backoff"][:-1]),
        history=history[sort],
        word=word[sort],
        probability=_linear(table[code])[sort],
    )


def _linear(score: NDArray[Any]) -> Doubles:
    return np.asarray(np.power(10.0, score.astype(np.float64) * LOG10), dtype=np.float64)


def _entry_bits(counts: list[int], order: int) -> int:
    """Bits of one entry of ``order``: word, weights, and in middle orders the successor index."""
    if order == len(counts):
        return counts[0].bit_length() + QUANT_BITS
    return counts[0].bit_length() + 2 * QUANT_BITS + counts[order].bit_length()


def _packed_bytes(counts: list[int]) -> int:
    """Bytes of all packed arrays: an extra entry each, and 8 bytes so that reads stay inside."""
    orders = range(2, len(counts) + 1)
    return sum(((1 + counts[n - 1]) * _entry_bits(counts, n) + 7) // 8 + 8 for n in orders)


def _unpack(packed: NDArray[np.uint8], counts: list[int], entries: int) -> tuple[Ids, Ids]:
    """Return the history id and the probability code of every bigram; shapes (entries,)."""
    middle = len(counts) > 2
    start = np.arange(entries, dtype=np.int64) * _entry_bits(counts, 2)
    word_bits = counts[0].bit_length()
    # In a middle entry the back-off code comes before the probability code.
    skip = word_bits + (QUANT_BITS if middle else 0)
    return _bits(packed, start, word_bits), _bits(packed, start + skip, QUANT_BITS)


def _bits(packed: NDArray[np.uint8], start: Ids, length: int) -> Ids:
    """Read ``length`` (at most 25) bits at each bit offset, least significant bit first."""
    byte = start >> 3
    value = sum(packed[byte + i].astype(np.int64) << (8 * i) for i in range(4))
    return np.asarray((value >> (start & 7)) & ((1 << length) - 1), dtype=np.int64)


def _words(data: bytes, offset: int, count: int) -> tuple[str, ...]:
    length = int(np.frombuffer(data, "<i4", 1, offset)[0])
    words = data[offset + 4 : offset + 4 + length].split(b"\0")[:-1]
    if len(words) != count:
        raise ValueError(f"{count} words announced, {len(words)} found")
    return tuple(word.decode("utf-8", "replace") for word in words)


def restrict(model: Bigrams, keep: set[str]) -> Bigrams:
    """Return the model conditioned on the words in ``keep`` (with ``<s>`` and ``</s>``).

    Every kept distribution is the old one divided by the mass that it gives to kept words, so
    that it sums to 1 again. Raises HeartenError when a kept word is not in the model.
    """
    missing = sorted(keep - set(model.words))
    if missing:
        raise HeartenError(f"the language model does not hold {', '.join(missing[:5])}")
    kept = np.array([word in keep or word in ("<s>", "</s>") for word in model.words])
    new_id = np.cumsum(kept) - 1
    inside = kept[model.history] & kept[model.word]
    total = float(model.unigram[kept].sum())
    small = Bigrams(
        words=tuple(word for word, k in zip(model.words, kept, strict=True) if k),
        unigram=model.unigram[kept] / total,
        backoff=model.backoff[kept],
        history=new_id[model.history[inside]],
        word=new_id[model.word[inside]],
        probability=model.probability[inside],
    )
    unseen = 1 - small.sums(small.unigram[small.word])
    mass = small.sums(small.probability) + small.backoff * total * unseen
    return _normalised(small, small.probability / mass[small.history])


def boosted(model: Bigrams, factors: Mapping[str, float]) -> Bigrams:
    """Return the model with the unigrams of some words made likelier, bigrams as before.

    Every distribution sums to 1 again.
    """
    if not factors:
        return model
    weight = np.array([factors.get(word, 1.0) for word in model.words])
    unigram = model.unigram * weight
    raised = replace(model, unigram=unigram / unigram.sum())
    return _normalised(raised, raised.probability)


def prune(model: Bigrams, size: int) -> Bigrams:
    """Keep the ``size`` bigrams whose loss would change the model most, and renormalise.

    The measure is the relative entropy between the model with and without the bigram, the
    change of the history's back-off weight included (Stolcke 1998).
    """
    if size >= len(model.probability):
        return model
    keep = np.sort(np.argsort(-_loss(model), kind="stable")[:size])
    smaller = Bigrams(
        model.words,
        model.unigram,
        model.backoff,
        model.history[keep],
        model.word[keep],
        model.probability[keep],
    )
    return _normalised(smaller, smaller.probability)


def _loss(model: Bigrams) -> Doubles:
    """Return the relative entropy, in nats, that dropping each bigram alone would cost."""
    seen = model.unigram[model.word]
    left = np.maximum(1 - model.sums(model.probability), 1e-12)
    free = np.maximum(1 - model.sums(seen), 1e-12)
    history = model.unigram.copy()
    # Sentences begin as often as they end, but the unigram of <s> is zero: it is never predicted.
    history[model.words.index("<s>")] = history[model.words.index("</s>")]
    before = (left / free)[model.history]
    after = (left[model.history] + model.probability) / (free[model.history] + seen)
    own = model.probability * np.log(after * np.maximum(seen, 1e-99) / model.probability)
    others = left[model.history] * np.log(after / before)
    return np.asarray(-history[model.history] * (own + others), dtype=np.float64)


def _normalised(model: Bigrams, probability: Doubles) -> Bigrams:
    """Return the model with these bigram probabilities and the back-off weights they imply."""
    left = 1 - model.sums(probability)
    free = 1 - model.sums(model.unigram[model.word])
    backoff = np.where((left > 0) & (free > 0), left / np.where(free > 0, free, 1), 1e-9)
    return Bigrams(model.words, model.unigram, backoff, model.history, model.word, probability)


def write_arpa(model: Bigrams, path: Path) -> None:
    """Write the model as ARPA text, log10 with five decimals."""
    unigram, backoff = _log10(model.unigram), _log10(model.backoff)
    bigram = _log10(model.probability)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"\\data\\\nngram 1={len(model.words)}\nngram 2={len(bigram)}\n\n\\1-grams:\n")
        for word, p, b in zip(model.words, unigram, backoff, strict=True):
            file.write(f"{p:.5f}\t{word}\t{b:.5f}\n")
        file.write("\n\\2-grams:\n")
        for h, w, p in zip(model.history, model.word, bigram, strict=True):
            file.write(f"{p:.5f}\t{model.words[h]}\t{model.words[w]}\n")
        file.write("\n\\end\\\n")


def _log10(probability: Doubles) -> list[float]:
    floor = 10.0**ARPA_FLOOR
    return [float(x) for x in np.log10(np.maximum(probability, floor))]

"""Which words share a row of the table: inflections with their lemma, rare words with a like one.

A keyword is a row of the table. The recogniser also knows "cried", "cries" and "crying", and
they mean what "cry" means: each spelling, called a form, points at a row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

VOWELS = "aeiou"
SUFFIXES: tuple[tuple[str, str], ...] = (
    *(("'s", ""), ("ies", "y"), ("s", ""), ("es", "")),
    *(("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    *(("iest", "y"), ("ier", "y")),
)
"""An ending and what stands in its place; the first that leaves a known word counts."""

IRREGULAR: Mapping[str, str] = {
    form: lemma
    for lemma, forms in {
        "bad": "worse worst", "become": "became", "begin": "began begun", "bite": "bit bitten",
        "bleed": "bled", "blow": "blew blown", "break": "broke broken", "bring": "brought",
        "build": "built", "burn": "burnt", "buy": "bought", "catch": "caught", "child": "children",
        "choose": "chose chosen", "come": "came", "deal": "dealt", "die": "dying",
        "draw": "drew drawn", "dream": "dreamt", "drink": "drank drunk", "drive": "drove driven",
        "eat": "ate eaten", "fall": "fell fallen", "feed": "fed", "feel": "felt",
        "fight": "fought", "find": "found", "flee": "fled", "fly": "flew flown",
        "forget": "forgot forgotten", "forgive": "forgave forgiven", "freeze": "froze frozen",
        "get": "got gotten", "give": "gave given", "go": "went gone", "good": "better best",
        "grow": "grew grown", "hear": "heard", "hide": "hid hidden", "hold": "held",
        "keep": "kept", "know": "knew known", "lay": "laid", "lead": "led", "leave": "left",
        "lend": "lent", "lie": "lying", "lose": "lost", "make": "made", "man": "men",
        "meet": "met", "pay": "paid", "ride": "rode ridden", "ring": "rang rung",
        "rise": "rose risen", "run": "ran", "say": "said", "see": "saw seen", "sell": "sold",
        "send": "sent", "shake": "shook shaken", "shine": "shone", "shoot": "shot",
        "sing": "sang sung", "sink": "sank sunk", "sit": "sat", "sleep": "slept",
        "speak": "spoke spoken", "spend": "spent", "stand": "stood", "steal": "stole stolen",
        "stick": "stuck", "strike": "struck", "swear": "swore sworn", "swim": "swam swum",
        "take": "took taken", "teach": "taught", "tear": "tore torn", "tell": "told",
        "think": "thought", "throw": "threw thrown", "understand": "understood",
        "wake": "woke woken", "wear": "wore worn", "weep": "wept", "win": "won",
        "woman": "women", "write": "wrote written",
    }.items()
    for form in forms.split()
}  # fmt: skip

MIN_STEM = 3
LIKE = 0.35
"""Least cosine in GloVe of an inflection and its lemma: "wed" is no lemma of "wedding"."""


def lemma(word: str, known: Collection[str], like: Mapping[str, Array]) -> str:
    """Return the dictionary form of an inflection ("cried" -> "cry"), or the word itself.

    ``known`` are the words that exist; ``like`` are unit vectors by word: a lemma whose vector
    is far from the word's is none.
    """
    if word in IRREGULAR and IRREGULAR[word] in known:
        return IRREGULAR[word]
    for stem in _stems(word):
        if stem in known and (
            word not in like or stem not in like or float(like[word] @ like[stem]) >= LIKE
        ):
            return stem
    return word


def _stems(word: str) -> list[str]:
    """Return the stems that ``word`` may have, best first."""
    found = []
    for ending, instead in SUFFIXES:
        if not word.endswith(ending) or word.endswith(("ss", "us", "is")):
            continue
        stem = word[: -len(ending)] + instead
        # "thing" has no verb: "the" without its silent letter is none.
        if len(stem) < MIN_STEM or not set(stem.removesuffix("e")) & set(VOWELS + "y"):
            continue
        doubled = len(stem) > MIN_STEM and stem[-1] == stem[-2] and stem[-1] not in VOWELS
        if not instead and ending[0] in "ei" and doubled:
            found.append(stem[:-1])
        found.append(stem)
    return found


def families(
    words: Sequence[str], known: Collection[str], like: Mapping[str, Array]
) -> dict[str, str]:
    """Return word -> lemma for every word, a lemma's own lemma followed to its end."""
    one = {word: lemma(word, known, like) for word in words}
    return {word: lemma(first, known, like) for word, first in one.items()}


def share(
    rows: Sequence[str],
    words: Sequence[str],
    like: Mapping[str, Array],
    norms: Mapping[str, Sequence[float]],
    least: float,
    alone: Collection[str] = (),
) -> dict[str, str]:
    """Return form -> keyword for every one of ``words`` that can share a row.

    An inflection takes its lemma's row, or that of another inflection of it; these come first.
    Any other word takes that of the keyword nearest in GloVe, if the cosine is ``least`` or more;
    where both are rated, the distance of their norms is taken off it: GloVe puts "good" beside
    "bad". A keyword that is ``alone`` takes inflections only: it puts "intend" beside "cannot".
    """
    known = set(words) | set(rows)
    family = families(sorted(known), known, like)
    own = set(rows)
    kin: dict[str, str] = {}
    for keyword in rows:
        kin.setdefault(family[keyword], keyword)
    others = [word for word in words if word not in own]
    inflected = {
        word: family[word] if family[word] in own else kin[family[word]]
        for word in others
        if family[word] in own or family[word] in kin
    }
    rest = [word for word in others if word not in inflected and word in like]
    near = [word for word in rows if word not in alone]
    return inflected | _neighbours(near, rest, like, norms, least)


def _neighbours(
    rows: Sequence[str],
    words: Sequence[str],
    like: Mapping[str, Array],
    norms: Mapping[str, Sequence[float]],
    least: float,
) -> dict[str, str]:
    pointed = [word for word in rows if word in like]
    vectors = np.stack([like[word] for word in pointed])
    unrated = (np.nan,) * 3
    rated = np.array([norms.get(word, unrated) for word in pointed])
    found = {}
    for word in words:
        apart = np.linalg.norm(rated - np.array(norms.get(word, unrated)), axis=1)
        likeness = vectors @ like[word] - np.nan_to_num(apart)
        if float(likeness.max()) >= least:
            found[word] = pointed[int(likeness.argmax())]
    return found

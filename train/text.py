"""Train the text model: an embedding bag over the keywords, for V/A/D and seven categories.

EmoBank teaches V/A/D, GoEmotions and ISEAR the categories (mapping: ``train.text_data``). Half of
what the network sees is damaged as a weak recogniser would (``--heard``, ``train.text_damage``).
With ``--teacher`` it also learns what a sentence encoder says of all texts (``train.teacher``). The
epoch is chosen on the dev splits, with all words and with a third of them; the test splits are
scored once, at the end.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotion import DIMENSIONS
from edge.errors import HeartenError
from train import (
    keyword_files,
    metrics,
    text_damage,
    text_data,
    text_lexicon,
    text_sources,
    word_vectors,
)
from train.corpora import glove, root
from train.provenance import store
from train.text_damage import WAYS, damaged
from train.text_model import STARTS, Shape, initial_table, network
from train.text_saving import save_model, save_predictions
from train.text_training import (
    Data,
    Settings,
    Split,
    Trainer,
    read_data,
    read_sentences,
    read_teacher,
)

Array = NDArray[np.float32]

CONTRASTS = ("happy", "not happy", "afraid", "not afraid", "good", "never good")


def score(split: Split, vad: Array, shares: Array, corpus: str) -> dict[str, float]:
    """Return the metrics of one corpus: r and CCC of V/A/D, or F1, UAR, WAR of the categories.

    An item of several categories counts under the first of its equal shares.
    """
    if corpus == "emobank":
        named = list(enumerate(DIMENSIONS))
        pairs = {name: (split.targets[:, i], vad[:, i]) for i, name in named}
        found = {f"r_{name}": metrics.pearson(*pair) for name, pair in pairs.items()}
        return found | {f"ccc_{name}": metrics.ccc(*pair) for name, pair in pairs.items()}
    single = split.targets.max(axis=1) == 1.0
    truth, guess = split.targets[single].argmax(axis=1), shares[single].argmax(axis=1)
    return {
        "macro_f1": metrics.macro_f1(truth, guess),
        "uar": metrics.uar(truth, guess),
        "war": metrics.war(truth, guess),
        "ece": metrics.ece(truth, shares[single]),
        "items": float(single.sum()),
    }


def evaluate(trainer: Trainer, data: Data, part: str) -> dict[str, dict[str, dict[str, float]]]:
    """Return condition -> corpus -> metric -> value for one split."""
    return {
        condition: {
            corpus: score(
                splits[part], *trainer.predict(damaged(splits[part].bags, condition)), corpus
            )
            for corpus, splits in data.items()
        }
        for condition in ("clean", "third")
    }


def quality(scores: dict[str, dict[str, dict[str, float]]]) -> float:
    """Return the figure that chooses the epoch: mean CCC of V/A/D and macro-F1, both conditions."""
    found = [
        value
        for corpora in scores.values()
        for named in corpora.values()
        for name, value in named.items()
        if name.startswith("ccc_") or name == "macro_f1"
    ]
    return float(np.mean(found))


def fit(trainer: Trainer, data: Data, out: Path, seed: int) -> None:
    """Train until the dev splits stop improving; leave the best weights in the model.

    The last epoch and the best one are kept under ``out/checkpoint``. Each epoch's damage is
    drawn from (seed, epoch), so a resumed run sees what an unbroken one would have seen.
    """
    settings, place = trainer.settings, out / "checkpoint"
    for epoch in range(int(trainer.epoch) + 1, settings.epochs + 1):
        if epoch - int(trainer.best_epoch) > settings.patience:
            break
        began = time.perf_counter()
        loss = trainer.train_epoch(data, np.random.default_rng((seed, epoch)))
        scores = evaluate(trainer, data, "dev")
        trainer.epoch.assign(epoch)
        if better := quality(scores) > float(trainer.best):
            trainer.best.assign(quality(scores))
            trainer.best_epoch.assign(epoch)
            trainer.model.save_weights(str(place / "best"))
        trainer.checkpoint.write(str(place / "last"))
        seconds = time.perf_counter() - began
        head = f"text: epoch {epoch}/{settings.epochs} loss {loss:.3f} dev {_summary(scores)}"
        print(f"{head}{' *' if better else ''} ({seconds:.1f} s)", file=sys.stderr)
    trainer.model.load_weights(str(place / "best")).expect_partial()


def contrasts(trainer: Trainer, keywords: tuple[str, ...]) -> dict[str, list[float]]:
    """Return V/A/D of a few phrases that differ by a negation."""
    bags = text_data.encode([phrase.split() for phrase in CONTRASTS], keywords)
    vad, _ = trainer.predict(bags)
    return {p: [round(float(x), 4) for x in row] for p, row in zip(CONTRASTS, vad, strict=True)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train text``."""
    parser.add_argument("--out", type=Path, default=Path("runs/text"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=Settings().epochs, help="most epochs")
    parser.add_argument(
        "--start", choices=STARTS, help=f"of the table ({STARTS[0]}; without Warriner's: glove)"
    )
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="teacher.npz of train teacher")
    parser.add_argument("--heard", choices=WAYS, default=WAYS[0], help="what is done to the words")
    parser.add_argument(
        "--errors",
        type=Path,
        default=Path("runs/language/errors.json"),
        metavar="FILE",
        help="of train recognition, for --heard measured",
    )
    text_sources.add_arguments(parser)
    parser.add_argument("--smoke", action="store_true", help="a quick run on a subset")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")


def run(args: argparse.Namespace) -> int:
    """Train, evaluate and write the model; return the exit code."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(args.seed)
    tf.config.experimental.enable_op_determinism()
    keywords = keyword_files.read(args.out)
    teacher, start = read_teacher(args.teacher), _start(args)
    sources = _sources(args, teacher)
    limit, own = 600 if args.smoke else None, text_sources.corpora(_without(args))
    data = read_data(root(), keywords.forms, limit, teacher, own)
    epochs = min(args.epochs, 2) if args.smoke else args.epochs
    weight = Settings().teacher_weight if teacher else 0.0
    shape, settings = Shape(), replace(Settings(), epochs=epochs, teacher_weight=weight)
    norms = text_sources.norms(root(), _without(args))
    vectors = glove.vectors(root())
    richer = word_vectors.beside_teacher(vectors, teacher)
    table = initial_table(keywords.rows, vectors, norms, shape.width, start, args.seed)
    spread = np.maximum(data["emobank"]["train"].targets.std(axis=0), 0.02)
    lookup = keyword_files.lookup(keywords)
    model = network(shape, table, lookup, settings.dropout, args.seed)
    listened = frozenset(keyword_files.listened(args.out))
    frequent = list(data.values())[1]["train"].bags
    damage = text_damage.way(args.heard, frequent, keywords.forms, listened, args.errors)
    trainer = Trainer(model, settings, spread, damage)
    trainer.more = read_sentences(teacher, keywords.forms, limit)
    if args.resume:
        _restore(trainer, args.out)
    fit(trainer, data, args.out, args.seed)
    known = text_lexicon.facts(keywords.forms, richer, norms, start)
    rated, rng = data["emobank"]["train"], np.random.default_rng(args.seed)
    targets = (rated.targets + rated.taught[:, :3]) / 2 if teacher else rated.targets
    seen = [(bags, targets, 1.0) for bags in (rated.bags, damage(rated.bags, rng))]
    if more := trainer.more:
        ways = more.bags, damage(more.bags, rng)
        seen += [(bags, more.taught[:, :3], text_lexicon.UNRATED) for bags in ways]
    trainer.lexicon = text_lexicon.fit(seen, known, lookup.negates)
    result = {
        "seed": args.seed,
        "best_epoch": int(trainer.best_epoch),
        "dev": evaluate(trainer, data, "dev"),
        "test": evaluate(trainer, data, "test"),
        "contrasts": contrasts(trainer, keywords.forms),
        "keywords": len(keywords.rows),
        "forms": len(keywords.forms),
        "start": start,
        "teacher": bool(teacher),
        "heard": args.heard,
        "smoke": args.smoke,
    }
    save_model(trainer, data, args.out, shape, lookup, args.seed, sources)
    save_predictions(trainer, data, args.out / "predictions.npz")
    store(args.out / "metrics.json", result)
    print(f"text: wrote {args.out}/model.npz, metrics.json, predictions.npz", file=sys.stderr)
    return 0


def _without(args: argparse.Namespace) -> tuple[str, ...]:
    return tuple(name for name in text_sources.SOURCES if name not in args.without)


def _sources(args: argparse.Namespace, teacher: Mapping[str, Array]) -> tuple[str, ...]:
    """Return all data that the model is made from: its own, the keywords', and the teacher's."""
    keywords = text_sources.read(args.out)
    return text_sources.chosen(args, (*keywords, *text_sources.taught(teacher)))


def _start(args: argparse.Namespace) -> str:
    """Return what the table starts from; HeartenError where that is left out."""
    left_out = "warriner" in args.without
    start = args.start or ("glove" if left_out else STARTS[0])
    if left_out and "norms" in start:
        raise HeartenError(f"--start {start} needs Warriner's norms, which --without leaves out")
    return str(start)


def _restore(trainer: Trainer, out: Path) -> None:
    place = out / "checkpoint" / "last"
    if not place.with_suffix(".index").is_file():
        raise HeartenError(f"nothing to resume in {out}: leave --resume out")
    trainer.checkpoint.read(str(place)).assert_existing_objects_matched()


def _summary(scores: dict[str, dict[str, dict[str, float]]]) -> str:
    clean = scores["clean"]
    rated = " ".join(f"{clean['emobank']['r_' + name]:.3f}" for name in DIMENSIONS)
    named = " ".join(f"{clean[name]['macro_f1']:.3f}" for name in clean if name != "emobank")
    return f"r {rated} F1 {named} quality {quality(scores):.4f}"

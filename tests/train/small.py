"""Small made-up corpora for the text model."""

from pathlib import Path

import numpy as np

from train.corpora import goemotions

GOOD = ["wonderful", "lovely", "delight", "happiness", "great"]
BAD = ["horrible", "misery", "grief", "despair", "awful"]
PLAIN = ["table", "window", "paper", "garden", "number", "chair", "morning", "street"]


def sentences(rng: np.random.Generator, n: int) -> list[tuple[str, int]]:
    found = []
    for _ in range(n):
        side = int(rng.integers(-1, 2))
        told = {1: GOOD, -1: BAD, 0: PLAIN}[side]
        words = [*rng.choice(told, 2), *rng.choice(PLAIN, 3)]
        found.append((" ".join(rng.permutation(words)), side))
    return found


def write(folder: Path) -> None:
    """Write corpora in the published formats, in which good and bad words decide everything."""
    rng = np.random.default_rng(0)
    (folder / "goemotions").mkdir()
    parts = {"train": 1400, "dev": 80, "test": 80}
    rated = ["id,split,V,A,D,text"]
    for part, n in parts.items():
        rated += [f"{part}{i},{part},{3 + s},{3 + s / 2},3.1,{t}"
                  for i, (t, s) in enumerate(sentences(rng, n))]  # fmt: skip
        numbers = {s: goemotions.EMOTIONS.index(e) for s, e in
                   ((1, "joy"), (-1, "sadness"), (0, "neutral"))}  # fmt: skip
        lines = [f"{t} [NAME]\t{numbers[s]}\tg{i}" for i, (t, s) in enumerate(sentences(rng, n))]
        (folder / "goemotions" / f"{part}.tsv").write_text("\n".join(lines) + "\n")
    (folder / "emobank.csv").write_text("\n".join(rated) + "\n")
    head = ["c"] * 43
    head[36], head[40] = "Field1", "SIT"
    told = ["|".join(head)]
    for i, (sentence, side) in enumerate(s for s in sentences(rng, 400) if s[1]):
        row = ["1"] * 43
        row[0], row[36], row[39], row[40] = (
            str(i),
            "joy" if side > 0 else "sadness",
            f"i{i}",
            sentence,
        )
        told.append("|".join(row))
    (folder / "isear.csv").write_text("\n".join(told) + "\n")
    norms = ["Word,V.Mean.Sum,A.Mean.Sum,D.Mean.Sum"]
    norms += [f"{w},{v},5,5" for words, v in ((GOOD, 8), (BAD, 2), (PLAIN, 5)) for w in words]
    (folder / "warriner_norms.csv").write_text("\n".join([*norms, "loathe,1.5,7,4"]) + "\n")
    words = np.array(["the", *GOOD, *BAD, *PLAIN])
    np.savez(folder / "glove6b50d_top50k_f16.npz", words=words,
             vectors=rng.normal(size=(len(words), 50)).astype(np.float16))  # fmt: skip

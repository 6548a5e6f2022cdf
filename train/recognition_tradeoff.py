"""How well keywords are recognised against what it costs, over a planned grid of settings.

Every setting hears every recording of the development speakers of LibriSpeech, one setting after
another on the same recording, so that a busy machine is busy for all of them alike; the settings
that no other beats in both F1 and cost are then heard on the other speakers. Cost is time on a core
over the length of the audio.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from edge.audio.files import read
from edge.decoder import RecognizerSettings
from train.corpora import Utterance, librispeech, root, warriner
from train.language import BIGRAMS, WORDS, Keywords, build, read_keywords, source
from train.provenance import origin, store
from train.recognition import halves, load_cost, rtf
from train.recognition_heard import Decoded, Listener, Store
from train.recognition_map import Scored, Trust, judge, metrics, scores
from train.recognition_setup import device_settings

SHIPPED = "as shipped"
STRONG = 0.4
"""Least distance of an emotion word from the middle of Warriner's valence or arousal."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A place of the grid: size of the models, boost of emotion words, and decoder's options.

    ``full`` takes the whole trigram model with the trimmed dictionary.
    """

    words: int = WORDS
    bigrams: int = BIGRAMS
    boost: float = 1.0
    variants: bool = True
    full: bool = False
    settle: float = 2.0
    options: Mapping[str, Any] = field(default_factory=dict)


def _options(**options: Any) -> Setting:
    return Setting(options=options)


GRID: Mapping[str, Setting] = {
    SHIPPED: Setting(),
    "trigrams, all of them": Setting(full=True),
    "150 000 bigrams": Setting(bigrams=150_000),
    "1 200 000 bigrams": Setting(bigrams=1_200_000),
    "12 000 words": Setting(words=12_000),
    "20 000 words": Setting(words=20_000),
    "20 000 words, 1 200 000 bigrams": Setting(words=20_000, bigrams=1_200_000),
    "emotion words twice as likely": Setting(boost=2.0),
    "one pronunciation a word": Setting(variants=False),
    "lw 6.5": _options(lw=6.5),
    "lw 9.5": _options(lw=9.5),
    "wip 0.65": _options(wip=0.65),
    "wip 0.02": _options(wip=0.02),
    "beams 1e-40": _options(beam=1e-40, wbeam=1e-25, pbeam=1e-40),
    "beams 1e-60": _options(beam=1e-60, wbeam=1e-35, pbeam=1e-60),
    "maxhmmpf 1500": _options(maxhmmpf=1500),
    "maxhmmpf 6000": _options(maxhmmpf=6000),
    "maxwpf 20": _options(maxwpf=20),
    "ds 2": _options(ds=2),
    "topn 2": _options(topn=2),
    "topn 2, ds 2": _options(topn=2, ds=2),
    "fwdflat": _options(fwdflat=True),
    "no bestpath": _options(bestpath=False),
    "channel not learnt": Setting(settle=0.02),
    "channel learnt for 10 s": Setting(settle=10.0),
    "20 000 words, topn 2": Setting(words=20_000, options={"topn": 2}),
    "20 000 words, maxhmmpf 1500, topn 2": Setting(
        words=20_000, options={"maxhmmpf": 1500, "topn": 2}
    ),
    "20 000 words, maxhmmpf 6000": Setting(words=20_000, options={"maxhmmpf": 6000}),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``python -m train recognition_tradeoff``."""
    parser.add_argument("--keywords", type=Path, required=True, metavar="FILE")
    parser.add_argument("--corpora", type=Path, default=None, metavar="DIR")
    parser.add_argument("--kept", type=Path, default=Path("runs/recognition"), metavar="DIR")
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--limit", type=int, default=None, help="recordings of a part")
    parser.add_argument("--only", nargs="+", choices=GRID, metavar="NAME", help="some settings")


def run(args: argparse.Namespace) -> int:
    """Try the grid and write ``recognition-tradeoff.json``; return the exit code."""
    keywords, corpora = read_keywords(args.keywords), args.corpora or root()
    strong = emotional(keywords.words, corpora)
    dev, test = (spread(part, args.limit) for part in halves(librispeech.load(corpora)))
    chosen = {name: GRID[name] for name in args.only or GRID}
    tried = {name: models(setting, keywords, strong, args.kept) for name, setting in chosen.items()}
    found = hear(tried, dev, keywords, args.kept)
    best = front(found)
    again = {name: tried[name] for name in dict.fromkeys([*best, next(iter(tried))])}
    told = hear(again, test, keywords, args.kept)
    rows = {f"dev: {name}": _row(items, tried[name], strong) for name, items in found.items()}
    rows |= {
        f"test: {name}": _row(items, tried[name], strong) | _memory(tried[name])
        for name, items in told.items()
    }
    result = {
        "task": "recognition",
        "corpus": "librispeech-test-other",
        "protocol": f"as decoded, {len(dev)} utterances of development and {len(test)} of test "
        "speakers",
        "artefact": "pocketsphinx",
        "model": {},
        "seeds": [],
        "metrics": rows,
        "grid": {name: asdict(setting) for name, setting in chosen.items()},
        **origin(),
        "notes": "cost: CPU time over audio time, settings in turn on each recording; relative: to "
        f"{next(iter(tried))!r} on the same recordings",
    }
    relative(rows, next(iter(tried)))
    result["curves"] = curves(rows)
    path = args.results / "recognition-tradeoff.json"
    store(path, result)
    for name, row in rows.items():
        print(f"{name}: " + ", ".join(f"{k} {c['mean']:.3f}" for k, c in row.items()))
    return 0


def spread(items: Sequence[Utterance], limit: int | None) -> list[Utterance]:
    """Return at most ``limit`` of the recordings, of as many speakers as there are."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[place * len(items) // limit] for place in range(limit)]


def emotional(words: Sequence[str], corpora: Path) -> frozenset[str]:
    """Return the words that Warriner's norms rate as strong in valence or arousal."""
    norms = warriner.norms(corpora)
    return frozenset(w for w in words if max(map(abs, norms.get(w, (0.0, 0.0))[:2])) >= STRONG)


def models(
    setting: Setting, keywords: Keywords, strong: Collection[str], kept: Path
) -> RecognizerSettings:
    """Build the language files of a setting, unless they are there, and return how to hear."""
    name = f"{setting.words}-{setting.bigrams}-{setting.boost:g}-{int(setting.variants)}"
    folder = kept / "language" / name
    if not (folder / "language.json").is_file():
        boost = dict.fromkeys(strong, setting.boost) if setting.boost != 1.0 else None
        build(keywords, folder, setting.words, setting.bigrams, boost, setting.variants)
    made = device_settings(folder)
    language_model = str(source() / "en-us.lm.bin") if setting.full else made.language_model
    return RecognizerSettings(
        language_model,
        made.dictionary,
        settle=setting.settle,
        options=made.options | dict(setting.options),
    )


def hear(
    tried: Mapping[str, RecognizerSettings],
    items: Sequence[Utterance],
    keywords: Keywords,
    kept: Path,
) -> dict[str, list[Scored]]:
    """Return what every setting finds in every recording; what was heard before is kept."""
    known = frozenset(keywords.words)
    stores = {n: Store(kept / f"tradeoff-{n.replace(' ', '-')}.json", s) for n, s in tried.items()}
    listeners = {name: Listener(settings, known) for name, settings in tried.items()}
    found: dict[str, list[Scored]] = {name: [] for name in tried}
    for number, item in enumerate(items, 1):
        print(f"\r{number}/{len(items)} recordings", end="", file=sys.stderr)
        for name, listener in listeners.items():
            decoded = _decoded(listener, stores[name], item)
            said, speaker = (item.text or "").split(), item.speaker or item.id
            found[name].append(judge(decoded, said, known, speaker))
    print(file=sys.stderr)
    for name, decoded_before in stores.items():
        listeners[name].close()
        decoded_before.write()
    return found


def _decoded(listener: Listener, store: Store, item: Utterance) -> Decoded:
    found = store.get(item.id)
    if found is None:
        assert item.path is not None
        found = listener.hear(read(item.path))
        store.put(item.id, found)
    return found


def front(found: Mapping[str, Sequence[Scored]]) -> list[str]:
    """Return the settings that no other one beats in both F1 and cost, the cheapest first."""
    order = sorted(found, key=lambda name: rtf(found[name]))
    best: list[str] = []
    most = -1.0
    for name in order:
        if (f1 := metrics(found[name], Trust(), 0.0)["f1"]) > most:
            best.append(name)
            most = f1
    return best


def relative(rows: Mapping[str, dict[str, Any]], base: str) -> None:
    """Add to each row its cost next to that of ``base`` in the same part."""
    for name, row in rows.items():
        part = name.partition(":")[0]
        share = row["rtf"]["mean"] / max(rows[f"{part}: {base}"]["rtf"]["mean"], 1e-9)
        row["relative_cost"] = {"mean": round(share, 3)}


def curves(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return F1 over cost as a picture of the report: see ``report_curves.drawn``."""
    drawn: list[dict[str, Any]] = []
    for part in ("dev", "test"):
        named = [row for name, row in rows.items() if name.startswith(part)]
        points = sorted((row["rtf"]["mean"], row["f1"]["mean"]) for row in named)
        best = [p for i, p in enumerate(points) if all(p[1] > q[1] for q in points[:i])]
        drawn.append({"name": f"{part}, best at its cost", "points": best})
        drawn += [{"name": part, "points": [p], "ours": False} for p in points if p not in best]
    top = max(point[0] for curve in drawn for point in curve["points"])
    return {
        "title": "F1 of the keywords over CPU time per second of audio",
        "across": {"name": "CPU time over audio time", "low": 0.0, "high": round(top * 1.1, 2)},
        "up": {"name": "F1", "low": 0.0, "high": 0.8},
        "curves": drawn,
    }


def _row(
    items: Sequence[Scored], settings: RecognizerSettings, strong: Collection[str]
) -> dict[str, Any]:
    found, felt = scores(items, Trust(), 0.0), metrics(_of(items, strong), Trust(), 0.0)
    size = sum(Path(p).stat().st_size for p in (settings.language_model, settings.dictionary))
    return {name: found[name] for name in ("f1", "precision", "recall")} | {
        "f1_emotion_words": {"mean": round(felt["f1"], 4)},
        "rtf": {"mean": round(rtf(items), 4)},
        "model_mb": {"mean": round(size / 1e6, 2)},
    }


def _of(items: Sequence[Scored], words: Collection[str]) -> list[Scored]:
    """Return the recordings with some of their keywords only."""
    return [
        replace(
            item,
            said=tuple(word for word in item.said if word in words),
            words=tuple(pair for pair in item.words if pair[0].word in words),
        )
        for item in items
    ]


def _memory(settings: RecognizerSettings) -> dict[str, Any]:
    """Return what loading takes, where the models have a folder of their own."""
    folder = Path(settings.language_model).parent
    return load_cost(folder) if (folder / "language.json").is_file() else {}

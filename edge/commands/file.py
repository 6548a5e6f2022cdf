"""Emotions in recordings: a line, or a JSON object, for each utterance.

With --channels split each side of a call is heard by itself. --summary adds shares, means and
turning points; --csv and --plot write a table and a picture.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from edge.audio.files import blocks, channel_blocks, duration
from edge.commands import engine_options, open_engine, show
from edge.emotion import DIMENSIONS, Emotion
from edge.engine import Engine
from edge.errors import HeartenError
from edge.lines import line
from edge.plot import Lane, Picture
from edge.raster import Rasteriser, scale
from edge.summary import Summary

LONG = 20.0  # seconds of audio from which progress is worth showing
MIX, SPLIT = 0, -1  # beside the channels 1, 2, ...
COLUMNS = ("file", "channel", "type", "start", "end", "category", "confidence", *DIMENSIONS)

Heard = tuple[int, Emotion]  # index of the channel in what is heard, and its event
Labels = tuple[str, ...]
Progress = Callable[[float], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten file``."""
    parser.add_argument("paths", nargs="+", metavar="AUDIO", help="WAV; FLAC, MP3 with [audio]")
    engine_options(parser)
    parser.add_argument(
        "--channels",
        default="mix",
        metavar="mix|split|N",
        help="average the channels (mix), hear each by itself (split), or only channel N",
    )
    parser.add_argument("--summary", action="store_true", help="end with a summary; split has one")
    parser.add_argument(
        "--explain", action="store_true", help="say what the voice and each word did to V, A, D"
    )
    parser.add_argument("--csv", metavar="OUT.csv", help="also write the events as a table")
    parser.add_argument(
        "--plot", metavar="OUT.svg|.png", help="also draw V/A/D, categories and words"
    )


def run(args: argparse.Namespace) -> int:
    """Print the emotions of each file; a bad file is reported, the others are still done."""
    channels = _channels(args.channels)
    if channels == SPLIT and args.speaker:
        raise HeartenError("a speaker is on one side; so --channels N, or --no-speaker")
    _writable(args.csv, (".csv",), args.paths)
    _writable(args.plot, (".svg", ".png"), args.paths)
    rasteriser = Rasteriser() if Path(args.plot or "").suffix.lower() == ".png" else None
    with ExitStack() as stack:
        engines = stack.enter_context(Engines(args))
        table = stack.enter_context(_opened(args.csv)) if args.csv else None
        report = Report(args, table, engines.labels)
        good = [_one(engines, report, path, channels) for path in args.paths]
    if args.plot and any(good):
        _draw(report.picture, args.plot, rasteriser)
    return 0 if all(good) else 2


class Engines:
    """As many engines as channels are heard at once; they share nothing."""

    def __init__(self, args: argparse.Namespace) -> None:
        """Open the first engine; raises what opening an engine raises."""
        # A picture shows how an utterance grew, whether partial events are printed or not.
        timeline = args.timeline or args.plot is not None
        self._args = argparse.Namespace(**{**vars(args), "timeline": timeline})
        self._engines = [open_engine(self._args, recording=True)]
        self.labels = self._engines[0].labels

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *error: object) -> None:
        for engine in self._engines:
            engine.close()

    def stream(self, path: str, channels: int, sides: Sides) -> Iterator[Heard]:
        """Yield every event of a file as it is read, once; ``sides`` is told width and time."""
        for engine in self._engines:
            engine.reset()
        heard: list[Engine] = []
        for pieces in _pieces(path, channels):
            if not heard:
                heard = [self._engine(index) for index in range(len(pieces))]
                sides.begin(len(heard))
            for index, samples in enumerate(pieces):
                yield from ((index, event) for event in heard[index].push(samples.tobytes()))
            sides.tell(heard[0].seconds)
        for index, engine in enumerate(heard):
            yield from ((index, event) for event in engine.flush())

    def _engine(self, index: int) -> Engine:
        if index == len(self._engines):
            self._engines.append(open_engine(self._args, recording=True))
        return self._engines[index]


class Report:
    """Where events go: the screen, a table, a picture, and a summary for each channel."""

    def __init__(self, args: argparse.Namespace, table: IO[str] | None, labels: Labels) -> None:
        """``table`` is open for the rows, if any; ``labels`` are the pack's."""
        self._args = args
        self._labels = labels
        self._table = csv.writer(table) if table else None
        if self._table:
            self._table.writerow([*COLUMNS, *(f"p_{label}" for label in labels), "words"])
        names = ", ".join(Path(path).name for path in args.paths)
        self.picture = Picture(f"Emotion in {names}")

    def event(self, emotion: Emotion, path: str, channel: int | None) -> None:
        """Print an event, and write its row."""
        if emotion.type != "final" and not self._args.timeline:
            return
        if channel is None:
            show(replace(emotion, file=path), self._args.json)
        elif self._args.json:
            self.print({"file": path, "channel": channel, **emotion.to_dict()})
        else:
            print(f"{Path(path).name}  channel {channel}  {line(emotion)}", flush=True)
        if self._table:
            self._table.writerow(self._row(emotion, path, channel))

    def summary(self, path: str, seconds: float, summaries: list[Summary]) -> None:
        """Print the summaries of a file's channels, ``seconds`` long."""
        if not self._args.summary and self._args.channels != "split":
            return
        if self._args.json:
            channels = [summary.to_dict() for summary in summaries]
            head = {"file": path, "type": "summary", "seconds": round(seconds, 3)}
            self.print({**head, "channels": channels})
            return
        for summary in summaries:
            first, *rest = summary.lines()
            print("\n".join([f"{Path(path).name}  {first}", *rest]), flush=True)

    def print(self, content: dict[str, Any]) -> None:
        """Print one JSON object as a line."""
        print(json.dumps(content, allow_nan=False, ensure_ascii=False), flush=True)

    def _row(self, emotion: Emotion, path: str, channel: int | None) -> list[Any]:
        """Return the cells of an event, in the order of the header."""
        event = {**emotion.to_dict(), "file": path, "channel": "" if channel is None else channel}
        shares = (event["probabilities"][label] for label in self._labels)
        words = " ".join(word.word for word in emotion.words)
        return [*(event[name] for name in COLUMNS), *shares, words]


class Sides:
    """What is gathered of one file: a summary and a lane for each channel that is heard."""

    def __init__(self, report: Report, path: str, channels: int) -> None:
        """``channels`` is MIX, SPLIT or the number of one channel."""
        self._report, self._path, self._channels = report, path, channels
        self._display = _progress(path)
        self._lanes: list[Lane] = []
        self._seconds = 0.0
        self.summaries: list[Summary] = []

    def begin(self, count: int) -> None:
        """Make room for ``count`` channels."""
        numbers = range(1, count + 1) if self._channels == SPLIT else [self._channels]
        for number in numbers:
            name = Path(self._path).name + (f", channel {number}" if number else "")
            self.summaries.append(Summary(number or None))
            self._lanes.append(self._report.picture.lane(name))

    def tell(self, seconds: float) -> None:
        """Take the seconds heard so far, and show them."""
        self._seconds = seconds
        if self._display:
            self._display(seconds)

    def wipe(self) -> None:
        """Clear the line of progress, so that another can stand there."""
        if self._display:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def add(self, index: int, emotion: Emotion) -> None:
        """Report an event of a channel (from 0), and count it."""
        self.wipe()
        self._report.event(emotion, self._path, self.summaries[index].channel)
        self.summaries[index].add(emotion)
        self._lanes[index].add(emotion)

    def end(self) -> None:
        """Report the whole."""
        for lane in self._lanes:
            lane.seconds = self._seconds
        if not any(summary.utterances for summary in self.summaries):
            print(f"hearten: {self._path}: no speech found", file=sys.stderr)
        self._report.summary(self._path, self._seconds, self.summaries)


def _one(engines: Engines, report: Report, path: str, channels: int) -> bool:
    """Hear one file; return False, with one line on stderr, where it cannot be used."""
    try:
        sides = Sides(report, path, channels)
        try:
            for index, emotion in engines.stream(path, channels, sides):
                sides.add(index, emotion)
        finally:
            sides.wipe()
    except HeartenError as error:
        print(f"hearten: {error}", file=sys.stderr)
        return False
    sides.end()
    return True


def _channels(text: str) -> int:
    """Return MIX, SPLIT, or a channel counted from 1."""
    if text in ("mix", "split"):
        return MIX if text == "mix" else SPLIT
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise HeartenError(f"--channels must be mix, split or a number from 1, not {text!r}")


def _pieces(path: str, channels: int) -> Iterator[list[Any]]:
    if channels == SPLIT:
        return channel_blocks(path)
    return ([block] for block in blocks(path, channel=channels or None))


def _draw(picture: Picture, name: str, rasteriser: Rasteriser | None) -> None:
    """Write the picture: an SVG, or a PNG where there is a rasteriser."""
    if rasteriser and scale(picture) < 1:
        print(f"hearten: {name}: drawn smaller to fit; name it .svg to see all", file=sys.stderr)
    content = rasteriser.png(picture) if rasteriser else picture.svg().encode(errors="replace")
    with _opened(name, "wb") as file:
        file.write(content)


def _writable(name: str | None, suffixes: tuple[str, ...], sources: list[str]) -> None:
    """Raise HeartenError, before the long work, where a result could not be written at its end."""
    if name is None:
        return
    path = Path(name)
    if path.suffix.lower() not in suffixes:
        known, fix = " or ".join(suffixes), path.stem + suffixes[0]
        raise HeartenError(f"{name}: only {known} is written here; name it {fix}")
    there = path.exists()
    if there and any(path.samefile(source) for source in sources if Path(source).exists()):
        raise HeartenError(f"{name} is the recording itself; name another file")
    if not there or path.is_file() or path.is_dir():
        with _opened(name, "a"):
            pass
    if not there:
        path.unlink()


def _opened(name: str, mode: str = "w") -> IO[Any]:
    """Open a result for writing, text as UTF-8; what stands in the way is one clear line."""
    text = "b" not in mode
    try:
        return Path(name).open(
            mode,
            encoding="utf-8" if text else None,
            errors="replace" if text else None,
            newline="" if text else None,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise HeartenError(f"cannot write {name}: {reason}") from error


def _progress(path: str) -> Progress | None:
    """Return what shows progress on a terminal, or None where nobody waits or looks."""
    total = duration(path) if Path(path).is_file() else None
    if not total or total < LONG or not sys.stderr.isatty():
        return None
    name = Path(path).name

    def display(seconds: float) -> None:
        share = min(seconds / total, 1.0)
        end = "" if share < 1.0 else "\r\033[K"
        print(f"\r\033[K{name} {share:4.0%} {end}", end="", file=sys.stderr, flush=True)

    return display

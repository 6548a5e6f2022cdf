"""Learn a speaker's voice: from recordings, three guided sentences (--mic), or standard input.

What is kept are running averages of what the voice model makes of the voice, never sound.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge import profile
from edge.audio.files import blocks
from edge.audio.level import Meter
from edge.commands import native_notes_off
from edge.commands.guide import guide
from edge.commands.listen import StandardInput
from edge.engine import Engine
from edge.errors import HeartenError
from edge.profile import Profile
from edge.speaker import KINDS, SHORTEST, Enrolment, Evidence

LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten enroll``."""
    parser.usage = "hearten enroll NAME [AUDIO ...] [--mic | --stdin] [options]"
    parser.add_argument("name", metavar="NAME", help="what the speaker is called")
    # Not "*": argparse would take it as empty where an option stands between NAME and AUDIO.
    paths = parser.add_argument(
        "paths", nargs="+", metavar="AUDIO", default=[], help="recordings of nobody else"
    )
    paths.required = False
    parser.add_argument("--mic", action="store_true", help="guide through three sentences")
    parser.add_argument("--device", metavar="NAME|N", help="microphone; see hearten devices")
    parser.add_argument("--channel", type=int, metavar="N", help="its channel, from 1")
    parser.add_argument("--stdin", action="store_true", help="raw S16_LE mono 16 kHz on stdin")
    parser.add_argument(
        "--kind",
        choices=KINDS,
        help="what is said: without emotion (neutral, default with --mic), anything (past, default "
        "otherwise), or each emotion about equally often (balanced)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", action="store_true", help="go on averaging an existing profile")
    what.add_argument("--force", action="store_true", help="replace an existing profile")
    parser.add_argument("--pack", help="folder or .zip; the built-in pack by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Hear the speaker, then store the profile: whole, or not at all."""
    if bool(args.paths) + args.mic + args.stdin != 1:
        raise HeartenError("enroll from recordings, with --mic, or with --stdin: one of these")
    with native_notes_off():
        engine = Engine.open(args.pack, words=False, partials=False)
    with engine:
        known = _known(args, engine)
        kind = args.kind or (known.evidence.kind if known else "neutral" if args.mic else "past")
        engine.pack.speaker().demand(kind)  # before anybody speaks
        evidence = _hear(args, engine, kind)
        if known:
            evidence = known.evidence.joined(evidence)
        made = Profile.of(args.name, evidence, engine.pack)
        place = made.save()
    _say(made, place, args.json)
    return 0


def _known(args: argparse.Namespace, engine: Engine) -> Profile | None:
    """Return the profile to go on with; raises HeartenError where one is in the way."""
    place = profile.place(args.name)
    if not place.exists() or args.force:
        return None
    if not args.add:
        raise HeartenError(f"{args.name} is enrolled already: --add goes on, --force begins anew")
    known = profile.load(place)
    known.fit(engine.pack)
    if args.kind and args.kind != known.evidence.kind:
        raise HeartenError(
            f"the profile of {args.name} is of {known.evidence.kind} speech: leave --kind out, or "
            "begin anew with --force"
        )
    return known


def _hear(args: argparse.Namespace, engine: Engine, kind: str) -> Evidence:
    """Return what the source teaches; raises HeartenError where that is nothing."""
    if args.mic:
        found = [args.device, args.channel]
        for index, key in enumerate(("device", "channel")):
            if found[index] is None:  # where hearten listen finds them
                found[index] = args.settings.values.get(("listen", key))
        return guide(engine, kind, *found)
    engine.learner = learner = Enrolment(kind)
    if args.stdin:
        _push(engine, StandardInput(), "standard input")
    for path in args.paths:
        before = learner.evidence
        engine.reset()
        _push(engine, (block.tobytes() for block in blocks(path)), path)
        if learner.evidence is before:
            LOG.warning("%s: no utterance of %g s or more; nothing learned of it", path, SHORTEST)
    if learner.evidence is None:
        raise HeartenError(
            f"nothing to learn: no utterance has {SHORTEST:g} s of speech; give longer recordings"
        )
    return learner.evidence


def _push(engine: Engine, chunks: Iterable[bytes] | Iterator[bytes], name: str) -> None:
    """Hear a source to its end; level problems are told."""
    meter = Meter()
    for chunk in chunks:
        engine.push(chunk)
        if warning := meter.push(chunk):
            LOG.warning("%s: %s", name, warning)
    engine.flush()


def _say(made: Profile, place: Path, as_json: bool) -> None:
    content = made.summary()
    if as_json:
        print(json.dumps({**content, "file": str(place)}, ensure_ascii=False))
        return
    print(
        f"{made.name}: {content['utterances']} utterances, {content['seconds']:.1f} s of "
        f"{content['kind']} speech -> {place}"
    )
    if sys.stdout.isatty():
        print(f"use it: hearten listen --speaker {made.name!r}")

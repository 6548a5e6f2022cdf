"""``python -m train NAME``: one module, one command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from edge.errors import HeartenError

COMMANDS = {
    "fetch": "download a corpus, or take a local copy",
    "voice": "train the voice model",
    "voice_teacher": "let a large speech encoder label the recordings, for the voice to learn from",
    "vocabulary": "choose the keywords",
    "teacher": "let a sentence encoder rate the texts, for the text model to learn from",
    "text": "train the text model",
    "text_table": "train the text model from every initialisation",
    "language": "trim pocketsphinx's dictionary and language model",
    "recognition": "measure the keyword recogniser",
    "recognition_acted": "words heard in acted emotion and noise",
    "recognition_tradeoff": "how well keywords are recognised against what it costs",
    "spoken": "let a synthesiser speak test sentences, and score the words that are recognised",
    "spoken_fusion": "let a synthesiser speak test sentences to the whole device",
    "mishearing": "measure what the recogniser makes of sentences, for pairs of voices and words",
    "bimodal": "the constructed pairs of voices and words: make the list again",
    "fusions": "compare every way of joining voice and words",
    "fusion_limits": "measure what keeps the fusion from gaining more",
    "fusion": "fit fusion, temperature and reject thresholds",
    "speaker": "measure what knowing a voice is worth; what a pack needs for it",
    "gate": "tell speech from other sounds; what a pack needs for it",
    "novelty": "tell acted speech from other speech; what a pack needs for it",
    "evaluate": "train and score all folds of a protocol, or score the text graph",
    "robustness": "score trained folds under noise, rooms, level, band limit, microphones",
    "unknown": "calibration of trained folds, reject thresholds, false rate an hour",
    "plain": "what the voice says of people who act no emotion",
    "streaming": "how early, how steadily and how alike in any pieces a voice decides",
    "cost": "time the voice beside openSMILE's and openWakeWord's features",
    "endpoints": "compare the endpointer with WebRTC's voice activity detector",
    "silence": "measure whether silence tells emotion: removed, kept, used as a feature",
    "table": "make the seed's tables again, with ours beside them",
    "report": "turn all results into one page, with tables and pictures",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is one line and 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    given = sys.argv[1:] if arguments is None else arguments
    listing = "\n".join(f"  {name:<21}{text}" for name, text in COMMANDS.items())
    outer = argparse.ArgumentParser(
        prog="python -m train",
        epilog=f"commands:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    outer.add_argument("name", choices=COMMANDS, metavar="NAME")
    name = outer.parse_args(given[:1]).name
    try:
        room = importlib.import_module(f"train.{name}")
    except ImportError as error:
        print(f"train: {error}; pip install -e '.[train]'", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog=f"python -m train {name}", description=COMMANDS[name])
    room.add_arguments(parser)
    try:
        return int(room.run(parser.parse_args(given[1:])))
    except HeartenError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train: interrupted; run the same command again to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())

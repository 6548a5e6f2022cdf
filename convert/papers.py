"""What a pack says of itself: its card and its licence, made from its manifest and the results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convert import pack, sources
from convert.card import card
from convert.evidence import Evidence
from edge.errors import HeartenError

CARD = "CARD.md"
ADDED = ("files", "reference")  # sections of a manifest that writing adds


def papers(manifest: Mapping[str, Any], results: Path) -> dict[str, bytes]:
    """Return ``CARD.md`` and ``LICENSE`` of a pack; the card tells what ``results`` holds now."""
    return {
        CARD: _card(manifest, results),
        "LICENSE": sources.document(manifest["training"]["data"]).encode(),
    }


def renew(place: Path, results: Path) -> None:
    """Write the card of the pack at ``place`` again; all else in it stays as it is.

    Raises:
        HeartenError: no pack, or one that does not name what it was made from.
    """
    try:
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        files = {name: (place / name).read_bytes() for name in manifest["files"]}
        files[CARD] = _card(manifest, results)
    except OSError as error:
        raise HeartenError(f"no pack at {place}: {error.filename}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise HeartenError(
            f"{place}/manifest.json does not say what a card needs: make the pack again with "
            "python -m convert"
        ) from None
    pack.write(place, files, {k: v for k, v in manifest.items() if k not in ADDED})


def _card(manifest: Mapping[str, Any], results: Path) -> bytes:
    training, name = manifest["training"], manifest["name"]
    voice, names = training["voice"], training["data"]
    found = Evidence(voice["partition"]["protocol"], name, voice["parameters"], results)
    return card(name, manifest["labels"], names, training, found.sections()).encode()

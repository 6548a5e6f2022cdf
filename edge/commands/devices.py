"""Input devices with their rates, and which one hearten listen uses."""

from __future__ import annotations

import argparse
import json

from edge.audio.devices import choose, input_devices


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hearten devices``."""
    parser.add_argument("--device", metavar="NAME|N", help="mark this one instead of the default")
    parser.add_argument("--json", action="store_true", help="one JSON object a device")


def run(args: argparse.Namespace) -> int:
    """Print the input devices; an asterisk marks the one that would be used."""
    devices = input_devices()
    used = choose(devices, args.device)
    if args.json:
        for device in devices:
            print(json.dumps({**device.to_dict(), "used": device is used}, ensure_ascii=False))
        return 0
    print("  N  channels  own rate  16 kHz     name")
    for device in devices:
        mark = "*" if device is used else " "
        direct = "yes" if device.takes_16k else "converted"
        print(
            f"{mark}{device.index:>2}  {device.channels:>8}  {device.rate:>5} Hz  "
            f"{direct:<9}  {device.name}"
        )
    return 0

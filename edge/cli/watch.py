"""``edge watch``: what a broker receives from this device, or from any."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from rich.text import Text

from edge.cli.terminal import Terminal, shown
from edge.errors import UnavailableError, UsageError
from edge.settings.load import load
from edge.transmit.subscriber import Subscriber

CONNECT_WITHIN = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which broker, which device, which topics."""
    parser.add_argument("--host", help="broker (default: mqtt.host of the settings)")
    parser.add_argument("--port", type=int, help="its port (default: mqtt.port of the settings)")
    parser.add_argument("--device", default="+", help="one device (default: all)")
    parser.add_argument(
        "--topic", default="#", help="filter below the device, such as digits/event (default: all)"
    )
    parser.add_argument("--seconds", type=float, help="end after so long (default: never)")
    parser.add_argument("--json", action="store_true", help='one {"topic", "payload"} a line')


def main(args: argparse.Namespace) -> int:
    """Prints until Ctrl-C; 69 when the broker cannot be reached."""
    settings = load(args.config).mqtt
    change = {key: value for key, value in (("host", args.host), ("port", args.port)) if value is not None}
    try:
        settings = type(settings).model_validate({**settings.model_dump(), **change})
    except ValueError:
        words = " ".join(f"--{key} {value}" for key, value in change.items())
        raise UsageError(words, "allowed: a bare name or address, a port of 1 to 65535") from None
    console = Terminal(highlight=False, soft_wrap=True)
    until = time.monotonic() + args.seconds if args.seconds else float("inf")

    def show(topic: str, payload: bytes, _retained: bool) -> None:
        if args.json:
            print(json.dumps({"topic": topic, "payload": _decoded(payload)}), flush=True)
        else:
            console.print(_line(topic, payload))

    subscriber = Subscriber(settings, [f"{settings.base}/{args.device}/{args.topic}"], show)
    subscriber.start()
    try:
        if not subscriber.wait_connected(CONNECT_WITHIN):
            raise UnavailableError(
                f"no connection within {CONNECT_WITHIN:g} s: {subscriber.describe()}",
                "is it running, and are mqtt.host, mqtt.port and the login right?",
            )
        while time.monotonic() < until and subscriber.fault is None:
            time.sleep(0.1)
    except KeyboardInterrupt:
        pass
    finally:
        subscriber.stop()
    if subscriber.fault is not None:  # the reader of the output has gone, for one
        raise subscriber.fault
    dropped = subscriber.counters()["dropped"]
    if dropped:
        print(
            f"edge: {dropped} messages came faster than they could be shown, and were left out",
            file=sys.stderr,
        )
    return 0


def _decoded(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _line(topic: str, payload: bytes) -> Text:
    """One line; control characters of the wire never reach the terminal."""
    text = shown(payload.decode("utf-8", "replace"))
    return Text(f"{time.strftime('%H:%M:%S')} ", "dim").append(f"{shown(topic)} ", "cyan").append(text)

"""``edge discovery``: what Home Assistant is told of this device, and taking it back."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from edge.capture.chatter import held_back
from edge.cli.terminal import shown
from edge.entities import describe
from edge.errors import EdgeError
from edge.people.door import door
from edge.settings.compose import Settings
from edge.settings.load import load
from edge.transmit.discovery import Discovery
from edge.transmit.once import publish_once

FACES = "faces"
"""The recognizer that knows people."""

WITHIN = 10.0
"""Seconds for the broker's answer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do."""
    parser.add_argument(
        "action",
        choices=("show", "remove"),
        help="show: print the topic and what the service announces there (asks no broker); "
        "remove: have the broker and Home Assistant forget this device",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def main(args: argparse.Namespace) -> int:
    """Prints, or removes; 69 where the broker does not take it."""
    settings = load(args.config)
    described = describe(settings, labels=_labels(args, settings) if args.action == "show" else None)
    if args.action == "show":
        _show(described, settings.home_assistant.enabled, args.json)
        return 0
    client_id = settings.mqtt.client_id or f"edge-{settings.device.resolved()}"
    broker = publish_once(
        settings.mqtt, f"{client_id}-discovery", described.topic, b"", retain=True, timeout=WITHIN
    )
    again = settings.home_assistant.enabled and "mqtt" in settings.sinks
    if args.json:
        print(json.dumps({"ok": True, "topic": described.topic, "announced_again": again}))
        return 0
    print(f"removed {described.topic}: {broker}")
    if again:
        print(
            "A running service announces the device again at its next connection; "
            "to end that, set home_assistant.enabled to false."
        )
    return 0


def _labels(args: argparse.Namespace, settings: Settings) -> dict[str, list[str]]:
    """Who is enrolled, where somebody looks for faces; a gallery that cannot be looked at is told of."""
    if FACES not in settings.recognizers:
        return {}
    try:
        with held_back():  # the runtime tells standard error how it begins
            told = door(args.config, settings).people().data
    except EdgeError as error:
        print(f"edge: without people: {shown(str(error))}", file=sys.stderr)
        return {}
    return {FACES: [str(person["name"]) for person in told.get("people", ()) if person.get("usable")]}


def _show(described: Discovery, enabled: bool, as_json: bool) -> None:
    payload: dict[str, Any] = json.loads(described.encoded())
    if as_json:
        print(json.dumps({"topic": described.topic, "enabled": enabled, "payload": payload}))
        return
    words = "" if enabled else "  (not announced: home_assistant.enabled is false)"
    print(f"{described.topic}{words}")
    print(json.dumps(payload, indent=2, ensure_ascii=False))

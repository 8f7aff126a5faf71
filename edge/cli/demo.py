"""``edge demo [--seconds N] [--json]``: plays a drawn scene through the whole service."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from types import FrameType

import cv2
from rich.live import Live
from rich.text import Text

from edge.capture.scene import Story
from edge.capture.scene.portrait import CREDIT
from edge.cli.terminal import Terminal
from edge.demo.picture import picture
from edge.demo.play import FPS, SIZE, Play, Played, play
from edge.demo.received import Received
from edge.demo.table import table
from edge.errors import InputError, UsageError
from edge.settings.compose import settings_class
from edge.settings.load import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, what, and how it is shown."""
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it plays (default: 20)")
    parser.add_argument("--json", action="store_true", help="only the summary, as one JSON object")
    parser.add_argument("--source", help="your own camera, file or URL instead of the drawn scene")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws another scene (default: 0)")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE.png", help="write a frame with what was received of it"
    )


def main(args: argparse.Namespace) -> int:
    """Prints the summary at the end, also after Ctrl-C."""
    _check(args)
    # A demo is the same on every machine: only settings that were asked for count.
    settings = load(args.config) if args.config else settings_class()()
    # The service's process must not outlive this one.
    signal.signal(signal.SIGTERM, _interrupt)
    what = Play(args.seconds, args.seed, args.source)
    console = Terminal()
    if console.is_terminal and not args.json:
        with Live(console=console, auto_refresh=False, transient=True) as live:
            played = play(what, settings, lambda *now: live.update(table(*now), refresh=True))
    else:
        played = play(what, settings, _show_nothing)
    if played.missing:
        print(f"edge: the demo shows digits only: {played.missing}", file=sys.stderr)
    if args.json:
        print(json.dumps(played.summary.record()))
    else:
        console.print(played.summary.table())
        if played.summary.faces is not None:
            console.print(Text(CREDIT, "dim"))
    if args.picture:
        _write(args.picture, played, args.seed)
    return 0


def _check(args: argparse.Namespace) -> None:
    if not 0 < args.seconds <= 86_400:
        raise UsageError(f"--seconds {args.seconds:g}", "allowed: more than 0, at most 86400")
    if not 0 <= args.seed <= 999_999_999:
        raise UsageError(f"--seed {args.seed}", "allowed: 0 to 999999999")
    if args.picture and args.source:
        raise UsageError(
            "--picture draws the scene, so it does not go with --source", "leave one of them out"
        )
    if args.picture and args.picture.suffix.lower() not in (".png", ".jpg"):
        raise UsageError(f"--picture {args.picture}", "allowed: a name that ends with .png or .jpg")


def _show_nothing(_received: Received, _address: str, _left: float) -> None:
    """Without a terminal the summary is all."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _write(file: Path, played: Played, seed: int) -> None:
    drawn = picture(played.received, Story(seed, SIZE), FPS)
    if not cv2.imwrite(str(file), drawn):
        raise InputError(f"{file}: cannot be written", "is the folder there?")
    print(f"wrote {file}", file=sys.stderr)

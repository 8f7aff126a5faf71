"""``edge check``: settings, state, models, camera, broker, a line each; the first wrong one's exit code."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.text import Text

from edge.capture.source import open_source
from edge.cli.terminal import Terminal
from edge.clock import SystemClock
from edge.control.changes import FILE, UnusableError, read
from edge.errors import ConfigError, EdgeError
from edge.geometry import size_of
from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.recognize.registry import descriptors, resolve
from edge.settings.compose import Settings
from edge.settings.folder import state_folder
from edge.settings.load import load, named_or_system
from edge.transmit.delivery import MqttSink

BROKER_TIMEOUT = 5.0


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is well, and what was seen. ``exit_code`` 0: well."""

    part: str
    exit_code: int
    message: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--json`` for machines."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def main(args: argparse.Namespace) -> int:
    """Looks at everything even when something is wrong; gives the first code that is not 0."""
    console = Terminal(highlight=False, soft_wrap=True)
    findings: list[Finding] = []

    def look(part: str, check: Callable[[], str]) -> None:
        findings.append(_finding(part, check))
        if not args.json:
            _print(console, findings[-1])

    settings: list[Settings] = []
    look("configuration", lambda: _configuration(args.config, settings))
    if settings:
        state = state_folder(args.config, settings[0])
        look("state", lambda: _state(state))
        look("commands", lambda: _commands(state / FILE))
        look("models", lambda: _models(settings[0]))
        look("camera", lambda: _camera(settings[0]))
        look("broker", lambda: _broker(settings[0]))
    if args.json:
        print(
            json.dumps(
                {"ok": all(not item.exit_code for item in findings), "checks": [asdict(f) for f in findings]}
            )
        )
    return next((item.exit_code for item in findings if item.exit_code), 0)


def _finding(part: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(part, 0, check())
    except EdgeError as error:
        return Finding(part, error.exit_code, str(error))


def _print(console: Terminal, finding: Finding) -> None:
    mark, style = ("wrong", "bold red") if finding.exit_code else ("ok", "green")
    for line in finding.message.splitlines():
        console.print(Text(f"{finding.part:<14}").append(f"{mark:<6}", style).append(line))


def _configuration(file: Path | None, result: list[Settings]) -> str:
    settings = load(file)
    result.append(settings)
    place = named_or_system(file) or "built-in defaults"
    return f"{place}: device {settings.device.resolved()}, recognizers {', '.join(settings.recognizers)}"


def _state(folder: Path) -> str:
    """Whether events, people and what commands change can be kept."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise ConfigError(f"{there}: no folder", "name one in state.folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise ConfigError(f"{there}: cannot be written to", "is this its user? see state.folder")
        disk = os.statvfs(there)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}", "see state.folder") from None
    made = "can be written to" if there == folder else "is made by the service"
    return f"{folder}: {made}, {disk.f_bavail * disk.f_frsize // 2**20} MiB free"


def _commands(path: Path) -> str:
    """What commands have changed, which the service takes up in place of what the file says."""
    try:
        changes = read(path)
    except UnusableError as error:
        raise ConfigError(
            f"{path}: {error}", "the service sets it aside, and then the settings file alone holds"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", "is this its user?") from None
    return f"changed by command: {changes.describe()}" if changes else "nothing is changed by command"


def _models(settings: Settings) -> str:
    """Builds each recognizer, so that every model it needs is loaded and verified."""
    words: list[str] = []

    def load_model(name: str) -> Model:
        model = Model.load(name, settings.infer)
        state = check_golden(model) or "golden output as it should be"
        words.append(f"{model.name} {model.version} on {model.runtime}, {state}")
        return model

    for name in settings.recognizers:
        # Without a state: what it keeps is looked at beside.
        resolve(descriptors()[name].factory)(settings.recognizer(name), load_model, None)
    return "; ".join(words)


def _camera(settings: Settings) -> str:
    source = open_source(settings.camera, SystemClock())
    try:
        source.open()
        frame = source.read()
    finally:
        source.close()
    if frame is None:
        return f"{source.name}: opened, and ended without a picture"
    width, height = size_of(frame.image)
    return f"{source.name}: gives pictures of {width}x{height}"


def _broker(settings: Settings) -> str:
    if "mqtt" not in settings.sinks:
        return "not used: sinks do not name mqtt"
    sink = MqttSink(settings.mqtt, settings.device.resolved(), settings.state.resolved(), SystemClock())
    return sink.check(BROKER_TIMEOUT)

"""Which broker a command speaks to: that of the settings, or one that is named. Never a password in the
arguments, which every user of the machine can read."""

from __future__ import annotations

import argparse
from typing import Any

from edge.cli.terminal import shown
from edge.errors import UsageError
from edge.transmit.settings import MqttSettings

_PLACE = ("host", "port", "username", "password_file", "base")
_TLS = ("ca", "certificate", "key")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; each default is the key of the settings by the same name."""
    group = parser.add_argument_group(
        "broker",
        "By default that of the settings (section mqtt). Another --host gets nothing of their login and TLS.",
    )
    group.add_argument("--host", help="name or address, or mqtts://NAME:PORT")
    group.add_argument("--port", type=int, help="its port")
    group.add_argument("--username", metavar="NAME", help="login")
    group.add_argument(
        "--password-file", metavar="FILE", help="file whose first line is the password, mode 0600"
    )
    group.add_argument("--tls", action="store_true", help="encrypt")
    group.add_argument("--ca", metavar="FILE", help="trusted authorities, PEM (default: the system's)")
    group.add_argument("--certificate", metavar="FILE", help="certificate of this client, PEM")
    group.add_argument("--key", metavar="FILE", help="its key, PEM")
    group.add_argument("--base", help="what topics begin with (default: mqtt.base)")


def chosen(settings: MqttSettings, args: argparse.Namespace) -> MqttSettings:
    """The settings with what the arguments say. Raises ``UsageError``."""
    kept = settings.model_dump()
    if args.host is not None and args.host != settings.host:
        # Who is somebody else is not shown our password, nor asked for another's certificate.
        ours = MqttSettings().model_dump()
        kept |= {name: ours[name] for name in ("port", "username", "password_file", "tls")}
    change = {name: value for name in _PLACE if (value := getattr(args, name)) is not None}
    tls = {name: value for name in _TLS if (value := getattr(args, name)) is not None}
    if args.tls or tls:
        tls["enabled"] = True
    try:
        return MqttSettings.model_validate({**kept, **change, "tls": {**kept["tls"], **tls}})
    except ValueError as error:  # pydantic's, whose errors() say what is allowed
        raise UsageError(_said(args), _allowed(error)) from None


def _said(args: argparse.Namespace) -> str:
    """What was called, as it was called."""
    words = ["--tls"] if args.tls else []
    for name in (*_PLACE, *_TLS):
        if getattr(args, name) is not None:
            words.append(f"--{name.replace('_', '-')} {shown(str(getattr(args, name)))}")
    return " ".join(words)


def _allowed(error: Any) -> str:
    """What is allowed, of the first thing that is wrong."""
    problem = error.errors()[0]
    words = str(problem["msg"]).removeprefix("Value error, ")
    if "allowed: " in words:
        return words[words.index("allowed: ") :]
    limits = {"port": "a port of 1 to 65535"}
    name = str(problem["loc"][-1]) if problem["loc"] else ""
    return f"allowed: {limits.get(name, words)}"

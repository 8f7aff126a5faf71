"""The other end of the run socket: what a command of the command line says to the running service."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.control.address import NAME, nearby
from edge.control.socket import ANSWER, WITHIN
from edge.errors import ConfigError, UnavailableError
from edge.records import Reply
from edge.settings import lines
from edge.settings.load import SYSTEM_FILE, load
from edge.settings.sections import StateSettings

RUN, STATE = Path("/run/edge"), Path("/var/lib/edge")
"""Where the units of systemd have their directories, one for each instance: the name of its settings file."""


class NoServiceError(UnavailableError):
    """There is no socket, or nobody listens on it."""


def places(config: Path | None) -> list[Path]:
    """Where the socket of the service that runs by ``config`` may be, the likeliest first.

    A settings file that cannot be read any more is no reason not to find the service that still runs.
    """
    found = [Path(folder) for folder in os.environ.get("RUNTIME_DIRECTORY", "").split(":") if folder]
    instance = (config or SYSTEM_FILE).stem
    found += [RUN / instance, STATE / instance]
    try:
        found.append(load(config).state.resolved())
    except ConfigError:
        found += _folder_in(config or SYSTEM_FILE)
    return [folder / NAME for folder in dict.fromkeys(found)]


def _folder_in(file: Path) -> list[Path]:
    """What a file says of ``state.folder`` that is not a good one any more."""
    with contextlib.suppress(OSError, ValueError):
        with file.open("rb") as stream:
            told, _, _ = lines.read(stream.read(lines.MAX_BYTES).decode("utf-8"), str(file))
        state = told.get("state") if isinstance(told, dict) else None
        folder = state.get("folder") if isinstance(state, dict) else None
        if isinstance(folder, str):
            return [Path(folder)]
    with contextlib.suppress(ConfigError):
        return [StateSettings().resolved()]
    return []


def ask(
    command: str,
    fields: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    timeout: float = WITHIN,
) -> Reply:
    """The answer of the service that runs by ``config`` to a command.

    Raises ``UnavailableError`` (exit 69) where none answers within ``timeout`` seconds, of that kind
    ``NoServiceError`` where none runs.
    """
    tried = places(config)
    forbidden: Path | None = None
    for path in tried:
        try:
            answer = _exchange(path, {**(fields or {}), "command": command}, timeout)
        except PermissionError:
            forbidden = forbidden or path
            continue
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            continue  # not there; or left by a process that was killed
        except (OSError, ValueError, RecursionError) as error:
            raise UnavailableError(f"{path}: the service does not answer: {error}", "see its log") from None
        return answer
    if forbidden is not None:
        raise UnavailableError(
            f"{forbidden}: this user may not speak to the service", "try it with sudo, or join the group edge"
        )
    raise NoServiceError(
        f"no service runs: there is no socket {' or '.join(str(path) for path in tried)}",
        "start it, or name its settings file with -c FILE",
    )


def _exchange(path: Path, message: Mapping[str, Any], timeout: float) -> Reply:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, nearby(path.parent) as near:
        connection.settimeout(timeout)
        _connect(connection, str(near / path.name), time.monotonic() + timeout)
        connection.sendall(json.dumps(message).encode() + b"\n")
        received = bytearray()
        while not received.endswith(b"\n"):
            content = connection.recv(65_536)
            if not content or len(received) > ANSWER:
                raise ConnectionError("it hung up")
            received += content
    told = json.loads(received)
    data = told.get("data") if isinstance(told, dict) else None
    if not (isinstance(data, dict) and isinstance(told.get("ok"), bool)):
        raise ValueError("what it says is no answer")
    return Reply(told["ok"], str(told.get("message")), told.get("error"), data)


def _connect(connection: socket.socket, address: str, until: float) -> None:
    while True:
        try:
            connection.connect(address)
            return
        except BlockingIOError:  # so many wait already
            if time.monotonic() > until:
                raise
            time.sleep(0.05)

"""The other end of sd_notify(3): what systemd would hear, and when."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path


class Heard:
    """Messages in the order of their coming, each with its monotonic second."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, str]] = []

    def has(self, beginning: str) -> bool:
        """Whether one began so."""
        return any(message.startswith(beginning) for _, message in self.messages)

    def last(self, beginning: str) -> float:
        """When the last one that began so came."""
        return max(moment for moment, message in self.messages if message.startswith(beginning))

    def words(self) -> list[str]:
        """All but the watchdog's."""
        return [message for _, message in self.messages if message != "WATCHDOG=1"]


@contextlib.contextmanager
def notified(path: Path) -> Iterator[Heard]:
    """Listens at ``path``, the value of ``NOTIFY_SOCKET``, while the block runs."""
    heard = Heard()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.settimeout(0.1)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    heard.messages.append((time.monotonic(), server.recv(8192).decode()))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield heard
        finally:
            ended.set()
            thread.join(2)

"""An MQTT 3.1.1 broker inside this process, on a free port of the loopback interface.

It is amqtt, for a demo's load only: at many hundreds of messages a second it loses some.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Any

from edge.errors import UnavailableError

HOST = "127.0.0.1"
START_WITHIN = STOP_WITHIN = 10.0
ATTEMPTS = 5
"""A free port may be taken by somebody else before the broker has it."""


class EmbeddedBroker:
    """Serves from entering the ``with`` block to its end, in a thread ``broker``."""

    def __init__(self) -> None:
        """Raises ``UnavailableError`` where amqtt is not installed."""
        self.port = 0
        self._make = _amqtt()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker", daemon=True)
        self._broker: Any = None

    def __enter__(self) -> EmbeddedBroker:
        """Raises ``UnavailableError`` when it cannot serve."""
        self._thread.start()
        try:
            self._start()
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop).result(STOP_WITHIN)
        self._end_loop()

    def _start(self) -> None:
        trouble: Exception | None = None
        for _ in range(ATTEMPTS):
            self.port = _free_port()
            try:
                asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(START_WITHIN)
                return
            except Exception as error:  # noqa: BLE001  (amqtt wraps what it meets in errors of its own)
                trouble = error
        raise UnavailableError(
            f"the demo's broker does not start on any port of {HOST}, after {ATTEMPTS} attempts: {trouble}",
            "is the loopback interface up?",
        )

    async def _serve(self) -> None:
        # The broker must be made inside the loop in which it runs.
        self._broker = self._make(self.port)
        await self._broker.start()

    async def _shut_down(self) -> None:
        await self._broker.shutdown()
        # amqtt leaves tasks of connections behind; a loop must not be closed over them.
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_WITHIN)
        self._loop.close()


def _amqtt() -> Any:
    """What makes a broker for a port."""
    try:
        from amqtt.broker import Broker  # noqa: PLC0415  (only the demo needs it, and only with its extra)
    except ImportError:
        raise UnavailableError(
            "edge demo needs a broker of its own, amqtt", "make demo in a checkout, or pip install amqtt"
        ) from None
    # It tells of every connection that ends; what matters arrives here as an exception.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)

    def make(port: int) -> Any:
        return Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )

    return make


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

"""A TCP proxy that treats connections as a bad network does: cut, stalled, delayed, truncated.

One thread for all connections. What is done when is asked of it from outside, so that a trial knows how
often it did what.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from tools.soak.mosquitto import HOST, free_port

CHUNK = 4096


class Proxy:
    """Between clients and ``target``, both on this machine. Use as a context manager; thread-safe."""

    def __init__(self, target: int, seed: int = 0) -> None:
        self.port = free_port()
        self.done: Counter[str] = Counter()
        """How often connections were ``cut`` (also by ``truncate``), ``stalled`` and so on."""
        self._target = target
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._delay = 0.0
        self._truncate = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Proxy:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy of the trial does not listen")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._writers) // 2

    def cut(self) -> int:
        """Ends every connection at once; gives how many."""
        return self._do(self._cut())

    def stall(self) -> None:
        """Passes nothing on from now, in either direction, and keeps the connections."""
        self.done["stalled"] += 1
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        """Passes everything on again."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def delay(self, seconds: float) -> None:
        """Every chunk waits so long at most, at random, in its order; 0: not at all."""
        self.done["delayed"] += seconds > 0
        self._delay = seconds

    def truncate(self) -> None:
        """The next chunk from a client is passed on in part, then its connection ends."""
        self._truncate = True

    # -- the proxy's thread ------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, self.port))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _cut(self) -> int:
        count = len(self._writers) // 2
        self.done["cut"] += count
        for writer in list(self._writers):
            self._end(writer)
        return count

    def _end(self, writer: asyncio.StreamWriter) -> None:
        """At once: with a reset (RST), or as often without one, as the peer's own end would look."""
        plain: socket.socket = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            plain.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", self._chance.randrange(2), 0)
            )
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        try:
            await asyncio.gather(
                self._pass(reader, far_writer, upwards=True), self._pass(far_reader, writer, upwards=False)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers -= both
            for end in both:
                self._end(end)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upwards: bool
    ) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flowing.wait()
            if self._delay:
                await asyncio.sleep(self._chance.uniform(0, self._delay))
            if upwards and self._truncate and len(chunk) > 1:
                self._truncate = False
                self.done["truncated"] += 1
                self.done["cut"] += 1
                writer.write(chunk[: self._chance.randrange(1, len(chunk))])
                await writer.drain()
                raise ConnectionAbortedError
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError

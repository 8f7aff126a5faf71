"""The run socket: commands from this machine to the service, over a Unix socket in its run-time directory.

One JSON object a line in (``{"command": "reload", …}``, with the members of the same command over MQTT), one
a line out (``{"ok": true, "error": null, "message": "…", "request": null, "data": {…}}``). Who may connect at
all is decided by the socket's mode, 0660: the service's user and group, and root. Reading how it is, is
theirs; whatever changes something is for that user and root alone, by the credentials that the kernel gives
(SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.clock import Clock
from edge.control.address import NAME, listen
from edge.records import Reply, Request
from edge.refusals import refusal
from edge.transmit.payload import encode
from edge.transmit.wire import WireLimits, parse

log = logging.getLogger("edge.control")

CONNECTIONS = 8
"""At the same time: a person and a few programs."""

LINE = 262_144
"""Bytes of a line that comes, at most: a picture to enroll, in base64."""

ANSWER = 8 * 1024 * 1024
"""Bytes of a line that goes out, at most: ten thousand people with the longest names are half of it."""

WITHIN = 30.0
"""Seconds for a line to come whole, to be answered, and for its answer to be taken; then it is hung up."""

TURN = 1.0
"""Seconds between two looks at who has taken too long."""

OPEN_TO_ALL = frozenset({"status"})
"""Commands that change nothing."""

LIMITS = WireLimits(size=LINE, per_minute=0, burst=0)

Take = Callable[[Request], Reply | None]
"""Keeps a request, to answer it later, or gives the refusal."""


@dataclass(eq=False, slots=True)
class _Peer:
    """One connection. ``since``: monotonic seconds at which what it is at began."""

    connection: socket.socket
    trusted: bool
    since: float
    received: bytearray = field(default_factory=bytearray)
    answer: bytes = b""


class ControlSocket:
    """The thread ``control``. ``take`` is called on it."""

    def __init__(self, folder: Path, clock: Clock, take: Take) -> None:
        self._folder = folder
        self._clock = clock
        self._take = take
        self._selector = selectors.DefaultSelector()
        self._peers: set[_Peer] = set()
        self._answers: deque[tuple[_Peer, bytes]] = deque()
        self._listener: socket.socket | None = None
        self._bell, self._ear = socket.socketpair()
        self._closed = False
        self._counts = {"connections": 0, "requests": 0, "refused": 0, "timed_out": 0, "faults": 0}
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> bool:
        """Listens, and begins to serve; False, with a line in the log, where there can be no socket."""
        try:
            self._listener = listen(self._folder)
        except OSError as error:
            log.warning("no run socket in %s: %s; `edge status` does not work", self._folder, error.strerror)
            return False
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._thread.start()
        return True

    def stop(self, timeout: float) -> None:
        """Hangs up on everybody and takes the socket away."""
        self._closed = True
        self._ring()
        if self._thread.ident is None:
            self._close()
        else:
            self._thread.join(timeout)
        if self._listener is not None:
            with contextlib.suppress(OSError):
                (self._folder / NAME).unlink()

    def counters(self) -> dict[str, int]:
        """Totals since the start. ``refused``: requests; ``timed_out``: peers that were hung up on."""
        return dict(self._counts)

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed:
            try:
                for key, events in self._selector.select(TURN):
                    self._serve(key, events)
                self._hand_out()
                self._hang_up()
            except Exception:
                # One bad peer is no reason to be deaf to the others.
                if not self._counts["faults"]:
                    log.exception("the run socket had a fault; such faults are counted from now on")
                self._counts["faults"] += 1
        self._close()

    def _close(self) -> None:
        for peer in list(self._peers):
            self._drop(peer)
        for end in (self._listener, self._bell, self._ear):
            if end is not None:
                end.close()
        self._selector.close()

    def _serve(self, key: selectors.SelectorKey, events: int) -> None:
        if key.fileobj is self._ear:
            with contextlib.suppress(BlockingIOError):
                self._ear.recv(4096)
        elif key.fileobj is self._listener:
            self._accept()
        elif key.data in self._peers:
            try:
                self._read(key.data) if events & selectors.EVENT_READ else self._write(key.data)
            except BlockingIOError:
                pass
            except OSError:
                self._drop(key.data)

    def _accept(self) -> None:
        assert self._listener is not None
        if len(self._peers) >= CONNECTIONS:
            self._selector.unregister(self._listener)  # until one goes
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        peer = _Peer(connection, _trusted(connection), self._now())
        self._peers.add(peer)
        self._counts["connections"] += 1
        self._selector.register(connection, selectors.EVENT_READ, peer)

    def _read(self, peer: _Peer) -> None:
        content = peer.connection.recv(65_536)
        if not content:
            self._drop(peer)
            return
        if not peer.received:
            peer.since = self._now()
        peer.received += content
        self._next(peer)

    def _next(self, peer: _Peer) -> None:
        """The next whole line, one at a time: what comes behind it waits."""
        line, end, rest = bytes(peer.received).partition(b"\n")
        if not end:
            if len(line) > LINE:
                self._selector.unregister(peer.connection)
                self._give(peer, refusal("too-large", f"a line of more than {LINE} bytes"), None)
            return
        peer.received = bytearray(rest)
        peer.since = self._now()
        self._selector.unregister(peer.connection)
        self._counts["requests"] += 1
        parsed = self._parsed(line)
        if isinstance(parsed, Reply):
            self._give(peer, parsed, None)
        elif not peer.trusted and parsed.command not in OPEN_TO_ALL:
            words = f"{parsed.command} is for root and the user of the service; try it with sudo"
            self._give(peer, refusal("not-allowed", words), parsed.identity)
        else:
            identity = parsed.identity
            request = replace(parsed, answer=lambda reply: self._give(peer, reply, identity))
            refused = self._take(request)
            if refused is not None:
                self._give(peer, refused, identity)

    def _parsed(self, line: bytes) -> Request | Reply:
        found = parse("status", line, LIMITS)
        if isinstance(found, Reply):
            return found
        fields = dict(found.fields)
        command = fields.pop("command", None)
        if not isinstance(command, str):
            return refusal("bad-payload", 'a member "command" is missing, such as {"command": "status"}')
        named = parse(command, b"", LIMITS)
        return named if isinstance(named, Reply) else replace(found, command=command, fields=fields)

    def _give(self, peer: _Peer, reply: Reply, identity: str | None) -> None:
        """Any thread: the answer goes out on this one."""
        if not reply.ok:
            self._counts["refused"] += 1
        answer = _line(reply, identity)
        if len(answer) > ANSWER:
            answer = _line(refusal("too-large", f"the answer has more than {ANSWER} bytes"), identity)
        self._answers.append((peer, answer))
        self._ring()

    def _hand_out(self) -> None:
        while self._answers:
            peer, answer = self._answers.popleft()
            if peer in self._peers:
                peer.answer += answer
                with contextlib.suppress(KeyError):
                    self._selector.unregister(peer.connection)
                self._selector.register(peer.connection, selectors.EVENT_WRITE, peer)

    def _write(self, peer: _Peer) -> None:
        sent = peer.connection.send(peer.answer)
        peer.answer = peer.answer[sent:]
        if peer.answer:
            return
        peer.since = self._now()
        self._selector.unregister(peer.connection)
        if len(peer.received) > LINE:
            self._drop(peer)
            return
        self._selector.register(peer.connection, selectors.EVENT_READ, peer)
        self._next(peer)

    def _hang_up(self) -> None:
        now = self._now()
        for peer in [peer for peer in self._peers if now - peer.since > WITHIN]:
            self._counts["timed_out"] += 1
            self._drop(peer)

    def _drop(self, peer: _Peer) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(peer.connection)
        peer.connection.close()
        self._peers.discard(peer)
        if self._listener is not None and not self._closed:
            with contextlib.suppress(KeyError):
                self._selector.register(self._listener, selectors.EVENT_READ)

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake already; closed: it has ended
            self._bell.send(b"!")

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9


def _line(reply: Reply, identity: str | None) -> bytes:
    told = {
        "ok": reply.ok,
        "error": reply.error,
        "message": reply.message,
        "request": identity,
        "data": dict(reply.data),
    }
    return encode(told) + b"\n"


def _trusted(connection: socket.socket) -> bool:
    """Whether root or our own user is at the other end."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return user in (0, os.geteuid())

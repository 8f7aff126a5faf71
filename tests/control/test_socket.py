"""The run socket: real sockets, hostile peers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import edge.control.socket as run_socket
from edge.clock import SystemClock
from edge.control.address import NAME, QUEUE, listen, nearby
from edge.control.client import ask
from edge.control.socket import ANSWER, CONNECTIONS, LINE, ControlSocket
from edge.errors import UnavailableError
from edge.records import Reply, Request
from edge.refusals import refusal


class Service:
    """Answers ``status`` on another thread, keeps ``slow`` for ever, refuses ``busy``."""

    def __init__(self) -> None:
        self.taken: list[Request] = []
        self.data: Callable[[], dict[str, Any]] = dict

    def take(self, request: Request) -> Reply | None:
        self.taken.append(request)
        if request.command == "busy":
            return refusal("busy", "later")
        if request.command != "slow":
            reply = Reply(
                ok=True,
                message="as asked",
                data={"command": request.command, **request.fields, **self.data()},
            )
            threading.Thread(target=request.answer, args=(reply,)).start()
        return None


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def served(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # A folder's name may be longer than the address of a socket.
    folder = tmp_path / ("long" * 30)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    control = ControlSocket(folder, SystemClock(), service.take)
    assert control.start()
    yield folder
    control.stop(2)
    assert not (folder / NAME).exists()


def connect(folder: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    with nearby(folder) as near:
        peer.connect(str(near / NAME))
    return peer


def line(peer: socket.socket) -> dict[str, Any]:
    with peer.makefile("rb") as stream:
        told: dict[str, Any] = json.loads(stream.readline())
    return told


def test_a_command_is_answered(served: Path, service: Service) -> None:
    reply = ask("threshold", {"recognizer": "digits", "value": 0.5, "request": "a1"})
    assert reply.ok
    assert reply.data == {"command": "threshold", "recognizer": "digits", "value": 0.5}
    assert service.taken[0].identity == "a1"


def test_several_lines_on_one_connection_are_answered_in_order(served: Path) -> None:
    with connect(served) as peer:
        peer.sendall(b'{"command":"status","request":"1"}\n{"command":"busy","request":"2"}\n{"comm')
        first, second = peer.makefile("rb"), None
        told = [json.loads(first.readline()), json.loads(first.readline())]
        peer.sendall(b'and":"people"}\n')
        told.append(json.loads(first.readline()))
        first.close()
        assert second is None
    assert [item["request"] for item in told] == ["1", "2", None]
    assert [item["ok"] for item in told] == [True, False, True]


def test_an_answer_may_be_far_longer_than_a_question(served: Path, service: Service) -> None:
    replies: Iterator[dict[str, Any]] = iter([{"people": ["x" * 400] * 10_000}, {"people": "x" * ANSWER}])
    service.data = lambda: next(replies)
    assert len(ask("people").data["people"]) == 10_000
    refused = ask("people")
    assert (refused.ok, refused.error) == (False, "too-large")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"nonsense\n", "bad-payload"),
        (b"[]\n", "bad-payload"),
        (b"{}\n", "bad-payload"),
        (b"\n", "bad-payload"),
        (b'{"command": 7}\n', "bad-payload"),
        (b'{"command": "../x"}\n', "unknown-command"),
        (b'{"command": "status", "command": "status"}\n', "bad-payload"),
        (b'{"command": "status", "a": NaN}\n', "bad-payload"),
        (b"[" * 1000 + b"\n", "bad-payload"),
        (b"\xff\xfe\n", "bad-payload"),
        (b"x" * (LINE + 10), "too-large"),
    ],
)
def test_hostile_lines_are_refused(served: Path, sent: bytes, code: str) -> None:
    with connect(served) as peer:
        peer.sendall(sent)
        assert line(peer)["error"] == code
    assert ask("status").ok


def test_the_socket_is_for_user_and_group_alone(served: Path) -> None:
    mode = (served / NAME).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_may_look_and_not_touch(served: Path, service: Service) -> None:
    for folder in (served, *served.parents):
        folder.chmod(folder.stat().st_mode | 0o011) if folder != Path("/") else None
    (served / NAME).chmod(0o666)
    program = f"""
import os, socket, sys
handle = os.open({str(served)!r}, os.O_RDONLY)
os.setgid(65534); os.setuid(65534)
peer = socket.socket(socket.AF_UNIX)
peer.connect(f"/proc/self/fd/{{handle}}/{NAME}")
peer.sendall(sys.argv[1].encode() + b"\\n")
print(peer.makefile().readline())
"""

    def told(command: str) -> Any:
        arguments = [sys.executable, "-c", program, json.dumps({"command": command})]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    assert told("status")["ok"]
    assert told("forget")["error"] == "not-allowed"
    assert [request.command for request in service.taken] == ["status"]


def test_too_many_wait_and_those_who_say_nothing_are_hung_up_on(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [connect(served) for _ in range(CONNECTIONS + 4)]
    monkeypatch.setattr(run_socket, "WITHIN", 0.5)
    begun = time.monotonic()
    assert ask("status").ok
    assert time.monotonic() - begun < 20
    assert silent[0].recv(10) == b""
    for peer in silent:
        peer.close()


def test_who_is_never_answered_is_hung_up_on(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_socket, "WITHIN", 0.5)
    with connect(served) as peer:
        peer.sendall(b'{"command":"slow"}\n')
        assert peer.recv(10) == b""


def test_who_goes_before_the_answer_does_no_harm(served: Path) -> None:
    for _ in range(30):
        with connect(served) as peer:
            peer.sendall(b'{"command":"status"}\n')
    assert ask("status").ok


def run_socket_answers(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as peer, nearby(folder) as near:
        return peer.connect_ex(str(near / NAME)) == 0


def test_a_stale_socket_is_replaced_and_one_in_use_is_not(tmp_path: Path, service: Service) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / NAME))
    left.close()
    first = ControlSocket(tmp_path, SystemClock(), service.take)
    assert first.start()
    other = ControlSocket(tmp_path, SystemClock(), service.take)
    assert not other.start()
    other.stop(2)
    assert run_socket_answers(tmp_path), "the one that did not start took the socket of the other away"
    first.stop(2)
    (tmp_path / NAME).write_text("no socket at all")
    second = ControlSocket(tmp_path, SystemClock(), service.take)
    assert second.start()
    second.stop(2)


def test_without_a_folder_to_write_to_it_runs_without(tmp_path: Path, service: Service) -> None:
    (tmp_path / "file").write_text("")
    control = ControlSocket(tmp_path / "file" / "run", SystemClock(), service.take)
    assert not control.start()
    control.stop(1)


def test_nobody_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    with pytest.raises(UnavailableError, match="no service runs"):
        ask("status")


def test_nothing_is_left_open(tmp_path: Path, service: Service) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        control = ControlSocket(tmp_path, SystemClock(), service.take)
        assert control.start()
        control.stop(2)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "said",
    [
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"ok": 1, "data": {}}\n',
        b'{"ok": true, "data": []}\n',
        b"[" * 50_000 + b"\n",
    ],
)
def test_an_answer_that_is_none_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(said)

    with socket.socket(socket.AF_UNIX) as listener:
        with nearby(tmp_path) as near:
            listener.bind(str(near / NAME))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with pytest.raises(UnavailableError, match="does not answer"):
            ask("status", timeout=10)
        thread.join(10)


def test_a_service_that_is_too_busy_to_accept_is_still_there(tmp_path: Path) -> None:
    waiting = []
    with listen(tmp_path):
        for _ in range(2 * QUEUE):
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            with nearby(tmp_path) as near, contextlib.suppress(BlockingIOError):
                waiting[-1].connect(str(near / NAME))
        with pytest.raises(FileExistsError):
            listen(tmp_path)
        for each in waiting:
            each.close()

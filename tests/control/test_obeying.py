"""The turn between two frames: what waits is carried out, bounded, and each is answered once."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.control.commands import CONTRACT, EACH_TURN, Action, Commands
from edge.control.parameters import ParameterError, checked
from edge.control.queue import ROOM, CommandQueue, Reload, ReloadPlace
from edge.records import Parameter, Reply, Request
from edge.refusals import CODES, refusal


class Asker:
    """Puts requests into a queue and remembers the answers."""

    def __init__(self, queue: CommandQueue) -> None:
        self.replies: list[Reply] = []
        self._queue = queue

    def ask(self, command: str, **fields: Any) -> Reply | None:
        return self._queue.put(Request(command, fields, None, self.replies.append))

    @property
    def errors(self) -> list[str | None]:
        return [reply.error for reply in self.replies]


def do(_fields: Mapping[str, Any], _request: Request) -> Reply | None:
    return Reply(ok=True, message="done")


def test_what_waits_is_done_in_order_some_at_a_time() -> None:
    queue = CommandQueue()
    asker = Asker(queue)
    seen: list[int] = []

    def count(fields: Mapping[str, Any], _request: Request) -> Reply:
        seen.append(fields["number"])
        return Reply(ok=True, message="done")

    commands = Commands(queue, {"count": Action(count, (Parameter("number", "whole"),))})
    for number in range(EACH_TURN + 2):
        assert asker.ask("count", number=number) is None
    commands.turn()
    assert seen == list(range(EACH_TURN)), "a flood does not hold up the camera"
    commands.turn()
    commands.turn()
    assert seen == list(range(EACH_TURN + 2))
    assert asker.errors == [None] * (EACH_TURN + 2)
    assert commands.counters()["commands_done"] == EACH_TURN + 2


def test_what_is_not_there_says_so() -> None:
    queue = CommandQueue()
    asker = Asker(queue)
    commands = Commands(queue, {"detect": Action(do)})
    for name in ("dance", "people", "reading"):
        asker.ask(name)
    commands.turn()
    assert asker.errors == ["unknown-command", "not-running", "not-running"]
    assert all(name in asker.replies[0].message for name in CONTRACT)


def test_a_fault_is_answered_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    queue = CommandQueue()
    asker = Asker(queue)

    def broken(_fields: Mapping[str, Any], _request: Request) -> Reply:
        raise ZeroDivisionError("for a test")

    commands = Commands(queue, {"broken": Action(broken), "fine": Action(do)})
    for name in ("broken", "broken", "fine"):
        asker.ask(name)
    commands.turn()
    assert asker.errors == ["failed", "failed", None]
    assert len(caplog.records) == 1
    assert commands.counters()["command_faults"] == 2


def test_what_is_answered_later_is_not_answered_twice() -> None:
    queue = CommandQueue()
    asker = Asker(queue)
    handed: list[Request] = []

    def later(_fields: Mapping[str, Any], request: Request) -> None:
        handed.append(request)

    commands = Commands(queue, {"later": Action(later)})
    asker.ask("later")
    commands.turn()
    assert not asker.replies
    handed[0].answer(Reply(ok=True, message="done"))
    assert asker.errors == [None]


def test_a_full_queue_refuses_and_a_closed_one_answers_what_waited() -> None:
    queue = CommandQueue()
    asker = Asker(queue)
    for _ in range(ROOM):
        assert asker.ask("detect") is None
    refused = asker.ask("detect")
    assert refused is not None
    assert refused.error == "busy"
    queue.close()
    assert asker.errors == ["ending"] * ROOM
    late = asker.ask("detect")
    assert late is not None
    assert late.error == "ending"
    assert queue.take() is None
    assert queue.counters() == {"commands": ROOM, "commands_refused_busy": 1}


def test_many_may_put_while_one_takes() -> None:
    queue = CommandQueue()
    asker = Asker(queue)
    commands = Commands(queue, {"detect": Action(do)})
    refused: list[Reply] = []

    def put() -> None:
        refused.extend(reply for reply in (asker.ask("detect") for _ in range(200)) if reply)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        commands.turn()
    for _ in range(ROOM):
        commands.turn()
    assert len(asker.replies) + len(refused) == 800


def test_one_reload_waits_and_a_signal_joins_it() -> None:
    place = ReloadPlace()
    replies: list[Reply] = []
    request = Request("reload", {}, None, replies.append)
    assert place.take() is None
    assert place.ask(Reload()) is None
    assert place.ask(Reload(request, reset=True)) is None, "nobody waits for the answer of a signal"
    refused = place.ask(Reload(Request("reload", {}, None, replies.append)))
    assert refused is not None
    assert refused.error == "busy"
    assert place.ask(Reload()) is None, "a signal's wish is fulfilled by the one that lies there"
    assert place.take() == Reload(request, reset=True)
    assert place.take() is None


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("flag", [True, False], [0, 1, "true", "on", [], {}]),
        ("whole", [0, 7, 10], [7.0, True, "7", -1, 11]),
        ("number", [0, 0.5, 10], [True, "1", -0.1, 10.1, [1]]),
        (
            "text",
            ["Ann", "Zoë M.", "x" * 12],
            ["", " Ann", "Ann ", "a\nb", "x" * 13, "\x1b[31m", 7, "\u202e"],
        ),
        ("base64", ["AAAA", "/+9="], ["", "AAA", "A A=", "é", 7, "AA==x"]),
    ],
)
def test_members_are_what_the_command_takes(kind: Any, good: list[Any], bad: list[Any]) -> None:
    parameters = (Parameter("member", kind, low=0.0, high=10.0, most=12),)
    for value in good:
        found = checked({"member": value}, parameters)["member"]
        assert found == value or isinstance(found, bytes)
    for value in bad:
        with pytest.raises(ParameterError, match="member: allowed: "):
            checked({"member": value}, parameters)


def test_members_that_are_missing_or_unknown_are_told() -> None:
    parameters = (Parameter("on", "flag"), Parameter("reset", "flag", required=False))
    assert checked({"on": True, "reset": None}, parameters) == {"on": True}
    with pytest.raises(ParameterError, match="on is missing: true or false"):
        checked({"reset": True}, parameters)
    with pytest.raises(ParameterError, match="'of' is not known here; members: on, reset"):
        checked({"on": True, "of": 1}, parameters)
    with pytest.raises(ParameterError) as told:
        checked({"\x1b" * 100: 1}, parameters)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 300


def test_every_code_and_command_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+?) \|$", page, re.MULTILINE))
    assert rows == CODES
    assert set(CONTRACT) <= set(re.findall(r"`([a-z]+)`", page))


def test_only_codes_of_the_table_are_used() -> None:
    for code in CODES:
        assert refusal(code, "for a test").error == code
    with pytest.raises(KeyError):
        refusal("no-such-code", "for a test")

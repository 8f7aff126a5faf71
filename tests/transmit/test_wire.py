"""Commands from the broker: what becomes a request, what is refused and how, and where the answer goes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock
from hostile import messages
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.control.commands import CONTRACT
from edge.records import Reply, Request
from edge.refusals import CODES, refusal
from edge.transmit.board import Letter
from edge.transmit.bucket import Bucket
from edge.transmit.notices import Arrived
from edge.transmit.topics import Topics
from edge.transmit.wire import BRACKETS, IDENTITY, NAME, Wire, WireLimits, parse

LIMITS = WireLimits(size=2000, per_minute=60, burst=5)
TOPICS = Topics("edge", "kitchen")


class Desk:
    """A wire with its clock, what it took in and what it sent."""

    def __init__(self, limits: WireLimits = LIMITS, refuses: Reply | None = None) -> None:
        self.clock = FakeClock()
        self.requests: list[Request] = []
        self.letters: list[Letter] = []
        self._refuses = refuses
        self.wire = Wire(TOPICS, limits, self.clock, self._take, self.letters.append)

    def say(self, command: str, payload: bytes = b"{}", **more: Any) -> None:
        self.wire.arrived(Arrived(f"edge/kitchen/cmd/{command}", payload, size=len(payload), **more))

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(letter.payload) for letter in self.letters]

    def _take(self, request: Request) -> Reply | None:
        if self._refuses is None:
            self.requests.append(request)
        return self._refuses


def test_a_command_becomes_a_request_and_its_answer_a_letter() -> None:
    desk = Desk()
    desk.say("threshold", b'{"recognizer": "digits", "value": 0.9, "request": "abc"}')
    (request,) = desk.requests
    assert (request.command, request.identity) == ("threshold", "abc")
    assert request.fields == {"recognizer": "digits", "value": 0.9}
    assert not desk.letters
    request.answer(Reply(ok=True, message="done", data={"value": 0.9}))
    (letter,) = desk.letters
    assert letter.topic == "edge/kitchen/cmd/threshold/result"
    assert (letter.how.qos, letter.how.retain, letter.correlation) == (1, False, None)
    assert json.loads(letter.payload) == {
        "schema": 1, "time": "2026-01-01T00:00:00.000Z", "command": "threshold", "ok": True, "error": None,
        "message": "done", "request": "abc", "data": {"value": 0.9},
    }  # fmt: skip
    assert desk.wire.counters()["commands"] == desk.wire.counters()["replies"] == 1


@pytest.mark.parametrize("payload", [b"", b"  \n", b"{}"])
def test_an_empty_payload_has_no_members(payload: bytes) -> None:
    found = parse("people", payload, LIMITS)
    assert isinstance(found, Request)
    assert found.fields == {}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\xff", "not UTF-8"),
        (b"nonsense", "not JSON"),
        (b'{"on": true', "not JSON"),
        (b'{"on": true}}', "not JSON"),
        (b"[true]", "not a JSON object"),
        (b"ON", "not JSON"),
        (b'{"on": true, "on": false}', "stands twice"),
        (b'{"a": {"b": 1, "b": 2}}', "stands twice"),
        (b'{"value": NaN}', "NaN is no number"),
        (b'{"value": -Infinity}', "no number of JSON"),
        (b'{"value": 1e999}', "too large"),
        (b'{"value": 0.' + b"1" * 200 + b"}", "too long"),
        (b'{"value": 1234567890123456}', "more than 15 figures"),
        (b'{"name": "\\ud800"}', "half a character"),
        (b"[" * (BRACKETS + 1), "opening brackets"),
        (b'{"request": ["x"]}', "request: "),
        (b'{"request": true}', "request: "),
        (b'{"request": "a\\nb"}', "request: "),
        (b'{"request": "' + b"x" * (IDENTITY + 1) + b'"}', "request: "),
    ],
)
def test_what_is_no_command_is_refused_in_words(payload: bytes, words: str) -> None:
    found = parse("detect", payload, LIMITS)
    assert isinstance(found, Reply)
    assert (found.ok, found.error) == (False, "bad-payload")
    assert words in found.message


def test_the_deepest_payload_that_is_taken_does_no_harm() -> None:
    deep = b'{"a":' + b"[" * (BRACKETS - 1) + b"]" * (BRACKETS - 1) + b"}"
    assert isinstance(parse("detect", deep, LIMITS), Request)


def test_a_payload_that_is_too_large_is_not_even_read() -> None:
    found = parse("detect", b"{" * 2001, LIMITS)
    assert isinstance(found, Reply)
    assert found.error == "too-large"


def test_numbers_keep_what_they_are() -> None:
    found = parse("reading", b'{"whole": 7, "real": 7.0, "flag": true, "request": 12}', LIMITS)
    assert isinstance(found, Request)
    assert [type(value) for value in found.fields.values()] == [int, float, bool]
    assert found.identity == "12"


def test_what_the_client_found_too_large_is_answered() -> None:
    desk = Desk()
    desk.wire.arrived(Arrived("edge/kitchen/cmd/enroll", b"", size=999_999, oversize=True))
    (told,) = desk.told()
    assert (told["error"], told["ok"]) == ("too-large", False)
    assert "999999" in told["message"]
    assert not desk.requests


def test_a_retained_command_is_refused_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    for _ in range(3):
        desk.say("detect", b'{"on": false}', retain=True)
    assert not desk.requests
    assert [told["error"] for told in desk.told()] == ["retained"] * 3
    assert desk.wire.counters()["commands_retained"] == 3
    assert len(caplog.records) == 1


def test_what_the_queue_refuses_is_answered_with_the_name_of_the_request() -> None:
    desk = Desk(refuses=refusal("busy", "too much waits"))
    desk.say("detect", b'{"on": false, "request": 7}')
    (told,) = desk.told()
    assert (told["error"], told["request"]) == ("busy", "7")
    assert desk.wire.counters()["commands_refused"] == 1


def test_a_flood_is_answered_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    for _ in range(100):
        desk.say("people")
    assert len(desk.requests) == LIMITS.burst
    assert [told["error"] for told in desk.told()] == ["too-often"]
    assert desk.wire.counters()["commands_limited"] == 95
    desk.clock.now += 2.0
    for _ in range(5):
        desk.say("people")
    assert len(desk.requests) == LIMITS.burst + 2, "one a second"
    assert len(desk.letters) == 2, "and one answer more"
    assert caplog.text.count("commands.per_minute") == 1, "a flood that goes on is one flood"
    desk.clock.now += 60
    for _ in range(10):
        desk.say("people")
    assert caplog.text.count("commands.per_minute") == 2


def test_a_bucket_fills_no_further_than_its_burst() -> None:
    bucket = Bucket(per_minute=60, burst=3)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(0.9)
    assert bucket.take(1.0)
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_the_answer_goes_where_the_asker_wants_it() -> None:
    desk = Desk()
    desk.say("people", response_topic="home/answers", correlation=b"\x00\x01")
    desk.requests[0].answer(Reply(ok=True, message="done"))
    (letter,) = desk.letters
    assert (letter.topic, letter.correlation) == ("home/answers", b"\x00\x01")


@pytest.mark.parametrize(
    "topic",
    [
        "", "#", "a/+", "$SYS/broker", "edge", "edge/kitchen/cmd/detect", "edge/other/digits/state", "a\x00b",
        "a\nb", "x" * 257, "\ud800",
    ],
)  # fmt: skip
def test_the_answer_does_not_go_where_it_could_be_mistaken(topic: str) -> None:
    desk = Desk()
    desk.say("people", response_topic=topic, correlation=b"x")
    desk.requests[0].answer(Reply(ok=True, message="done"))
    (letter,) = desk.letters
    assert (letter.topic, letter.correlation) == ("edge/kitchen/cmd/people/result", None)
    assert desk.wire.counters()["response_topics_refused"] == 1


@pytest.mark.parametrize("name", ["", "DETECT", "a b", "détect", "x" * 33, "\x1b[31m", "+", ".."])
def test_a_name_that_is_none_becomes_no_topic(name: str) -> None:
    desk = Desk()
    desk.say(name)
    assert not desk.requests
    assert not desk.letters
    desk.say(name, response_topic="home/answers")
    (told,) = desk.told()
    assert told["error"] == "unknown-command"
    assert told["command"].isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(command=st.sampled_from(CONTRACT) | st.text(max_size=40), payload=st.binary(max_size=3000))
@example("detect", b"[" * 3000)
@settings(max_examples=200, deadline=None)
def test_any_bytes_make_a_request_or_a_refusal(command: str, payload: bytes) -> None:
    check(command, payload)


@given(value=json_values)
@settings(max_examples=200, deadline=None)
def test_any_json_makes_a_request_or_a_refusal(value: Any) -> None:
    payload = json.dumps(value).encode()
    found = check("detect", payload)
    if isinstance(found, Request):
        assert isinstance(value, dict)
        expected = {name: member for name, member in value.items() if name != "request"}
        assert json.dumps(found.fields) == json.dumps(expected)


def check(command: str, payload: bytes) -> Request | Reply:
    """What ``parse`` makes of it, which is one of two things, each within its bounds."""
    found = parse(command, payload, LIMITS)
    if isinstance(found, Reply):
        assert found.error in CODES
        assert len(found.message) < 200
        assert found.message.isprintable()
    else:
        assert NAME.fullmatch(found.command)
        assert len(payload) <= LIMITS.size
        assert found.identity is None or (found.identity.isprintable() and len(found.identity) <= IDENTITY)
    return found


@pytest.mark.parametrize(
    "payload", [b"9" * 2000, b'{"a":"' + b"\\" * 1990, b"[" * 2000, b"{}" * 32 + b" " * 1900]
)
def test_the_work_is_bounded_by_the_size(payload: bytes) -> None:
    limits = WireLimits(size=len(payload) * 60, per_minute=60, burst=5)
    begun = time.process_time()
    for _ in range(20):
        parse("detect", payload * 60, limits)
    assert (time.process_time() - begun) / 20 < 0.02, "seconds of work for 120 kB"


def bombard(count: int, seed: int) -> dict[str, int]:
    """Sends hostile messages through a wire that takes and answers them all; gives its counters."""
    desk = Desk(WireLimits(size=16_000, per_minute=60, burst=1000))
    for message in messages(count, seed):
        desk.clock.now += 1.0
        desk.wire.arrived(message)
        for request in desk.requests:
            request.answer(Reply(ok=True, message="done"))
        for letter in desk.letters:
            told = json.loads(letter.payload)
            assert told["error"] in (None, *CODES)
            assert letter.topic.isprintable()
            assert letter.topic.startswith("edge/kitchen/cmd/") == letter.topic.endswith("/result")
        desk.requests.clear()
        desk.letters.clear()
    return desk.wire.counters()


def test_hostile_messages_do_no_harm() -> None:
    counts = bombard(5000, seed=1)
    assert counts["commands"] > 1000
    refused = ("commands_refused", "commands_retained", "commands_too_large", "response_topics_refused")
    assert min(counts[name] for name in refused) > 0
    names = ("commands", "commands_refused", "commands_retained", "commands_limited", "commands_too_large")
    assert sum(counts[name] for name in names) == 5000


def resident() -> int:
    """Bytes of this process in memory (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_thousand_hostile_messages_leave_memory_flat() -> None:
    bombard(20_000, seed=2)
    before = resident()
    bombard(80_000, seed=3)
    assert resident() - before < 4_000_000


def test_an_answer_that_nobody_may_be_sent_is_said_to_be_too_large() -> None:
    desk = Desk()
    desk.say("people", b'{"request": "7"}')
    desk.requests[0].answer(Reply(ok=True, message="1000 known", data={"people": ["x" * 60] * 1000}))
    (told,) = desk.told()
    assert (told["ok"], told["error"], told["request"]) == (False, "too-large", "7")
    assert "mqtt.max_payload allows 2000" in told["message"]

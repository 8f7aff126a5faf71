"""A fleet by what its devices publish, and by what others publish in their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli import fleet as module
from edge.cli.fleet import LONGEST, Fleet, Line, as_json


def said(fleet: Fleet, topic: str, payload: Any) -> Line | None:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return fleet.take(f"edge/{topic}", data)


def test_a_device_is_a_line() -> None:
    fleet = Fleet("edge")
    assert said(fleet, "hall/availability", b"online") == Line("hall", online=True)
    said(fleet, "hall/camera/status", {"state": "stalled", "reason": "frozen"})
    stats = {"loop": {"fps": 14.93}, "outbox": {"waiting": 3}, "versions": {"edge": "1.2.0"}}
    said(fleet, "hall/stats", stats)
    time = "2026-11-21T09:30:00.125Z"
    event = {"event_type": "new", "digit": 7, "time": time, "late": True}
    said(fleet, "hall/digits/event", event)
    (line,) = fleet.lines()
    assert line == Line(
        "hall",
        True,
        "stalled",
        "frozen",
        14.93,
        3,
        "1.2.0",
        "digits new 7 (late)",
        "2026-11-21T09:30:00.125Z",
    )
    assert json.loads(as_json(line))["camera"] == "stalled"


def test_what_changes_nothing_is_no_news() -> None:
    fleet = Fleet("edge")
    assert said(fleet, "hall/availability", b"online")
    assert said(fleet, "hall/availability", b"online") is None
    assert said(fleet, "hall/availability", b"offline")


def test_who_wants_looking_after_comes_first() -> None:
    fleet = Fleet("site/1")
    for device, online, camera in (
        ("a", True, "ok"),
        ("b", False, "ok"),
        ("c", True, "lost"),
        ("d", True, "ok"),
    ):
        fleet.take(f"site/1/{device}/availability", b"online" if online else b"offline")
        fleet.take(f"site/1/{device}/camera/status", json.dumps({"state": camera}).encode())
    assert [line.device for line in fleet.lines()] == ["b", "c", "a", "d"]


@pytest.mark.parametrize(
    "topic",
    ["other/hall/availability", "edge/Hall/availability", "edge//availability", f"edge/{'x' * 65}/stats"],
)
def test_a_name_that_no_device_has_is_left_out(topic: str) -> None:
    fleet = Fleet("edge")
    assert fleet.take(topic, b"online") is None
    assert fleet.lines() == []
    assert fleet.counters()["not_a_device"] == 1


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("availability", b"yes"), ("availability", b""), ("stats", b"[]"), ("stats", b"{"),
        ("stats", b"\xff"), ("camera/status", b"[" * 200_000), ("stats", b'{"a":' * 100_000),
        ("cmd/detect", b"{}"), ("digits/event", b"{}"), ("stats", b'"' + b"x" * 300_000 + b'"'),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_out(topic: str, payload: bytes) -> None:
    fleet = Fleet("edge")
    assert said(fleet, f"hall/{topic}", payload) is None
    assert fleet.counters()["not_understood"] == 1
    assert fleet.lines() == []


def test_members_of_the_wrong_kind_say_nothing() -> None:
    fleet = Fleet("edge")
    said(fleet, "hall/stats", {"loop": {"fps": True}, "outbox": {"waiting": -1}, "versions": ["1"]})
    said(fleet, "hall/camera/status", {"state": {"a": 1}, "reason": 5})
    (line,) = fleet.lines()
    assert (line.fps, line.outbox, line.version, line.camera) == (None, None, None, None)
    for number in (b"1e999", b"NaN", b"1" + b"0" * 400):  # the last is a whole number that no float can hold
        fleet.take(
            "edge/hall/stats", b'{"loop": {"fps": %s}, "outbox": {"waiting": %s}}' % (number, b"9" * 4000)
        )
        assert fleet.lines() == [line]


def test_a_text_is_short_and_steers_no_terminal() -> None:
    fleet = Fleet("edge")
    said(fleet, "hall/camera/status", {"state": "\x1b[31mred\x1b]0;title\x07\n" + "x" * 1000})
    (line,) = fleet.lines()
    assert line.camera is not None
    assert len(line.camera) <= LONGEST
    assert line.camera.isprintable()


def test_there_is_room_for_so_many_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    fleet = Fleet("edge")
    for number in range(25):
        said(fleet, f"device-{number}/availability", b"online")
    assert len(fleet.lines()) == 10
    assert fleet.counters()["no_room"] == 15
    assert said(fleet, "device-3/availability", b"offline")


@given(topic=st.text(max_size=30), payload=st.binary(max_size=60))
def test_whatever_comes_it_goes_on(topic: str, payload: bytes) -> None:
    fleet = Fleet("edge")
    fleet.take(topic, payload)
    fleet.take(f"edge/hall/{topic}", payload)
    fleet.take("edge/hall/stats", payload)
    for line in fleet.lines():
        as_json(line)

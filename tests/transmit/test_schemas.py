"""docs/schemas: what the code says, and what is really published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from mosquitto import Mosquitto
from parts import CLOCK, WALL, Listener, event, mqtt, running, wait_for

from edge.control.governor import Governor, Limits
from edge.device import Condition
from edge.health import Latencies, stats
from edge.recognition import behaviour_of
from edge.recognize.registry import descriptors
from edge.records import UNKNOWN, Box, Description, Detection, Event, Frame, State, Track
from edge.refusals import refusal
from edge.track.behaviour import Behaviour
from edge.track.settings import EventSettings, TrackingSettings
from edge.track.state import InView
from edge.track.tracker import Tracker
from edge.transmit.board import Letter
from edge.transmit.payload import result_payload
from edge.transmit.topics import rule
from tools import schemas

BEHAVIOUR = Behaviour("digits", "digit", "integer", "digits", "place", numbers=True)


def in_view() -> State:
    """Two digits on a line and one further down, as the tracker tells them."""
    places = [Box(10, 10, 20, 30), Box(34, 10, 20, 30), Box(10, 200, 20, 30)]
    tracks = [
        Track(id=number, box=box, label=str(number), score=0.9, since=0.0, seen=0.0, confirmed=True)
        for number, box in enumerate(places)
    ]
    told = InView(BEHAVIOUR).tell(tracks, (640, 480), WALL)
    assert told
    return told


def visits() -> tuple[list[Event], State]:
    """Somebody with a name and somebody unknown come, as the tracker tells them."""
    tracker = Tracker(behaviour_of(descriptors()["faces"]), TrackingSettings(), EventSettings())
    faces = [Detection(Box(x, 100, 80, 100), None, 0.9) for x in (100, 400)]
    events: list[Event] = []
    states: list[State] = []
    for sequence in range(30):
        now = 1000 + sequence / 10
        frame = Frame(np.zeros((480, 640, 3), np.uint8), sequence, round(now * 1e9), WALL)
        looks = [
            Description(target.track, "Ada", 0.9, 0.8, {"margin": 0.2})
            if target.box.x < 200
            else Description(target.track, UNKNOWN, 0.9, 0.8)
            for target in tracker.associate(frame, faces, now)
        ]
        told = tracker.absorb(looks, now)
        events += told[0]
        states += told[1]
    return events, states[-1]


def machine() -> State:
    """The statistics of a service that just began."""
    latencies = Latencies()
    latencies.add("recognize", 0.01)
    fields = stats(
        uptime=1.0,
        loop={"frames": 10, "fps": 9.9},
        latencies=latencies,
        camera={"frames": 10},
        recognizers={"digits": {"dropped": 0}},
        trackers={"digits": {"events": 1}},
        sinks={"mqtt": {"waiting": 0}, "stdout": {"lines": 3}},
        parked={"refused by the broker: Not authorized": 2},
        versions={"edge": "0.1.0"},
        warnings=(),
        machine={
            "memory_mb": 60.5,
            "temperature_c": None,
            "device": {"model": None, **Condition(throttled=("under-voltage",)).fields()},
            "governor": {**Governor(Limits(), 10.0).fields(), "cpu_share": None},
        },
        restarts=0,
    )
    return State("stats", fields, WALL)


def camera(**changes: Any) -> State:
    fields = {"state": "ok", "reason": None, "since": WALL, "size": [640, 480], "fps": 10.0}
    return State("camera/status", fields | changes, WALL)


def in_force() -> State:
    """What commands have changed."""
    fields = {"detect": True, "thresholds": {"digits": 0.9}, "changed": ["thresholds.digits"]}
    return State("settings", fields, WALL)


def answer() -> bytes:
    """That a command was refused."""
    return result_payload(refusal("not-running", "nobody here knows people"), "people", "7", WALL)


def test_the_files_are_what_the_code_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert schemas.main(["--check"]) == 0, capsys.readouterr().err


def test_every_schema_is_one_and_describes_every_member() -> None:
    def members(schema: Any) -> list[tuple[str, Any]]:
        if isinstance(schema, list):
            return [found for item in schema for found in members(item)]
        if not isinstance(schema, dict):
            return []
        own = list(schema.get("properties", {}).items())
        return own + [found for item in schema.values() for found in members(item)]

    for topic, schema in schemas.by_topic().items():
        Draft202012Validator.check_schema(schema)
        undescribed = [name for name, member in members(schema) if not member.get("description")]
        assert not undescribed, topic


def test_what_is_published_fits_its_schema(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    events, presence = visits()
    assert [told.fields["name"] for told in events] == ["Ada", UNKNOWN]
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1), event(2, captured=CLOCK.monotonic_ns() - 60_000_000_000), *events])
        sink.post([in_view(), presence, camera(), machine(), in_force()])
        sink.answer(Letter("edge/kitchen/cmd/people/result", answer(), rule("cmd/people/result")))
        assert wait_for(lambda: len(listener.messages) == 11)
    checked = set()
    for name, payload, _ in listener.messages:
        topic = name.removeprefix("edge/kitchen/").replace("cmd/people", "cmd/<command>")
        if topic == "availability":
            continue
        schema = json.loads((schemas.FOLDER / schemas.file_name(topic)).read_text())
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(json.loads(payload))
        checked.add(topic)
    assert checked == set(schemas.by_topic())


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("digits/event", {"digit": "7"}),
        ("digits/event", {"score": 1.2}),
        ("digits/event", {"schema": 2}),
        ("digits/event", {"late": True}),
        ("digits/event", {"box": [1, 2, 3]}),
        ("digits/event", {"event_type": "gone"}),
    ],
)
def test_what_breaks_the_contract_does_not_fit(topic: str, change: dict[str, Any]) -> None:
    from edge.transmit.payload import event_payload

    payload = json.loads(event_payload(event(1), identity="x", committed=0, clock_synced=False))
    validator = Draft202012Validator(schemas.by_topic()[topic])
    assert validator.is_valid(payload)
    assert not validator.is_valid(payload | change)

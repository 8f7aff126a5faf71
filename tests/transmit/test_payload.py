"""The JSON of events and states."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import WALL

from edge.errors import FaultError
from edge.records import Box, Event, State
from edge.transmit.payload import LateStamp, encode, event_payload, stamped, state_payload
from edge.transmit.topics import Rule, Topics, rule

EVENT = Event(
    recognizer="digits",
    event_type="new",
    wall=WALL,
    captured=0,
    track=3,
    score=0.98765432,
    box=Box(10.04, 20.0, 30.55, 40.0),
    sequence=17,
    size=(640, 480),
    fields={"digit": 7},
)


def payload(**changes: Any) -> dict[str, Any]:
    made = event_payload(EVENT, identity="an-id", committed=12_340_000, clock_synced=True)
    loaded = json.loads(made)
    assert isinstance(loaded, dict)
    return loaded | changes


def test_an_event_in_the_words_of_the_contract() -> None:
    assert payload() == {
        "schema": 1,
        "id": "an-id",
        "event_type": "new",
        "time": "2026-11-21T09:30:00.125Z",
        "clock_synced": True,
        "track": 3,
        "score": 0.9877,
        "box": [10, 20, 31, 40],
        "frame": {"sequence": 17, "size": [640, 480]},
        "latency_ms": 12.3,
        "digit": 7,
    }


def test_a_state_carries_its_fields_and_time() -> None:
    made = state_payload(State("digits/state", {"digits": [{"digit": 1}], "since": WALL}, WALL))
    assert json.loads(made) == {
        "schema": 1,
        "time": "2026-11-21T09:30:00.125Z",
        "digits": [{"digit": 1}],
        "since": "2026-11-21T09:30:00.125Z",
    }


def test_a_late_stamp_is_added_to_what_was_committed() -> None:
    made = event_payload(EVENT, identity="an-id", committed=12_340_000, clock_synced=True)
    late = json.loads(stamped(made, LateStamp(late=True, delay_ms=45_000)))
    assert late == payload(late=True, delay_ms=45_000)


def test_numbers_of_numpy_become_numbers() -> None:
    made = encode(
        {
            "a": np.float32(0.5),
            "b": np.int64(7),
            "c": np.bool_(True),
            "d": np.arange(2),
            "e": np.float64(np.nan),
        }
    )
    assert made == b'{"a":0.5,"b":7,"c":true,"d":[0,1],"e":null}'


def test_what_json_has_no_word_for_is_replaced() -> None:
    assert encode({"a": math.inf, "b": math.nan, "c": "\udcff"}) == b'{"a":null,"b":null,"c":"?"}'


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=8
        ),
        min_size=1,
    )
)
def test_whatever_lies_in_a_record_the_json_is_strict(members: dict[str, Any]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    made = stamped(encode(members), LateStamp(late=True, delay_ms=1))
    assert json.loads(made, parse_constant=refuse)["delay_ms"] == 1


def test_topics_stand_below_base_and_device() -> None:
    assert Topics("site/edge", "kitchen").full("digits/event") == "site/edge/kitchen/digits/event"


@pytest.mark.parametrize(
    ("topic", "how"),
    [
        ("availability", Rule(retain=True, qos=1, content="text/plain")),
        ("camera/status", Rule(retain=True, qos=1, fades=True)),
        ("digits/event", Rule(retain=False, qos=1)),
        ("faces/event", Rule(retain=False, qos=1)),
        ("faces/state", Rule(retain=True, qos=1, fades=True)),
        ("readings/water", Rule(retain=True, qos=1, fades=True)),
        ("settings", Rule(retain=True, qos=1)),
        ("stats", Rule(retain=True, qos=0, fades=True)),
        ("snapshot", Rule(retain=False, qos=0, content="image/jpeg")),
        ("cmd/detect/result", Rule(retain=False, qos=1)),
    ],
)
def test_how_a_topic_is_sent(topic: str, how: Rule) -> None:
    assert rule(topic) == how


def test_an_unknown_topic_is_a_fault() -> None:
    with pytest.raises(FaultError, match="'weather'"):
        rule("weather")

"""What Home Assistant is told: against the rules of its documentation, and how much of it at most."""

from __future__ import annotations

import json
from typing import Any

import pytest
from discovered import NAMES, PRESENCE, components, full, settings
from rules_of_discovery import complaints

from edge.entities import describe, entities
from edge.records import Entity
from edge.transmit.discovery import MOST, of_labels


@pytest.mark.parametrize(
    "described",
    [full(), describe(settings()), describe(settings(device={"name": "_"}, mqtt={"base": "site/1"}))],
)
def test_the_message_keeps_the_rules(described: Any) -> None:
    assert complaints(described.topic, json.loads(described.encoded())) == []
    assert complaints(described.topic, json.loads(described.encoded({"old": "sensor"}))) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dev": {"name": "x"}}, "neither ids nor cns"),
        ({"o": {}}, "o: no name"),
        ({"components": {}}, "components: not known"),
        ({"cmps": {"a b": {"p": "sensor"}}}, "a key has letters"),
        ({"cmps": {"a": {"p": "lamp", "unique_id": "a"}}}, "lamp is no platform"),
        ({"cmps": {"a": {"p": "sensor", "unique_id": "a"}}}, "state_topic: missing"),
        ({"cmps": {"a": {"p": "sensor", "state_topic": "a"}}}, "unique_id: missing"),
        ({"cmps": {"a": {"p": "sensor", "object_id": "a"}}}, "object_id: not known"),
        ({"cmps": {"a": {"p": "sensor", "entity_category": "config"}}}, "config is not for sensor"),
        (
            {"cmps": {"a": {"p": "sensor", "device_class": "water", "state_class": "measurement"}}},
            "measurement",
        ),
        (
            {"cmps": {"a": {"p": "sensor", "device_class": "gas", "unit_of_measurement": "L"}}},
            "L does not go",
        ),
        ({"cmps": {"a": {"p": "event", "event_types": []}}}, "event_types"),
        ({"cmps": {"a": {"p": "sensor", "default_entity_id": "switch.a"}}}, "default_entity_id"),
        ({"cmps": {"a": {"p": "sensor", "state_topic": "edge/+"}}}, "wildcards"),
        ({"cmps": {"a": {"p": "sensor", "value_template": "value"}}}, "nothing is computed"),
        ({"cmps": {"a": {"p": "sensor", "expire_after": 0.5}}}, "whole seconds"),
        ({"cmps": {"a": {"p": "sensor", "name": "Hall lamp"}}}, "repeats the device's"),
        (
            {"cmps": {"a": {"p": "sensor", "unique_id": "x"}, "b": {"p": "sensor", "unique_id": "x"}}},
            "stands twice",
        ),
    ],
)
def test_a_rule_that_is_broken_is_told(change: dict[str, Any], told: str) -> None:
    described = describe(settings())
    payload = {**json.loads(described.encoded()), **change}
    assert any(told in words for words in complaints(described.topic, payload))


def test_it_is_a_device_with_everything_that_was_promised() -> None:
    found = components()
    platforms = {key: component["p"] for key, component in found.items()}
    assert platforms.items() >= {
        "camera_problem": "binary_sensor", "detect": "switch", "digits_threshold": "number", "digit": "event",
        "digits": "sensor", "numbers": "sensor", "reading_water": "sensor", "reading_water_error": "sensor",
        "snapshot": "image", "take_snapshot": "button", "temperature": "sensor", "fps": "sensor",
        "latency": "sensor", "outbox": "sensor", "memory": "sensor", "face": "event",
        "people_present": "sensor", "names_present": "sensor", "unknown_people": "sensor",
        "faces_threshold": "number",
    }.items()  # fmt: skip
    water = found["reading_water"]
    assert (water["unit_of_measurement"], water["device_class"], water["state_class"]) == (
        "m³", "water", "total_increasing",
    )  # fmt: skip
    assert found["digit"]["event_types"] == found["face"]["event_types"] == ["new", "update", "end"]
    assert len([key for key in found if key.startswith("present_")]) == len(NAMES)


def test_the_picture_is_shown_only_where_it_is_wanted() -> None:
    pictures = {"snapshot", "take_snapshot"}
    wanted = {"home_assistant": {"snapshot": True}}
    assert pictures <= set(describe(settings(**wanted)).platforms)
    assert not pictures & set(describe(settings()).platforms)
    assert not pictures & set(describe(settings(**wanted, snapshot={"enabled": False})).platforms)


def test_a_device_that_takes_no_commands_shows_nothing_to_press() -> None:
    chosen = settings(commands={"enabled": False}, home_assistant={"snapshot": True})
    told = json.loads(describe(chosen).encoded())["cmps"]
    assert not [key for key, component in told.items() if "command_topic" in component]
    assert {"snapshot", "camera_problem", "digits"} <= told.keys()


def test_what_grows_old_is_not_believed_for_ever() -> None:
    found = json.loads(describe(settings(stats={"interval": 20}, mqtt={"heartbeat": 90})).encoded())["cmps"]
    assert (found["fps"]["expire_after"], found["digits"]["expire_after"]) == (60, 270)
    assert "expire_after" not in found["digit"]


def test_identities_do_not_depend_on_what_people_call_things() -> None:
    def identities(**home_assistant: Any) -> set[str]:
        chosen = settings(home_assistant=home_assistant)
        return {one["unique_id"] for one in json.loads(describe(chosen).encoded())["cmps"].values()}

    assert identities() == identities(name="Other", area="Attic")
    assert "edge_hall_digits" in identities()


def test_people_are_shown_only_where_somebody_looks_for_faces() -> None:
    names = {"faces": ["Ada", "Bob"]}
    chosen = settings(recognizers=("faces",))
    keys = set(describe(chosen, labels=names).platforms)
    assert len([key for key in keys if key.startswith("present_")]) == 2
    assert "face" in keys
    assert "digit" not in keys
    fewer = set(describe(chosen, labels={"faces": ["Bob"]}).platforms)
    assert fewer < keys
    assert not [key for key in describe(settings(), labels=names).platforms if key.startswith("present_")]


def test_people_are_told_apart_even_where_their_keys_would_be_the_same() -> None:
    keys = {entity.key for entity in of_labels(PRESENCE, ["ada", "Ada", "Äda", "ada ", "ada"])}
    assert len(keys) == 4
    again = {entity.key for entity in of_labels(PRESENCE, ["Ada"])}
    assert again < keys


def test_a_flood_of_people_is_left_out_and_counted_and_hides_nothing_of_the_device() -> None:
    chosen = settings()
    crowd = (*entities(chosen), *of_labels(PRESENCE, [f"guest {number}" for number in range(1000)]))
    described = describe(chosen, crowd)
    assert len(described.platforms) <= MOST
    assert described.dropped == len(crowd) - len(described.platforms) > 0
    assert {"camera_problem", "detect", "memory", "digit"} <= set(described.platforms)
    assert len(described.encoded()) < chosen.mqtt.max_payload


def test_the_message_is_never_larger_than_messages_may_be() -> None:
    chosen = settings(mqtt={"max_payload": 8192})
    described = describe(chosen)
    assert described.dropped > 0
    assert len(described.encoded()) < 8192


def test_what_is_gone_is_named_with_its_platform_and_nothing_else() -> None:
    described = describe(settings())
    told = json.loads(described.encoded({"reading_old": "sensor"}))["cmps"]
    assert told["reading_old"] == {"p": "sensor"}
    assert "reading_old" not in json.loads(described.encoded())["cmps"]


def test_an_entity_may_come_from_any_recognizer() -> None:
    lamp = Entity("lamp", "binary_sensor", "Lamp", topic="objects/state", options={"device_class": "light"})
    described = describe(settings(), (lamp,))
    assert described.platforms == {"lamp": "binary_sensor"}
    assert complaints(described.topic, json.loads(described.encoded())) == []


def test_everything_needs_the_service_and_what_is_seen_needs_the_camera_too() -> None:
    payload = json.loads(full().encoded())
    assert (payload["avty"], payload["avty_mode"]) == ([{"topic": "edge/hall/availability"}], "all")
    for key in ("digit", "digits", "numbers", "reading_water"):
        assert [each["topic"] for each in components()[key]["availability"]] == [
            "edge/hall/availability", "edge/hall/camera/status",
        ]  # fmt: skip
    for key in ("camera_problem", "detect", "temperature"):
        assert "availability" not in components()[key]


def test_late_events_count_only_where_somebody_wants_it() -> None:
    assert "late" in components()["digit"]["value_template"]
    all_of_them = describe(settings(home_assistant={"late_events": True}))
    assert "value_template" not in json.loads(all_of_them.encoded())["cmps"]["digit"]

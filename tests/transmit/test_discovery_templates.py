"""The value templates of discovery, in their own language: what they give, and that none of them raises.

tests/whole/test_home_assistant.py puts them to Home Assistant itself.
"""

from __future__ import annotations

import ast
import contextlib
import json
from functools import cache
from typing import Any

import jinja2
import pytest
from discovered import NAMES, PRESENCE, components
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import sandbox

from edge.transmit.discovery import literal, of_labels

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@cache
def compiled(template: str) -> Any:
    return sandbox.ImmutableSandboxedEnvironment().from_string(template)


def render(template: str, payload: str) -> str:
    """As Home Assistant does: ``value`` is the text, ``value_json`` what it holds, undefined where that is
    no JSON."""
    variables: dict[str, Any] = {"value": payload}
    with contextlib.suppress(ValueError):
        variables["value_json"] = json.loads(payload)
    return str(compiled(template).render(variables))


def shown(key: str, payload: Any) -> str:
    return render(components()[key]["value_template"], json.dumps(payload))


def test_the_camera_is_there_only_where_it_says_so() -> None:
    seen = components()["digits"]["availability"][1]["value_template"]
    assert render(seen, '{"state":"ok"}') == "online"
    assert {render(seen, text) for text in ('{"state":"lost"}', "{}", "", "[]", "null")} == {"offline"}


def test_values_are_what_they_should_be() -> None:
    assert shown("digits", {"digits": [{}, {}]}) == "2"
    assert shown("numbers", {"numbers": [{"text": "042"}, {"text": "7"}]}) == "042 7"
    assert (
        shown("numbers", {"numbers": []}) == "None"
    )  # which is shown as unknown; nothing would keep the last
    assert len(shown("numbers", {"numbers": [{"text": "1" * 200}] * 3})) == 255
    assert shown("camera_problem", {"state": "ok"}) == "OFF"
    assert shown("camera_problem", {"state": "lost"}) == "ON"
    assert [shown("detect", {"detect": on}) for on in (True, False)] == ["ON", "OFF"]
    assert shown("detect", {}) == "None"
    assert shown("digits_threshold", {"thresholds": {"digits": 0.6}}) == "0.6"
    assert shown("reading_water", {"value": 123.456}) == "123.456"
    assert shown("reading_water", {"value": None}) == "None"
    assert shown("reading_water_error", {"error": None}) == "ok"
    assert shown("reading_water_error", {"error": "too-fast"}) == "too-fast"
    assert shown("fps", {"loop": {"fps": 14.9}}) == "14.9"
    assert shown("latency", {"latency_ms": {"total": {"p50": 21.5}}}) == "21.5"
    assert shown("outbox", {"outbox": {"waiting": 3}}) == "3"
    assert shown("disk_free", {"device": {"disk_free_mb": 812.5}}) == "812.5"
    present = {"present": [{"name": "Ada"}, {"name": "Zoë"}], "unknown": 2, "unsure": 0}
    assert [shown(key, present) for key in ("people_present", "names_present", "unknown_people")] == [
        "2", "Ada, Zoë", "2",
    ]  # fmt: skip
    nobody = {"present": [], "unknown": 0, "unsure": 1}
    assert [shown(key, nobody) for key in ("people_present", "names_present", "unknown_people")] == [
        "0", "None", "0",
    ]  # fmt: skip
    assert len(shown("names_present", {"present": [{"name": "x" * 64}] * 20})) == 255
    throttled = [shown("throttled", {"device": {"throttled": why}}) for why in ([], ["too hot"], None)]
    assert throttled == ["OFF", "ON", "None"]


def test_an_event_that_comes_late_is_no_news() -> None:
    event = {"event_type": "new", "digit": 7}
    assert json.loads(shown("digit", event)) == event
    assert shown("digit", {**event, "late": True, "delay_ms": 60_000}) == ""


def test_commands_are_what_the_service_takes() -> None:
    found = components()
    assert found["detect"]["command_topic"] == "edge/hall/cmd/detect"
    assert [json.loads(found["detect"][name]) for name in ("payload_on", "payload_off")] == [
        {"on": True}, {"on": False},
    ]  # fmt: skip
    template = jinja2.Template(found["digits_threshold"]["command_template"])
    assert json.loads(template.render(value=0.65)) == {"recognizer": "digits", "value": 0.65}


@cache
def templates() -> frozenset[str]:
    """Every template of every component."""
    found = set()
    for component in components().values():
        found |= {
            text
            for option, text in component.items()
            if option in ("value_template", "json_attributes_template")
        }
        found |= {each.get("value_template", "") for each in component.get("availability", [])}
    return frozenset(found)


@given(payload=st.text(max_size=20) | JSON.map(json.dumps))
def test_no_template_raises_whatever_comes(payload: str) -> None:
    for template in templates():
        render(template, payload)


@pytest.mark.parametrize(
    "path",
    [
        "digits",
        "numbers",
        "thresholds",
        "loop",
        "latency_ms",
        "outbox",
        "state",
        "value",
        "present",
        "unknown",
    ],
)
@pytest.mark.parametrize(
    "value", [None, "", "text", 5, 0.5, True, [], {}, [1], {"total": 1}, {"total": None}]
)
def test_no_template_raises_where_a_member_is_something_else(path: str, value: Any) -> None:
    for template in templates():
        render(template, json.dumps({path: value}))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_somebody_is_called_only_their_presence_is_theirs(name: str) -> None:
    (entity,) = of_labels(PRESENCE, [name])
    template = entity.options["value_template"]
    assert render(template, json.dumps({"present": [{"name": "somebody"}, {"name": name}]})) == "ON"
    assert render(template, json.dumps({"present": [{"name": "somebody"}]})) == "OFF"
    assert render(template, json.dumps({"present": [{"name": f"{name}!"}, {"name": [name]}, name]})) == "OFF"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_is_the_text_and_nothing_else(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert render(f"{{{{ {literal(text)} == value }}}}", text) == "True"

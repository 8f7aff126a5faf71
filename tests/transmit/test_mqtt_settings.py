"""What the section mqtt accepts."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edge.transmit.settings import MqttSettings


def test_the_defaults_are_a_broker_on_this_machine() -> None:
    settings = MqttSettings()
    assert settings.address == ("localhost", 1883)
    assert settings.protocol == "auto"


def test_the_port_follows_tls_unless_it_is_set() -> None:
    assert MqttSettings.model_validate({"tls": {"enabled": True}}).address == ("localhost", 8883)
    assert MqttSettings.model_validate({"tls": {"enabled": True}, "port": 1884}).address == (
        "localhost",
        1884,
    )


@pytest.mark.parametrize(
    "accepted",
    [
        {"host": "192.168.1.5"},
        {"host": "::1"},
        {"protocol": 5},
        {"protocol": "3.1.1"},
        {"base": "site/edge"},
        {"tls": {"enabled": True, "ca": "ca.pem", "certificate": "me.pem", "key": "me.key"}},
        {"reconnect_first": 5, "reconnect_most": 5},
    ],
)
def test_what_is_accepted(accepted: dict[str, Any]) -> None:
    MqttSettings.model_validate(accepted)


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        ({"host": ""}, "at least 1 character"),
        ({"host": "mqtt://broker"}, "a bare name or address"),
        ({"host": "bro ker"}, "a bare name or address"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"port": "1883"}, "valid integer"),
        ({"protocol": 4}, "'auto', 5 or '3.1.1'"),
        ({"base": "edge/#"}, r"no \+ or #"),
        ({"base": "edge\n"}, "no control characters"),
        ({"base": "/edge"}, "levels with / between"),
        ({"base": "edge/"}, "levels with / between"),
        ({"base": "$SYS"}, r"no \$ in front"),
        ({"keepalive": 60}, "less than or equal to 17"),
        ({"username": "a\nb"}, "printable"),
        ({"tls": {"enabled": True, "certificate": "me.pem"}}, "together, or neither"),
        ({"tls": {"ca": "ca.pem"}}, "only where enabled is true"),
        ({"reconnect_first": 10, "reconnect_most": 5}, "at least reconnect_first"),
        ({"outbox": {"rows": 1}}, "greater than or equal to 100"),
        ({"password": "secret"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_refused(refused: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MqttSettings.model_validate(refused)

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
    ("said", "address", "encrypted"),
    [
        ({"host": "mqtt://broker"}, ("broker", 1883), False),
        ({"host": "mqtts://broker"}, ("broker", 8883), True),
        ({"host": "mqtts://broker:8884"}, ("broker", 8884), True),
        ({"host": "mqtt://broker:1884"}, ("broker", 1884), False),
        ({"host": "mqtts://broker", "port": 8884}, ("broker", 8884), True),
        ({"host": "mqtts://broker:8884", "port": 8884}, ("broker", 8884), True),
        ({"host": "mqtts://broker", "tls": {"enabled": True}}, ("broker", 8883), True),
        ({"host": "mqtts://broker", "tls": {"ca": "ca.pem"}}, ("broker", 8883), True),
        ({"host": "mqtts://192.168.1.5:443"}, ("192.168.1.5", 443), True),
        ({"host": "mqtts://[fe80::1]:8884"}, ("fe80::1", 8884), True),
        ({"host": "mqtt://[::1]"}, ("::1", 1883), False),
        ({"host": "::1"}, ("::1", 1883), False),
        ({"host": "fe80::1%eth0"}, ("fe80::1%eth0", 1883), False),
        ({"host": "broker", "tls": {"enabled": False}}, ("broker", 1883), False),
    ],
)
def test_a_host_may_say_how_and_where(
    said: dict[str, Any], address: tuple[str, int], encrypted: bool
) -> None:
    settings = MqttSettings.model_validate(said)
    assert (settings.address, settings.encrypted) == (address, encrypted)


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
        ({"host": "http://broker"}, "mqtts://NAME:PORT"),
        ({"host": "mqtt://"}, "mqtts://NAME:PORT"),
        ({"host": "mqtt://broker/path"}, "mqtts://NAME:PORT"),
        ({"host": "mqtt://broker:0"}, "a port of 1 to 65535"),
        ({"host": "mqtt://broker:65536"}, "a port of 1 to 65535"),
        ({"host": "mqtt://me@broker"}, "login stands in username and password_file"),
        ({"host": "broker:1884"}, "mqtt://NAME:PORT"),
        ({"host": "mqtt://::1"}, "mqtt://NAME:PORT"),
        ({"host": "mqtt://[broker]"}, "mqtt://NAME:PORT"),
        ({"host": "mqtts://..."}, "1 to 63 characters"),
        ({"host": "bro ker"}, "no blanks"),
        ({"host": "mqtts://broker:1883"}, "TLS on port 1883"),
        ({"host": "mqtts://broker", "port": 1883}, "TLS on port 1883"),
        ({"host": "broker", "port": 1883, "tls": {"enabled": True}}, "TLS on port 1883"),
        ({"host": "mqtt://broker:8883"}, "port 8883 without TLS"),
        ({"host": "broker", "port": 8883}, "port 8883 without TLS"),
        ({"host": "mqtt://broker", "tls": {"enabled": True}}, "mqtt://broker and tls.enabled: true"),
        ({"host": "mqtts://broker", "tls": {"enabled": False}}, "mqtts://broker and tls.enabled: false"),
        ({"host": "mqtt://broker:1884", "port": 1885}, "port 1884 in host and 1885 in port"),
        ({"host": "mqtt://broker", "tls": {"ca": "ca.pem"}}, "only with mqtts://"),
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
        ({"tls": {"ca": "ca.pem"}}, "only with mqtts:// or tls.enabled: true"),
        ({"reconnect_first": 10, "reconnect_most": 5}, "at least reconnect_first"),
        ({"outbox": {"rows": 1}}, "greater than or equal to 100"),
        ({"password": "secret"}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_refused(refused: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MqttSettings.model_validate(refused)

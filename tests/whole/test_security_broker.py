"""The example of a broker, word for word but for places and ports: who may say and hear what."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from certificates import Authority
from mosquitto import Mosquitto, leave
from paho.mqtt.enums import CallbackAPIVersion
from process import ROOT, Edge, eventually

EXAMPLES = ROOT / "config" / "examples"
USERS = ("kitchen", "hall", "homeassistant", "operator", "subscriber")


class Site:
    """The broker of the example, an authority, and a password for everybody."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        pair = self.authority.issue("broker")
        passwords = folder / "passwords"
        passwords.touch(0o600)
        for user in USERS:
            done = subprocess.run(
                ["mosquitto_passwd", "-b", str(passwords), user, self.password(user)],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        text = (EXAMPLES / "mosquitto.conf").read_text()
        for place, here in {
            "/etc/mosquitto/certs/broker.pem": pair["certificate"],
            "/etc/mosquitto/certs/broker.key": pair["key"],
            "/etc/mosquitto/passwords": str(passwords),
            "/etc/mosquitto/acl": str(EXAMPLES / "mosquitto-acl"),
        }.items():
            assert place in text
            text = text.replace(place, here)
        # The port, and what Mosquitto itself writes for every broker of the tests.
        lines = re.sub(
            r"^(listener|persistence|persistence_location|autosave_interval) .*\n", "", text, flags=re.M
        )
        (folder / "broker").mkdir()
        self.broker = Mosquitto(folder / "broker", *lines.splitlines())

    @staticmethod
    def password(user: str) -> str:
        return f"password-of-{user}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    site.broker.start()
    yield site
    site.broker.close()


class Member:
    """Somebody with a login."""

    def __init__(self, site: Site, user: str, *filters: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._answers: dict[int, int] = {}
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2, f"test-{user}", protocol=paho.MQTTv5)
        client.tls_set(site.authority.file)
        client.username_pw_set(user, site.password(user))
        subscribed = threading.Event()
        client.on_connect = lambda client, *_: client.subscribe([(name, 1) for name in filters or ("#",)])
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        client.on_publish = lambda _client, _data, mid, reason, _said: self._answers.update(
            {mid: reason.value}
        )
        client.connect("127.0.0.1", site.broker.port)
        client.loop_start()
        assert subscribed.wait(10), "no subscription"

    def may_say(self, topic: str, payload: bytes = b"{}") -> bool:
        """Whether the broker takes it; what it does not take nobody hears."""
        mid = self._client.publish(topic, payload, 1).mid
        assert eventually(lambda: mid in self._answers)
        assert self._answers[mid] < 0x80 or self._answers[mid] == 0x87
        return self._answers[mid] < 0x80

    def hears(self, topic: str) -> bool:
        return topic in {name for name, _ in self.heard}

    def close(self) -> None:
        leave(self._client)


@pytest.fixture
def members(site: Site) -> Iterator[dict[str, Member]]:
    members = {user: Member(site, user) for user in USERS}
    yield members
    for member in members.values():
        member.close()


@pytest.mark.parametrize(
    ("user", "topic", "allowed"),
    [
        ("kitchen", "edge/kitchen/digits/event", True),
        ("kitchen", "edge/kitchen/cmd/detect/result", True),
        ("kitchen", "homeassistant/device/kitchen/config", True),
        ("kitchen", "answers/of/operator", True),
        ("kitchen", "edge/hall/digits/event", False),
        ("kitchen", "edge/hall/availability", False),
        ("kitchen", "edge/hall/cmd/detect", False),
        ("kitchen", "edge/kitchen2/digits/event", False),
        ("kitchen", "homeassistant/device/hall/config", False),
        ("kitchen", "homeassistant/sensor/x/config", False),
        ("kitchen", "homeassistant/status", False),
        ("kitchen", "anything/else", False),
        ("homeassistant", "edge/hall/cmd/detect", True),
        ("homeassistant", "homeassistant/status", True),
        ("homeassistant", "edge/hall/digits/event", False),
        ("operator", "edge/hall/cmd/detect", True),
        ("operator", "edge/hall/digits/state", False),
        ("subscriber", "edge/hall/cmd/detect", False),
        ("subscriber", "edge/hall/digits/event", False),
        ("subscriber", "homeassistant/device/hall/config", False),
    ],
)
def test_who_may_say_what(members: dict[str, Member], user: str, topic: str, allowed: bool) -> None:
    assert members[user].may_say(topic) is allowed


@pytest.mark.parametrize(
    ("said_by", "topic", "hearers"),
    [
        ("hall", "edge/hall/digits/event", {"homeassistant", "operator", "subscriber"}),
        ("hall", "edge/hall/readings/water", {"homeassistant", "operator", "subscriber"}),
        ("hall", "edge/hall/availability", {"homeassistant", "operator", "subscriber"}),
        ("hall", "edge/hall/snapshot", {"homeassistant", "operator"}),
        ("hall", "edge/hall/cmd/people/result", {"homeassistant", "operator"}),
        ("operator", "edge/hall/cmd/enroll", {"hall", "homeassistant", "operator"}),
        ("homeassistant", "homeassistant/status", {"kitchen", "hall", *USERS}),
        ("hall", "homeassistant/device/hall/config", {"hall", "homeassistant"}),
        ("hall", "answers/42", {"operator"}),
    ],
)
def test_who_hears_what(members: dict[str, Member], said_by: str, topic: str, hearers: set[str]) -> None:
    assert members[said_by].may_say(topic)
    # Messages to one reader keep their order: who has heard this one would have heard the other before.
    assert members["homeassistant"].may_say("homeassistant/status", b"done")
    last = ("homeassistant/status", b"done")
    assert eventually(lambda: all(last in member.heard for member in members.values()))
    assert eventually(lambda: {user for user in USERS if members[user].hears(topic)} == hearers)


@pytest.mark.parametrize("login", [None, ("kitchen", "password-of-hall"), ("nobody", "password-of-nobody")])
def test_nobody_gets_in_without_the_right_password(site: Site, login: tuple[str, str] | None) -> None:
    refused = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set(site.authority.file)
    if login:
        client.username_pw_set(*login)

    def answered(_client: object, _data: object, _flags: object, reason: Any, _said: object) -> None:
        if reason.value == 0x87:
            refused.set()

    client.on_connect = answered
    client.connect("127.0.0.1", site.broker.port)
    client.loop_start()
    assert refused.wait(10)
    leave(client)


def login(site: Site, folder: Path, user: str) -> dict[str, Any]:
    """The section mqtt of a device."""
    file = folder / "password"
    file.write_text(site.password(user))
    file.chmod(0o600)
    return {
        "host": "mqtts://127.0.0.1",
        "username": user,
        "password_file": str(file),
        "tls": {"ca": site.authority.file},
    }


def test_the_service_needs_no_more_than_the_example_allows(site: Site, tmp_path: Path) -> None:
    edge = Edge(tmp_path, site.broker.port, device={"name": "kitchen"}, mqtt=login(site, tmp_path, "kitchen"))
    subscriber = Member(site, "subscriber", "edge/kitchen/#")
    edge.start()
    try:
        assert eventually(lambda: subscriber.hears("edge/kitchen/digits/event")), edge.log
        assert eventually(lambda: subscriber.hears("edge/kitchen/stats")), edge.log
        assert edge.terminate()[0] == 0, edge.log
    finally:
        edge.close()
        subscriber.close()
    assert "WARNING" not in edge.log
    assert "denie" not in edge.log


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tls": {"enabled": True}}, "signed by an authority that is not trusted; set mqtt.tls.ca to"),
        ({"username": "hall"}, "the broker refuses: Not authorized; are mqtt.username and the password"),
    ],
)
def test_check_gives_the_reason_in_one_line_and_exits_with_69(
    site: Site, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    edge = Edge(tmp_path, site.broker.port, mqtt={**login(site, tmp_path, "kitchen"), **change})
    done = subprocess.run(
        [sys.executable, "-m", "edge", "check", "-c", str(edge.config)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("broker")]
    assert told in line
    assert done.returncode == 69

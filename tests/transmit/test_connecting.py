"""Coming to a broker, and the words for why not: real brokers, and sockets that only pretend."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mosquitto import Mosquitto, free_port
from parts import CLOCK, Listener, event, mqtt, pretender, running, wait_for

from edge.errors import ConfigError, UnavailableError
from edge.transmit import client, link
from edge.transmit.delivery import MqttSink
from edge.transmit.settings import MqttSettings

AMQTT = """
import asyncio, sys
from amqtt.broker import Broker
async def main():
    listener = {"default": {"type": "tcp", "bind": f"127.0.0.1:{sys.argv[1]}"}}
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": listener, "plugins": anonymous})
    await broker.start()
    print("listens", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def check(settings: MqttSettings, tmp_path: Path, timeout: float = 5.0) -> str:
    return MqttSink(settings, "kitchen", tmp_path, CLOCK).check(timeout)


@pytest.mark.parametrize(("protocol", "spoken"), [("auto", 5), (5, 5), ("3.1.1", "3.1.1")])
def test_mosquitto_is_spoken_to_in_each_version(
    broker: Mosquitto, tmp_path: Path, protocol: str, spoken: object
) -> None:
    settings = mqtt(broker.port, protocol=protocol)
    assert check(settings, tmp_path) == f"connected to 127.0.0.1:{broker.port} (MQTT {spoken})"
    with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1)])
        assert wait_for(listener.tracks)


def test_auto_falls_back_for_a_broker_without_mqtt_5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # To a CONNECT of MQTT 5 with a last will this broker does not answer at all.
    monkeypatch.setattr(link, "UNPROVEN", 0.5)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", AMQTT, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == b"listens\n"
        settings = mqtt(port)
        assert check(settings, tmp_path).endswith("(MQTT 3.1.1)")
        with Listener(settings, "edge/#") as listener, running(settings, tmp_path) as sink:
            sink.put([event(number) for number in range(20)])
            assert wait_for(lambda: len(listener.tracks()) == 20)
            assert sink.describe().startswith(f"connected to 127.0.0.1:{port} (MQTT 3.1.1)")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_nothing_listens(tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(UnavailableError, match=f"broker 127.0.0.1:{port}: nothing listens there") as told:
        check(mqtt(port), tmp_path)
    assert told.value.hint


def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="its name cannot be resolved"):
        check(MqttSettings(host="broker.invalid"), tmp_path, timeout=20)


def test_a_broker_that_accepts_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_WITHIN", 0.5)
    release = threading.Event()

    def say_nothing(_: socket.socket) -> None:
        release.wait(20)

    with pretender(say_nothing) as port:
        try:
            with pytest.raises(UnavailableError, match=r"no answer to CONNECT within 0\.5 s"):
                check(mqtt(port), tmp_path)
        finally:
            release.set()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0x85, "Client identifier not valid; give this device an mqtt.client_id"),
        (0x86, "Bad user name or password; are mqtt.username and the password"),
        (0x87, "Not authorized; are mqtt.username and the password"),
        (0x88, "Server unavailable; it may take this device later"),
        (0x89, "Server busy; it may take this device later"),
        (0x8A, "Banned; the broker's administrator"),
        (0x9A, "Retain not supported; edge needs a broker that retains"),
        (0x9B, "QoS not supported; edge needs a broker that takes QoS 1"),
    ],
)
def test_a_refusal_says_what_to_do(tmp_path: Path, code: int, told: str) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(bytes((0x20, 3, 0, code, 0)))

    with pretender(refuse) as port, pytest.raises(UnavailableError) as error:
        check(mqtt(port, username="camera"), tmp_path)
    assert f"the broker refuses: {told}" in str(error.value)


def test_what_a_broker_says_of_its_reasons_is_made_legible(tmp_path: Path) -> None:
    words = "go away\n\x1b[2J" + "!" * 1000
    reason = b"\x1f" + len(words).to_bytes(2, "big") + words.encode()
    rest = b"\x00\x87" + bytes((len(reason) % 128 | 128, len(reason) // 128)) + reason

    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20" + bytes((len(rest) % 128 | 128, len(rest) // 128)) + rest)

    with pretender(refuse) as port, pytest.raises(UnavailableError) as error:
        check(mqtt(port), tmp_path)
    assert r"Not authorized (go away\n\x1b[2J!!!" in str(error.value)
    assert "it may want a login: set mqtt.username" in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0x8B, "the broker hung up: Server shutting down"),
        (0x8E, "Session taken over; another client uses the same id: give each device a name of its own"),
        (0x87, "Not authorized; the broker's ACL must let this user write"),
    ],
)
def test_a_broker_that_hangs_up_again_and_again_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int, told: str
) -> None:
    def dismiss(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x20\x03\x00\x00\x00" + bytes((0xE0, 2, code, 0)))

    with (
        pretender(dismiss) as port,
        caplog.at_level(logging.WARNING),
        running(mqtt(port, protocol=5), tmp_path) as sink,
    ):
        assert wait_for(lambda: sink.counters()["connection_failures"] >= 3)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert told in warnings[0]


def test_something_that_hangs_up_is_no_broker(tmp_path: Path) -> None:
    with (
        pretender(lambda connection: None) as port,
        pytest.raises(UnavailableError, match="closed the connection instead of answering"),
    ):
        check(mqtt(port), tmp_path)


@pytest.mark.parametrize("protocol", ["auto", 5, "3.1.1"])
def test_what_hangs_up_again_and_again_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    with (
        pretender(lambda connection: None) as port,
        caplog.at_level(logging.WARNING),
        running(mqtt(port, protocol=protocol), tmp_path) as sink,
    ):
        assert wait_for(lambda: sink.counters()["connection_failures"] >= 5)
    (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert "does this port speak without TLS? With TLS: mqtts:// in mqtt.host" in warning.getMessage()


def test_something_that_speaks_another_protocol_is_no_broker(tmp_path: Path) -> None:
    def http(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pretender(http) as port, pytest.raises(UnavailableError, match="instead of answering"):
        check(mqtt(port), tmp_path)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto that knows one user: camera, with the password secret-of-the-test."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    passwords = folder / "passwords"
    passwords.touch(0o600)
    subprocess.run(
        ["mosquitto_passwd", "-b", str(passwords), "camera", "secret-of-the-test"],
        check=True,
        capture_output=True,
    )
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {passwords}")
    broker.start()
    yield broker
    broker.close()


def password_file(folder: Path, text: str, mode: int = 0o600) -> str:
    file = folder / "password"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_the_password_comes_from_its_file(guarded: Mosquitto, tmp_path: Path) -> None:
    file = password_file(tmp_path, "secret-of-the-test\nand a line that nobody reads\n")
    settings = mqtt(guarded.port, username="camera", password_file=file)
    assert check(settings, tmp_path).startswith("connected")


def test_the_password_comes_from_systemd(
    guarded: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt-password").write_text("secret-of-the-test")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert check(mqtt(guarded.port, username="camera"), tmp_path).startswith("connected")


@pytest.mark.parametrize("protocol", [5, "3.1.1"])
def test_a_refused_login_is_told_and_waits_longest(
    guarded: Mosquitto, tmp_path: Path, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = password_file(tmp_path, "wrong-but-secret-too")
    settings = mqtt(
        guarded.port, protocol=protocol, username="camera", password_file=file, reconnect_most=60.0
    )
    with pytest.raises(
        UnavailableError, match=r"the broker refuses: (Not authorized|Bad user name or password)"
    ):
        check(settings, tmp_path)
    with caplog.at_level(logging.DEBUG), running(settings, tmp_path) as sink:
        assert wait_for(lambda: sink.counters()["connection_failures"] == 1)
        assert not wait_for(lambda: sink.counters()["connection_failures"] > 1, seconds=0.5)
        texts = [
            caplog.text,
            repr(sink),
            repr(vars(sink)),
            repr(settings),
            sink.describe(),
            str(sink.counters()),
        ]
    assert not [text for text in texts if "wrong-but-secret-too" in text]


def test_a_password_that_others_can_read_is_a_wrong_configuration(tmp_path: Path) -> None:
    settings = mqtt(1883, username="camera", password_file=password_file(tmp_path, "secret", mode=0o640))
    with pytest.raises(ConfigError, match="mode 0640") as told:
        MqttSink(settings, "kitchen", tmp_path, CLOCK)
    assert "chmod 600" in told.value.hint
    assert "secret" not in str(told.value)


def test_a_password_file_that_is_not_there_is_a_wrong_configuration(tmp_path: Path) -> None:
    settings = mqtt(1883, username="camera", password_file=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="No such file"):
        MqttSink(settings, "kitchen", tmp_path, CLOCK)


def test_importing_the_stage_imports_no_mqtt_library() -> None:
    code = (
        "import edge.transmit.delivery, edge.transmit.subscriber, sys; print('paho' in ' '.join(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "False\n"

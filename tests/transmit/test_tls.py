"""Encrypted connections to a real mosquitto, and the one line that says why there is none."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from mosquitto import Mosquitto
from parts import CLOCK, Listener, event, mqtt, pretender, running, wait_for

from edge.errors import ConfigError, UnavailableError
from edge.transmit.delivery import MqttSink
from edge.transmit.settings import MqttSettings

# paho leaves the socket of a failed handshake to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


ONLY_TLS_1_1 = """
openssl_conf = all
[all]
ssl_conf = programs
[programs]
system_default = old
[old]
MinProtocol = TLSv1.1
MaxProtocol = TLSv1.1
CipherString = DEFAULT@SECLEVEL=0
"""
"""mosquitto itself can only be told the oldest version."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, whom nobody here trusts."""
    return Authority(tmp_path_factory.mktemp("tls") / "stranger")


@contextmanager
def encrypted(folder: Path, pair: dict[str, str], *lines: str) -> Iterator[Mosquitto]:
    """A mosquitto that shows a certificate."""
    folder.mkdir()
    show = (f"certfile {pair['certificate']}", f"keyfile {pair['key']}")
    broker = Mosquitto(folder, "allow_anonymous true", *show, *lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.close()


def settings(port: int, **tls: Any) -> MqttSettings:
    return mqtt(port, host="mqtts://127.0.0.1", tls=tls)


def why(settings: MqttSettings, folder: Path, caplog: pytest.LogCaptureFixture) -> str:
    """The reason that `edge check` gives, after the service has told the same in one line, once."""
    with pytest.raises(UnavailableError) as told:
        MqttSink(settings, "kitchen", folder, CLOCK).check(10)
    caplog.clear()
    with caplog.at_level(logging.WARNING), running(settings, folder) as sink:
        assert wait_for(lambda: sink.counters()["connection_failures"] >= 3, seconds=20)
        (line,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert told.value.message.partition(": ")[2] in line
    assert told.value.hint in line
    assert "\n" not in line
    return line


@pytest.mark.parametrize("where", ["the url", "tls.enabled"])
def test_a_trusted_broker_is_spoken_to(authority: Authority, tmp_path: Path, where: str) -> None:
    with encrypted(tmp_path / "mosquitto", authority.issue("broker")) as broker:
        host = {"host": f"mqtts://127.0.0.1:{broker.port}"} if where == "the url" else {"host": "127.0.0.1"}
        port = None if where == "the url" else broker.port
        enabled = {} if where == "the url" else {"enabled": True}
        chosen = mqtt(port, **host, tls={"ca": authority.file, **enabled})  # type: ignore[arg-type]
        with Listener(chosen, "edge/#") as listener, running(chosen, tmp_path) as sink:
            sink.put([event(1)])
            assert wait_for(listener.tracks)


def test_a_device_shows_its_own_certificate(authority: Authority, tmp_path: Path) -> None:
    demands = ("require_certificate true", f"cafile {authority.file}", "use_identity_as_username true")
    with encrypted(tmp_path / "mosquitto", authority.issue("broker"), *demands) as broker:
        chosen = settings(broker.port, ca=authority.file, **authority.issue("kitchen"))
        assert MqttSink(chosen, "kitchen", tmp_path, CLOCK).check(5).startswith("connected")


def test_an_authority_that_is_not_trusted(
    authority: Authority, stranger: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with encrypted(tmp_path / "mosquitto", authority.issue("broker")) as broker:
        line = why(settings(broker.port, ca=stranger.file), tmp_path, caplog)
        assert "signed by an authority that is not trusted; set mqtt.tls.ca to" in line
        assert "trusted now: the system's" in why(settings(broker.port), tmp_path, caplog)


def test_an_expired_certificate(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with encrypted(tmp_path / "mosquitto", authority.issue("old", days=(-30, -1))) as broker:
        line = why(settings(broker.port, ca=authority.file), tmp_path, caplog)
    assert "certificate has expired; renew it there; or is the date of this device" in line


def test_a_certificate_of_tomorrow(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with encrypted(tmp_path / "mosquitto", authority.issue("early", days=(1, 30))) as broker:
        line = why(settings(broker.port, ca=authority.file), tmp_path, caplog)
    assert "certificate is not valid yet" in line
    assert "is the date of this device" in line


@pytest.mark.parametrize("place", ["DNS:broker.example", "IP:127.0.0.2"])
def test_another_host(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    with encrypted(tmp_path / "mosquitto", authority.issue("elsewhere", place)) as broker:
        line = why(settings(broker.port, ca=authority.file), tmp_path, caplog)
    assert "certificate is not for the host 127.0.0.1; set mqtt.host to a name that stands in it" in line


def test_a_port_without_tls(broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    line = why(settings(broker.port), tmp_path, caplog)
    assert "does this port speak TLS?" in line


def test_a_port_that_answers_in_another_protocol(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def http(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pretender(http) as port:
        assert "this port does not speak TLS; is mqtt.port right?" in why(settings(port), tmp_path, caplog)


@pytest.mark.parametrize("protocol", ["auto", 5, "3.1.1"])
def test_a_port_with_tls_that_is_spoken_plain_to(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    with encrypted(tmp_path / "mosquitto", authority.issue("broker")) as broker:
        line = why(mqtt(broker.port, protocol=protocol), tmp_path, caplog)
    assert "mqtts://" in line


@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
def test_no_certificate_where_one_is_demanded(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    demands = ("require_certificate true", f"cafile {authority.file}", f"tls_version {version}")
    with encrypted(tmp_path / "mosquitto", authority.issue("broker"), *demands) as broker:
        line = why(settings(broker.port, ca=authority.file), tmp_path, caplog)
    assert "demands a certificate of this device; set mqtt.tls.certificate and mqtt.tls.key" in line


@pytest.mark.parametrize("told", ["the broker does not trust who signed it", "it has expired"])
def test_a_certificate_of_the_device_that_is_not_accepted(
    authority: Authority, stranger: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, told: str
) -> None:
    demands = ("require_certificate true", f"cafile {authority.file}")
    own = authority.issue("late", days=(-30, -1)) if "expired" in told else stranger.issue("kitchen")
    with encrypted(tmp_path / "mosquitto", authority.issue("broker"), *demands) as broker:
        line = why(settings(broker.port, ca=authority.file, **own), tmp_path, caplog)
    assert f"this device's certificate is not accepted: {told}" in line


def test_a_broker_that_speaks_no_tls_of_today(
    authority: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = authority.issue("broker")
    (tmp_path / "old.conf").write_text(ONLY_TLS_1_1)
    monkeypatch.setenv("OPENSSL_CONF", str(tmp_path / "old.conf"))
    with encrypted(tmp_path / "mosquitto", pair, "tls_version tlsv1.1") as broker:
        monkeypatch.undo()
        line = why(settings(broker.port, ca=authority.file), tmp_path, caplog)
    assert "the broker speaks no TLS 1.2 or newer" in line


@pytest.mark.parametrize("part", ["ca", "certificate"])
def test_a_certificate_that_is_none_is_a_wrong_configuration(tmp_path: Path, part: str) -> None:
    file = tmp_path / "no.pem"
    file.write_text("no certificate")
    file.chmod(0o600)
    tls = {"enabled": True, part: str(file)} | ({"key": str(file)} if part == "certificate" else {})
    with pytest.raises(ConfigError, match="cannot use"):
        MqttSink(mqtt(8883, tls=tls), "kitchen", tmp_path, CLOCK)


def test_a_key_that_everybody_can_read_is_a_wrong_configuration(authority: Authority, tmp_path: Path) -> None:
    own = authority.issue("open")
    Path(own["key"]).chmod(0o644)
    with pytest.raises(ConfigError, match=r"open\.key has mode 0644, so everybody can use it; chmod 600"):
        MqttSink(settings(8883, **own), "kitchen", tmp_path, CLOCK)

"""`edge watch` with a real mosquitto: filters, logins, a fleet."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto

from edge.cli import connection
from edge.cli.main import main
from edge.errors import UsageError
from edge.transmit.once import publish_once
from edge.transmit.settings import MqttSettings

ROOT = Path(__file__).parents[2]


def publish(port: int, topic: str, payload: Any, *, retain: bool = False, **login: Any) -> None:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    settings = MqttSettings(host="127.0.0.1", port=port, **login)
    publish_once(settings, "publisher", topic, data, retain=retain, timeout=5)


def watched(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    assert main(["watch", "--json", *arguments]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def fleet(broker: Mosquitto) -> Mosquitto:
    """Two devices, one of them away, and something that is none."""
    port = broker.port
    publish(port, "edge/attic/availability", b"offline", retain=True)
    publish(port, "edge/hall/availability", b"online", retain=True)
    publish(port, "edge/hall/camera/status", {"state": "ok", "reason": None}, retain=True)
    stats = {"loop": {"fps": 14.9}, "outbox": {"waiting": 2}, "versions": {"edge": "1.2.0"}}
    publish(port, "edge/hall/stats", stats, retain=True)
    publish(port, "edge/Not A Device/availability", b"online", retain=True)
    return broker


def place(broker: Mosquitto) -> list[str]:
    return ["--host", "127.0.0.1", "--port", str(broker.port)]


def test_several_filters_and_whole_ones(fleet: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    publish(fleet.port, "homeassistant/device/hall/config", {"dev": 1}, retain=True)
    filters = ["--topic", "availability", "--topic", "stats", "--filter", "homeassistant/#"]
    said = watched(capsys, *place(fleet), "--device", "hall", *filters, "--seconds", "1")
    assert {each["topic"] for each in said} == {
        "edge/hall/availability", "edge/hall/stats", "homeassistant/device/hall/config",
    }  # fmt: skip
    assert all(each["retained"] for each in said)


def test_one_filter_alone(fleet: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    said = watched(capsys, *place(fleet), "--filter", "edge/+/availability", "--seconds", "1")
    assert {each["topic"] for each in said} >= {"edge/hall/availability", "edge/attic/availability"}
    assert {each["payload"] for each in said} == {"online", "offline"}


@pytest.mark.parametrize("each", ["a#", "a/#/b", "a+/b", "+a", "a\nb", "a\udcff", ""])
def test_a_filter_that_no_broker_takes_is_told_before_it_is_asked(
    each: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--filter", each]) == 2
    assert "allowed: + as a whole level" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["#", "a\x1b[31m", "a+"])
def test_a_device_that_cannot_be_is_told_for_a_fleet_too(
    device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", "--fleet", "--device", device]) == 2
    said = capsys.readouterr().err
    assert "allowed: + as a whole level" in said
    assert "\x1b" not in said


def test_a_password_that_cannot_be_used_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o644)
    assert main(["watch", "--username", "a", "--password-file", str(file)]) == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "has mode 0644" in line


def test_what_python_alone_takes_for_json_stands_as_text(
    fleet: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, payload in enumerate([b"NaN", b'{"fps": 1e999}']):
        publish(fleet.port, f"edge/hall/odd/{number}", payload, retain=True)
    said = watched(capsys, *place(fleet), "--filter", "edge/hall/odd/#", "--seconds", "2")
    assert sorted(each["payload"] for each in said) == ["NaN", '{"fps": 1e999}']


@pytest.mark.parametrize(
    "arguments", [["--once"], ["--fleet", "--topic", "stats"], ["--fleet", "--filter", "#"]]
)
def test_options_that_do_not_go_together(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", *arguments]) == 2
    assert "allowed: " in capsys.readouterr().err


def test_a_fleet_once_as_objects(fleet: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    said = watched(capsys, *place(fleet), "--fleet", "--once")
    assert [(line["device"], line["online"]) for line in said] == [("attic", False), ("hall", True)]
    assert (said[1]["camera"], said[1]["fps"], said[1]["outbox"], said[1]["version"]) == (
        "ok",
        14.9,
        2,
        "1.2.0",
    )


def test_a_fleet_once_for_people(fleet: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--fleet", "--once", *place(fleet)]) == 0
    said = capsys.readouterr()
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[1][:2] == ["attic", "offline"]
    assert rows[2][:6] == ["hall", "online", "ok", "14.9", "2", "1.2.0"]
    assert "1 messages were not from a device of ours" in said.err


def test_no_device_is_said_so(broker: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--fleet", "--once", *place(broker)]) == 0
    assert "no device" in capsys.readouterr().out


def test_each_change_of_a_fleet_is_an_object(fleet: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    def soon() -> None:
        time.sleep(0.8)
        event = {"event_type": "new", "digit": 7, "time": "2026-11-21T09:30:00.125Z"}
        publish(fleet.port, "edge/hall/digits/event", event)
        publish(fleet.port, "edge/attic/availability", b"online", retain=True)

    thread = threading.Thread(target=soon)
    thread.start()
    said = watched(capsys, *place(fleet), "--fleet", "--seconds", "2.5")
    thread.join()
    assert ("hall", "digits new 7") in [(line["device"], line["event"]) for line in said]
    assert [line["online"] for line in said if line["device"] == "attic"] == [False, True]


def test_a_live_table_is_drawn_on_a_terminal(fleet: Mosquitto) -> None:
    """In a pseudo-terminal of util-linux's script(1)."""
    edge = f"{sys.executable} -m edge watch --fleet --seconds 1.5 --host 127.0.0.1 --port {fleet.port}"
    done = subprocess.run(
        ["script", "-qec", edge, "/dev/null"],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
        env={"TERM": "xterm", "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hall" in done.stdout
    assert "\x1b[" in done.stdout


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker that wants a login, and the file of the password."""
    folder = tmp_path / "guarded"
    folder.mkdir()
    logins = folder / "logins"
    logins.touch()
    subprocess.run(
        ["mosquitto_passwd", "-b", str(logins), "ann", "open sesame"], check=True, capture_output=True
    )
    logins.chmod(0o644)
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {logins}")
    broker.start()
    yield broker, secret
    broker.close()


def test_a_login_comes_from_a_file(
    guarded: tuple[Mosquitto, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    broker, secret = guarded
    login = ["--username", "ann", "--password-file", str(secret)]
    publish(
        broker.port,
        "edge/hall/availability",
        b"online",
        retain=True,
        username="ann",
        password_file=str(secret),
    )
    (line,) = watched(capsys, *place(broker), *login, "--fleet", "--once")
    assert line["online"] is True
    help_of = subprocess.run(
        [sys.executable, "-m", "edge", "watch", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    assert "--password " not in help_of


def test_a_login_comes_from_the_settings(
    guarded: tuple[Mosquitto, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker, secret = guarded
    login = {"username": "ann", "password_file": str(secret)}
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"mqtt": {"host": "127.0.0.1", "port": broker.port, **login}}))
    publish(broker.port, "edge/hall/availability", b"online", retain=True, **login)
    (line,) = watched(capsys, "-c", str(file), "--fleet", "--once")
    assert line["device"] == "hall"


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    connection.add_arguments(parser)
    return parser.parse_args(words)


def test_another_broker_is_not_shown_our_login() -> None:
    ours = MqttSettings(host="mqtts://ours", username="ann", password_file="/etc/edge/password", base="site")
    other = connection.chosen(ours, arguments("--host", "other"))
    assert (other.username, other.password_file, other.encrypted) == (None, None, False)
    assert other.base == "site"
    same = connection.chosen(ours, arguments("--host", "mqtts://ours", "--port", "9883"))
    assert (same.username, same.address) == ("ann", ("ours", 9883))


def test_tls_by_arguments() -> None:
    found = connection.chosen(MqttSettings(), arguments("--host", "b", "--ca", "ca.pem"))
    assert (found.encrypted, found.tls.ca, found.address) == (True, "ca.pem", ("b", 8883))
    with pytest.raises(UsageError, match="--key k; allowed: certificate and key"):
        connection.chosen(MqttSettings(), arguments("--key", "k"))

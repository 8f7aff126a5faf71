"""A secret shows nowhere: the real service, with the right and with a wrong password, grepped all over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from mosquitto import Mosquitto, free_port, leave
from paho.mqtt.enums import CallbackAPIVersion
from process import ROOT, Edge, eventually

from edge.settings.load import load

RIGHT, WRONG, CAMERA = "Hunter2-of-the-broker", "Wrong3-of-the-broker", "Sesame4-of-the-camera"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto that knows the users camera and reader."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    passwords = folder / "passwords"
    passwords.touch(0o600)
    for user, password in {"camera": RIGHT, "reader": "reader"}.items():
        subprocess.run(
            ["mosquitto_passwd", "-b", str(passwords), user, password], check=True, capture_output=True
        )
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {passwords}")
    broker.start()
    yield broker
    broker.close()


class Reader:
    """Everything that is published, and everything that systemd is told."""

    def __init__(self, port: int, notify: Path) -> None:
        self.payloads: list[tuple[str, bytes]] = []
        self.told: list[bytes] = []
        self._client = client = paho.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set("reader", "reader")
        subscribed = threading.Event()
        client.on_connect = lambda client, *_: client.subscribe("#", 1)
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _client, _data, message: self.payloads.append(
            (message.topic, bytes(message.payload))
        )
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert subscribed.wait(10)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(notify))
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while message := self._socket.recv(65_536):
            self.told.append(message)

    def topics(self) -> set[str]:
        return {topic.rpartition("/")[2] for topic, _ in self.payloads}

    def close(self) -> None:
        leave(self._client)
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()


def run(edge: Edge, command: str, *arguments: str, **environment: str) -> str:
    """What a command prints, both ways."""
    done = subprocess.run(
        [sys.executable, "-m", "edge", command, "-c", str(edge.config), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


def everything(edge: Edge, reader: Reader, commands: list[str]) -> dict[str, str]:
    """All that anybody but the process itself and the broker can see of it, by where."""
    process = Path(f"/proc/{edge.process.pid}")
    settings = load(edge.config)
    files = {str(path): path.read_bytes() for path in edge.config.parent.glob("state/**/*") if path.is_file()}
    seen = {
        "log": edge.log.encode(),
        "arguments": (process / "cmdline").read_bytes(),
        "environment": (process / "environ").read_bytes(),
        "payloads": repr(reader.payloads).encode(),
        "systemd": b"\n".join(reader.told),
        "settings": f"{settings!r} {settings} {settings.mqtt!r} {settings.camera}".encode(),
        "commands": "\n".join(commands).encode(),
        "children": subprocess.run(["ps", "axww"], capture_output=True, check=True).stdout,
        **files,
    }
    assert all(seen[name] for name in ("log", "arguments", "environment", "systemd", "settings", "commands"))
    return {name: text.decode("utf-8", "replace") for name, text in seen.items()}


def test_the_right_password_shows_nowhere(guarded: Mosquitto, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt-password").write_text(RIGHT + "\n")
    notify = tmp_path / "notify"
    reader = Reader(guarded.port, notify)
    edge = Edge(tmp_path, guarded.port, mqtt={"username": "camera"}, log={"level": "debug"})
    edge.start(CREDENTIALS_DIRECTORY=str(credentials), NOTIFY_SOCKET=str(notify))
    try:
        assert eventually(lambda: reader.topics() >= {"event", "state", "stats", "availability"}), edge.log
        assert eventually(lambda: any(b"STATUS=" in message for message in reader.told))
        checked = run(edge, "check", "--json", "-v", CREDENTIALS_DIRECTORY=str(credentials))
        assert "connected to 127.0.0.1" in checked
        seen = everything(edge, reader, [checked])
        assert edge.terminate()[0] == 0
        seen["end"] = edge.log
    finally:
        edge.close()
        reader.close()
    assert not [place for place, text in seen.items() if RIGHT in text]


def test_a_wrong_password_and_that_of_the_camera_show_nowhere(guarded: Mosquitto, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(WRONG)
    file.chmod(0o600)
    notify = tmp_path / "notify"
    reader = Reader(guarded.port, notify)
    edge = Edge(
        tmp_path,
        guarded.port,
        mqtt={"username": "camera", "password_file": str(file)},
        camera={"source": f"rtsp://admin:{CAMERA}@127.0.0.1:{free_port()}/stream"},
        log={"level": "debug"},
    )
    edge.start(NOTIFY_SOCKET=str(notify))
    try:
        refused = "Not authorized"
        assert eventually(lambda: refused in edge.log and "camera lost" in edge.log), edge.log
        assert eventually(lambda: any(refused.encode() in message for message in reader.told))
        checked = run(edge, "check", "--json", "-v")
        assert refused in checked
        seen = everything(edge, reader, [checked])
        edge.terminate()
        seen["end"] = edge.log
    finally:
        edge.close()
        reader.close()
    assert not [place for place, text in seen.items() if WRONG in text or CAMERA in text]


def ports(process: int) -> list[str]:
    """Where a process listens for TCP (state 0A) or receives UDP, as the kernel tells it."""
    sockets = {os.readlink(file) for file in Path(f"/proc/{process}/fd").iterdir() if file.is_symlink()}
    found = []
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{process}/net/{kind}").read_text().splitlines()[1:]:
            _, local, remote, state, *_, inode = line.split()[:10]
            if f"socket:[{inode}]" in sockets and (
                state == "0A" or (kind[:3] == "udp" and remote[:8] == "0" * 8)
            ):
                found.append(f"{kind} {local}")
    return found


def test_it_opens_no_port(guarded: Mosquitto, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert len(ports(os.getpid())) == 1, "one that is there is seen"
    edge = Edge(tmp_path, guarded.port)
    edge.start()
    try:
        assert eventually(lambda: "broker refuses" in edge.log), edge.log
        assert ports(edge.process.pid) == []
    finally:
        edge.close()

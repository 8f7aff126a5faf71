"""The units under a real systemd: what it starts, restarts and leaves, and with which rights.

Boots a systemd of its own in namespaces, so it needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from machine import Machine

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a systemd of its own needs root"),
]

SHORT = """
[Service]
RestartSec=200ms
WatchdogSec=2
TimeoutAbortSec=1
StandardError=append:/host/edge.log
"""
"""Makes the waits short, and shows the log: there is no journal inside."""

TRIAL = "[Unit]\nDefaultDependencies=no\nWants=broker.service\n"
BROKER = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/usr/sbin/mosquitto -c /etc/broker.conf\n"
BROKER_CONF = (
    "listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /etc/broker.passwords\nuser root\n"
)
SETTINGS = "device: {{name: {name}}}\ncamera: {{source: demo}}\nmqtt: {{host: localhost, username: edge}}\n"


def environment(folder: Path) -> Path:
    """An environment that may be moved, of the system's own Python, with edge as a device has it."""
    uv = Path(sys.executable).with_name("uv")
    wheel = folder / "wheel"
    venv = folder / "venv"
    into = ["--no-config", "--quiet", "--python", venv / "bin/python"]
    for command in (
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", wheel],
        [uv, "venv", "--quiet", "--relocatable", "--python", "/usr/bin/python3", venv],
        [uv, "pip", "install", *into, "--require-hashes", "-r", ROOT / "tools/requirements/device.txt"],
        [uv, "pip", "install", *into, "--no-deps", "--find-links", wheel, "--no-index", "edge"],
    ):
        done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return venv


def passwords(folder: Path) -> str:
    """A password file of mosquitto: the user edge, the password secret."""
    file = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", file, "edge", "secret"], check=True, capture_output=True)
    return file.read_text()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A running machine with everything installed and nothing of edge started."""
    folder = tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)
    files = {
        "/etc/systemd/system/trial.target": TRIAL,
        "/etc/systemd/system/broker.service": BROKER,
        "/etc/broker.conf": BROKER_CONF,
        "/etc/broker.passwords": passwords(folder),
        "/etc/credstore/edge.mqtt-password": "secret\n",
        "/usr/lib/sysusers.d/edge.conf": (ROOT / "systemd" / "edge.sysusers").read_text("utf-8"),
        **{f"/etc/edge/{name}.yaml": SETTINGS.format(name=name) for name in ("edge", "front", "back")},
        "/etc/edge/wrong.yaml": "camera: {sauce: demo}\n",
    }
    for unit in ("edge.service", "edge@.service"):
        text = (ROOT / "systemd" / unit).read_text("utf-8")
        files[f"/etc/systemd/system/{unit}"] = text.replace("@BINDIR@", "/opt/edge/bin")
        files[f"/etc/systemd/system/{unit}.d/short.conf"] = SHORT
    machine = Machine(folder, environment=environment(folder), files=files)
    try:
        yield machine.start()
    finally:
        machine.stop()


@pytest.fixture
def started(machine: Machine) -> Iterator[Callable[[str], None]]:
    """Starts units, which gives READY, and stops them after the test."""
    units: list[str] = []

    def start(unit: str) -> None:
        units.append(unit)
        done = machine.run("systemctl", "start", unit)
        assert done.returncode == 0, done.stderr + machine.log()

    yield start
    for unit in units:
        machine.run("systemctl", "stop", unit)
        machine.run("systemctl", "reset-failed", unit)


def heard(machine: Machine, topic: str) -> str:
    """The next message of a topic; empty after some seconds without."""
    login = ("-h", "127.0.0.1", "-u", "edge", "-P", "secret")
    return machine.run("mosquitto_sub", *login, "-t", topic, "-C", "1", "-W", "10").stdout.strip()


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes true within so many seconds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def test_it_runs_logs_in_and_ends_in_order(machine: Machine, started: Callable[[str], None]) -> None:
    started("edge")
    assert eventually(lambda: "camera ok" in machine.show("edge", "StatusText"), 10), machine.log()
    assert heard(machine, "edge/edge/availability") == "online"
    assert "digits" in heard(machine, "edge/edge/digits/state")
    begun = time.monotonic()
    machine.run("systemctl", "stop", "edge")
    assert time.monotonic() - begun < 5
    assert (machine.show("edge", "Result"), machine.show("edge", "ExecMainStatus")) == ("success", "0")
    assert heard(machine, "edge/edge/availability") == "offline"


def test_it_has_no_rights_but_its_own(machine: Machine, started: Callable[[str], None]) -> None:
    started("edge")
    status = Path(f"/proc/{machine.show('edge', 'MainPID')}/status")
    lines = machine.run("cat", str(status)).stdout.splitlines()
    fields = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
    user = machine.run("id", "--user", "edge").stdout.strip()
    assert fields["Uid"] == [user] * 4
    assert {int(fields[f"Cap{kind}"][0], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == (["1"], ["2"])
    state = machine.run("stat", "--format=%U %a", "/var/lib/edge/edge", "/run/edge/edge").stdout
    assert state.splitlines() == ["edge 700", "edge 750"]


def test_killed_it_is_started_again(machine: Machine, started: Callable[[str], None]) -> None:
    started("edge")
    machine.run("kill", "-KILL", machine.show("edge", "MainPID"))
    assert eventually(lambda: machine.show("edge", "NRestarts") == "1", 5)
    assert eventually(lambda: machine.show("edge", "ActiveState") == "active", 10), machine.log()


def test_hung_it_is_started_again(machine: Machine, started: Callable[[str], None]) -> None:
    started("edge")
    machine.run("kill", "-STOP", machine.show("edge", "MainPID"))
    assert eventually(lambda: machine.show("edge", "NRestarts") == "1", 10)
    assert eventually(lambda: machine.show("edge", "ActiveState") == "active", 10), machine.log()


def test_a_wrong_configuration_is_left_alone(machine: Machine) -> None:
    assert machine.run("systemctl", "start", "edge@wrong").returncode != 0
    time.sleep(1)
    shown = {key: machine.show("edge@wrong", key) for key in ("ActiveState", "ExecMainStatus", "NRestarts")}
    assert shown == {"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}
    assert "sauce" in machine.log()


def test_instances_run_side_by_side(machine: Machine, started: Callable[[str], None]) -> None:
    for name in ("front", "back"):
        started(f"edge@{name}")
    for name in ("front", "back"):
        assert heard(machine, f"edge/{name}/availability") == "online"
        assert machine.run("test", "-s", f"/var/lib/edge/{name}/outbox.db").returncode == 0
    started("edge")
    assert machine.run("systemctl", "start", "edge@edge").returncode == 0
    assert machine.show("edge", "ActiveState") == "inactive", "the same camera twice"
    machine.run("systemctl", "stop", "edge@edge")


def test_the_tools_are_there() -> None:
    for tool in ("unshare", "nsenter", "mosquitto_passwd", "ip"):
        assert shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"), f"{tool} is not installed"

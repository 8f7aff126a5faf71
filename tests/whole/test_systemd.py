"""The units under a real systemd: what it starts, restarts and leaves, and with which rights.

Boots a systemd of its own in namespaces, so it needs root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installing import ROOT, build_wheel, run
from machine import TRIAL, Machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
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

NEEDS = "[Unit]\nDefaultDependencies=no\nWants=broker.service\n"
BROKER = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/usr/sbin/mosquitto -c /etc/broker.conf\n"
BROKER_CONF = (
    "listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /etc/broker.passwords\nuser root\n"
)
SETTINGS = "device: {{name: {name}}}\ncamera: {{source: demo}}\nmqtt: {{host: localhost, username: edge}}\n"


def installed(folder: Path) -> Path:
    """A folder that stands for ``/``, with edge as ``make install`` places it for the system's own Python."""
    root = folder / "installed"
    done = run("tools/install/install", DESTDIR=str(root), PREFIX="/usr", WHEEL=str(build_wheel(folder)))
    assert done.returncode == 0, done.stderr
    return root


def placed(root: Path) -> dict[str, str]:
    """Units and users of an installation, by their paths."""
    paths = (*root.glob("usr/lib/systemd/system/*"), *root.glob("usr/lib/sysusers.d/*"))
    return {f"/{path.relative_to(root)}": path.read_text("utf-8") for path in paths}


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
    root = installed(folder)
    files = {
        **placed(root),
        TRIAL: NEEDS,
        "/etc/systemd/system/broker.service": BROKER,
        "/etc/broker.conf": BROKER_CONF,
        "/etc/broker.passwords": passwords(folder),
        "/etc/credstore/edge.mqtt-password": "secret\n",
        **{f"/etc/edge/{name}.yaml": SETTINGS.format(name=name) for name in ("edge", "front", "back")},
        "/etc/edge/wrong.yaml": "camera: {sauce: demo}\n",
    }
    files |= {f"/etc/systemd/system/{unit}.d/short.conf": SHORT for unit in ("edge.service", "edge@.service")}
    machine = Machine(folder, environment=root / "opt/edge", files=files)
    camera = folder / "camera"
    camera.write_text("frames")
    camera.chmod(0o640)
    shutil.chown(camera, "root", "video")
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


def within(machine: Machine, program: str, *drop_ins: str) -> str:
    """What a Python program says that runs in the place of edge, with all of its limits."""
    folder = "/run/systemd/system/edge@probe.service.d"
    place = "ExecStart=\nExecStart=/usr/bin/python3 -I /etc/probe.py\nRuntimeDirectoryPreserve=yes\n"
    machine.write(f"{folder}/probe.conf", f"[Service]\nType=oneshot\n{place}")
    for name in drop_ins:
        machine.write(f"{folder}/{name}", (ROOT / "systemd/drop-ins" / name).read_text("utf-8"))
    caught = textwrap.indent(program, "    ")
    told = (
        "except OSError as error:\n    said = error.strerror\nopen('/run/edge/probe/said', 'w').write(said)\n"
    )
    machine.write("/etc/probe.py", f"try:\n{caught}\n{told}")
    machine.run("systemctl", "daemon-reload")
    done = machine.run("systemctl", "start", "edge@probe")
    machine.run("rm", "-r", folder)
    assert done.returncode == 0, done.stderr + machine.log()
    return machine.run("cat", "/run/edge/probe/said").stdout


def test_it_may_open_what_the_group_video_may(machine: Machine) -> None:
    # Though all users and groups but its own are hidden from it.
    assert within(machine, "said = open('/host/camera').read()") == "frames"


CLOCK = "import ctypes\nsaid = str(ctypes.CDLL(None).adjtimex((ctypes.c_long * 64)()) >= 0)"
CODE = "import mmap\nsaid = str(len(mmap.mmap(-1, 4096, prot=7)))"
NETLINK = "import socket\nsaid = str(socket.socket(16, socket.SOCK_RAW, 15).getsockname()[0] >= 0)"


@pytest.mark.parametrize(
    ("program", "without", "drop_in", "with_it"),
    [
        (CLOCK, "False", "chrony.conf", "True"),
        (CODE, "Operation not permitted", "gstreamer.conf", "4096"),
        (CODE, "Operation not permitted", "argus.conf", "4096"),
        (NETLINK, "Address family not supported by protocol", "libcamera.conf", "True"),
    ],
)
def test_a_drop_in_opens_what_it_says(
    machine: Machine, program: str, without: str, drop_in: str, with_it: str
) -> None:
    machine.run("groupadd", "--force", "--system", "render")  # a Jetson has it
    assert within(machine, program) == without
    assert within(machine, program, drop_in) == with_it


PIPELINE = (
    "videotestsrc num-buffers=3 ! video/x-raw,format=YUY2,width=320,height=240 ! videoconvert ! videoscale \
! video/x-raw,format=I420,width=160,height=120 ! fdsink"
)


def test_a_pipeline_that_compiles_runs_slower_without_its_drop_in_but_runs(machine: Machine) -> None:
    program = (
        f"import subprocess\nline = {PIPELINE!r}.split()\n"
        "done = subprocess.run(['gst-launch-1.0', '-q', *line], capture_output=True)\n"
        "said = str(len(done.stdout)) if done.returncode == 0 else done.stderr.decode()"
    )
    frames = str(3 * 160 * 120 * 3 // 2)
    assert within(machine, program) == frames
    assert within(machine, program, "gstreamer.conf") == frames
    assert machine.run("test", "-s", "/var/cache/edge/gstreamer.bin").returncode == 0


def test_a_drop_in_gives_the_password_where_the_folder_is_not_searched(
    machine: Machine, started: Callable[[str], None]
) -> None:
    text = (ROOT / "systemd/drop-ins/jetpack.conf").read_text("utf-8")
    folder = "/run/systemd/system/edge@front.service.d"
    machine.run("mv", "/etc/credstore/edge.mqtt-password", "/etc/elsewhere")
    machine.write(
        f"{folder}/jetpack.conf", text.replace("/etc/credstore/edge.mqtt-password", "/etc/elsewhere")
    )
    machine.run("systemctl", "daemon-reload")
    try:
        started("edge@front")
        assert heard(machine, "edge/front/availability") == "online", machine.log()
    finally:
        machine.run("mv", "/etc/elsewhere", "/etc/credstore/edge.mqtt-password")
        machine.run("rm", "-r", folder)
        machine.run("systemctl", "daemon-reload")


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

"""The examples for subscribers do what docs/subscribers.md says of them, with a real mosquitto.

Home Assistant's are in test_home_assistant.py. Telegraf is no package of Debian: of its configuration only
the form, and that what it reads is there, are looked at.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto
from process import ROOT, Edge, eventually, listening, retained

EXAMPLES = ROOT / "config" / "examples"
DOCUMENT = ROOT / "docs" / "subscribers.md"

CORE = {
    "tab",
    "mqtt-broker",
    "mqtt in",
    "mqtt out",
    "function",
    "switch",
    "change",
    "debug",
    "rbe",
    "comment",
}
"""Types of nodes that come with Node-RED itself."""


def publish(port: int, topic: str, payload: Any, *more: str) -> None:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-s", *more]
    subprocess.run(command, input=text, text=True, check=True)


def event(identity: str, **more: Any) -> dict[str, Any]:
    time_of_it = "2026-11-21T09:30:00.125Z"
    return {"id": identity, "event_type": "new", "time": time_of_it, "digit": 7, "score": 0.9, **more}


def greeted(port: int, condition: Callable[[], bool]) -> Callable[[], bool]:
    """The condition; each look at it publishes the same event once more, until somebody has subscribed."""

    def look() -> bool:
        publish(port, "edge/hall/digits/event", event("first"))
        return condition()

    return look


class Program:
    """A program, and the lines that it prints."""

    def __init__(self, *command: str) -> None:
        self.lines: list[str] = []
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Program:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait(20)
        self._thread.join(5)
        if self._child.stdout:
            self._child.stdout.close()

    def _read(self) -> None:
        assert self._child.stdout
        for line in self._child.stdout:
            self.lines.append(line.rstrip("\n"))


def block(language: str) -> list[str]:
    """The blocks of a language in the document."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


def test_the_document_shows_the_examples_as_they_are() -> None:
    (shown,) = block("python")
    assert shown == (EXAMPLES / "subscriber.py").read_text("utf-8")


def commands() -> list[str]:
    """The lines of the document's blocks that stand for a shell."""
    text = DOCUMENT.read_text("utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for language, found in blocks if not language for line in found.splitlines()]


def test_the_document_has_commands() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize(
    "line", [line for line in commands() if line.startswith(("edge ", "mosquitto_sub "))]
)
def test_every_command_of_the_document_runs(line: str, broker: Mosquitto) -> None:
    """Against this broker, for a moment; what jq makes of it is left to jq."""
    publish(broker.port, "edge/hall/availability", "online", "-r")
    publish(broker.port, "edge/hall/digits/state", {"digits": []}, "-r")
    publish(broker.port, "homeassistant/device/hall/config", {"dev": {}}, "-r")
    words = shlex.split(line.partition(" | ")[0])
    if words[0] == "edge":
        words = [sys.executable, "-m", *words, "--seconds", "1"]
    else:
        words += ["-W", "1"]
    place = "--host" if "edge" in words else "-h"
    if place in words:
        del words[words.index(place) : words.index(place) + 2]
    port = "--port" if "edge" in words else "-p"
    words += [place, "127.0.0.1", port, str(broker.port)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert done.returncode in (0, 27), done.stderr  # 27: mosquitto_sub's time is up
    assert "Traceback" not in done.stderr
    assert done.stdout or "/event" in line  # these are never retained


def test_every_example_is_written_of() -> None:
    text = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert not [path.name for path in EXAMPLES.iterdir() if path.name not in text]


def test_the_python_subscriber_hears_each_event_once_and_no_old_news_also_after_it_was_away(
    broker: Mosquitto,
) -> None:
    command = (sys.executable, str(EXAMPLES / "subscriber.py"), f"127.0.0.1:{broker.port}")
    topic = "edge/hall/digits/event"
    with Program(*command) as heard:
        assert eventually(greeted(broker.port, lambda: heard.lines != []))
        for said in (
            event("a"),
            event("a"),
            event("b", event_type="end"),
            event("c", late=True),
            event("d", digit=3),
        ):
            publish(broker.port, topic, said)
        assert eventually(lambda: len(heard.lines) == 3), heard.lines
        assert [line.split()[2] for line in heard.lines] == ["7", "7", "3"]
    publish(broker.port, topic, event("meanwhile", digit=9))
    with Program(*command) as heard:
        assert eventually(lambda: any(line.split()[2] == "9" for line in heard.lines)), heard.lines


def test_a_shared_subscription_gives_each_event_to_one_of_a_group(broker: Mosquitto) -> None:
    consumer = (
        "mosquitto_sub",
        "-p",
        str(broker.port),
        "-V",
        "5",
        "-q",
        "1",
        "-t",
        "$share/counters/edge/+/digits/event",
    )
    filters = set(re.findall(r"\$share/[^\s'`]+", DOCUMENT.read_text("utf-8")))
    assert consumer[-1] in filters
    with Program(*consumer) as first, Program(*consumer) as second:

        def both() -> bool:
            publish(broker.port, "edge/probe/digits/event", event("probe"), "-V", "5")
            return bool(first.lines) and bool(second.lines)

        assert eventually(both)
        for number in range(40):
            publish(broker.port, f"edge/d{number % 4}/digits/event", event(f"e{number}"), "-V", "5")

        def ids() -> Counter[str]:
            return Counter(
                json.loads(line)["id"] for line in [*first.lines, *second.lines] if "probe" not in line
            )

        assert eventually(lambda: len(ids()) == 40), ids()
        assert set(ids().values()) == {1}
        shares = [sum("probe" not in line for line in lines) for lines in (first.lines, second.lines)]
        assert min(shares) > 5, shares


def test_a_bridge_carries_everything_to_the_site_and_commands_back(tmp_path: Path) -> None:
    """Two mosquittos; the site's is away for a while, and nothing is missing afterwards."""
    for name in ("site", "local"):
        (tmp_path / name).mkdir()
    site = Mosquitto(tmp_path / "site")
    written = (EXAMPLES / "mosquitto-bridge.conf").read_text("utf-8")
    kept = [
        line for line in written.splitlines()
        if not re.match(r"\s*(#|$|listener|persistence|allow_anonymous)", line)
    ]  # fmt: skip
    place = f"address 127.0.0.1:{site.port}"
    bridge = [place if line.startswith("address ") else line.replace("1 30", "1 1") for line in kept]
    assert place in bridge
    local = Mosquitto(tmp_path / "local", "allow_anonymous true", *bridge)
    site.start()
    local.start()
    edge = Edge(tmp_path, local.port)
    try:
        edge.start()
        assert eventually(lambda: retained(site.port, "edge/test/availability") == "online", 30), edge.log
        assert eventually(lambda: retained(site.port, "homeassistant/device/test/config") is not None, 20)
        with listening(site.port, "edge/test/#") as heard:
            assert eventually(
                lambda: (
                    {f"edge/test/{name}" for name in ("digits/event", "digits/state")}
                    <= {t for t, _ in heard}
                ),
                30,
            )
        with listening(local.port, "edge/test/cmd/#") as heard:
            publish(site.port, "edge/test/cmd/detect", {"on": True})
            assert eventually(lambda: "edge/test/cmd/detect" in {topic for topic, _ in heard}, 20)
        keeper = [
            "mosquitto_sub", "-p", str(site.port), "-i", "keeper", "-c", "-q", "1",
            "-t", "edge/test/other/event",
        ]  # fmt: skip
        subprocess.run([*keeper, "-W", "1"], check=False, capture_output=True)
        site.save()
        site.stop()
        publish(local.port, "edge/test/other/event", event("while-away"))
        site.start()
        done = subprocess.run([*keeper, "-C", "1", "-W", "30"], check=False, capture_output=True, text=True)
        assert "while-away" in done.stdout
    finally:
        edge.close()
        local.close()
        site.close()


def flow() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = json.loads((EXAMPLES / "node-red.json").read_text("utf-8"))
    return nodes


def test_the_flow_is_made_of_core_nodes_that_hang_together() -> None:
    nodes = flow()
    ids = {node["id"] for node in nodes}
    assert len(ids) == len(nodes)
    assert {node["type"] for node in nodes} <= CORE
    (tab,) = (node["id"] for node in nodes if node["type"] == "tab")
    for node in nodes:
        assert node.get("z", tab) == tab
        assert {target for output in node.get("wires", []) for target in output} <= ids
        assert len(node.get("wires", [])) == node.get("outputs", len(node.get("wires", [])))
        if "broker" in node and node["type"] != "mqtt-broker":
            assert node["broker"] in ids
    assert not [node for node in nodes if "password" in json.dumps(node)]


@pytest.mark.slow
def test_the_flow_runs_in_node_red(broker: Mosquitto, tmp_path: Path) -> None:
    """Each digit once, none that came late. With Node-RED on the PATH, or where EDGE_NODE_RED says."""
    program = os.environ.get("EDGE_NODE_RED") or shutil.which("node-red")
    if program is None:
        pytest.skip(
            "Node-RED is not installed: npm install node-red, then EDGE_NODE_RED=…/node_modules/.bin/node-red"
        )
    nodes = flow()
    for node in nodes:
        if node["type"] == "mqtt-broker":
            node |= {"broker": "127.0.0.1", "port": str(broker.port)}
    (tmp_path / "flows.json").write_text(json.dumps(nodes))
    settings = {"uiHost": "127.0.0.1", "uiPort": 0, "flowFile": "flows.json", "httpAdminRoot": False}
    (tmp_path / "settings.js").write_text(f"module.exports = {json.dumps(settings)};")
    topic = "edge/hall/digits/event"
    with (
        listening(broker.port, "node-red/#") as heard,
        Program(program, "-u", str(tmp_path), "-s", str(tmp_path / "settings.js")) as log,
    ):
        assert eventually(lambda: any("Connected to broker" in line for line in log.lines), 60), log.lines
        assert eventually(greeted(broker.port, lambda: heard[1:] != []), 20), log.lines
        for said in (
            event("a"),
            event("a"),
            event("b", event_type="end"),
            event("c", late=True),
            event("d", digit=3),
        ):
            publish(broker.port, topic, said)
        assert eventually(lambda: ("node-red/hall/digit", "3") in heard, 20)
        assert [payload for name, payload in heard if name == "node-red/hall/digit"] == ["7", "7", "3"]


def test_what_telegraf_reads_is_there() -> None:
    """The paths of its fields lead somewhere in what the service publishes."""
    text = (EXAMPLES / "telegraf.conf").read_text("utf-8")
    if sys.version_info >= (3, 11):
        import tomllib

        (reader,) = tomllib.loads(text)["inputs"]["mqtt_consumer"]
        assert reader["topics"] == ["edge/+/stats"]
        assert len(reader["json_v2"][0]["field"]) > 5
    schema = json.loads((ROOT / "docs" / "schemas" / "stats.json").read_text("utf-8"))
    paths = re.findall(r'^\s+path = "([^"]+)"', text, re.MULTILINE)
    assert len(paths) > 5
    for path in paths:
        assert path.split(".")[0] in schema["properties"], path


def test_what_telegraf_reads_comes_from_a_running_service(broker: Mosquitto, tmp_path: Path) -> None:
    text = (EXAMPLES / "telegraf.conf").read_text("utf-8")
    required = re.findall(
        r'path = "([^"]+)"(?:(?!field\]\]).)*?type = "\w+"\n(?!\s+optional)', text, re.DOTALL
    )
    assert {"loop.fps", "outbox.waiting", "outbox.dropped"} <= set(required)
    edge = Edge(tmp_path, broker.port)
    try:
        edge.start()
        assert eventually(lambda: retained(broker.port, "edge/test/stats") is not None, 30), edge.log
        stats = json.loads(retained(broker.port, "edge/test/stats") or "{}")
    finally:
        edge.close()
    for path in required:
        value: Any = stats
        for name in path.split("."):
            value = value[name]
        assert isinstance(value, (int, float)), path

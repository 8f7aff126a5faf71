"""People, end to end: the real process, real models, a real broker and the real command line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mosquitto import Mosquitto
from process import ROOT, Edge, eventually, listening, retained

sys.path.insert(0, str(Path(__file__).parents[1] / "recognize" / "faces"))
import portraits

DISCOVERY = "homeassistant/device/test/config"
WITHIN = 40.0
"""Seconds for what takes less than three on a machine with nothing else to do."""

Heard = list[tuple[str, str]]


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> Iterator[Edge]:
    """A service that sees the portrait on a wall, and looks for faces."""
    wall = np.full((480, 640, 3), (120, 130, 125), np.uint8)
    wall[60:360, 150:490] = portraits.portrait()
    assert cv2.imwrite(str(tmp_path / "wall.png"), wall)
    camera = {"source": str(tmp_path / "wall.png"), "on_end": "hold", "fps": 10}
    tracking = {"presence": {"away": 2.0}}
    edge = Edge(tmp_path, broker.port, camera=camera, recognizers=["faces"], tracking=tracking)
    yield edge
    edge.close()


def payloads(heard: Heard, topic: str) -> list[Any]:
    return [json.loads(payload) for name, payload in heard if name == f"edge/test/{topic}"]


def send(port: int, what: str, fields: dict[str, Any]) -> None:
    """A command over MQTT."""
    topic = f"edge/test/cmd/{what}"
    subprocess.run(
        ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-s"],
        input=json.dumps(fields), text=True, check=True, timeout=20,
    )  # fmt: skip


def command(heard: Heard, port: int, what: str, /, **fields: Any) -> dict[str, Any]:
    """Sends a command; gives its answer."""
    request = f"{what}-{time.monotonic_ns()}"
    send(port, what, {**fields, "request": request})

    def answers() -> list[dict[str, Any]]:
        return [told for told in payloads(heard, f"cmd/{what}/result") if told["request"] == request]

    assert eventually(lambda: bool(answers()), WITHIN), f"no answer to {what}"
    return answers()[0]


def call(edge: Edge, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "edge", *words, "-c", str(edge.config)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ),
    )  # fmt: skip


def present(heard: Heard) -> list[str] | None:
    states = payloads(heard, "faces/state")
    return [person["name"] for person in states[-1]["present"]] if states else None


def shown(port: int) -> dict[str, Any]:
    """What Home Assistant is told of people."""
    said = retained(port, DISCOVERY)
    components = json.loads(said)["cmps"] if said else {}
    return {key: component for key, component in components.items() if key.startswith("present_")}


def sent(picture: Any) -> str:
    return base64.b64encode(portraits.jpeg(picture)).decode()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_person_from_the_first_picture_to_being_forgotten(
    edge: Edge, broker: Mosquitto, tmp_path: Path
) -> None:
    port = broker.port
    with listening(port, seconds=300) as heard:
        edge.start()
        assert eventually(lambda: bool(payloads(heard, "faces/event")), WITHIN), edge.log
        stranger = payloads(heard, "faces/event")[-1]
        assert (stranger["event_type"], stranger["name"]) == ("new", "unknown")
        assert eventually(lambda: payloads(heard, "faces/state")[-1]["unknown"] == 1, WITHIN)
        assert shown(port) == {}

        # Somebody in view, by the number of the track.
        told = command(heard, port, "enroll", name="Eileen", track=stranger["track"])
        assert told["ok"], told
        assert eventually(lambda: present(heard) == ["Eileen"], WITHIN), edge.log
        assert eventually(lambda: len(shown(port)) == 1, WITHIN)
        (entity,) = shown(port).values()
        assert (entity["p"], entity["name"]) == ("binary_sensor", "Eileen present")
        gallery = tmp_path / "state" / "gallery.db"
        assert gallery.stat().st_mode & 0o777 == 0o600

        shown_here = json.loads(call(edge, "discovery", "show", "--json").stdout)["payload"]["cmps"]
        assert [key for key in shown_here if key.startswith("present_")] == list(shown(port))

        # The command line speaks to the service.
        other = tmp_path / "other.jpg"
        other.write_bytes(portraits.jpeg(portraits.stranger()))
        done = call(edge, "enroll", "Caroline", str(other))
        assert (done.returncode, "the running service" in done.stdout) == (0, True), done.stderr
        done = call(edge, "enroll", "Caroline", str(tmp_path / "wall.png"))
        assert done.returncode == 1
        assert "this is Eileen already" in done.stderr
        assert eventually(lambda: len(shown(port)) == 2, WITHIN)
        done = call(edge, "people", "--json")
        assert [person["name"] for person in json.loads(done.stdout)["people"]] == ["Caroline", "Eileen"]

        # That was not her.
        track = payloads(heard, "faces/state")[-1]["present"][0]["track"]
        done = call(edge, "deny", "Eileen", "--track", str(track))
        assert done.returncode == 0, done.stderr
        assert eventually(lambda: present(heard) == [], WITHIN), payloads(heard, "faces/state")[-1]
        assert call(edge, "deny", "Eileen", "--track", "9999").returncode == 1

        # And gone.
        done = call(edge, "forget", "Eileen", "Caroline")
        assert done.returncode == 0, done.stderr
        assert command(heard, port, "people")["data"]["people"] == []
        assert b"Eileen" not in gallery.read_bytes()
        assert eventually(lambda: {tuple(each) for each in shown(port).values()} == {("p",)}, WITHIN), shown(
            port
        )
        assert edge.terminate()[0] == 0, edge.log


def test_what_cannot_be_enrolled_is_answered_and_hurts_nobody(edge: Edge, broker: Mosquitto) -> None:
    port = broker.port
    with listening(port, seconds=300) as heard:
        edge.start()
        assert eventually(lambda: bool(payloads(heard, "faces/state")), WITHIN), edge.log
        wrong: list[tuple[str, dict[str, Any], str]] = [
            ("enroll", {"name": "Ann"}, "bad-field"),
            ("enroll", {"name": "../../etc/passwd", "jpeg": sent(portraits.portrait())}, "bad-field"),
            ("enroll", {"name": "x" * 60_000, "track": 1}, "bad-field"),
            ("enroll", {"name": "Ann", "jpeg": base64.b64encode(b"no picture").decode()}, "bad-picture"),
            ("enroll", {"name": "Ann", "jpeg": sent(portraits.two())}, "no-face"),
            ("enroll", {"name": "Ann", "track": 4711}, "unknown-track"),
            ("deny", {"name": "Ann", "track": 4711}, "unknown-track"),
            ("forget", {"name": "Ann"}, "unknown-name"),
        ]
        for name, fields, code in wrong:
            told = command(heard, port, name, **fields)
            assert (told["ok"], told["error"]) == (False, code), told
        # What is too large is not read, so that nobody knows what it calls itself.
        send(port, "enroll", {"name": "Ann", "jpeg": base64.b64encode(bytes(120_000)).decode()})
        assert eventually(lambda: payloads(heard, "cmd/enroll/result")[-1]["error"] == "too-large", WITHIN)
        send(port, "enroll", {"name": "x" * 1_000_000, "track": 1})
        assert command(heard, port, "people")["data"]["people"] == []
        assert edge.process.poll() is None
        assert edge.terminate()[0] == 0, edge.log


def test_a_gallery_that_cannot_be_used_is_set_aside_and_told_of(
    edge: Edge, broker: Mosquitto, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "gallery.db").write_bytes(b"this is no database, whatever its name says" * 100)
    with listening(broker.port, seconds=300) as heard:
        edge.start()
        assert eventually(lambda: bool(payloads(heard, "faces/event")), WITHIN), edge.log
        assert payloads(heard, "faces/event")[-1]["name"] == "unknown"
        told = command(heard, broker.port, "people")["data"]
        assert told["people"] == []
        assert any("set aside" in remark for remark in told["remarks"])
        assert command(heard, broker.port, "enroll", name="Eileen", jpeg=sent(portraits.portrait()))["ok"]
        assert list(state.glob("gallery.db.unusable*"))
        assert "set aside" in edge.log

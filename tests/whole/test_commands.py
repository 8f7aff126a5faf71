"""Commands to the real process over a real broker: what they do and answer, and what a restart keeps."""

from __future__ import annotations

import json
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

from edge.refusals import CODES

TOPIC = "edge/test/snapshot"

Heard = list[tuple[str, str]]


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> Iterator[Edge]:
    edge = Edge(tmp_path, broker.port)
    yield edge
    edge.close()


def payloads(heard: Heard, topic: str) -> list[Any]:
    return [json.loads(payload) for name, payload in heard if name == f"edge/test/{topic}"]


def send(port: int, command: str, payload: str, *options: str) -> None:
    subprocess.run(
        [
            "mosquitto_pub",
            "-p",
            str(port),
            "-q",
            "1",
            "-t",
            f"edge/test/cmd/{command}",
            "-m",
            payload,
            *options,
        ],
        check=True,
        timeout=10,
    )


def ask(heard: Heard, port: int, command: str, **fields: Any) -> dict[str, Any]:
    """Sends a command and waits for its answer."""
    name = f"{command}-{len(heard)}-{time.monotonic_ns()}"
    send(port, command, json.dumps({**fields, "request": name}))

    def answers() -> list[dict[str, Any]]:
        return [told for told in payloads(heard, f"cmd/{command}/result") if told["request"] == name]

    assert eventually(lambda: bool(answers())), f"no answer to {command}"
    (told,) = answers()
    assert told["command"] == command
    assert told["ok"] is (told["error"] is None)
    return told


def settings_of(port: int) -> dict[str, Any]:
    told = retained(port, "edge/test/settings")
    return json.loads(told) if told else {}


def check(edge: Edge) -> str:
    """What ``edge check`` says of the commands' changes."""
    done = subprocess.run(
        [sys.executable, "-m", "edge", "check", "--json", "-c", str(edge.config)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    checks = json.loads(done.stdout)["checks"]
    return str(next(item["message"] for item in checks if item["part"] == "commands"))


def test_detect_and_threshold_hold_over_a_restart_until_they_are_reset(edge: Edge, broker: Mosquitto) -> None:
    port = broker.port
    with listening(port) as heard:
        edge.start()
        assert eventually(lambda: any(state["digits"] for state in payloads(heard, "digits/state"))), edge.log
        before = settings_of(port)
        assert (before["detect"], before["changed"]) == (True, [])
        told = ask(heard, port, "threshold", recognizer="digits", value=0.97)
        assert told["ok"], told
        assert told["data"] == {"recognizer": "digits", "value": 0.97, "kept": True}
        told = ask(heard, port, "detect", on=False)
        assert told["ok"], told
        assert eventually(lambda: payloads(heard, "digits/state")[-1]["digits"] == [])
        assert eventually(lambda: settings_of(port).get("detect") is False)
        assert settings_of(port)["changed"] == ["detect", "thresholds.digits"]
        news = {event["track"] for event in payloads(heard, "digits/event") if event["event_type"] == "new"}
        ends = {event["track"] for event in payloads(heard, "digits/event") if event["event_type"] == "end"}
        assert ends == news, "all that was told has ended"
        file = edge.config.parent / "state" / "changes.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert check(edge) == "changed by command: detect off, threshold of digits 0.97"
        assert edge.terminate()[0] == 0, edge.log

        # The second life rests from the first frame on, and says what is in view: nothing.
        seen = len(payloads(heard, "digits/event"))
        edge.start()
        assert eventually(lambda: payloads(heard, "camera/status")[-1]["state"] == "ok"), edge.log
        assert eventually(lambda: retained(port, "edge/test/availability") == "online")
        assert eventually(lambda: settings_of(port).get("thresholds") == {"digits": 0.97})
        assert settings_of(port)["detect"] is False
        assert len(payloads(heard, "digits/event")) == seen
        told = ask(heard, port, "reload", reset=True)
        assert told["ok"], told
        assert eventually(lambda: settings_of(port).get("changed") == [])
        assert settings_of(port) | {"time": ""} == before | {"time": ""}
        assert eventually(lambda: len(payloads(heard, "digits/event")) > seen), edge.log
        assert eventually(lambda: not file.exists())
        assert check(edge) == "nothing is changed by command"


def test_whatever_is_wrong_is_answered_with_a_code_and_a_sentence(edge: Edge, broker: Mosquitto) -> None:
    port = broker.port
    with listening(port) as heard:
        edge.start()
        assert eventually(lambda: bool(payloads(heard, "digits/state"))), edge.log
        wrong: dict[tuple[str, str], dict[str, Any]] = {
            ("detect", "bad-field"): {},
            ("threshold", "no-such-recognizer"): {"recognizer": "faces", "value": 0.5},
            ("enroll", "not-running"): {"name": "Ann", "track": 1},
            ("deny", "not-running"): {"name": "Ann", "track": 1},
            ("forget", "not-running"): {"name": "Ann"},
            ("people", "not-running"): {},
            ("reading", "not-running"): {"name": "water", "value": 1},
            ("dance", "unknown-command"): {},
        }
        for (command, code), fields in wrong.items():
            told = ask(heard, port, command, **fields)
            assert told["error"] == code, told
            assert code in CODES
        for fields in ({"recognizer": "digits", "value": 1.5}, {"recognizer": "digits"}, {"on": True}):
            assert ask(heard, port, "threshold", **fields)["error"] == "bad-field"
        send(port, "detect", "nonsense")
        assert eventually(lambda: payloads(heard, "cmd/detect/result")[-1]["error"] == "bad-payload")
        assert settings_of(port)["changed"] == []

        def stats() -> dict[str, Any]:
            return dict(payloads(heard, "stats")[-1])

        assert eventually(lambda: stats()["commands"]["commands_failed"] == 11), stats()
        assert eventually(lambda: stats()["outbox"]["commands_refused"] == 1), stats()


def test_a_retained_command_is_refused_at_every_start(edge: Edge, broker: Mosquitto) -> None:
    send(broker.port, "detect", '{"on": false}', "-r")
    with listening(broker.port) as heard:
        edge.start()
        assert eventually(lambda: bool(payloads(heard, "cmd/detect/result"))), edge.log
        assert payloads(heard, "cmd/detect/result")[-1]["error"] == "retained"
        assert eventually(lambda: settings_of(broker.port).get("detect") is True)
        assert "a retained command was refused" in edge.log


def test_a_snapshot_shows_what_the_recognizers_see(tmp_path: Path, broker: Mosquitto) -> None:
    picture = np.full((240, 320, 3), 255, np.uint8)
    cv2.imwrite(str(tmp_path / "white.png"), picture)
    camera = {"source": str(tmp_path / "white.png"), "on_end": "hold", "masks": [[0.0, 0.0, 0.5, 1.0]]}
    edge = Edge(tmp_path, broker.port, camera=camera, snapshot={"interval": 0.2, "side": 160})
    jpeg = tmp_path / "snapshot.jpg"
    try:
        edge.start()
        # Not the topic snapshot itself: it is no text.
        with listening(broker.port, "edge/test/cmd/#") as heard:
            assert eventually(lambda: retained(broker.port, "edge/test/digits/state") is not None), edge.log
            with jpeg.open("wb") as file:
                child = subprocess.Popen(
                    ["mosquitto_sub", "-p", str(broker.port), "-t", TOPIC, "-C", "1", "-N", "-W", "20"],
                    stdout=file,
                )  # fmt: skip
                told: dict[str, Any] = {}

                def asked() -> bool:
                    reply = ask(heard, broker.port, "snapshot")
                    if reply["ok"]:  # the one after it may come too soon for another
                        told.update(reply)
                    return child.poll() is not None

                assert eventually(asked), "mosquitto_sub may subscribe later than the first ones are sent"
            assert told["data"]["size"] == [160, 120]
            shown = cv2.imread(str(jpeg))
            assert shown is not None
            assert shown.shape == (120, 160, 3)
            assert shown[:, :70].max() < 30, "the mask is applied"
            assert shown[:, 90:].min() > 225
        assert retained(broker.port, "edge/test/snapshot") is None
    finally:
        edge.close()


def test_pictures_stay_where_the_settings_say_so(tmp_path: Path, broker: Mosquitto) -> None:
    edge = Edge(tmp_path, broker.port, snapshot={"enabled": False})
    try:
        with listening(broker.port) as heard:
            edge.start()
            assert eventually(lambda: bool(payloads(heard, "digits/state"))), edge.log
            assert ask(heard, broker.port, "snapshot")["error"] == "switched-off"
            assert not [name for name, _ in heard if name == "edge/test/snapshot"]
    finally:
        edge.close()


def test_a_flood_is_cut_and_the_camera_goes_on(tmp_path: Path, broker: Mosquitto) -> None:
    edge = Edge(tmp_path, broker.port, commands={"per_minute": 60, "burst": 10})
    flood = "\n".join(['{"on": true}'] * 2000)
    try:
        with listening(broker.port) as heard:
            edge.start()
            assert eventually(lambda: bool(payloads(heard, "stats"))), edge.log
            subprocess.run(
                ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", "edge/test/cmd/detect", "-l"],
                input=flood, text=True, check=True, timeout=60,
            )  # fmt: skip

            def counted() -> bool:
                told = payloads(heard, "stats")[-1]["outbox"]
                return bool(told["commands_limited"] + told["arrivals_dropped"] > 1900)

            assert eventually(counted), payloads(heard, "stats")[-1]["outbox"]
            assert len(payloads(heard, "cmd/detect/result")) < 100
            frames = payloads(heard, "stats")[-1]["loop"]["frames"]
            assert eventually(lambda: payloads(heard, "stats")[-1]["loop"]["frames"] > frames)
            assert edge.process.poll() is None
    finally:
        edge.close()


def test_an_answer_comes_to_the_response_topic(edge: Edge, broker: Mosquitto) -> None:
    edge.start()
    assert eventually(lambda: bool(settings_of(broker.port))), edge.log
    done = subprocess.run(
        [
            "mosquitto_rr", "-p", str(broker.port), "-V", "5", "-q", "1", "-t", "edge/test/cmd/people",
            "-e", "home/answers", "-m", "{}", "-W", "20",
        ],
        capture_output=True, text=True, timeout=40, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["error"] == "not-running", done.stderr

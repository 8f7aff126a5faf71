"""A real Home Assistant, installed in an environment of its own, finds edge with no YAML at all.

Its release 2025.1.4 is the newest that runs on Python 3.12; newer ones want 3.13.2. What later releases
changed (``default_entity_id``) is held to the written rules of tests/transmit/rules_of_discovery.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from mosquitto import Mosquitto
from process import ROOT, Edge, eventually

from edge.clock import SystemClock, rfc3339

RELEASE = "2025.1.4"
CACHE = ROOT / ".cache" / f"home-assistant-{RELEASE}"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TRANSMIT = ROOT / "tests" / "transmit"


@cache
def environment() -> Path | str:
    """Its Python; or what is lacking, in words. Made once, then kept below .cache."""
    python = CACHE / "bin" / "python"
    if (CACHE / "ready").exists():
        return python
    found = subprocess.run(
        [ROOT / "tools" / "environment", "python", "3.12"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if not found:
        return "no Python 3.12, which Home Assistant 2025.1 needs"
    packages = [f"homeassistant=={RELEASE}", "paho-mqtt==1.6.1"]
    for command in (
        [found, "-m", "venv", "--clear", str(CACHE)],
        [str(python), "-m", "pip", "install", "-qq", "--no-compile", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"Home Assistant cannot be installed here: {done.stderr.strip().splitlines()[-1:]}"
    (CACHE / "ready").touch()
    return python


class Home:
    """Home Assistant, connected to a broker."""

    def __init__(self, folder: Path, port: int) -> None:
        python = environment()
        if isinstance(python, str):
            pytest.skip(python)
        folder.mkdir(exist_ok=True)
        program = Path(__file__).with_name("home_assistant.py")
        with (folder / "stderr").open("wb") as log:
            self._process = subprocess.Popen(
                [python, program, folder, str(port)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        assert self._read() == "ready", (folder / "stderr").read_text()

    def ask(self, what: str, **more: Any) -> Any:
        """One request, one answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def entities(self) -> dict[str, Any]:
        """By the end of their unique id, behind the device's name."""
        return {
            entity["unique_id"].split("_", 2)[2]: {"entity_id": entity_id, **entity}
            for entity_id, entity in self.ask("entities").items()
            if entity["unique_id"].startswith("edge_")
        }

    def state(self, key: str) -> str | None:
        """Of one entity; None while there is none."""
        found = self.entities().get(key)
        return found["state"] if found else None

    def complaints(self) -> list[str]:
        """What it has logged of entities and templates; of how it is steered here nothing."""
        logged: list[str] = self.ask("complaints")
        return [
            line for line in logged if re.search(r" homeassistant\.(components\.|helpers\.template)", line)
        ]

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        return json.loads(line) if line else None


@pytest.fixture
def home(broker: Mosquitto, tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home", broker.port)
    yield home
    home.close()


def payloads() -> Any:
    """A discovery payload with everything: readings, people with hostile names, a picture."""
    code = "import discovered; print(discovered.full().encoded().decode())"
    paths = os.pathsep.join((str(TRANSMIT), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    return json.loads(done.stdout)


def show(picture: Path, digit: int | None) -> None:
    """What the camera sees from now on: a printed digit, or nothing. Whole at once, as a file is moved."""
    image = np.full((240, 320, 3), 235, np.uint8)
    if digit is not None:
        cv2.putText(image, str(digit), (120, 160), cv2.FONT_HERSHEY_DUPLEX, 4, (20, 20, 20), 8)
    new = picture.with_name("new.png")
    cv2.imwrite(str(new), image)
    new.replace(picture)


def test_its_own_schemas_and_templates_take_what_is_announced(home: Home) -> None:
    payload = payloads()
    assert home.ask("check", payload=payload) == []
    broken = {
        **payload,
        "cmps": {**payload["cmps"], "bad": {"p": "number", "unique_id": "x", "min": 1, "max": 0}},
    }
    assert any(words.startswith("bad: ") for words in home.ask("check", payload=broken))
    assert home.ask("check", payload={**payload, "dev": {}}) != []
    texts = ["", "{}", "[]", "null", "5", "text", '{"digits": 5, "numbers": null, "loop": [], "present": 1}']
    for component in payload["cmps"].values():
        for option in ("value_template", "json_attributes_template"):
            if option in component:
                said = home.ask("render", template=component[option], payloads=texts)
                assert not [each for each in said if "error" in each], component
    assert "error" in home.ask("render", template="{{ value_json.a.b }}", payloads=["{}"])[0]


def test_a_device_with_everything_is_found_and_its_people_are_told_apart(
    home: Home, broker: Mosquitto
) -> None:
    payload = payloads()
    publish(broker.port, "homeassistant/device/hall/config", payload, retain=True)
    assert eventually(lambda: len(home.entities()) == len(payload["cmps"]), 60), home.entities().keys()
    publish(broker.port, "edge/hall/availability", "online", retain=True)
    publish(broker.port, "edge/hall/camera/status", {"state": "ok"}, retain=True)
    publish(broker.port, "edge/hall/faces/state", {"present": [{"name": "O'Hara"}]}, retain=True)
    publish(broker.port, "edge/hall/readings/water", {"value": 123.456, "error": None}, retain=True)

    def present() -> set[str]:
        return {
            key for key, one in home.entities().items() if key.startswith("present") and one["state"] == "on"
        }

    assert eventually(lambda: len(present()) == 1, 30), present()
    assert next(iter(present())).startswith("present_o_hara_")
    assert eventually(lambda: home.state("reading_water") == "123.456", 30)
    water = home.entities()["reading_water"]["attributes"]
    assert (water["unit_of_measurement"], water["device_class"], water["state_class"]) == (
        "m³", "water", "total_increasing",
    )  # fmt: skip
    publish(broker.port, "edge/hall/camera/status", {"state": "lost", "reason": "gone"}, retain=True)
    assert eventually(lambda: home.state("reading_water") == "unavailable", 30)
    assert home.state("camera_problem") == "on"
    assert home.complaints() == []


def publish(port: int, topic: str, payload: Any, *, retain: bool = False) -> None:
    """By mosquitto_pub."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    command = ["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-s", *(["-r"] if retain else [])]
    subprocess.run(command, input=text, text=True, check=True)


def test_it_finds_edge_shows_what_it_sees_commands_it_and_forgets_it(
    home: Home, broker: Mosquitto, tmp_path: Path
) -> None:
    picture = tmp_path / "view.png"
    show(picture, 7)
    life = {
        "device": {"name": "hall"}, "stats": {"interval": 1}, "mqtt": {"heartbeat": 5},
        "camera": {"source": str(picture), "on_end": "loop", "realtime": True, "fps": 5},
    }  # fmt: skip
    edge = Edge(tmp_path, broker.port, home_assistant={"snapshot": True}, **life)
    try:
        edge.start()
        assert eventually(lambda: home.state("digits") == "1", 60), f"{home.entities()}\n{edge.log}"
        found = home.entities()
        assert {key: found[key]["entity_id"] for key in ("digit", "digits", "camera_problem")} == {
            "digit": "event.hall_digit", "digits": "sensor.hall_digits_in_view",
            "camera_problem": "binary_sensor.hall_camera",
        }  # fmt: skip
        assert found["numbers"]["state"] == "7"
        assert found["camera_problem"]["state"] == "off"
        assert eventually(lambda: float(home.state("memory") or "nan") > 1, 20), found["memory"]
        assert {"snapshot", "take_snapshot"} <= found.keys()

        home.ask("call", service="switch.turn_off", data={"entity_id": "switch.hall_detect"})
        assert eventually(lambda: home.state("detect") == "off", 20), edge.log
        home.ask("call", service="switch.turn_on", data={"entity_id": "switch.hall_detect"})
        assert eventually(lambda: home.state("detect") == "on", 20), edge.log
        home.ask(
            "call",
            service="number.set_value",
            data={"entity_id": found["digits_threshold"]["entity_id"], "value": 0.25},
        )
        assert eventually(lambda: home.state("digits_threshold") == "0.25", 20), edge.log
        home.ask("call", service="button.press", data={"entity_id": found["take_snapshot"]["entity_id"]})
        assert eventually(lambda: home.state("snapshot") not in (None, "unknown"), 20), edge.log

        edge.terminate()
        assert eventually(lambda: home.state("digits") == "unavailable", 20)
        edge = Edge(tmp_path, broker.port, **life)
        edge.start()
        assert eventually(lambda: not {"snapshot", "take_snapshot"} & home.entities().keys(), 40), edge.log
        assert eventually(lambda: home.state("digits") == "1", 40)

        edge.terminate()
        edge = Edge(tmp_path, broker.port, home_assistant={"enabled": False}, **life)
        edge.start()
        assert eventually(lambda: home.entities() == {}, 40), edge.log
        assert home.complaints() == []
    finally:
        edge.close()


def test_the_command_takes_the_device_back(home: Home, broker: Mosquitto, tmp_path: Path) -> None:
    publish(broker.port, "homeassistant/device/test/config", payloads(), retain=True)
    assert eventually(lambda: len(home.entities()) > 10, 60)
    config = Edge(tmp_path, broker.port).config
    command = [sys.executable, "-m", "edge", "discovery", "remove", "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert eventually(lambda: home.entities() == {}, 30)


def test_the_automations_of_the_example_do_what_they_say(home: Home, broker: Mosquitto) -> None:
    example = yaml.safe_load((ROOT / "config" / "examples" / "home-assistant.yaml").read_text("utf-8"))
    port = broker.port
    publish(port, "homeassistant/device/hall/config", payloads(), retain=True)
    publish(port, "edge/hall/availability", "online", retain=True)
    publish(port, "edge/hall/camera/status", {"state": "ok"}, retain=True)
    publish(port, "edge/hall/digits/state", {"digits": [], "numbers": [{"text": "12"}]}, retain=True)
    # By its topic the device is hall; its name in this payload is another.
    assert eventually(lambda: home.state("numbers") == "12", 60)
    names = {key: one["entity_id"] for key, one in home.entities().items()}
    text = json.dumps(example)
    for key, written in (
        ("digit", "event.hall_digit"), ("numbers", "sensor.hall_numbers_in_view"),
        ("camera_problem", "binary_sensor.hall_camera"), ("face", "event.hall_face"),
        ("reading_water", "sensor.hall_water"),
    ):  # fmt: skip
        assert written in text
        text = text.replace(written, names[key])
    assert home.ask("automation", config=json.loads(text)) is True

    def seven(number: int, **more: Any) -> dict[str, Any]:
        moment = {"id": str(number), "time": rfc3339(SystemClock().wall())}
        return {"event_type": "new", "digit": 7, "score": 0.97, **moment, **more}

    publish(port, "edge/hall/digits/event", seven(1, late=True, delay_ms=86_400_000))
    publish(port, "edge/hall/digits/event", seven(2, digit=3))
    publish(port, "edge/hall/digits/event", seven(3, event_type="end"))
    publish(port, "edge/hall/digits/event", seven(4))
    assert eventually(lambda: "Seven, 97 % sure" in home.ask("notifications"), 20), home.complaints()
    for number, name in ((5, "unknown"), (6, "Ada")):
        publish(port, "edge/hall/faces/event", seven(number, name=name))
    assert eventually(lambda: "Ada is here" in home.ask("notifications"), 20), home.complaints()
    for value in (129.5, 130.25):
        publish(port, "edge/hall/readings/water", {"value": value, "error": None}, retain=True)
    assert eventually(lambda: "The meter stands at 130.25 m³" in home.ask("notifications"), 20)
    publish(port, "edge/hall/digits/state", {"digits": [], "numbers": [{"text": "13"}]}, retain=True)
    assert eventually(lambda: "Now it reads 13" in home.ask("notifications"), 20)
    publish(port, "edge/hall/camera/status", {"state": "lost", "reason": "no frames"}, retain=True)
    assert eventually(lambda: "The camera in the hall: no frames" in home.ask("notifications"), 20)
    assert len([note for note in home.ask("notifications") if note.startswith("Seven")]) == 1

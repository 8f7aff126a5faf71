"""`edge discovery`: what is announced, and taking it back from a real mosquitto."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto, free_port

from edge.cli.main import main

TOPIC = "homeassistant/device/hall/config"


def settings(folder: Path, port: int, **more: Any) -> str:
    file = folder / "edge.yaml"
    file.write_text(
        json.dumps({"device": {"name": "hall"}, "mqtt": {"host": "127.0.0.1", "port": port}, **more})
    )
    return str(file)


def kept(port: int) -> str:
    command = ["mosquitto_sub", "-p", str(port), "-t", "homeassistant/#", "-W", "1", "-v"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_show_asks_no_broker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discovery", "show", "-c", settings(tmp_path, free_port())]) == 0
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert first == TOPIC
    assert json.loads(rest)["dev"]["name"] == "Hall"


def test_show_for_machines_says_whether_it_is_announced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for enabled in (True, False):
        file = settings(
            tmp_path, free_port(), home_assistant={"enabled": enabled, "prefix": "ha", "area": "Hall"}
        )
        assert main(["discovery", "show", "--json", "-c", file]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["topic"], said["enabled"]) == ("ha/device/hall/config", enabled)
        assert said["payload"]["dev"]["sa"] == "Hall"


def test_remove_has_the_broker_forget_it(
    broker: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["mosquitto_pub", "-p", str(broker.port), "-r", "-t", TOPIC, "-m", "{}"]
    subprocess.run(command, check=True)
    assert TOPIC in kept(broker.port)
    file = settings(tmp_path, broker.port)
    assert main(["discovery", "remove", "-c", file]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"removed {TOPIC}: ")
    assert "home_assistant.enabled" in said
    assert kept(broker.port) == ""
    off = settings(tmp_path, broker.port, home_assistant={"enabled": False})
    assert main(["discovery", "remove", "--json", "-c", off]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "topic": TOPIC, "announced_again": False}


def test_remove_says_what_prevents_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discovery", "remove", "-c", settings(tmp_path, free_port())]) == 69
    assert "nothing listens" in capsys.readouterr().err


def test_a_broker_that_refuses_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "strict"
    folder.mkdir()
    (folder / "acl").write_text("topic read #\n")
    (folder / "acl").chmod(0o644)
    broker = Mosquitto(folder, "allow_anonymous true", f"acl_file {folder / 'acl'}")
    broker.start()
    try:
        assert main(["discovery", "remove", "-c", settings(tmp_path, broker.port)]) == 69
        assert f"refuses {TOPIC}" in capsys.readouterr().err
    finally:
        broker.close()


@pytest.mark.parametrize(
    "section", [{"prefix": "home/#"}, {"prefix": "$SYS"}, {"delay": -1}, {"name": "a\nb"}]
)
def test_settings_that_cannot_be_are_told(
    section: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discovery", "show", "-c", settings(tmp_path, 1883, home_assistant=section)]) == 78
    assert "home_assistant." in capsys.readouterr().err

"""The running service tells Home Assistant what `edge discovery show` prints, and keeps it up to date."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from mosquitto import Mosquitto
from process import ROOT, Edge, eventually, retained

TOPIC = "homeassistant/device/test/config"


def told(port: int) -> Any:
    said = retained(port, TOPIC)
    return json.loads(said) if said else None


def shown(config: Path) -> Any:
    command = [sys.executable, "-m", "edge", "discovery", "show", "--json", "-c", str(config)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)


def test_it_is_announced_follows_the_settings_and_is_taken_back(broker: Mosquitto, tmp_path: Path) -> None:
    edge = Edge(tmp_path, broker.port).start()
    again: Edge | None = None
    try:
        assert eventually(lambda: told(broker.port) is not None, 30), edge.log
        expected = shown(edge.config)
        assert (expected["topic"], expected["payload"]) == (TOPIC, told(broker.port))
        assert told(broker.port)["cmps"]["fps"]["expire_after"] == 3
        assert eventually(lambda: "runs as test" in edge.log, 30)

        Edge(tmp_path, broker.port, stats={"interval": 7})  # writes the same file anew
        edge.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: told(broker.port)["cmps"]["fps"]["expire_after"] == 21, 30), edge.log

        edge.terminate()
        assert (tmp_path / "state" / "home_assistant.json").exists()
        again = Edge(tmp_path, broker.port, home_assistant={"enabled": False}).start()
        assert eventually(lambda: told(broker.port) is None, 30), again.log
    finally:
        for each in filter(None, (edge, again)):
            each.close()

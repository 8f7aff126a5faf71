"""The governor in the real process: a budget that it cannot keep at full rate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mosquitto import Mosquitto
from process import Edge, eventually

from edge.control.client import ask


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> Iterator[Edge]:
    edge = Edge(tmp_path, broker.port, camera={"fps": 20}, device={"name": "test", "cpu_budget": 0.05})
    yield edge
    edge.close()


def governor(edge: Edge) -> dict[str, object]:
    told: dict[str, object] = ask("status", config=edge.config).data["stats"]["governor"]
    return told


@pytest.mark.slow
def test_over_its_budget_it_looks_at_fewer_frames_and_says_so_and_returns(edge: Edge) -> None:
    edge.start()
    assert eventually(lambda: "runs as test" in edge.log, 30), edge.log
    assert eventually(lambda: int(str(governor(edge)["lowered"])) >= 2, 60), governor(edge)
    told = ask("status", config=edge.config).data
    assert "of a processor, above 0.05" in told["sentence"]
    assert told["stats"]["governor"]["fps"] <= 20 * 0.75**2
    # Of all its steps down the first alone stands in the log.
    assert edge.log.count("the frame rate is lowered") == 1
    settings = json.loads(edge.config.read_text())
    settings["device"]["cpu_budget"] = 64
    edge.config.write_text(json.dumps(settings))
    assert ask("reload", config=edge.config).ok
    assert eventually(lambda: int(str(governor(edge)["raised"])) >= 1, 60), governor(edge)
    assert edge.terminate()[0] == 0

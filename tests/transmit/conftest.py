"""A broker, a sink and events, for the tests of the way to the subscribers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mosquitto import Mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto with persistence, running."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder)
    broker.start()
    yield broker
    broker.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an outbox may be, in a folder that is not there yet."""
    return tmp_path / "state" / "outbox.db"

"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from mosquitto import Mosquitto

ROOT = Path(__file__).parent.parent

# An example may wait for the processor on a busy machine: what a test bounds in time it measures itself.
# Where a change is judged the examples are always the same ones; elsewhere new ones are looked for.
settings.register_profile("edge", deadline=None)
settings.register_profile("judged", deadline=None, derandomize=True)
# With a further Python, beside a full run: `--hypothesis-profile again`.
settings.register_profile("again", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("judged" if os.environ.get("CI") else "edge")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data beside the checkout; the test is skipped where there is none."""
    folder = Path(os.environ.get("EDGE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no development data: {folder} is not there (set EDGE_SHARED)")
    return folder


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto with persistence, running."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder)
    broker.start()
    yield broker
    broker.close()

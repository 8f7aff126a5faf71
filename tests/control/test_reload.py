"""What changes without a restart: the table, and what is made of old and new settings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edge.clock import SystemClock
from edge.control.reload import WAYS, Prepared, Way, differing, keeping, keys, prepare, way
from edge.errors import ConfigError
from edge.infer.store import built_in
from edge.recognition import Recognition
from edge.settings.compose import Settings, settings_class
from edge.settings.load import parse

CLOCK = SystemClock()


def settings(**sections: Any) -> Settings:
    return parse(json.dumps({"camera": {"source": "demo"}, **sections}), "test")


def prepared(old: Settings, new: Settings) -> Prepared:
    return prepare(old, new, Recognition(old), CLOCK)


def test_every_setting_has_its_way_and_every_way_a_setting() -> None:
    names = [key for key, _ in keys(settings_class()())]
    unnamed = [key for key in names if not any(key == name or key.startswith(f"{name}.") for name in WAYS)]
    assert unnamed == [], "say in WAYS how they take effect"
    assert [name for name in WAYS if not any(f"{key}.".startswith(f"{name}.") for key in names)] == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("log.level", Way.AT_ONCE),
        ("device.max_temperature", Way.AT_ONCE),
        ("device.name", Way.RESTART),
        ("digits.threshold", Way.RECOGNITION),
        ("tracking.patience", Way.RECOGNITION),
        ("camera.fps", Way.CAMERA),
        ("mqtt.tls.ca", Way.BROKER),
        ("mqtt.outbox.rows", Way.BROKER),
        ("mqtt.outbox.path", Way.RESTART),
        ("state.folder", Way.RESTART),
        ("newcomer.key", Way.RESTART),
    ],
)
def test_the_way_of_a_key(key: str, expected: Way) -> None:
    assert way(key) is expected


def test_what_differs_is_named_by_its_key() -> None:
    old, new = settings(), settings(mqtt={"outbox": {"rows": 500}}, camera={"source": "demo", "fps": 5})
    assert differing(old, new) == ["camera.fps", "mqtt.outbox.rows"]
    assert differing(old, old) == []


def test_what_needs_a_restart_keeps_what_it_was_and_the_rest_is_new() -> None:
    old = settings(device={"name": "a"})
    new = settings(device={"name": "b", "cpu_budget": 0.5}, mqtt={"base": "site", "heartbeat": 30})
    mixed = keeping(old, new, ["device.name", "mqtt.base"])
    assert (mixed.device.name, mixed.device.cpu_budget) == ("a", 0.5)
    assert (mixed.mqtt.base, mixed.mqtt.heartbeat) == ("edge", 30)


def test_nothing_new_builds_nothing() -> None:
    old = settings()
    found = prepared(old, settings())
    assert (found.changed, found.recognition, found.worker, found.broker) == ((), None, None, False)
    assert found.sentence() == "settings read again: no change"


def test_only_what_changed_is_built() -> None:
    found = prepared(settings(), settings(digits={"threshold": 0.9}, stats={"interval": 5}))
    assert found.recognition is not None
    assert found.recognition.recognizers["digits"].threshold == 0.9
    assert (found.worker, found.broker, found.waiting) == (None, False, ())
    assert found.sentence() == "settings read again: stats.interval, digits.threshold"


def test_a_key_that_needs_a_restart_is_named() -> None:
    found = prepared(settings(), settings(sinks=["stdout"], camera={"source": "demo", "fps": 5}))
    assert found.worker is not None
    assert found.waiting == ("sinks",)
    assert found.sentence() == "settings read again: camera.fps; needs a restart: sinks"


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"digits": {"model": "no-such"}}, "no-such"),
        ({"camera": {"source": "ftp://camera/1"}}, "ftp"),
        ({"mqtt": {"password_file": "/no/such/file"}}, "/no/such/file"),
    ],
)
def test_what_cannot_be_built_is_an_error(sections: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        prepared(settings(), settings(**sections))


def test_a_models_file_that_was_replaced_is_found_without_any_change_of_settings(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(built_in() / "digits-cnn", folder)
    running = settings(digits={"model": str(folder)})
    recognition = Recognition(running)
    (model,) = folder.glob("model*.tflite")
    content = model.read_bytes()
    model.write_bytes(content[:-1] + b"x")
    with pytest.raises(ConfigError, match="sha256"):
        prepare(running, running, recognition, CLOCK)
    model.write_bytes(content)
    card = folder / "card.yaml"
    card.write_text(card.read_text().replace("version: ", "version: 9", 1))
    found = prepare(running, running, recognition, CLOCK)
    assert found.recognition is not None
    assert found.sentence() == "settings read again: other models"


def test_trackers_go_on_with_other_settings() -> None:
    old, new = settings(), settings(tracking={"patience": 9})
    before = Recognition(old)
    after = Recognition(new, before)
    assert after.trackers["digits"] is before.trackers["digits"]
    after.adopt()
    assert after.trackers["digits"]._settings.patience == 9


def test_the_table_of_the_documentation_is_this_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "running.md").read_text("utf-8")
    rows = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert {name.strip("`"): how for name, how in rows} == {name: how.value for name, how in WAYS.items()}

"""One gallery, several processes at once: nothing is lost, nothing is damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import portraits

from edge.people.door import recognizer
from edge.recognize.faces.enrol import Kept, Look, Refused, enrol, seen
from edge.settings.load import load

ROOT = Path(__file__).parents[3]


def test_two_commands_at_once_keep_both_people(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(json.dumps({"state": {"folder": str(tmp_path / "state")}}))
    pictures = {"Eileen": portraits.portrait, "Caroline": portraits.stranger}
    children = []
    for name, picture in pictures.items():
        file = tmp_path / f"{name}.jpg"
        file.write_bytes(portraits.jpeg(picture()))
        command = [sys.executable, "-m", "edge", "enroll", name, str(file), "-c", str(config)]
        children.append(
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        )
    for child in children:
        _, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors.decode()
    known = recognizer(load(config), tmp_path / "state")
    assert [person.name for person in known.people()] == ["Caroline", "Eileen"]
    known.close()


def test_one_sees_what_another_has_changed(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(json.dumps({"state": {"folder": str(tmp_path)}}))
    here, there = (recognizer(load(config), tmp_path) for _ in range(2))
    look = seen(here, portraits.portrait())
    assert isinstance(look, Look)
    assert isinstance(enrol(here, "Eileen", look), Kept)
    refused = enrol(there, "Caroline", look)
    assert isinstance(refused, Refused)
    assert refused.who == "Eileen"
    assert there.gallery.forget("Eileen")
    assert isinstance(enrol(here, "Caroline", look), Kept)
    for each in (here, there):
        each.close()

"""``edge outbox``: what waits and what was refused, for people and for machines; retry and drop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.cli.main import main
from edge.transmit.journal import Row
from edge.transmit.moment import Moment
from edge.transmit.outbox import Outbox

REASON = "refused by the broker: Not authorized"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings whose outbox holds three events, the second of them refused."""
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"state": {"folder": str(tmp_path)}}))
    box = Outbox(tmp_path / "outbox.db", rows=1000, size=10**6, sync=5)
    box.open(0.0)
    payload = json.dumps({"digit": 4, "note": "\x1b[31m"}).encode()
    box.put([_row(number, "digits/event", payload) for number in range(3)], 0.0)
    flying = [each for each in (box.take(), box.take()) if each]
    box.recall(flying[:1])
    box.park(flying[1], REASON)
    box.close(0.0)
    return file


def _row(number: int, topic: str, payload: bytes) -> Row:
    return Row(f"event-{number}", topic, payload, Moment("an earlier boot", 0, 0, synced=False))


def edge(config: Path, *words: str) -> int:
    return main(["outbox", *words, "-c", str(config)])


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_list_tells_what_waits_and_what_was_refused_and_why(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge(config) == 0
    text = capsys.readouterr().out
    assert text.count("waiting") == 2
    assert f"parked: {REASON}" in " ".join(text.split())
    assert f"2 wait, 1 parked, 0.1 KiB, in {config.parent / 'outbox.db'}" in text


def test_json_is_a_line_for_each_event_with_payloads_only_when_asked(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge(config, "list", "--json") == 0
    found = records(capsys.readouterr().out)
    assert [(each["id"], each["state"], each["reason"]) for each in found] == [
        ("event-0", "waiting", None), ("event-1", "parked", REASON), ("event-2", "waiting", None),
    ]  # fmt: skip
    assert all(each["age_exact"] is False and each["age_s"] > 0 and each["bytes"] > 10 for each in found)
    assert not any("payload" in each for each in found)
    assert edge(config, "--json", "-v") == 0
    assert {each["payload"]["digit"] for each in records(capsys.readouterr().out)} == {4}


def test_payloads_and_names_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"state": {"folder": str(tmp_path)}}))
    box = Outbox(tmp_path / "outbox.db", rows=1000, size=10**6, sync=5)
    box.open(0.0)
    box.put([_row(1, "faces\x1b]0;x\a/event" + "n" * 500, b"\x1b[2J\xff\n" * 900)], 0.0)
    flying = box.take()
    assert flying
    box.park(flying, "reason\x1b[31m\nsecond line")
    box.close(0.0)
    assert edge(file, "-v") == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\a" not in text
    assert len(text) < 6000


def test_a_refused_event_is_tried_again_and_another_dropped(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge(config, "retry", "--all") == 0
    assert capsys.readouterr().out == "1 event tried again\n"
    assert edge(config, "drop", "event-0", "event-7") == 1
    output = capsys.readouterr()
    assert output.out == "1 event dropped\n"
    assert output.err.startswith("edge: event-7: no such event")
    assert edge(config, "--json") == 0
    found = records(capsys.readouterr().out)
    assert [(each["id"], each["state"]) for each in found] == [("event-1", "waiting"), ("event-2", "waiting")]
    assert edge(config, "drop", "event-2", "--json") == 0
    assert records(capsys.readouterr().out) == [
        {"action": "drop", "done": ["event-2"], "unknown": [], "left": []}
    ]


@pytest.mark.parametrize("words", [["retry"], ["drop"], ["drop", "x", "--all"], ["list", "x"], ["eat"]])
def test_wrong_usage_is_told(config: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = edge(config, *words)
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    assert capsys.readouterr().err


def test_no_outbox_is_an_empty_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"mqtt": {"outbox": {"path": str(tmp_path / "none.db")}}}))
    assert edge(file) == 0
    assert "0 wait, 0 parked" in capsys.readouterr().out
    assert edge(file, "drop", "x") == 1


def test_a_broken_outbox_is_69_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "edge.yaml"
    (tmp_path / "broken.db").write_bytes(b"no database at all" * 100)
    file.write_text(json.dumps({"mqtt": {"outbox": {"path": str(tmp_path / "broken.db")}}}))
    assert edge(file) == 69
    error = capsys.readouterr().err
    assert error.startswith("edge: the outbox")
    assert error.count("\n") == 1


def test_a_long_list_shows_its_beginning_and_says_how_many_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"state": {"folder": str(tmp_path)}}))
    box = Outbox(tmp_path / "outbox.db", rows=10_000, size=10**7, sync=5)
    box.open(0.0)
    box.put([_row(number, "digits/event", b"{}") for number in range(2500)], 0.0)
    box.close(0.0)
    assert edge(file) == 0
    text = capsys.readouterr().out
    assert "and 2450 more; --all shows them" in text
    assert text.count("waiting") == 50
    assert edge(file, "--json") == 0
    assert len(records(capsys.readouterr().out)) == 2500


def test_a_payload_that_nests_without_end_stands_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"state": {"folder": str(tmp_path)}}))
    box = Outbox(tmp_path / "outbox.db", rows=1000, size=10**6, sync=5)
    box.open(0.0)
    box.put([_row(1, "digits/event", b"[" * 50_000)], 0.0)
    box.close(0.0)
    assert edge(file, "list", "--json", "-v") == 0
    (record,) = records(capsys.readouterr().out)
    assert record["payload"] == "[" * 50_000

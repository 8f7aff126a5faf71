"""The benchmark prints what it measured, and the card is spared as it says."""

from __future__ import annotations

import json

import pytest

from tools.benchmark.__main__ import main


def test_delivery_prints_bytes_commits_and_the_way_to_a_broker(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delivery", "--json", "--events", "300"]) == 0
    found = json.loads(capsys.readouterr().out)
    written = {(line["rate"], line["broker"]): line["written"] for line in found["bytes_per_event"]}
    assert {rate for rate, _ in written} == {0.1, 1.0, 10.0, 100.0}
    # What a commit must write at least, and far less than the 4 KiB page that it would be by default.
    assert all(found["payload_bytes"] < each < 3500 for each in written.values())
    assert written[10.0, "there"] < 1000
    assert found["broker"]["delivered"] == 300
    assert 0 < found["commit"]["p50_ms"] <= found["commit"]["p99_ms"]
    assert found["commit"]["commits_per_second"] > 0

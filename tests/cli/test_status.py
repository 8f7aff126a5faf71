"""What `edge status` makes of what a service tells, also of one of another version, or a hostile one."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from edge.cli.status import panel, rows

TOLD: dict[str, Any] = {
    "sentence": "camera stalled (frozen), 0.0 fps",
    "device": "kitchen",
    "source": "/dev/video0",
    "camera": {"state": "stalled", "reason": "frozen", "fps": 0.0},
    "broker": "connected to broker:1883 (MQTT 5), 0 events waiting",
    "connected": True,
    "slowed": "slowed to 7.5 fps (82 \N{DEGREE SIGN}C, above 80)",
    "remark": "needs a restart: device.name",
    "changed": ["detect"],
    "stats": {
        "uptime_s": 93_784,
        "restarts": 2,
        "temperature_c": 82.1,
        "memory_mb": 101.5,
        "loop": {"fps": 7.4, "frames": 1000, "events": 12},
        "latency_ms": {"total": {"p50": 21.0, "p99": 48.0}},
        "recognizers": {"digits": {}},
        "outbox": {"waiting": 0, "delivered": 12, "dropped": 3},
        "parked": {"Not authorized": 4},
        "device": {"model": "Raspberry Pi 5", "throttled": ["under-voltage"], "clock_synced": True},
        "governor": {"cpu_share": 0.52},
        "versions": {"model digits-cnn": "1 fd99"},
        "warnings": ["the golden output differs"],
    },
}


def shown(told: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=120, force_terminal=False)
    console.print(panel(told))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        "kitchen", "stalled (frozen)", "/dev/video0", "slowed to 7.5 fps", "needs a restart: device.name",
        "detect", "26 h 3 min 4 s, 2 restarts", "82.1", "Raspberry Pi 5", "under-voltage", "52 % of one core",
        "4 refused for good: Not authorized", "the golden output differs",
        "digits with model digits-cnn 1 fd99",
    ],
)  # fmt: skip
def test_it_says(words: str) -> None:
    assert words in shown(TOLD)


def test_good_and_bad_are_told_apart() -> None:
    judged = {name: good for name, _, good in rows(TOLD)}
    assert (judged["camera"], judged["broker"], judged["outbox"], judged["throttled"]) == (
        False,
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    "told", [{}, {"stats": None}, {"stats": {"device": 7, "parked": None}, "camera": []}]
)
def test_what_is_not_there_is_left_out(told: dict[str, Any]) -> None:
    assert "edge" in shown(told)


def test_no_text_steers_the_terminal() -> None:
    text = shown({**TOLD, "source": "\x1b[31m[red]x", "sentence": "\x1b]0;title\x07"})
    assert "\x1b" not in text
    assert "[red]x" in text

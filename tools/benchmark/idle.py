"""``idle``: what the service writes while nothing happens: bytes an hour, by the kernel's account.

The real service looks at a picture without a digit, delivers to a real mosquitto, and settles first.
``written`` is what it handed to the kernel for files, its log among them (``wchar`` of ``/proc/PID/io``; what
goes to sockets is not in it), ``medium`` the pages that the kernel has to bring to the medium for it
(``write_bytes``). The state lies where ``--folder`` says; on a tmpfs ``medium`` is 0 whatever is written.
What the start wrote stands beside: were that 0, too, the account would be blind.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from edge.errors import FaultError
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import Service
from tools.soak.trial import eventually

SUMMARY = "bytes that the service writes in an hour in which nothing happens"

SETTLE = 10.0
"""Seconds after the start that do not count: the outbox's file is made, discovery is announced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long, and on which disk."""
    parser.add_argument("--minutes", type=float, default=5.0, help="how long is measured (default: 5)")
    parser.add_argument(
        "--folder", type=Path, help="where the state lies meanwhile (default: a temporary folder)"
    )


def main(args: argparse.Namespace) -> int:
    """Measures and prints."""
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        figures = measure(Path(folder), args.minutes * 60)
    if args.json:
        print(json.dumps(figures))
        return 0
    table = Table("what", "by the start", "measured", "an hour", title=f"idle for {args.minutes:g} min")
    for name in ("medium", "written"):
        found = figures[name]
        measured, hour = f"{found['bytes']:,} bytes", f"{found['bytes_per_hour']:,} bytes"
        table.add_row(name, f"{found['start']:,} bytes", measured, hour)
    table.add_row("frames", "", f"{figures['frames']:,}", "")
    Console().print(table)
    return 0


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """Runs the service on a still picture and reads its account at both ends. Raises ``FaultError``."""
    cv2.imwrite(str(folder / "still.png"), np.full((480, 640, 3), 200, np.uint8))
    (folder / "broker").mkdir()
    broker = Mosquitto(folder / "broker").start()
    camera = {"source": str(folder / "still.png"), "on_end": "hold", "fps": 10}
    # As installed: statistics every 30 s, and nothing on standard output.
    service = Service(folder / "edge", broker.port, camera=camera, sinks=["mqtt"], stats={"interval": 30})
    try:
        service.start()
        if not eventually(service.outbox.exists, 30):
            raise FaultError("the service did not start", str(folder / "edge" / "edge.log"))
        time.sleep(SETTLE)
        process = Path(f"/proc/{service.pid}")
        before, begun = account(process), time.monotonic()
        time.sleep(seconds)
        after, passed = account(process), time.monotonic() - begun
    finally:
        service.close()
        broker.close()
    return {
        "seconds": round(passed, 1),
        "frames": round(passed * camera["fps"]),  # type: ignore[operator]
        **{
            name: {
                "start": before[key],
                "bytes": after[key] - before[key],
                "bytes_per_hour": round((after[key] - before[key]) * 3600 / passed),
            }
            for name, key in (("medium", "write_bytes"), ("written", "wchar"))
        },
    }


def account(process: Path) -> dict[str, int]:
    """The kernel's account of one process, proc(5)."""
    lines = (line.partition(":") for line in (process / "io").read_text().splitlines())
    return {name: int(count) for name, _, count in lines}

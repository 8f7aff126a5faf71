"""What the demo has shown, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge.demo.faces import FaceJudge
from edge.demo.received import Received
from edge.demo.truth import Judge

Percentiles = dict[str, float]

STAGES = ("capture", "recognize", "track", "transmit", "total", "publish")
"""In the order of a frame's way; ``total`` is from the picture to the end of its tick, ``publish``
from the picture to the subscriber."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The same of the face: events that told its name, or another or none; visits of it, and those in which
    it was never told. ``named``: share of the time in which it was told to be present, by what made it hard
    to see."""

    right: int
    wrong: int
    missed: int
    shown: int
    named: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts are of the whole demo. Latencies are in milliseconds.

    ``right`` and ``wrong`` are events that told a digit of the scene, or something else; ``shown``
    are the digits that stood in full view, ``missed`` those of them that were never told. Without a
    truth these four are None. ``faces``: None where none was shown.
    """

    seconds: float
    frames: int
    fps: float
    dropped: int
    events: int
    delivered: int
    right: int | None
    wrong: int | None
    missed: int | None
    shown: int | None
    latency_ms: dict[str, Percentiles]
    faces: Faces | None = None

    def record(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)

    def table(self) -> RenderableType:
        """For people."""
        return Group(self._counts(), Text(), self._latencies())

    def _counts(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_row(
            "frames", f"{self.frames} in {self.seconds:.1f} s, {self.fps:.1f} fps, {self.dropped} dropped"
        )
        table.add_row("events", f"{self.events}, of which {self.delivered} were delivered")
        if self.right is not None:
            table.add_row("digits told", f"[green]{self.right} right[/], [red]{self.wrong} wrong[/]")
            table.add_row("never told", f"{self.missed} of {self.shown} digits that stood in full view")
        if self.faces is not None:
            faces = self.faces
            table.add_row("names told", f"[green]{faces.right} right[/], [red]{faces.wrong} wrong[/]")
            shares = ", ".join(f"{phase} {share:.0%}" for phase, share in faces.named.items())
            table.add_row("face had its name", f"while {shares}" if shares else "it was not shown yet")
        return table

    def _latencies(self) -> Table:
        table = Table("latency, ms", box=None, pad_edge=False, header_style="bold")
        table.add_column("p50", justify="right")
        table.add_column("p99", justify="right")
        names = {"total": "picture to event", "publish": "picture to subscriber"}
        for stage, at in self.latency_ms.items():
            table.add_row(names.get(stage, stage), f"{at['p50']:.1f}", f"{at['p99']:.1f}")
        return table


def summarise(
    received: Received, judge: Judge | None, seconds: float, faces: FaceJudge | None = None
) -> Summary:
    """Counts what the service said of itself in ``stats``, and what arrived."""
    stats = received.state("stats")
    frames = stats["loop"]["frames"]
    verdicts = received.verdicts
    shown = judge.shown(stats["camera"]["frames"]) if judge else None
    latency = {stage: stats["latency_ms"][stage] for stage in STAGES if stage in stats["latency_ms"]}
    if received.delays_ms:
        p50, p99 = np.percentile(received.delays_ms, (50, 99))
        latency["publish"] = {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}
    return Summary(
        seconds=round(seconds, 1),
        frames=frames,
        fps=round(received.fps or frames / seconds, 1),
        dropped=stats["camera"]["dropped"],
        events=stats["outbox"]["committed"],
        delivered=received.delivered,
        right=verdicts["right"] if judge else None,
        wrong=verdicts["wrong"] if judge else None,
        missed=shown.missed if shown else None,
        shown=shown.digits if shown else None,
        latency_ms=latency,
        faces=_faces(received, faces, stats["camera"]["frames"]) if faces else None,
    )


def _faces(received: Received, judge: FaceJudge, frames: int) -> Faces:
    verdicts = received.face_verdicts
    told = judge.told(frames, received.presences, received.anchors)
    # Who is told to be present without an event of it is wrong as well.
    return Faces(verdicts["right"], verdicts["wrong"] + told.others, told.missed, told.shown, told.named)

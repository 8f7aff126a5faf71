"""What a subscriber receives, as a table that changes."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.demo.received import Payload, Received, Told

ROWS = 12
"""Lines of each half: the table keeps its height."""

FACES = 3
"""Names that are shown."""

MARKS = {"right": ("✓", "green"), "wrong": ("✗", "red"), "unclear": ("·", "dim"), None: ("", "")}


def table(received: Received, address: str, left: float) -> RenderableType:
    """The newest of everything; ``address`` is the broker's, ``left`` seconds until the end."""
    halves = Table.grid(padding=(0, 2))
    left_half = [_numbers(received.state("digits/state"))]
    if received.state("faces/state"):
        left_half.append(_faces(received.state("faces/state")))
    halves.add_row(Group(*left_half), _events(received.events))
    title = f"what a subscriber of {address} receives"
    return Panel(Group(_head(received), halves, _foot(received, left)), title=title, expand=False)


def _head(received: Received) -> Text:
    camera = received.state("camera/status")
    line = Text("camera ", "bold").append(
        str(camera.get("state", "…")), "green" if camera.get("state") == "ok" else "red"
    )
    if camera.get("reason"):
        line.append(f" ({camera['reason']})", "red")
    if camera.get("size"):
        width, height = camera["size"]
        line.append(f"  {width} x {height}")
    return line.append(f"  {received.fps:.1f} fps" if received.fps else "")


def _numbers(state: Payload) -> RenderableType:
    numbers: list[dict[str, Any]] = list(state.get("numbers", ()))
    table = Table("number in view", "score", box=None, min_width=24)
    for number in numbers[:ROWS]:
        table.add_row(Text(number["text"], "bold cyan"), f"{number['score']:.2f}")
    _fill(table, len(numbers))
    return table


def _faces(state: Payload) -> RenderableType:
    table = Table("face in view", "score", box=None, min_width=24)
    for person in list(state.get("present", ()))[:FACES]:
        table.add_row(Text(str(person["name"]), "bold cyan"), f"{person['score']:.2f}")
    for name in ("unknown", "unsure"):
        if state.get(name):
            table.add_row(Text(name, "yellow"), str(state[name]))
    return table


def _events(events: list[Told]) -> RenderableType:
    table = Table("event", "what", "score", "ms", "", box=None, min_width=40)
    for told in events[:ROWS]:
        event = told.event
        sign, colour = MARKS[told.verdict]
        label = str(event.get("digit", event.get("name", event.get("label", ""))))
        table.add_row(
            str(event["event_type"]),
            Text(label, "bold"),
            f"{event['score']:.2f}",
            f"{told.delay_ms:.0f}",
            Text(sign, colour),
        )
    _fill(table, len(events))
    return table


def _fill(table: Table, used: int) -> None:
    for _ in range(ROWS - used):
        table.add_row("")


def _foot(received: Received, left: float) -> Text:
    digits, faces = received.verdicts, received.face_verdicts
    verdicts = {verdict: digits[verdict] + faces[verdict] for verdict in digits}
    line = Text(f"{received.delivered} events")
    if any(verdicts.values()):
        line.append(f"  {verdicts['right']} right", "green").append(f"  {verdicts['wrong']} wrong", "red")
    stages = received.state("stats").get("latency_ms", {})
    if "total" in stages:
        line.append(f"  picture to event {stages['total']['p50']:.0f} ms")
    return line.append(f"  {max(left, 0):.0f} s left", "dim")

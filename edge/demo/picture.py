"""A frame of the scene as the service saw it, with what a subscriber received of it."""

from __future__ import annotations

from edge.annotate import annotate
from edge.capture.scene import Scene, Story
from edge.clock import from_rfc3339
from edge.demo.received import Payload, Received
from edge.errors import FaultError
from edge.records import Box, Detection, Image

REST = 1.0
"""Seconds without change before the frame: a state is sent at most once a second."""


def picture(received: Received, story: Story, fps: float) -> Image:
    """The fullest view, of digits on the paper and digits told, (H, W, 3) BGR; at rest where one was.

    A state has a time, an event also the number of its frame: together they say which frame a
    state tells of. Raises ``FaultError`` when too little was received.
    """
    views, anchor = received.views, received.anchor
    if not views or anchor is None:
        raise FaultError("there is nothing to draw: no digits were received")
    frames = [_sequence(view, anchor, fps) for view in views]
    resting = [index for index, frame in enumerate(frames) if _rests(story, frame / fps)]
    chosen = max(
        resting or range(len(views)),
        key=lambda index: min(len(story.truth(frames[index] / fps).digits), len(views[index]["digits"])),
    )
    view, sequence = views[chosen], frames[chosen]
    image, _ = Scene(story.seed, story.size).draw(sequence / fps, sequence)
    digits = [Detection(Box(*item["box"]), str(item["digit"]), item["score"]) for item in view["digits"]]
    return annotate(image, digits, [(Box(*number["box"]), number["text"]) for number in view["numbers"]])


def _sequence(view: Payload, anchor: Payload, fps: float) -> int:
    """The number of the frame that a state tells of."""
    later = (from_rfc3339(view["time"]) - from_rfc3339(anchor["time"])).total_seconds()
    return max(int(anchor["frame"]["sequence"]) + round(later * fps), 0)


def _rests(story: Story, t: float) -> bool:
    return t >= REST and story.truth(t) == story.truth(t - REST)

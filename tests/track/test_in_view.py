"""The state of what is in view: its shape, its order, and when it is told."""

from __future__ import annotations

import json

from script import OBJECTS, Script, digit

from edge.records import Box, Detection, Track
from edge.track.behaviour import Behaviour
from edge.track.state import InView


def track(id_: int, label: str, x: float, y: float = 100.0) -> Track:
    return Track(id_, Box(x, y, 24, 40), label, 0.98765, 0, 0, confirmed=True)


def test_digits_and_numbers_in_reading_order() -> None:
    script = Script()
    row = [digit(3, 260), digit(7, 100), digit(2, 131, y=104), digit(5, 291), digit(1, 100, y=220)]
    script.play(1, lambda t: row)
    fields = script.states[-1].fields
    ids = {event.fields["digit"]: event.track for event in script.events}
    assert [item["digit"] for item in fields["digits"]] == [7, 2, 3, 5, 1]
    assert fields["digits"][0] == {"digit": 7, "score": 0.98, "box": [100, 100, 24, 40], "track": ids[7]}
    assert [number["text"] for number in fields["numbers"]] == ["72", "35", "1"]
    assert fields["numbers"][0] == {
        "text": "72",
        "score": 0.697,  # of the whole number: honest(0.98 * 0.98)
        "box": [100, 100, 55, 44],
        "digits": [ids[7], ids[2]],
    }
    assert fields["size"] == [640, 480]
    assert script.states[-1].topic == "digits/state"
    json.dumps(fields)


def test_the_first_frame_tells_that_nothing_is_there() -> None:
    script = Script()
    script.see([])
    (state,) = script.states
    assert state.fields == {"digits": [], "numbers": [], "size": [640, 480]}
    script.play(10, lambda t: [])
    assert len(script.states) == 1


def test_only_what_is_meaningful_is_told() -> None:
    from datetime import datetime, timezone

    wall, size = datetime(2026, 1, 1, tzinfo=timezone.utc), (640, 480)
    view = InView(Behaviour("digits", "digit", "integer", "digits", "place", numbers=True))
    assert view.tell([track(1, "7", 100)], size, wall) is not None
    assert view.tell([track(1, "7", 103.9)], size, wall) is None, "less than a tenth of 40"
    assert view.tell([track(1, "7", 104.1)], size, wall) is not None
    assert view.tell([track(1, "7", 100.3)], size, wall) is None, "counted from what was told last"
    assert view.tell([track(1, "1", 104.1)], size, wall) is not None
    assert view.tell([track(2, "1", 104.1)], size, wall) is not None
    assert view.tell([track(2, "1", 104.1)], (480, 640), wall) is not None
    assert view.tell([], (480, 640), wall) is not None
    assert view.tell([], (480, 640), wall) is None


def test_labels_in_words_stay_words() -> None:
    script = Script(behaviour=OBJECTS)
    script.play(
        1,
        lambda t: [Detection(Box(300, 50, 80, 120), "cat", 0.9), Detection(Box(40, 20, 60, 60), "007", 0.8)],
    )
    fields = script.states[-1].fields
    assert [item["label"] for item in fields["objects"]] == ["007", "cat"]
    assert "numbers" not in fields
    assert [event.fields for event in script.told("new")] == [{"label": "cat"}, {"label": "007"}]

"""The section ``camera``: what is refused, and that no password is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from edge.capture.settings import CameraSettings, redact


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://admin:secret@10.0.0.7:554/ch0?x=1", "rtsp://***@10.0.0.7:554/ch0?x=1"),
        ("rtsp://admin:sec/ret@cam/ch0", "rtsp://***@cam/ch0"),
        ("rtsp://admin:se@cret@cam/ch0", "rtsp://***@cam/ch0"),
        ("rtsp://admin:12/secret@cam/ch0", "rtsp://***@cam/ch0"),
        ("rtsp://admin:se\ncret@cam/ch0", "rtsp://***@cam/ch0"),
        ("http://cam/video?user=me&password=secret&n=1", "http://cam/video?user=me&password=***&n=1"),
        ("http://cam/video?AccessToken=secret", "http://cam/video?AccessToken=***"),
        ("rtsp://cam/ch0", "rtsp://cam/ch0"),
        ("/srv/video@home.mp4", "/srv/video@home.mp4"),
        ("0", "0"),
    ],
)
def test_a_password_is_never_shown(source: str, shown: str) -> None:
    settings = CameraSettings(source=source)
    assert redact(source) == shown
    assert settings.source == source
    for text in (repr(settings), str(settings), f"{settings}"):
        assert "cret" not in text
        assert repr(shown) in text


def test_the_index_of_a_camera_needs_no_quotes() -> None:
    assert CameraSettings.model_validate_json('{"source": 2}').source == "2"
    with pytest.raises(ValidationError):
        CameraSettings.model_validate_json('{"source": true}')
    with pytest.raises(ValidationError):
        CameraSettings.model_validate_json('{"source": 1.5}')
    assert CameraSettings.model_json_schema()["properties"]["source"]["type"] == [
        "string",
        "integer",
        "object",
    ]


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"rotate": 45}, "rotate"),
        ({"masks": [[0.5, 0.5, 0.6, 0.1]]}, "masks"),
        ({"masks": [[0, 0, 10, 10]]}, "masks"),
        ({"region": [0, 0, 0, 1]}, "region"),
        ({"region": [-0.1, 0, 0.5, 1]}, "region"),
        ({"size": [640]}, "size"),
        ({"size": [0, 480]}, "size"),
        ({"fps": 0}, "fps"),
        ({"source": ""}, "source"),
        ({"on_end": "stop"}, "on_end"),
        ({"hang_after": 10}, "hang_after"),
        ({"open_timeout": 60}, "hang_after"),
        ({"backoff_first": 40}, "backoff_most"),
        ({"colour": True}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_at_its_key(given: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CameraSettings.model_validate_json(json.dumps(given))
    assert [error["loc"][0] for error in caught.value.errors()] == [key]


def test_places_may_fill_the_picture_to_its_edge() -> None:
    settings = CameraSettings(region=(0.1, 0.3, 0.9, 0.7), masks=((0.7, 0.9, 0.3, 0.1),))
    assert settings.region == (0.1, 0.3, 0.9, 0.7)


def test_a_blind_camera_is_told_within_five_seconds_by_default() -> None:
    assert CameraSettings().stall_after < 5 - 1  # a second is left for the publishing

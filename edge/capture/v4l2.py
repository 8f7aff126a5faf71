"""What a V4L2 camera is asked for, and what it made of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, get_args

import cv2

from edge.capture.settings import CameraSettings, Control

VGA_RATE = 640 * 480 * 30
"""Pixels per second; more does not fit through USB 2 uncompressed."""

PROPERTIES: dict[Control, int] = {
    "auto_exposure": cv2.CAP_PROP_AUTO_EXPOSURE,
    "exposure": cv2.CAP_PROP_EXPOSURE,
    "autofocus": cv2.CAP_PROP_AUTOFOCUS,
    "focus": cv2.CAP_PROP_FOCUS,
    "auto_white_balance": cv2.CAP_PROP_AUTO_WB,
    "white_balance": cv2.CAP_PROP_WB_TEMPERATURE,
    "gain": cv2.CAP_PROP_GAIN,
    "brightness": cv2.CAP_PROP_BRIGHTNESS,
    "contrast": cv2.CAP_PROP_CONTRAST,
    "saturation": cv2.CAP_PROP_SATURATION,
    "hue": cv2.CAP_PROP_HUE,
    "gamma": cv2.CAP_PROP_GAMMA,
    "sharpness": cv2.CAP_PROP_SHARPNESS,
    "backlight": cv2.CAP_PROP_BACKLIGHT,
    "zoom": cv2.CAP_PROP_ZOOM,
    "pan": cv2.CAP_PROP_PAN,
    "tilt": cv2.CAP_PROP_TILT,
}

NEAR = 0.05
"""Of what was asked: a rate as near as this is the same; controls have whole steps of one."""


class Wish(NamedTuple):
    """One property: ``name`` for people, ``property`` for OpenCV; ``told``: whether a difference matters."""

    name: str
    property: int
    value: float
    told: bool = True


def wishes(settings: CameraSettings) -> list[Wish]:
    """What to set, in the order in which V4L2 takes it: format before size, automatics before values."""
    asked = [Wish("buffers", cv2.CAP_PROP_BUFFERSIZE, 1, told=False)]
    if settings.fourcc:
        asked.append(Wish("fourcc", cv2.CAP_PROP_FOURCC, _code(settings.fourcc)))
    if settings.size is not None:
        width, height = settings.size
        if not settings.fourcc and width * height * settings.fps > VGA_RATE:
            asked.append(Wish("fourcc", cv2.CAP_PROP_FOURCC, _code("MJPG")))
        asked += [
            Wish("width", cv2.CAP_PROP_FRAME_WIDTH, width),
            Wish("height", cv2.CAP_PROP_FRAME_HEIGHT, height),
        ]
    asked.append(Wish("fps", cv2.CAP_PROP_FPS, settings.fps, told=False))
    controls: tuple[Control, ...] = get_args(Control)
    return asked + [
        Wish(name, PROPERTIES[name], settings.controls[name])
        for name in controls
        if name in settings.controls
    ]


def grant(
    asked: list[Wish], put: Callable[[int, float], bool], get: Callable[[int], float]
) -> tuple[str, ...]:
    """Sets everything, then reads everything back; gives in words what came out differently.

    A rate above the one asked for is no difference: what comes too fast is not looked at.
    """
    taken = {wish.name: put(wish.property, wish.value) for wish in asked}
    found = []
    for wish in asked:
        value = get(wish.property)
        if wish.name == "fps":
            # 0: this driver does not tell.
            if 0 < value < wish.value * (1 - NEAR):
                found.append(f"fps is {value:g} instead of {wish.value:g}")
        elif wish.told and abs(value - wish.value) >= 1:
            how = "is" if taken[wish.name] else "cannot be set: it is"
            found.append(f"{wish.name} {how} {_shown(wish, value)} instead of {_shown(wish, wish.value)}")
    return tuple(found)


def _code(text: str) -> int:
    return int(cv2.VideoWriter.fourcc(*text))


def _shown(wish: Wish, value: float) -> str:
    if wish.name != "fourcc":
        return f"{value:g}"
    letters = int(value).to_bytes(4, "little", signed=value < 0)
    return "".join(chr(letter) if 32 <= letter < 127 else "?" for letter in letters)

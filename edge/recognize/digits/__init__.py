"""Digits in a whole picture: found by local contrast, named by a small network, or rejected."""

from edge.recognize.descriptor import Descriptor

DESCRIPTOR = Descriptor(
    name="digits",
    summary="handwritten and printed digits, and the numbers that they form",
    settings="edge.recognize.digits.settings:DigitsSettings",
    factory="edge.recognize.digits.recognizer:build",
    label="digit",
    label_type="integer",
    items="digits",
    cooldown="place",
    numbers=True,
)

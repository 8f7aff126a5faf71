"""What is read of a packet of MQTT 5, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.inbound import PROPERTIES, largest_packet, trimmed


def integer(value: int) -> bytes:
    """A variable byte integer (MQTT 5, section 1.5.5)."""
    found = bytearray()
    while True:
        value, low = divmod(value, 128)
        found.append(low | (128 if value else 0))
        if not value:
            return bytes(found)


def publish(topic: bytes, properties: bytes, payload: bytes, *, numbered: bool) -> bytes:
    number = b"\x00\x07" if numbered else b""
    return len(topic).to_bytes(2, "big") + topic + number + integer(len(properties)) + properties + payload


@pytest.mark.parametrize("numbered", [False, True])
@given(topic=st.binary(max_size=300), properties=st.integers(0, 40_000), payload=st.binary(max_size=300))
def test_properties_beyond_the_bound_are_left_out_and_nothing_else(
    numbered: bool, topic: bytes, properties: int, payload: bytes
) -> None:
    packet = publish(topic, b"\x26" * properties, payload, numbered=numbered)
    kept = properties if properties <= PROPERTIES else 0
    assert trimmed(packet, numbered=numbered) == publish(topic, b"\x26" * kept, payload, numbered=numbered)


@given(st.binary(max_size=40))
def test_any_bytes_are_answered(packet: bytes) -> None:
    for numbered in (False, True):
        found = trimmed(packet, numbered=numbered)
        assert found is None or len(found) <= len(packet)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x00",
        b"\x00\x05edge",  # a topic that is cut off
        b"\x00\x01t",  # without a length of properties
        b"\x00\x01t\x80",  # with half of one
        b"\x00\x01t\xff\xff\xff\xff\x01",  # one byte too long
        b"\x00\x01t\x05\x26",  # properties that are cut off
    ],
)
def test_what_is_malformed_is_none(packet: bytes) -> None:
    assert trimmed(packet, numbered=False) is None


def test_a_payload_that_is_a_little_too_long_is_still_read() -> None:
    assert largest_packet(1000) > 2 * 1000 + 65_535

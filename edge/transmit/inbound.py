"""What may come in from a broker, before an MQTT library spends time and memory on it."""

from __future__ import annotations

PROPERTIES = 1024
"""Bytes of the properties of a message that are read. Their reading takes time that grows with the square of
their number: 128 KiB of them held up a fast computer for 1.5 s. What answers need is a fraction of this."""

ANSWER = 8192
"""Bytes of any packet that is no message: the broker's answers, with the reasons that it may give."""


def largest_packet(largest_payload: int) -> int:
    """Bytes of a message with its topic that are taken in at all: some more than the largest payload, so that
    the sender of one that is only too long can be answered."""
    return 4 * largest_payload + 65_536


def trimmed(packet: bytes | bytearray, *, numbered: bool) -> bytes | bytearray | None:
    """A PUBLISH of MQTT 5 (section 3.3) behind its fixed header, without its properties where they are
    larger than ``PROPERTIES``; None where it is malformed. ``numbered``: it has an identifier (QoS > 0)."""
    begin = 2 + int.from_bytes(packet[:2], "big") + (2 if numbered else 0)
    length, behind = 0, begin
    # A variable byte integer: seven bits a byte, the lowest first, four bytes at most (section 1.5.5).
    for place, byte in enumerate(packet[begin : begin + 4]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            behind = begin + place + 1
            break
    if behind == begin or behind + length > len(packet):
        return None
    if length <= PROPERTIES:
        return packet
    return packet[:begin] + b"\x00" + packet[behind + length :]

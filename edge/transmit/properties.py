"""What MQTT 5 lets a message say beside its payload."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageProperties:
    """Of one message that is sent (MQTT 5, section 3.3.2.3). A connection of 3.1.1 leaves them out.

    ``content_type``: of the payload, a MIME type. ``message_expiry``: seconds after which the broker forgets
    the message, one that it retains too; None: never. ``correlation``: given back to who asked for an answer.
    ``user``: names and values.
    """

    content_type: str | None = None
    message_expiry: int | None = None
    correlation: bytes | None = None
    user: tuple[tuple[str, str], ...] = ()

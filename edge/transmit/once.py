"""One message to a broker, and its answer: for commands that say something and end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from edge.errors import UnavailableError
from edge.transmit.client import Introduction
from edge.transmit.link import Link
from edge.transmit.notices import Accepted, Answered, Ended
from edge.transmit.standing import Phase

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

TURN = 0.1
"""Seconds between two turns when nothing wakes them."""


def publish_once(
    settings: MqttSettings, client_id: str, topic: str, payload: bytes, *, retain: bool, timeout: float
) -> str:
    """Connects, publishes with QoS 1, waits for the acknowledgement, says goodbye; gives a phrase about the
    broker. Raises ``UnavailableError`` with the reason where that does not come about in ``timeout`` seconds.
    """
    woken = threading.Event()
    link = Link(settings, Introduction("network", client_id), woken.set, time.monotonic(), quiet=True)
    until = time.monotonic() + timeout
    host, port = settings.address
    sent: int | None = None
    reason = f"no answer within {timeout:g} s"
    try:
        while (now := time.monotonic()) < until:
            for notice in link.turn(now):
                if isinstance(notice, Accepted):
                    sent = link.publish(topic, payload, qos=1, retain=retain)
                elif isinstance(notice, Answered) and notice.mid == sent:
                    if notice.refusal is None:
                        return link.describe(now)
                    raise UnavailableError(
                        f"broker {host}:{port} refuses {topic}: {notice.refusal.text}",
                        "let its ACL allow this user to write there",
                    )
                elif isinstance(notice, Ended):
                    sent, reason = None, notice.reason
            if link.standing.phase is Phase.WAITING and link.standing.retry_at > now:
                break
            woken.wait(TURN)
            woken.clear()
    finally:
        link.close(time.monotonic(), 1.0)
    raise UnavailableError(
        f"broker {host}:{port}: {reason}", "are mqtt.host, port, tls and login right, and does it run?"
    )

"""What is known of the connection to the broker over time, and the one function that changes it. ::

WAITING --dialled--> CONNECTING --accepted--> CONNECTED
   ^                     |                        |
   +------- ended -------+-------- ended ---------+         closed: CLOSED, from any
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from edge.transmit.notices import Accepted, Ended, Trouble, Version

DOUBT = 600.0
"""Seconds without a connection after which a version 5 that worked is doubted: with 3.1.1 a broker cannot say
that it refuses an event, which is then lost without a word."""


class Phase(Enum):
    """Where the link is."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What ``transition`` goes by: ``version`` wanted, shortest and longest wait in seconds."""

    version: Version | Literal["auto"]
    first: float
    most: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that is known of the link. Times in monotonic seconds.

    ``version``: of the connection that is, or comes next. ``proven``: the one that worked last.
    ``since``: since when there is a connection, or none. ``failures``: in a row, reset by a connection that
    lasted. ``trouble``: why the last one ended.
    """

    version: Version
    phase: Phase = Phase.WAITING
    since: float = 0.0
    retry_at: float = 0.0
    failures: int = 0
    proven: Version | None = None
    trouble: Ended | None = None


class Step(Enum):
    """What the link itself does."""

    DIALLED = "dialled"
    CLOSED = "closed"


def transition(
    standing: Standing, happened: Step | Accepted | Ended, now: float, policy: Policy, chance: float
) -> Standing:
    """The next standing. ``chance``: 0..1, spreads the waits of a fleet that lost its broker at once."""
    if standing.phase is Phase.CLOSED or happened is Step.CLOSED:
        return replace(standing, phase=Phase.CLOSED)
    if happened is Step.DIALLED:
        return replace(standing, phase=Phase.CONNECTING)
    if isinstance(happened, Accepted):
        return replace(standing, phase=Phase.CONNECTED, since=now, proven=standing.version, trouble=None)
    assert isinstance(happened, Ended)
    failures = 1 if has_lasted(standing, now, policy) else standing.failures + 1
    waiting = replace(
        standing,
        phase=Phase.WAITING,
        since=now if standing.phase is Phase.CONNECTED else standing.since,
        failures=failures,
        trouble=happened,
        version=_next_version(standing, happened, now, policy),
    )
    if (standing.version, waiting.version) == (5, "3.1.1"):
        # At once, so that a broker that merely restarts is not taken for one that speaks 3.1.1 only.
        return replace(waiting, retry_at=now)
    return replace(waiting, retry_at=now + _wait(happened.trouble, failures, policy, chance))


def has_lasted(standing: Standing, now: float, policy: Policy) -> bool:
    """Whether there is a connection, for so long that it is no accident."""
    return standing.phase is Phase.CONNECTED and now - standing.since >= policy.most


def _next_version(standing: Standing, ended: Ended, now: float, policy: Policy) -> Version:
    if policy.version != "auto":
        return policy.version
    if standing.proven == 5 and now - standing.since < DOUBT:
        # A network cut in the handshake, or a proxy whose broker restarts, looks like a broker without 5.
        return 5
    # Some brokers answer to a version that they do not speak with silence, waiting for the rest of it.
    silent_from_the_first = ended.trouble is Trouble.SILENT and standing.proven is None
    if ended.trouble is Trouble.VERSION or silent_from_the_first:
        return "3.1.1" if standing.version == 5 else 5
    return standing.proven or 5


def _wait(trouble: Trouble, failures: int, policy: Policy, chance: float) -> float:
    """Doubles with each failure; a refused login waits longest, for only a person can help."""
    if trouble is Trouble.LOGIN:
        return policy.most
    longest = min(policy.first * 2.0 ** min(failures, 30), policy.most)
    return policy.first + chance * (longest - policy.first)

"""How the link decides: which version, when again, and when it gives up for good."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.notices import Accepted, Ended, Trouble, Version
from edge.transmit.standing import DOUBT, Phase, Policy, Standing, Step, transition

AUTO = Policy("auto", first=1.0, most=30.0)
ACCEPTED = Accepted(window=10, largest=None)
FRESH = Standing(version=5)


def failed(trouble: Trouble) -> Ended:
    return Ended(trouble, "for a test")


def after(
    standing: Standing, *happened: Step | Accepted | Ended, now: float = 0.0, policy: Policy = AUTO
) -> Standing:
    for each in happened:
        standing = transition(standing, each, now, policy, chance=1.0)
    return standing


def attempts(trouble: Trouble, times: int) -> list[Step | Accepted | Ended]:
    return [Step.DIALLED, failed(trouble)] * times


def waits(trouble: Trouble, times: int) -> list[float]:
    """Seconds between attempts that all fail so, at the upper end of the jitter."""
    standing, found = FRESH, []
    for _ in range(times):
        standing = after(standing, Step.DIALLED, failed(trouble))
        found.append(standing.retry_at)
    return found


def test_the_way_up_and_down() -> None:
    standing = after(FRESH, Step.DIALLED)
    assert standing.phase is Phase.CONNECTING
    standing = after(standing, ACCEPTED, now=1.0)
    assert (standing.phase, standing.since, standing.proven) == (Phase.CONNECTED, 1.0, 5)
    standing = after(standing, failed(Trouble.LOST), now=100.0)
    assert (standing.phase, standing.since) == (Phase.WAITING, 100.0)


def test_waits_double_up_to_the_most() -> None:
    assert waits(Trouble.UNREACHABLE, 7) == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_refused_login_waits_longest_from_the_first() -> None:
    assert waits(Trouble.LOGIN, 2) == [30.0, 30.0]


def test_a_connection_that_lasted_begins_the_waits_anew_and_one_that_did_not_goes_on() -> None:
    tried = after(FRESH, *attempts(Trouble.UNREACHABLE, 4))
    up = after(tried, Step.DIALLED, ACCEPTED, now=0.0)
    assert after(up, failed(Trouble.LOST), now=100.0).retry_at == 102.0
    assert after(up, failed(Trouble.LOST), now=1.0).retry_at == 31.0


@given(chance=st.floats(0, 1), failures=st.integers(0, 10_000), trouble=st.sampled_from(Trouble))
def test_waits_stay_between_first_and_most(chance: float, failures: int, trouble: Trouble) -> None:
    standing = Standing(version="3.1.1", phase=Phase.CONNECTING, failures=failures)
    found = transition(standing, failed(trouble), 0.0, AUTO, chance).retry_at
    assert AUTO.first <= found <= AUTO.most


def test_a_broker_without_5_is_tried_with_3_1_1_at_once_and_remembered() -> None:
    standing = after(FRESH, Step.DIALLED, failed(Trouble.VERSION), now=7.0)
    assert (standing.version, standing.retry_at) == ("3.1.1", 7.0)
    standing = after(standing, Step.DIALLED, ACCEPTED, failed(Trouble.LOST))
    assert (standing.version, standing.proven) == ("3.1.1", "3.1.1")
    standing = after(standing, Step.DIALLED, failed(Trouble.UNREACHABLE))
    assert standing.version == "3.1.1"


def test_a_broker_that_speaks_neither_is_not_asked_in_a_hurry() -> None:
    standing, asked = FRESH, list[tuple[float, Version]]()
    now = 0.0
    for _ in range(6):
        asked.append((now, standing.version))
        standing = after(standing, Step.DIALLED, failed(Trouble.VERSION), now=now)
        now = standing.retry_at
    assert [version for _, version in asked] == [5, "3.1.1"] * 3
    assert [later - earlier for (earlier, _), (later, _) in pairwise(asked)] == [0.0, 4.0, 0.0, 16.0, 0.0]


def test_a_broker_that_restarts_in_the_middle_is_asked_with_5_again() -> None:
    """It closed on 5 because it was going down; then nothing listened."""
    standing = after(FRESH, Step.DIALLED, failed(Trouble.VERSION), Step.DIALLED, failed(Trouble.UNREACHABLE))
    assert standing.version == 5


def test_silence_is_taken_for_another_version_only_from_the_first() -> None:
    standing = after(FRESH, Step.DIALLED, failed(Trouble.SILENT))
    assert (standing.version, standing.retry_at) == ("3.1.1", 0.0)
    proven = after(FRESH, Step.DIALLED, ACCEPTED, failed(Trouble.LOST), Step.DIALLED, failed(Trouble.SILENT))
    assert proven.version == 5
    assert proven.retry_at > 0


def test_a_version_5_that_worked_is_not_given_up_for_a_cut_in_the_handshake() -> None:
    proven = after(FRESH, Step.DIALLED, ACCEPTED, failed(Trouble.LOST), now=100.0)
    cut = after(proven, *attempts(Trouble.VERSION, 3), now=200.0)
    assert cut.version == 5
    assert cut.retry_at > 200.0
    replaced = after(cut, Step.DIALLED, failed(Trouble.VERSION), now=100.0 + DOUBT)
    assert replaced.version == "3.1.1"


def test_a_version_that_is_set_is_kept() -> None:
    versions: tuple[Version, ...] = (5, "3.1.1")
    for version in versions:
        policy = Policy(version, first=1.0, most=30.0)
        standing = after(Standing(version=version), *attempts(Trouble.VERSION, 3), policy=policy)
        assert standing.version == version
        assert standing.retry_at > 0


def test_closed_is_for_good() -> None:
    closed = after(FRESH, Step.DIALLED, Step.CLOSED)
    for happened in (ACCEPTED, failed(Trouble.LOST), Step.DIALLED):
        assert after(closed, happened).phase is Phase.CLOSED

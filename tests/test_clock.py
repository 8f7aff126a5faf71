"""Times as text and as numbers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from edge.clock import from_rfc3339, rfc3339, unix_milliseconds

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    summer = timezone(timedelta(hours=2))
    moment = datetime(2026, 1, 2, 5, 4, 5, 250_900, tzinfo=summer)
    assert rfc3339(moment) == "2026-01-02T03:04:05.250Z"
    assert unix_milliseconds(moment) == 1_767_323_045_250


@given(MOMENTS)
def test_a_time_survives_as_text_but_for_less_than_a_millisecond(moment: datetime) -> None:
    assert timedelta(0) <= moment - from_rfc3339(rfc3339(moment)) < timedelta(milliseconds=1)

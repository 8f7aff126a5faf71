"""The vote on who somebody is: what it takes to be named, to be unknown, to be taken for somebody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import UNKNOWN
from edge.track.naming import NameVote
from edge.track.settings import TrackingSettings

Look = tuple[str | None, float, float]
"""Label, score, quality."""


def begun() -> NameVote:
    settings = TrackingSettings().of_people()
    return NameVote(settings, unknown_votes=settings.presence.unknown_votes)


def looked(vote: NameVote, *looks: Look, step: float = 0.3) -> NameVote:
    for label, score, quality in looks:
        now = 0.0 if vote.last is None else vote.last + step
        vote.look_closer(label, score, quality, {"quality": quality} if label else {}, now)
    return vote


def test_a_name_needs_two_good_looks_and_a_stranger_more() -> None:
    assert looked(begun(), ("ada", 0.9, 0.7)).label is None
    assert looked(begun(), *[("ada", 0.9, 0.7)] * 2).label == "ada"
    assert looked(begun(), *[(UNKNOWN, 0.9, 0.7)] * 3).label is None
    assert looked(begun(), *[(UNKNOWN, 0.9, 0.7)] * 4).label == UNKNOWN


def test_poor_looks_count_by_their_quality() -> None:
    assert looked(begun(), *[("ada", 0.9, 0.1)] * 8).label is None
    assert looked(begun(), *[("ada", 0.9, 0.1)] * 14).label == "ada"
    assert looked(begun(), *[("ada", 0.9, 0.0)] * 50).label is None


def test_a_look_that_tells_nothing_votes_for_nobody_and_was_a_look() -> None:
    vote = looked(begun(), *[(None, 0.0, 0.9)] * 20)
    assert vote.label is None
    assert vote.last == pytest.approx(19 * 0.3)
    named = looked(begun(), *[("ada", 0.9, 0.8)] * 5, *[(None, 0.0, 0.0)] * 50)
    assert named.label == "ada"
    assert not named.unsure, "they were not good enough to doubt"
    better = looked(begun(), *[("ada", 0.9, 0.8)] * 5, *[(None, 0.0, 0.8)] * 3)
    assert better.label == "ada"
    assert better.score == pytest.approx(0.9), "they speak for nobody else"
    assert better.unsure, "but further looks pay"


def test_unknown_gives_way_to_a_name_as_nothing_does() -> None:
    vote = looked(begun(), *[(UNKNOWN, 0.9, 0.7)] * 20)
    assert looked(vote, *[("ada", 0.9, 0.7)] * 2).label == "ada"


def test_the_score_is_that_of_the_looks_at_the_name() -> None:
    vote = looked(begun(), *[("ada", 0.9, 0.7)] * 5, ("bob", 0.9, 0.7))
    assert vote.score == pytest.approx(0.9)
    assert vote.unsure
    assert vote.agreed
    assert not looked(vote, *[("bob", 0.9, 0.7)] * 3, *[("eve", 0.9, 0.7)] * 3).agreed


def test_a_name_gives_way_to_another_only_after_many_looks() -> None:
    vote = looked(begun(), *[("ada", 0.9, 0.7)] * 5)
    assert looked(vote, *[("bob", 0.9, 0.7)] * 4).label == "ada"
    assert vote.unsure
    assert looked(vote, ("bob", 0.9, 0.7)).label == "bob"


def test_after_a_doubt_two_looks_change_it_and_one_confirms_it() -> None:
    vote = looked(begun(), *[("ada", 0.9, 0.7)] * 20)
    vote.doubt()
    assert vote.unsure
    assert looked(vote, ("bob", 0.9, 0.7)).label == "ada"
    assert looked(vote, ("bob", 0.9, 0.7)).label == "bob"
    assert not vote.doubted
    vote.doubt()
    looked(vote, ("bob", 0.9, 0.7))
    assert not vote.doubted
    assert looked(vote, *[("ada", 0.9, 0.7)] * 2).label == "bob"


def test_a_name_in_doubt_goes_when_good_looks_tell_nothing() -> None:
    vote = looked(begun(), *[("ada", 0.9, 0.7)] * 20)
    vote.doubt()
    assert looked(vote, *[(None, 0.0, 0.1)] * 10).label == "ada", "poor looks are none"
    assert looked(vote, *[(None, 0.0, 0.7)] * 4).label is None
    assert not vote.doubted
    assert vote.score == 0.0


def test_without_a_doubt_it_goes_only_after_many_of_them_on_end() -> None:
    vote = looked(begun(), *[("ada", 0.9, 0.7)] * 20)
    assert looked(vote, *[*[(None, 0.0, 0.7)] * 7, ("ada", 0.9, 0.7)] * 3).label == "ada"
    vote = looked(begun(), *[("ada", 0.9, 0.7)] * 20, *[(None, 0.0, 0.7)] * 8)
    assert vote.label == "ada"
    assert looked(vote, (None, 0.0, 0.7)).label is None


def test_when_names_have_changed_the_new_looks_are_believed_at_once() -> None:
    for answer in (None, UNKNOWN, "bob"):
        vote = looked(begun(), *[("ada", 0.9, 0.7)] * 20)
        vote.doubt(revised=True)
        assert looked(vote, *[(answer, 0.9, 0.7)] * 2).label == answer


def test_unknown_in_doubt_stays_unknown() -> None:
    vote = looked(begun(), *[(UNKNOWN, 0.9, 0.7)] * 10)
    vote.doubt()
    assert looked(vote, *[(None, 0.0, 0.9)] * 20).label == UNKNOWN


def test_a_doubt_before_there_is_a_name_weakens_what_spoke_for_one() -> None:
    vote = looked(begun(), ("ada", 0.9, 0.8))
    vote.doubt()
    assert not vote.doubted
    assert looked(vote, ("ada", 0.9, 0.6)).label is None
    assert looked(vote, ("ada", 0.9, 0.6)).label == "ada"


def test_measures_are_means_of_the_looks_at_the_label() -> None:
    vote = looked(
        begun(), ("ada", 0.9, 0.4), ("bob", 0.9, 0.2), ("ada", 0.9, 0.8), ("ada", 0.9, 0.8), step=0.1
    )
    assert vote.label == "ada"
    assert vote.extras["quality"] == pytest.approx((0.4 * 0.4 + 2 * 0.8 * 0.8) / 2, abs=0.02)
    assert begun().extras == {}


@given(
    looks=st.lists(
        st.tuples(st.sampled_from(["ada", "bob", UNKNOWN, None]), st.floats(0, 1), st.floats(0, 1)),
        max_size=60,
    ),
    doubts=st.sets(st.integers(0, 59)),
)
def test_whatever_is_seen_a_name_was_read_twice(looks: list[Look], doubts: set[int]) -> None:
    vote = begun()
    for index, look in enumerate(looks):
        if index in doubts:
            vote.doubt()
        looked(vote, look)
        assert 0 <= vote.score <= 1 + 1e-9
        assert all(-1e-9 <= value <= 1 + 1e-9 for value in vote.extras.values())
        if vote.label is not None:
            assert sum(label == vote.label for label, *_ in looks[: index + 1]) >= 2

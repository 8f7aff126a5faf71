"""The vote on a label: what it takes to be named, to change, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.track.settings import TrackingSettings
from edge.track.vote import Vote


def voted(looks: Sequence[tuple[str | None, float]], step: float = 0.1, quality: float = 1.0) -> Vote:
    vote = Vote(TrackingSettings())
    for i, (label, score) in enumerate(looks):
        vote.look(label, score, quality, 100 + i * step)
    return vote


def test_a_surer_thing_is_named_after_fewer_looks() -> None:
    assert voted([("7", 0.98)] * 2).label is None
    assert voted([("7", 0.98)] * 3).label == "7"
    assert voted([("7", 0.6)] * 4).label is None
    assert voted([("7", 0.6)] * 5).label == "7"


def test_one_look_decides_nothing_however_sure() -> None:
    vote = Vote(TrackingSettings(confirm_votes=0, change_votes=1))
    vote.look("7", 1.0, 1.0, 0.0)
    assert vote.label is None
    vote.look("7", 1.0, 1.0, 0.1)
    vote.look("1", 1.0, 1.0, 0.2)
    assert vote.label == "7"


def test_labels_that_take_turns_name_nothing() -> None:
    vote = voted([("1", 0.9), ("7", 0.9)] * 100)
    assert vote.label is None
    assert vote.unsure


def test_the_score_is_the_mean_of_the_looks() -> None:
    assert voted([("7", 0.8)] * 30).score == pytest.approx(0.8)
    assert voted([("7", 0.9)] * 20 + [(None, 0.0)]).score == pytest.approx(0.9 * 0.9, abs=0.03)


def test_a_change_forgets_the_looks_before_it() -> None:
    vote = voted([("3", 0.9)] * 50 + [("4", 0.95)] * 5)
    assert vote.label == "4"
    assert vote.score == pytest.approx(0.95)


def test_single_contradictions_never_add_up() -> None:
    vote = voted(([("3", 0.9)] * 2 + [("8", 0.95)]) * 200)
    assert vote.label == "3"
    assert 0.5 < vote.score < 0.7


def test_poor_looks_count_less() -> None:
    vote = voted([("ada", 0.9)] * 10)
    for i in range(20):
        vote.look("eve", 0.9, 0.1, 101 + i * 0.1)
    assert vote.label == "ada"


@pytest.mark.parametrize("rate", [10, 30, 60, 120])
def test_a_faster_camera_does_not_decide_faster(rate: int) -> None:
    vote = voted([("3", 0.95)] * rate, step=1 / rate)
    for i in range(rate):
        vote.look("4", 0.95, 1.0, 101 + i / rate)
        if vote.label == "4":
            break
    assert 0.35 <= i / rate <= 0.55


def test_looks_of_one_moment_all_count() -> None:
    """A detection and the closer look at it come with the same time."""
    vote = Vote(TrackingSettings())
    for now in (1.0, 1.1):
        vote.look("7", 0.9, 1.0, now)
        vote.look("7", 0.9, 1.0, now)
    assert vote.label == "7"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "7", None]),
            st.floats(0, 1),
            st.floats(0, 1),
            st.floats(0, 1000),
        ),
        max_size=60,
    )
)
def test_the_score_is_a_share_and_a_label_was_read_twice(
    looks: list[tuple[str | None, float, float, float]],
) -> None:
    vote, now = Vote(TrackingSettings()), 0.0
    for label, score, quality, step in looks:
        now += step
        vote.look(label, score, quality, now)
        assert 0 <= vote.score <= 1 + 1e-9
        if vote.label is not None:
            assert sum(read == vote.label for read, *_ in looks) >= 2

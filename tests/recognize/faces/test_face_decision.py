"""Whose face it is: threshold, lead, denial, and the four answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strangers import gallery, vector

from edge.errors import ModelError
from edge.recognize.faces.calibration import Calibration
from edge.recognize.faces.decision import Decision
from edge.recognize.faces.index import Ranking
from edge.recognize.faces.settings import FacesSettings
from edge.recognize.faces.sightings import FULL, KEPT_FOR, MOST, Sightings
from edge.records import UNKNOWN


@dataclass
class Card:
    """What a card says of an embedder: 1 % of strangers reach 0.3, and so on."""

    name: str = "handmade"
    thresholds: Mapping[str, float] = field(
        default_factory=lambda: {"one-in-100": 0.3, "one-in-1000": 0.4, "one-in-10000": 0.5}
    )
    calibration: tuple[float, float] | None = (20.0, -7.0)
    common: float = 0.0


CALIBRATION = Calibration(Card())  # type: ignore[arg-type]


def decision(**settings: object) -> Decision:
    return Decision(FacesSettings(**settings), CALIBRATION)  # type: ignore[arg-type]


def ranking(persons: Sequence[float], denied: Sequence[float] | None = None) -> Ranking:
    likeness = np.array(persons, np.float32)
    off = np.full(len(persons), -np.inf) if denied is None else np.array(denied)
    return Ranking(likeness, np.ones_like(likeness), likeness, off.astype(np.float32))


NAMES = ("Anna", "Bob", "Carl")


def test_a_name_with_a_clear_lead() -> None:
    verdict = decision().decide(NAMES, ranking([0.1, 0.55, 0.2]))
    assert verdict.label == "Bob"
    assert verdict.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)
    assert verdict.likeness == pytest.approx(0.55)
    assert verdict.lead == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("best", "label"), [(0.41, "Anna"), (0.39, None), (0.31, None), (0.29, UNKNOWN), (-0.9, UNKNOWN)]
)
def test_between_name_and_stranger_nobody_can_tell(best: float, label: str | None) -> None:
    assert decision().decide(NAMES, ranking([best, -0.95, -0.97])).label == label


def test_who_is_not_clearly_ahead_of_the_second_is_not_named() -> None:
    # 0.05 in similarity is one natural logarithm of the odds with this card.
    assert decision().decide(NAMES, ranking([0.60, 0.56, 0.1])).label is None
    assert decision().decide(NAMES, ranking([0.60, 0.54, 0.1])).label == "Anna"
    assert decision(margin=0.0).decide(NAMES, ranking([0.60, 0.599, 0.1])).label == "Anna"


def test_one_person_alone_has_no_lead() -> None:
    verdict = decision().decide(["Anna"], ranking([0.6]))
    assert (verdict.label, verdict.lead) == ("Anna", None)


def test_where_nobody_is_enrolled_everybody_is_a_stranger() -> None:
    verdict = decision().decide([], ranking([]))
    assert (verdict.label, verdict.score) == (UNKNOWN, 1.0)


@pytest.mark.parametrize(("strangers", "lowest"), [(100, 0.3), (1000, 0.4), (10000, 0.5)])
def test_the_threshold_is_how_many_strangers_are_taken_for_somebody(strangers: int, lowest: float) -> None:
    one = decision(strangers=strangers)
    assert one.threshold == pytest.approx(CALIBRATION.score(lowest))
    assert one.decide(["Anna"], ranking([lowest + 0.01])).label == "Anna"
    assert one.decide(["Anna"], ranking([lowest - 0.01])).label != "Anna"


def test_a_threshold_that_is_set_holds() -> None:
    assert decision(threshold=0.99).decide(["Anna"], ranking([0.55])).label is None
    one = decision()
    one.threshold = 0.01
    assert one.decide(["Anna"], ranking([0.2])).label == "Anna"
    assert one.decide(["Anna"], ranking([0.05])).label == UNKNOWN
    one.threshold = 1.0
    assert one.decide(["Anna"], ranking([0.9])).label is None
    one.threshold = 0.0
    assert one.decide(["Anna"], ranking([-0.5])).label == "Anna"


def test_whoever_was_denied_is_not_named_so_and_the_person_still_is() -> None:
    one = decision()
    assert one.decide(["Anna"], ranking([0.6], [1.0])).label == UNKNOWN, "the very track"
    assert one.decide(["Anna"], ranking([0.5], [0.48])).label == UNKNOWN, "the same stranger again"
    assert one.decide(["Anna"], ranking([0.75], [0.45])).label == "Anna", "she is a little like the stranger"
    assert one.decide(NAMES[:2], ranking([0.6, 0.55], [0.9, -np.inf])).label == "Bob", "the next may be right"


def test_a_denied_track_stops_matching_and_the_others_go_on() -> None:
    one = gallery()
    anna, stranger = vector(1), vector(2, near=vector(1), likeness=0.55)
    one.add("Anna", anna, 1.0)
    decide = decision().decide
    assert decide(one.index.names, one.index.rank(stranger)).label == "Anna"
    one.deny("Anna", stranger)
    assert decide(one.index.names, one.index.rank(stranger)).label == UNKNOWN
    again = vector(3, near=stranger, likeness=0.8)
    assert decide(one.index.names, one.index.rank(again)).label != "Anna"
    assert decide(one.index.names, one.index.rank(vector(4, near=anna, likeness=0.8))).label == "Anna"


@given(st.lists(st.floats(-1, 1), max_size=6), st.lists(st.floats(-1, 1), max_size=6), st.floats(0, 1))
def test_a_name_is_the_best_one_above_the_threshold_or_none(
    persons: list[float], denied: list[float], threshold: float
) -> None:
    names = [str(number) for number in range(len(persons))]
    off = (denied + [-1.0] * len(persons))[: len(persons)]
    verdict = decision(threshold=threshold).decide(names, ranking(persons, off))
    assert 0 <= verdict.score <= 1
    if verdict.label in names:
        assert verdict.score >= threshold
        assert verdict.likeness == pytest.approx(float(np.float32(persons[int(verdict.label)])))
        assert off[int(verdict.label)] < persons[int(verdict.label)] + 1e-6
    if verdict.label == UNKNOWN and not any(off[i] >= (p - 1) / 2 for i, p in enumerate(persons)):
        assert all(CALIBRATION.score(p) < max(threshold, 0.5) + 1e-6 for p in persons)


@given(st.floats(0.0001, 0.9999))
def test_scores_and_similarities_are_two_ways_of_saying_it(score: float) -> None:
    assert CALIBRATION.score(CALIBRATION.similarity(score)) == pytest.approx(score)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (Card(thresholds={"one-in-100": 0.3}), "no threshold named one-in-1000, one-in-10000"),
        (Card(thresholds={"one-in-100": 0.5, "one-in-1000": 0.4, "one-in-10000": 0.6}), "rarer strangers"),
        (Card(calibration=None), "no calibration"),
    ],
)
def test_a_card_that_was_never_measured_is_refused(card: Card, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        Calibration(card)  # type: ignore[arg-type]


def test_the_looks_at_a_track_add_up_to_a_better_one() -> None:
    face, seen = vector(1), Sightings("cosine", unlike=0.1)
    for number in range(9):
        found = seen.add(7, vector(100 + number, near=face, likeness=0.6), 0.5, number / 10)
    assert found.looks == 9
    assert float(found.embedding @ face) > 0.85
    assert np.linalg.norm(found.embedding) == pytest.approx(1, abs=1e-5)
    assert found.resultant == pytest.approx(0.66, abs=0.05), "looks that differ"
    assert seen.add(8, face, 0.5, 1.0).resultant == 1
    assert seen.add(8, face, 0.5, 1.1).resultant == pytest.approx(1, abs=1e-5)
    assert seen.get(7) is found


def test_what_averaging_adds_is_taken_away() -> None:
    some = replace(ranking([0.9, 0.5]), resultants=np.array([0.8, 1], np.float32))
    free = some.freed(0.9, 0.6)
    np.testing.assert_allclose(
        free.persons, [0.9 - 0.6 * (1 / 0.72 - 1), 0.5 - 0.6 * (1 / 0.9 - 1)], rtol=1e-5
    )
    np.testing.assert_allclose(free.nearest, some.nearest - 0.6 * (1 / 0.9 - 1), rtol=1e-5)
    assert (free.denied == -np.inf).all()
    np.testing.assert_array_equal(some.freed(0.9, 0.0).persons, some.persons)
    common = Decision(FacesSettings(), Calibration(Card(common=0.6)))  # type: ignore[arg-type]
    plain = decision().decide(("Anna", "Bob"), some, 0.9)
    freely = common.decide(("Anna", "Bob"), some, 0.9)
    assert plain.likeness == pytest.approx(0.9)
    assert freely.likeness == pytest.approx(0.6667, abs=1e-3)
    assert plain.score > freely.score


def test_euclid_s_means_need_nothing_taken_away() -> None:
    seen = Sightings("euclidean", unlike=-100.0)
    seen.add(1, vector(1) * 2, 1.0, 0.0)
    assert seen.add(1, vector(2) * 2, 1.0, 0.1).resultant == 1


def test_a_better_look_weighs_more() -> None:
    good, poor, seen = vector(1), vector(2, near=vector(1), likeness=0.5), Sightings("cosine", unlike=0.0)
    seen.add(1, good, 0.9, 0.0)
    found = seen.add(1, poor, 0.1, 0.1)
    assert float(found.embedding @ good) > 0.98
    assert found.quality == 0.9


def test_old_looks_fade_so_that_a_face_is_followed() -> None:
    early, late = vector(1), vector(2, near=vector(1), likeness=0.4)
    seen = Sightings("cosine", unlike=0.0)
    for number in range(100):
        seen.add(1, early, 1.0, number)
    for number in range(round(4 * FULL)):
        found = seen.add(1, late, 1.0, 100 + number)
    assert float(found.embedding @ late) > 0.98


def test_one_odd_look_is_left_out_and_two_mean_somebody_else() -> None:
    seen = Sightings("euclidean", unlike=-1.0)
    anna, bob = vector(1) * 2, vector(2) * 2
    seen.add(1, anna, 0.9, 0.0)
    found = seen.add(1, bob, 0.9, 0.1)
    np.testing.assert_array_equal(found.embedding, anna)
    seen.add(1, anna, 0.9, 0.2)
    seen.add(1, bob, 0.9, 0.3)
    found = seen.add(1, bob, 0.9, 0.4)
    np.testing.assert_array_equal(found.embedding, bob)
    assert (seen.restarted, found.looks) == (1, 1)


def test_tracks_are_forgotten_when_they_are_old_or_too_many() -> None:
    seen = Sightings("cosine", unlike=0.0)
    for track in range(MOST + 10):
        seen.add(track, vector(track), 0.5, track / 100)
    assert (len(seen), seen.dropped) == (MOST, 10)
    seen.add(0, vector(0), 0.5, 4 + KEPT_FOR * 2)
    assert (len(seen), seen.dropped) == (1, 10)
    seen.restart(0)
    seen.restart(12345)
    assert seen.get(0) is None

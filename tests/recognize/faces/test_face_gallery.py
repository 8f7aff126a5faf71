"""Who is enrolled: adding, pruning, denying, forgetting, bounds, names."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strangers import LIMITS, SIZE, gallery, maker, vector

from edge.errors import InputError
from edge.recognize.faces.gallery import Gallery
from edge.recognize.faces.gallery_file import Entry, Look
from edge.recognize.faces.index import Index
from edge.recognize.faces.names import BadNameError, checked_name, key
from edge.recognize.faces.person import Limits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a gallery may be, in a folder that is not there yet."""
    return tmp_path / "state" / "gallery.db"


def test_people_are_there_again_after_a_restart(path: Path) -> None:
    first = gallery(path)
    for name, seed in (("Zoë", 1), ("anna", 2), ("anna", 3)):
        assert first.add(name, vector(seed), 0.75) == "added"
    first.deny("anna", vector(4))
    first.close()
    again = gallery(path)
    zoe, anna = again.people()[1], again.people()[0]
    assert (anna.name, anna.count, anna.negatives, anna.usable) == ("anna", 2, 1, True)
    assert (zoe.name, zoe.count, zoe.negatives, zoe.spread) == ("Zoë", 1, 0, None)
    assert anna.spread is not None
    assert 0.5 < anna.spread < 1
    assert abs(time.time() - anna.enrolled.timestamp()) < 600
    np.testing.assert_array_equal(again.embeddings("anna"), np.stack([vector(2), vector(3)]))
    assert not again.remarks()


def test_who_only_looks_leaves_no_file_behind(path: Path) -> None:
    one = gallery(path)
    assert one.people() == ()
    assert one.best(vector(1)) == []
    assert not one.forget("anna")
    one.refresh()
    one.close()
    assert not path.parent.exists()


def test_the_most_similar_person_comes_first_by_template_or_nearest_look() -> None:
    one = gallery()
    one.add("Anna", vector(1), 1.0)
    one.add("Bob", vector(2), 1.0)
    one.add("Bob", vector(3), 1.0)
    found = one.best(vector(9, near=vector(3), likeness=0.8))
    assert [name for name, _ in found] == ["Bob", "Anna"]
    assert found[0][1] == pytest.approx(0.8, abs=1e-5)


def test_of_two_that_are_nearly_the_same_the_better_is_kept() -> None:
    one = gallery()
    twin = vector(5, near=vector(1), likeness=0.97)
    assert one.add("Anna", vector(1), 0.5) == "added"
    assert one.add("Anna", twin, 0.5) == "duplicate"
    assert one.add("Anna", twin, 0.6) == "replaced"
    np.testing.assert_array_equal(one.embeddings("Anna"), twin[None])
    assert one.counters()["duplicates"] == 1


def test_at_the_bound_the_most_alike_go_and_the_different_stay() -> None:
    one = gallery()
    base = [vector(seed) for seed in range(4)]
    for each in base:
        one.add("Anna", each, 0.5)
    near = vector(9, near=base[2], likeness=0.9)
    assert one.add("Anna", near, 0.7) == "added"
    kept = one.embeddings("Anna")
    assert len(kept) == LIMITS.embeddings
    assert [bool((kept == each).all(axis=1).any()) for each in (*base, near)] == [
        True,
        True,
        False,
        True,
        True,
    ]
    assert one.add("Anna", vector(10, near=base[0], likeness=0.9), 0.1) == "duplicate", (
        "the new one is the worse"
    )
    assert len(one.embeddings("Anna")) == LIMITS.embeddings
    assert one.counters()["pruned"] == 2


def test_people_have_a_bound() -> None:
    one = gallery(limits=Limits(people=2, embeddings=4, denied=3, duplicate=0.95))
    one.add("Anna", vector(1), 1.0)
    one.add("Bob", vector(2), 1.0)
    with pytest.raises(InputError, match="2 people are enrolled"):
        one.add("Carl", vector(3), 1.0)
    one.add("ANNA", vector(4), 1.0)
    assert one.counters()["people_refused"] == 1
    one.forget("bob")
    one.add("Carl", vector(3), 1.0)
    assert [person.name for person in one.people()] == ["Anna", "Carl"]


def test_denied_looks_have_a_bound_and_the_oldest_goes() -> None:
    one = gallery()
    one.add("Anna", vector(1), 1.0)
    for seed in range(10, 15):
        one.deny("anna", vector(seed))
    assert one.people()[0].negatives == LIMITS.denied
    assert one.counters()["denied_dropped"] == 2
    assert one.index.rank(vector(11)).denied[0] < 0.5
    assert one.index.rank(vector(12)).denied[0] == pytest.approx(1, abs=1e-5)


def test_who_is_enrolled_after_a_denial_is_denied_no_longer() -> None:
    one = gallery()
    one.add("Anna", vector(1), 1.0)
    one.deny("Anna", vector(2))
    one.deny("Anna", vector(3))
    one.add("Anna", vector(9, near=vector(2), likeness=0.98), 0.5)
    assert one.people()[0].negatives == 1


def test_nobody_is_denied_or_forgotten_who_is_not_there() -> None:
    one = gallery()
    with pytest.raises(InputError, match="nobody of this name"):
        one.deny("Anna", vector(1))
    assert not one.forget("Anna")


def test_a_name_is_one_person_however_it_is_typed() -> None:
    one = gallery()
    for seed, typed in enumerate(("José", "JOSE\N{COMBINING ACUTE ACCENT}", "  josé ")):
        one.add(typed, vector(seed), 1.0)
    (person,) = one.people()
    assert (person.name, person.count) == ("José", 3)
    assert one.forget("JOSÉ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "0 characters"),
        ("   ", "0 characters"),
        ("a" * 65, "65 characters"),
        ("x" * 1_000_000, "1000000 characters"),
        ("../../etc/passwd", "path"),
        ("a\\b", "path"),
        ("..", "path"),
        ("Anna\n", None),
        ("An\nna", "cannot be printed"),
        ("Anna\x00", "cannot be printed"),
        ("\x1b[2J", "cannot be printed"),
        ("Anna\N{RIGHT-TO-LEFT OVERRIDE}", "cannot be printed"),
        ("\ud800", "cannot be printed"),
        ("unknown", "strangers"),
        ("UNKNOWN", "strangers"),
        (" \N{FULLWIDTH LATIN SMALL LETTER U}nknown", "strangers"),
    ],
)
def test_names_that_nobody_can_have(name: str, words: str | None) -> None:
    if words is None:
        assert checked_name(name) == name.strip()
        return
    with pytest.raises(BadNameError, match=words) as caught:
        gallery().add(name, vector(1), 1.0)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@given(st.text(max_size=80))
def test_a_name_that_passes_stays_the_same_and_is_safe(text: str) -> None:
    try:
        name = checked_name(text)
    except BadNameError:
        return
    assert checked_name(name) == name
    assert key(checked_name(name)) == key(text.strip())
    assert name.isprintable()
    assert not set(name) & set("/\\")
    assert 1 <= len(name) <= 64


@pytest.mark.parametrize(
    "bad",
    [np.zeros(SIZE), np.full(SIZE, np.nan), np.ones(SIZE - 1), np.ones((1, SIZE)), np.full(SIZE, np.inf)],
)
def test_what_is_no_embedding_is_refused(bad: NDArray[Any]) -> None:
    one = gallery()
    with pytest.raises(InputError, match="no embedding"):
        one.add("Anna", bad, 1.0)
    assert one.people() == ()


def test_another_embedders_people_are_never_compared_and_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = gallery(path)
    first.add("Anna", vector(1), 1.0)
    first.deny("Anna", vector(2))
    first.add("Bob", vector(3), 1.0)
    first.close()
    with caplog.at_level(logging.WARNING):
        other = gallery(path, sha256="b" * 64)
    assert "enrol again: Anna, Bob;" in caplog.text
    assert other.best(vector(1)) == []
    assert [(person.name, person.count, person.usable) for person in other.people()] == [
        ("Anna", 0, False),
        ("Bob", 0, False),
    ]
    other.add("Bob", vector(4), 1.0)
    assert [name for name, _ in other.best(vector(4))] == ["Bob"]
    assert other.remarks() == ("enrol again: Anna; they are known by another face embedder only",)
    other.forget("Anna")
    assert other.remarks() == ()
    other.close()
    back = gallery(path)
    name, likeness = back.best(vector(3))[0]
    assert name == "Bob", "and what it had is there again"
    assert likeness == pytest.approx(1, abs=1e-5)


def test_embeddings_of_another_length_are_another_embedders(path: Path) -> None:
    first = gallery(path)
    first.add("Anna", vector(1), 1.0)
    first.close()
    assert gallery(path, size=64).counters()["strange_rows"] == 1


def test_what_another_process_changes_is_taken_up(path: Path) -> None:
    one, other = gallery(path), gallery(path)
    other.add("Anna", vector(1), 1.0)
    before = one.revision
    one.refresh()
    assert [person.name for person in one.people()] == ["Anna"]
    assert one.revision != before
    revision = one.revision
    one.refresh()
    assert one.revision == revision, "nothing has changed, so nothing is read"
    other.forget("Anna")
    one.refresh()
    assert one.people() == ()
    path.unlink()
    one.add("Bob", vector(2), 1.0)
    assert [person.name for person in gallery(path).people()] == ["Bob"], "a removed file is made anew"


def entries(people: int, each: int) -> list[Entry]:
    random = np.random.default_rng(1).normal(size=(people, each, SIZE)).astype(np.float32)
    return [
        Entry(number, f"person {number}", 0.0, [Look(0, row, 1.0) for row in rows])
        for number, rows in enumerate(random)
    ]


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_ten_thousand_embeddings_are_compared_in_one_product(distance: str) -> None:
    crowd = entries(1000, 10)
    index = Index(crowd, distance, SIZE)  # type: ignore[arg-type]
    assert len(index) == 11_000
    probe = vector(1) * 3
    ranking = index.rank(probe)

    def plain() -> list[float]:
        found = []
        for entry in crowd:
            looks = np.stack([look.vector for look in entry.looks]).astype(np.float64)
            if distance == "cosine":
                units = looks / np.linalg.norm(looks, axis=1, keepdims=True)
                found.append(float((units @ (probe / np.linalg.norm(probe))).max()))
            else:
                found.append(float(-((looks - probe) ** 2).sum(axis=1).min()))
        return found

    np.testing.assert_allclose(ranking.nearest, plain(), rtol=1e-4, atol=1e-3)

    def cost(work: object) -> float:
        begun = time.thread_time()
        work()  # type: ignore[operator]
        return time.thread_time() - begun

    one_by_one = min(cost(plain) for _ in range(3))
    together = min(cost(lambda: index.rank(probe)) for _ in range(9))
    assert together < one_by_one / 3


def test_the_gallery_of_an_unusual_maker() -> None:
    one = Gallery.open(None, maker(distance="euclidean"), Limits(5, 4, 3, duplicate=-0.05))
    one.add("Anna", vector(1) * 0.4, 1.0)
    one.add("Anna", vector(1) * 0.7, 1.0)
    assert one.add("Anna", vector(1) * 0.8, 1.0) == "duplicate"
    ((name, likeness),) = one.best(vector(1) * 0.5)
    assert name == "Anna"
    assert likeness == pytest.approx(-0.0025, abs=1e-5), "to the template, which lies between the two"


def test_what_is_written_together_is_all_there_or_not_at_all(path: Path) -> None:
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    with one.together():
        for seed in range(2, 5):
            one.add(f"person {seed}", vector(seed), 1.0)
        one.deny("Anna", vector(9))
        assert gallery(path).names == ("Anna",), "nobody else sees half of it"
    assert len(gallery(path).people()) == 4

    def half() -> None:
        with one.together():
            one.add("Bob", vector(10), 1.0)
            one.add("", vector(11), 1.0)

    with pytest.raises(InputError):
        half()
    assert one.names == gallery(path).names == ("Anna", "person 2", "person 3", "person 4")
    assert [name for name, _ in one.best(vector(10))] != ["Bob"]


def test_a_thousand_people_are_added_in_time_that_grows_with_their_number(path: Path) -> None:
    def cost(people: int) -> float:
        one = gallery(path.with_name(f"{people}.db"), Limits(10_000, 4, 3, 0.95))
        begun = time.process_time()
        with one.together():
            for seed in range(people):
                one.add(f"person {seed}", vector(seed), 1.0)
        one.best(vector(1))
        return time.process_time() - begun

    cost(10)
    assert cost(800) < 20 * max(cost(100), 0.005)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can own files for somebody else")
def test_what_root_makes_belongs_to_whom_the_folder_belongs(path: Path) -> None:
    path.parent.mkdir()
    os.chown(path.parent, 12345, 12345)
    gallery(path).add("Anna", vector(1), 1.0)
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (12345, 0o600)

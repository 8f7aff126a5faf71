"""People as a text: what goes out comes in again, and nothing else does."""

from __future__ import annotations

import argparse
import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strangers import SIZE, gallery, vector

import edge.cli.people as people_command
from edge.errors import InputError
from edge.recognize.faces import transfer
from edge.recognize.faces.gallery import Gallery
from edge.recognize.faces.person import Limits
from edge.recognize.faces.transfer import Imported, exported, imported


def people() -> Gallery:
    one = gallery()
    one.add("Zoë", vector(1), 0.5, b"\xff\xd8 a picture")
    one.add("Zoë", vector(2), 1.0)
    one.deny("Zoë", vector(3))
    one.add("Bob", vector(4), 0.25)
    return one


def changed(**changes: Any) -> bytes:
    content = json.loads(exported(people()))
    for key, value in changes.items():
        *path, last = key.split("__")
        part = content
        for step in path:
            part = part[int(step) if step.isdigit() else step]
        part[int(last) if last.isdigit() else last] = value
    return json.dumps(content).encode()


def test_everybody_comes_in_again() -> None:
    one, other = people(), gallery()
    text = exported(one)
    assert imported(other, text) == Imported(people=2, added=3, left=0, denied=1, refused=0)
    assert [(p.name, p.count, p.negatives) for p in other.people()] == [("Bob", 1, 0), ("Zoë", 2, 1)]
    np.testing.assert_array_equal(other.embeddings("zoë"), one.embeddings("zoë"))
    assert exported(other) == text
    assert "Zoë".encode() in text
    assert b"picture" not in text
    assert imported(other, text) == Imported(people=0, added=0, left=3, denied=1, refused=0)


def test_what_comes_in_again_and_again_pushes_nothing_out() -> None:
    one = people()
    one.deny("Zoë", vector(7))
    text = exported(people())
    for _ in range(one.limits.denied + 1):
        imported(one, text)
    assert [(p.name, p.count, p.negatives) for p in one.people()] == [("Bob", 1, 0), ("Zoë", 2, 2)]
    assert one.counters()["denied_dropped"] == 0


def test_the_hint_is_a_command_that_there_is() -> None:
    with pytest.raises(InputError) as caught:
        imported(gallery(), b"nonsense")
    command = re.search("`edge people (.*) FILE`", caught.value.hint)
    assert command is not None
    parser = argparse.ArgumentParser()
    people_command.add_arguments(parser)
    assert parser.parse_args([command[1], "FILE"]).export == Path("FILE")


def test_it_is_added_to_who_is_there() -> None:
    one = gallery()
    one.add("ZOË", vector(9), 1.0)
    assert imported(one, exported(people())).people == 1
    assert [(p.name, p.count) for p in one.people()] == [("Bob", 1), ("ZOË", 3)]


def test_people_without_room_are_counted() -> None:
    small = gallery(limits=Limits(people=1, embeddings=1, denied=1, duplicate=0.95))
    found = imported(small, exported(people()))
    assert (found.people, found.refused) == (1, 1)
    assert [(p.name, p.count) for p in small.people()] == [("Zoë", 1)]


def test_another_embedders_are_refused_whole() -> None:
    other = gallery(sha256="b" * 64)
    with pytest.raises(InputError, match="cannot be compared: enrol again"):
        imported(other, exported(people()))
    assert other.people() == ()


VECTOR = base64.b64encode(vector(5).tobytes()).decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no text of the format"),
        (changed(format="people"), "no text of the format"),
        (changed(version=2), "of version 2, and 1 is known"),
        (changed(version="x" * 1000), "of version"),
        (changed(embedder=None), "embedder"),
        (changed(embedder__sha256=5), "embedder"),
        (changed(people={}), "people: a list"),
        (changed(people__0=[]), "people[0].name"),
        (changed(people__1__name=7), "people[1].name"),
        (changed(people__1__name="../../x"), "reads like a path"),
        (changed(people__1__name="unknown"), "strangers"),
        (changed(people__1__name="a" * 100), "100 characters"),
        (changed(people__0__embeddings=[]), "people[0].embeddings: at least one"),
        (changed(people__0__embeddings={}), "people[0].embeddings: a list"),
        (changed(people__0__embeddings__1__vector="!!"), "people[0].embeddings[1].vector"),
        (changed(people__0__embeddings__1__vector=VECTOR[:-8]), "128 finite"),
        (changed(people__0__embeddings__0__vector=base64.b64encode(bytes(4 * SIZE)).decode()), "not all 0"),
        (changed(people__0__embeddings__0__vector=base64.b64encode(b"\xff" * 4 * SIZE).decode()), "finite"),
        (changed(people__0__embeddings__0__quality=1.5), "0 to 1"),
        (changed(people__0__embeddings__0__quality=True), "0 to 1"),
        (changed(people__0__embeddings__0__quality=float("nan")), "0 to 1"),
        (changed(people__0__denied="x"), "people[0].denied: a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_added(data: bytes, words: str) -> None:
    one = gallery()
    with pytest.raises(InputError) as caught:
        imported(one, data)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400
    assert one.people() == ()


def test_a_text_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match="more than"):
        imported(gallery(), exported(people()))


@settings(max_examples=60)
@given(st.binary(max_size=40), st.integers(0, 10_000), st.integers(0, 200))
def test_any_damage_is_refused_or_harmless(rubbish: bytes, place: int, length: int) -> None:
    text = bytearray(exported(people()))
    place %= len(text)
    text[place : place + length] = rubbish
    one = gallery()
    try:
        imported(one, bytes(text))
    except InputError:
        assert one.people() == ()
    for person in one.people():
        assert np.isfinite(one.embeddings(person.name)).all()

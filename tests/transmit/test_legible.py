"""Other people's text in a line of ours."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit.legible import MOST, legible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("edge/küche/cmd/detect", "edge/küche/cmd/detect"),
        ("two\nlines\r\n", r"two\nlines\r\n"),
        ("ring\x07 \x1b[2J\x1b[31mred", r"ring\x07 \x1b[2J\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("a\u200bb\ufeffc\u2066d", r"a\u200bb\ufeffc\u2066d"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("wide\u3000blank\xa0", r"wide\u3000blank\xa0"),
        ("half \ud83d", r"half \ud83d"),
        ("\U000e0041tag", r"\U000e0041tag"),
        (r"no \n at all", r"no \\n at all"),
        ("\x00", r"\x00"),
        (b"\xff\xfe\x00", "\ufffd\ufffd\\x00"),
        ("k\u00fc\u4e2d\U0001f600", "k\u00fc\u4e2d\U0001f600"),
        (b"k\xc3\xbcche", "küche"),
        ("x" * MOST, "x" * MOST),
        ("x" * (MOST + 1), "x" * (MOST - 1) + "…"),
        ("x" * (MOST - 1) + "\n", "x" * (MOST - 1) + "…"),
        ("x" * 1_000_000, "x" * (MOST - 1) + "…"),
        ("\n" * 100, r"\n" * 39 + "…"),
    ],
)
def test_examples(text: str | bytes, shown: str) -> None:
    assert legible(text) == shown


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)), st.integers(8, 100))
def test_it_is_one_line_of_bounded_length_without_effects(text: str | bytes, most: int) -> None:
    shown = legible(text, most)
    assert len(shown) <= most
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    shown.encode()


@given(st.text(max_size=9), st.text(max_size=9))
def test_two_texts_are_never_shown_alike(one: str, other: str) -> None:
    """As long as nothing is cut off: nobody can pass for somebody else."""
    assert (legible(one, 200) == legible(other, 200)) == (one == other)

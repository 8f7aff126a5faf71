"""docs/security.md claims nothing that is not kept: each test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(NAMED) > 20


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_that_it_names_is_there(file: str, test: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert re.search(rf"^def {test or 'test_'}", text, re.MULTILINE)


def test_a_row_that_says_cannot_says_what_keeps_it() -> None:
    """Each row of a table with the column "kept by" fills it in, but for what is said to be possible."""
    for table in re.findall(r"^\|.*kept by \|\n\|[-| ]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for row in table.splitlines():
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            assert cells[-1], row


def test_settings_that_it_names_are_there() -> None:
    from edge.settings.schema import property_of

    for name in set(re.findall(r"`((?:mqtt|camera|commands|snapshot)\.[a-z_.]+)`", PAGE)):
        assert property_of(tuple(name.split("."))), name

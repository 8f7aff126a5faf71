"""The comparison of two processors: what is rounding, and what is not. `make test-arm64` makes one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from tools.arm64.outputs import LEVELS, PIXELS, SCORE, Outputs, differences, random_inputs

DIGITS: list[list[Any]] = [["4", 0.98, 10.0, 20.0, 30.0, 40.0], ["7", 0.91, 60.0, 20.0, 30.0, 40.0]]


def outputs(levels: Any = (1, 2, -128, 127), digits: Any = DIGITS) -> Outputs:
    return {
        "machine": np.array("x"),
        "model/some/32x32": np.array([levels], np.int8),
        "picture/4": np.zeros((2, 2, 3), np.uint8),
        "read/4": np.array(json.dumps(digits)),
    }


def changed(index: int, field: int, by: float) -> list[list[Any]]:
    digits: list[list[Any]] = [list(item) for item in DIGITS]
    digits[index][field] += by
    return digits


@pytest.mark.parametrize(
    "there",
    [
        outputs(),
        outputs((1 + LEVELS, 2, -128, 127)),
        outputs(digits=changed(0, 1, -SCORE * 0.9)),
        outputs(digits=changed(1, 2, PIXELS * 0.9)),
    ],
)
def test_rounding_is_not_told(there: Outputs) -> None:
    lines, apart = differences(outputs(), there)
    assert not apart
    assert not [line for line in lines if "MORE" in line]


@pytest.mark.parametrize(
    "there",
    [
        outputs((2 + LEVELS, 2, -128, 127)),
        outputs((1, 2, 127, 127)),
        outputs(digits=changed(0, 1, -SCORE * 1.1)),
        outputs(digits=changed(1, 2, PIXELS * 1.1)),
        outputs(digits=DIGITS[:1]),
        outputs(digits=[["1", *DIGITS[0][1:]], DIGITS[1]]),
    ],
)
def test_more_than_rounding_is_told(there: Outputs) -> None:
    lines, apart = differences(outputs(), there)
    assert apart
    assert [line for line in lines if "MORE THAN ROUNDING" in line]


@pytest.mark.parametrize("key", ["model/some/32x32", "read/4"])
def test_what_only_one_has_is_told(key: str) -> None:
    there = {name: value for name, value in outputs().items() if name != key}
    lines, apart = differences(outputs(), there)
    assert apart
    assert f"not in both: {key}" in lines


@pytest.mark.parametrize(
    ("dtype", "ends"), [(np.int8, (-128, 127)), (np.uint8, (0, 255)), (np.float32, (0.0, 1.0))]
)
def test_inputs_span_the_range(dtype: type[np.generic], ends: tuple[float, float]) -> None:
    drawn = np.stack(random_inputs((1, 30, 33, 3), dtype))
    assert drawn.shape[1:] == (1, 30, 33, 3)
    assert drawn.dtype == dtype
    assert (drawn.min(), drawn.max()) == ends


def test_inputs_are_the_same_bits_everywhere() -> None:
    drawn = np.stack(random_inputs((1, 8, 8, 1), np.int8))
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == "8816af3e52d3083c"

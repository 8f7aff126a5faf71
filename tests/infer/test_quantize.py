"""The arithmetic of 8-bit tensors, above all at its ends."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.infer.quantize import Quantization, pixel_table

SCALES = st.floats(1e-6, 1e3)
DTYPES = ("int8", "uint8")


@st.composite
def quantizations(draw: st.DrawFn) -> Quantization:
    dtype: np.dtype[Any] = np.dtype(draw(st.sampled_from(DTYPES)))
    ends = np.iinfo(dtype)
    return Quantization(dtype, draw(SCALES), draw(st.integers(int(ends.min), int(ends.max))))


def every_value(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    ends = np.iinfo(dtype)
    return np.arange(ends.min, ends.max + 1).astype(dtype)


@given(quantizations())
def test_integers_survive_the_way_out_and_in_again(quantization: Quantization) -> None:
    integers = every_value(quantization.dtype)
    again = quantization.quantize(quantization.dequantize(integers))
    assert again.dtype == quantization.dtype
    np.testing.assert_array_equal(again, integers)


@given(quantizations())
def test_dequantizing_never_wraps_round(quantization: Quantization) -> None:
    real = quantization.dequantize(every_value(quantization.dtype))
    exact = [
        (q - quantization.zero_point) * quantization.scale for q in every_value(quantization.dtype).tolist()
    ]
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, exact, rtol=1e-6)


@given(quantizations(), st.floats(-1e6, 1e6))
def test_quantizing_gives_the_nearest_integer_or_an_end(quantization: Quantization, real: float) -> None:
    (integer,) = quantization.quantize(np.array([real])).tolist()
    exact = real / quantization.scale + quantization.zero_point
    ends = np.iinfo(quantization.dtype)
    nearest = min(max(exact, ends.min), ends.max)
    assert abs(integer - nearest) <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("zero", "real", "integer"),
    [
        (0, 127.4, 127), (0, 127.6, 127), (0, 1e30, 127), (0, -128.4, -128), (0, -1e30, -128),
        (-128, 255.0, 127), (-128, 256.0, 127), (-128, 0.0, -128), (-128, -1.0, -128),
        (127, 0.0, 127), (127, -255.0, -128), (127, -256.0, -128),
        (0, 0.5, 1), (0, 1.5, 2), (0, -0.5, -1), (0, -2.5, -3), (5, -0.5, 4), (0, 0.49999997, 0),
    ],
)  # fmt: skip
def test_int8_saturates_and_rounds_halves_away_from_zero(zero: int, real: float, integer: int) -> None:
    quantization = Quantization(np.dtype(np.int8), 1.0, zero)
    assert quantization.quantize(np.array([real])).tolist() == [integer]


def test_pixels_scaled_to_one_are_pixels_less_128() -> None:
    # What TFLite's converter gives: the scale is 1/255 as a float32.
    table = pixel_table([0.0], [255.0], Quantization(np.dtype(np.int8), float(np.float32(1 / 255)), -128))
    np.testing.assert_array_equal(table, np.arange(-128, 128, dtype=np.int8))


def test_pixels_beyond_the_calibrated_range_stay_at_its_end() -> None:
    table = pixel_table([0.0], [255.0], Quantization(np.dtype(np.int8), 0.0030, -128))
    assert table[0] == -128
    assert table[255] == 127
    assert (np.diff(table.astype(int)) >= 0).all()


def test_without_a_quantization_the_table_holds_real_values() -> None:
    table = pixel_table([127.5], [127.5], None)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table[[0, 255]], [-1, 1])


@pytest.mark.parametrize("quantization", [None, Quantization(np.dtype(np.uint8), 1 / 128, 120)])
def test_a_table_of_three_channels_is_the_formula_for_each(quantization: Quantization | None) -> None:
    mean, std = [120.0, 110.0, 100.0], [60.0, 61.0, 62.0]
    table = pixel_table(mean, std, quantization)
    picture = np.random.default_rng(1).integers(0, 256, (5, 7, 3), np.uint8)
    real = (picture - np.array(mean)) / np.array(std)
    expected = real.astype(np.float32) if quantization is None else quantization.quantize(real)
    np.testing.assert_array_equal(cv2.LUT(picture, table), expected)


@given(st.lists(st.floats(-300, 300), min_size=3, max_size=3), st.floats(0.5, 300))
def test_equal_channels_share_one_table(mean: list[float], std: float) -> None:
    assert pixel_table([mean[0]] * 3, [std] * 3, None).shape == (256,)

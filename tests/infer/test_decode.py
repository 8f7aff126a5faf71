"""What outputs mean."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.infer.decode import DECODINGS, sigmoid, softmax
from edge.infer.quantize import Real

LOGITS = arrays(np.float32, st.integers(1, 12), elements=st.floats(-1e4, 1e4, width=32))
TEMPERATURES = st.floats(0.01, 100)


@given(LOGITS, TEMPERATURES)
def test_probabilities_add_up_to_one_and_keep_the_order(logits: Real, temperature: float) -> None:
    shares = softmax(logits, temperature)
    assert shares.dtype == np.float32
    assert np.isclose(shares.sum(), 1, atol=1e-5)
    assert (shares >= 0).all()
    assert (np.diff(shares[np.argsort(logits)]) >= 0).all()


@given(LOGITS)
def test_a_higher_temperature_is_less_sure(logits: Real) -> None:
    assert softmax(logits, 4.0).max() <= softmax(logits, 1.0).max() + 1e-6


def test_temperature_divides_the_logits() -> None:
    np.testing.assert_allclose(
        softmax(np.array([np.log(9.0), 0.0], np.float32), 2.0), [0.75, 0.25], rtol=1e-6
    )


def test_logits_at_the_end_of_float32_overflow_nowhere() -> None:
    np.testing.assert_array_equal(softmax(np.array([3e38, 0], np.float32), 1.0), [1, 0])


def test_only_the_scores_are_decoded_and_what_comes_in_is_left_alone() -> None:
    tensors = {"scores": np.array([0.0, 0.0], np.float32), "boxes": np.array([7.0], np.float32)}
    decoded = DECODINGS["softmax"].decode(tensors, 1.0)
    assert decoded["scores"].tolist() == [0.5, 0.5]
    assert decoded["boxes"].tolist() == [7.0]
    assert tensors["scores"].tolist() == [0.0, 0.0]


@given(LOGITS, TEMPERATURES)
def test_each_place_has_a_probability_of_its_own(logits: Real, temperature: float) -> None:
    shares = sigmoid(logits, temperature)
    assert shares.dtype == np.float32
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (np.diff(shares[np.argsort(logits)]) >= 0).all()
    np.testing.assert_allclose(sigmoid(-logits, temperature), 1 - shares, atol=1e-6)


def test_places_keep_their_boxes_and_points() -> None:
    tensors = {
        "scores": np.array([[np.log(3.0)], [0.0]], np.float32),
        "boxes": np.arange(8, dtype=np.float32).reshape(2, 4),
        "points": np.arange(20, dtype=np.float32).reshape(2, 10),
    }
    decoded = DECODINGS["places"].decode(tensors, 1.0)
    np.testing.assert_allclose(decoded["scores"], [[0.75], [0.5]], rtol=1e-6)
    assert decoded["boxes"] is tensors["boxes"]
    assert decoded["points"] is tensors["points"]

"""What the digit detector is shown while it learns: scenes in memory, and views of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_scenes import ROW, drawn, written

from edge.errors import InputError
from tools.evaluate.scene_labels import Scene, load_scenes

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from tools.train_digits.detector import material  # noqa: E402
from tools.train_digits.detector.material import Shelf, picture, scenes_in  # noqa: E402
from tools.train_digits.detector.views import LARGEST, SMALLEST, Viewer, shown, spoiled  # noqa: E402


@pytest.fixture
def scenes(tmp_path: Path) -> list[Scene]:
    return load_scenes(written(tmp_path / "scenes", ROW, "", "805"))


def viewer(scenes: list[Scene], seed: int = 1, side: int = 96) -> Viewer:
    rng = np.random.default_rng(seed)
    return Viewer(Shelf(scenes, rng), rng, side)


# -- scenes -----------------------------------------------------------------------------------


def test_a_folder_without_scenes_is_told_with_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no scenes in .*nowhere; make them: COMPOSE --out .*nowhere$"):
        scenes_in([tmp_path / "nowhere"], "COMPOSE")
    with pytest.raises(InputError, match=r"no scene in .* has a digit"):
        scenes_in([written(tmp_path / "bare", "", "")], "COMPOSE")
    both = [written(tmp_path / "one", ROW), written(tmp_path / "other", "", "1")]
    assert len(scenes_in(both, "COMPOSE")) == 3


def test_a_damaged_and_a_wrong_picture_are_told(scenes: list[Scene]) -> None:
    assert picture(scenes[0]).grey.shape == (120, 160)
    cv2.imwrite(str(scenes[0].path), np.zeros((60, 160), np.uint8))
    with pytest.raises(InputError, match=r"0\.png is 160x60, its labels say 160x120"):
        picture(scenes[0])
    for content in (b"", b"\x89PNG nothing"):
        scenes[0].path.write_bytes(content)
        with pytest.raises(InputError, match=r"0\.png is no picture"):
            picture(scenes[0])
    scenes[0].path.unlink()
    with pytest.raises(InputError, match=r"0\.png cannot be read"):
        viewer(scenes[:1]).view()


def test_few_pictures_are_in_memory_and_all_have_their_turn(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "HELD", 2)
    monkeypatch.setattr(material, "PATIENCE", 3)
    shelf = Shelf(scenes, np.random.default_rng(1))
    met = set()
    for _ in range(60):
        met.add(tuple(shelf.draw().digits.tolist()))
        assert len(shelf._held) == 2
    assert met == {(2, 7, 4), (), (8, 0, 5)}


# -- views ------------------------------------------------------------------------------------


def test_views_show_digits_where_they_say_and_many_show_none(scenes: list[Scene]) -> None:
    one = viewer(scenes)
    inked, empty = [], 0
    for _ in range(150):
        view = one.view()
        assert view.image.shape == (96, 96)
        assert view.image.dtype == np.uint8
        low, high = view.boxes[:, :2], view.boxes[:, :2] + view.boxes[:, 2:]
        assert (low >= 0).all()
        assert (high <= 96).all()
        empty += not len(view.boxes)
        for box, out in zip(view.boxes, view.ignore, strict=True):
            if out or box[3] < 12:
                continue
            assert SMALLEST <= box[2:].max() <= LARGEST
            x, y, w, h = box.astype(int)
            around = view.image[max(y - 4, 0) : y + h + 5, max(x - 4, 0) : x + w + 5].astype(float)
            inked.append(np.ptp(cv2.GaussianBlur(around, (3, 3), 0)) > 2 * np.std(around) > 5)
    assert len(inked) > 100
    assert np.mean(inked) > 0.95
    assert 20 < empty < 110


def test_the_same_seed_makes_the_same_views(scenes: list[Scene]) -> None:
    first, again, other = (viewer(scenes, seed).batch(4) for seed in (5, 5, 6))
    assert (first.images == again.images).all()
    assert torch.equal(first.truth.taught, again.truth.taught)
    assert not (first.images == other.images).all()


def test_a_part_is_scaled_as_asked_and_black_beyond_the_border() -> None:
    grey = np.tile(np.arange(100, 200, dtype=np.uint8), (80, 1))
    np.testing.assert_array_equal(shown(grey, (10, 20), (32, 32), 32), grey[20:52, 10:42])
    halved = shown(grey, (10, 8), (64, 64), 32)
    np.testing.assert_allclose(halved[5], np.arange(110, 174, 2) + 0.5, atol=0.6)
    corner = shown(grey, (84, -16), (32, 32), 32)
    assert not corner[:16].any()
    assert not corner[:, 16:].any()
    np.testing.assert_array_equal(corner[16:, :16], grey[:16, 84:])
    assert not shown(grey, (400, 400), (32, 32), 32)[1:, 1:].any()


def test_spoiling_keeps_a_picture_a_picture() -> None:
    rng = np.random.default_rng(1)
    image = drawn(ROW)[0]
    found = [spoiled(rng, image) for _ in range(60)]
    assert {(view.shape, view.dtype) for view in found} == {((120, 160), np.dtype(np.uint8))}
    inverted = np.mean([view[5, 5] < view[62, 88] for view in found])
    assert 0.1 < np.mean([view[:10].mean() < view.mean() for view in found]) < 0.45, inverted
    assert (image == drawn(ROW)[0]).all(), "in place"

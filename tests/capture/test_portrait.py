"""The portrait beside the page: where its face is at every second, drawn from a picture read at run time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeClock

from edge.capture.scene import Scene, Story, Visit
from edge.capture.scene.page import PERIOD
from edge.capture.scene.panel import Panel
from edge.capture.scene.portrait import CARD, FACE, NAME, passport, portrait
from edge.capture.scene.source import SIZE, visit
from edge.capture.scene.visit import COVERED, DARKEST, PHASES, WIDTH
from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.errors import ConfigError, UnavailableError
from edge.geometry import size_of

FPS = 10.0
SECONDS = [frame / FPS for frame in range(round(2 * PERIOD * FPS))]


def story(seed: int = 0) -> Visit:
    return visit(seed, SIZE)


def test_it_is_the_photograph_that_scikit_image_ships() -> None:
    from skimage import data

    assert (portrait() == data.astronaut()[:, :, ::-1]).all()


def test_the_crop_to_enrol_from_is_the_head() -> None:
    width, height = size_of(passport(portrait()))
    assert FACE.w < width < 3 * FACE.w
    assert FACE.h < height < 3 * FACE.h


def test_nothing_is_loaded_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "skimage"]:
        monkeypatch.delitem(sys.modules, name)
    portrait()
    assert not [name for name in sys.modules if name.partition(".")[0] == "skimage"]


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_the_face_is_shown_in_every_way_in_every_period(seed: int) -> None:
    told = [story(seed).truth(t) for t in SECONDS]
    for half in (told[: len(told) // 2], told[len(told) // 2 :]):
        phases = [person.phase for person in half if person]
        assert set(phases) == {None, *PHASES}
        assert all(phases.count(phase) > FPS for phase in PHASES), "each for a second at least"
        assert half[0] is None, "between two visits nobody is there"
    for person in filter(None, told):
        x, y, w, h = person.box
        assert person.name == NAME
        assert x >= SIZE[0]
        assert y >= 0
        assert x + w <= SIZE[0] + WIDTH
        assert y + h <= SIZE[1]


def test_it_is_dimmed_covered_and_turned_where_it_says_so() -> None:
    being = story()
    lights = {t: being.light(t) for t in SECONDS}
    assert min(lights.values()) == pytest.approx(DARKEST)
    assert {person.phase for t, light in lights.items() if light < 1 and (person := being.truth(t))} == {
        "dimmed"
    }
    covers = {t: being.cover(t) for t in SECONDS}
    assert max(covers.values()) == pytest.approx(COVERED)
    assert {person.phase for t, share in covers.items() if share and (person := being.truth(t))} == {"hidden"}
    turned = [being.stand(t) for t in SECONDS if (person := being.truth(t)) and person.phase == "turned"]
    assert max(abs(stand.turn) for stand in turned) > 12
    assert max(abs(stand.yaw) for stand in turned) > 24


def test_the_panel_shows_the_face_where_the_truth_says() -> None:
    being = story()
    picture = portrait()
    panel = Panel(0, being, picture)
    left, top, wide, high = CARD
    own = picture[top : top + high, left : left + wide].reshape(-1, 3).mean(axis=0)
    person = being.truth(3.0)
    assert person is not None
    x, y, w, h = (round(value) for value in person.box)
    face = panel.draw(3.0, 0)[y : y + h, x - SIZE[0] : x - SIZE[0] + w]
    there = picture[round(FACE.y) : round(FACE.y + FACE.h), round(FACE.x) : round(FACE.x + FACE.w)]
    assert np.abs(face.reshape(-1, 3).mean(axis=0) - there.reshape(-1, 3).mean(axis=0)).max() < 8
    assert np.abs(own - there.reshape(-1, 3).mean(axis=0)).max() > 8, "elsewhere it looks otherwise"
    dim = panel.draw(11.5, 0)[y : y + h, x - SIZE[0] : x - SIZE[0] + w]
    assert dim.mean() < 0.6 * face.mean()


def test_frames_are_the_page_with_the_panel_beside() -> None:
    source = open_source(CameraSettings(source="demo:3+face", fps=FPS), FakeClock())
    source.open()
    frames = [source.read() for _ in range(25)]
    assert (source.name, source.live, source.rate) == ("demo:3+face", False, FPS)
    assert all(frame is not None and size_of(frame.image) == (640 + WIDTH, 480) for frame in frames)
    page, _ = Scene(3).draw(2.4, 24)
    assert frames[-1] is not None
    assert (frames[-1].image[:, :640] == page).all(), "the page is what it was"
    assert Story(3).truth(2.4).digits
    source.close()
    with pytest.raises(UnavailableError):
        source.read()


def test_without_scikit_image_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("edge.capture.scene.portrait.PACKAGE", "skimage_is_not_here")
    source = open_source(CameraSettings(source="demo+face"), FakeClock())
    with pytest.raises(UnavailableError, match="scikit-image, which is not installed"):
        source.open()
    package = tmp_path / "half_a_package"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("edge.capture.scene.portrait.PACKAGE", "half_a_package")
    with pytest.raises(UnavailableError, match="is not there"):
        portrait()
    (package / "data" / "astronaut.png").write_bytes(b"no picture")
    with pytest.raises(UnavailableError, match="no picture"):
        portrait()


@pytest.mark.parametrize("text", ["demo:+face", "demo:x+face", "demo+faces", "demo:1+face2"])
def test_a_seed_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="the seed is no number"):
        open_source(CameraSettings(source=text), FakeClock())

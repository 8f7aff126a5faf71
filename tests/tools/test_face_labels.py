"""Who says where the faces are that the detector learns: annotators, the labelling detector, or both."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, InputError
from tools.train_faces.detector.labels import Labeller, label, marked, told
from tools.train_faces.detector.material import ILC, VIDEO, Faces
from tools.train_faces.detector.notes import ilc_notes, video_marks

POINTS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)


def one_face() -> Faces:
    off = np.zeros(1, np.bool_)
    return Faces(np.array([[0, 0, 10, 10]], np.float32), POINTS[None] * 10, off, off.copy())


def row(x: float, score: float) -> list[float]:
    return [x, 0, 10, 10, *(POINTS * 10 + (x, 0)).ravel().tolist(), score]


def test_without_an_annotator_the_labeller_is_believed_where_it_is_sure() -> None:
    faces = told(np.array([row(0, 0.9), row(30, 0.3)], np.float32), None)
    assert faces.ignore.tolist() == [False, True]


def test_an_annotator_adds_masks_and_faces_and_the_labeller_points() -> None:
    rows = np.array([row(0, 0.3), row(30, 0.6), row(60, 0.9)], np.float32)
    note = np.array([[1, 1, 10, 10], [90, 0, 8, 12]], np.float32), np.array([True, False])
    faces = told(rows, note)
    assert faces.ignore.tolist() == [False, True, False, False]
    assert faces.masked.tolist() == [True, False, False, False]
    assert faces.boxes[0].tolist() == [0, 0, 10, 10]
    assert np.isnan(faces.points[3]).all()
    assert not np.isnan(faces.points[:3]).any()


def test_nobody_is_nobody() -> None:
    nothing = np.zeros((0, 15), np.float32)
    assert len(told(nothing, None)) == 0
    assert len(told(nothing, (np.zeros((0, 4), np.float32), np.zeros(0, np.bool_)))) == 0


def test_where_annotators_draw_every_face_a_doubtful_one_is_none() -> None:
    drawn_face = (np.array([[0, 0, 10, 10]], np.float32), np.zeros(1, np.bool_))
    rows = np.array([row(0, 0.9), row(30, 0.3), row(60, 0.7)], np.float32)
    assert told(rows, drawn_face, 10).boxes[:, 0].tolist() == [0, 60]
    assert told(rows, drawn_face, 11).boxes[:, 0].tolist() == [0, 30, 60]


def test_an_annotators_points_count_where_the_labellers_are_much_the_same() -> None:
    near, far = POINTS * 10 + (0.5, 0), POINTS * 10 + (2, 0)
    assert marked(one_face(), near).points[0].tolist() == near.tolist()
    for points in (far, None):
        assert np.allclose(marked(one_face(), points).points[0], POINTS * 10)
    assert len(marked(Faces.none(), near)) == 0


def committed(git: Path) -> None:
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(git), *command], check=True)


def test_five_of_68_points_are_read(tmp_path: Path) -> None:
    git = tmp_path / VIDEO.replace("/", "+")
    (git / "data").mkdir(parents=True)
    points = np.stack([np.arange(68), np.arange(68) * 2], axis=1).ravel().astype(str)
    (git / "data" / "a.csv").write_text(f",0,1\na.jpg,{','.join(points)}\nb.jpg,1,2\nc.jpg,nan,x\n")
    committed(git)
    marks = video_marks(tmp_path)
    assert set(marks) == {"a.jpg"}
    assert marks["a.jpg"][:, 0].tolist() == [38.5, 44.5, 30, 48, 54]
    assert marks["a.jpg"][:, 1].tolist() == [77, 89, 60, 96, 108]


def test_notes_are_read_and_broken_ones_left_out(tmp_path: Path) -> None:
    git = tmp_path / ILC.replace("/", "+")
    (git / "annotations").mkdir(parents=True)
    box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>12</xmax><ymax>23</ymax></bndbox>"
    (git / "annotations" / "a.xml").write_text(f"<a><object><name>with_mask</name>{box}</object></a>")
    (git / "annotations" / "b.xml").write_text("<a><object>")
    committed(git)
    notes = ilc_notes(tmp_path)
    assert set(notes) == {"a"}
    assert notes["a"][0].tolist() == [[2, 3, 10, 20]]
    assert notes["a"][1].tolist() == [True]


def test_no_labelling_detector_and_no_pictures_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no face detector in"):
        Labeller(tmp_path / "none.onnx")
    lists = tmp_path / "lists"
    (lists / "verify").mkdir(parents=True)
    (lists / "verify" / "lfw_identity_overlap.txt").write_text("")
    with pytest.raises(ConfigError, match="holds none of the repositories"):
        label(tmp_path, lists, None, cache=tmp_path, tell=lambda *_: None)  # type: ignore[arg-type]
    (tmp_path / ILC.replace("/", "+")).mkdir()
    with pytest.raises(InputError, match="says what may be learnt from"):
        label(tmp_path, lists, None, cache=tmp_path, tell=lambda *_: None)  # type: ignore[arg-type]

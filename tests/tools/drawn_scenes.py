"""Scenes of plain digits, drawn in no time, as `tools.compose` would label them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

ROW = "274"


def drawn(digits: str, step: int = 40) -> tuple[np.ndarray, list[list[float]]]:
    """A sheet of 160x120 with a row of digits, and the boxes of their ink."""
    image = np.full((120, 160), 220, np.uint8)
    boxes = []
    for place, digit in enumerate(digits):
        before = image.copy()
        cv2.putText(image, digit, (14 + step * place, 80), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 30, 4, cv2.LINE_AA)
        box = cv2.boundingRect((before.astype(int) - image > 40).astype(np.uint8))
        boxes.append([float(value) for value in box])
    return image, boxes


def written(folder: Path, *rows: str) -> Path:
    """A folder of scenes, one for each row of digits; "" is a bare sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {}
    for number, row in enumerate(rows):
        image, boxes = drawn(row)
        cv2.imwrite(str(folder / f"{number}.png"), image)
        digits = [{"box": box, "digit": int(digit)} for box, digit in zip(boxes, row, strict=True)]
        labels[f"{number}.png"] = {
            "size": [160, 120], "digits": digits, "lines": [row] * bool(row), "difficulty": "ordinary",
        }  # fmt: skip
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder

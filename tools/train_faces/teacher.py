"""dlib's face network, from the file that its author has put into the public domain."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from edge.errors import ConfigError
from tools.train_faces.dat import tensors
from tools.train_faces.net import TEACHER, FaceNet, fill

FILE = "dlib_face_recognition_resnet_model_v1.dat"

CREDIT = (
    "dlib's face recognition ResNet v1 (Davis King; CC0: public domain), LFW 99.38 by its author, "
    "trained on VGG, FaceScrub and scraped pictures: 3 million faces of 7485 persons, none of LFW"
)
"""Who taught, and on what."""


def teacher_net(file: Path | None) -> FaceNet:
    """The network whole, ready to be asked.

    ``file``: None for that of the installed ``face_recognition_models``. Raises ConfigError where that is
    not to be found, InputError where the file is another.
    """
    net = FaceNet(TEACHER)
    fill(net, tensors(file or installed()))
    net.eval()
    return net


def installed() -> Path:
    """The file within the package ``face_recognition_models``. Raises ConfigError where there is none."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise ConfigError(
            "the teacher is not here", f"pip install face_recognition_models, or give --teacher {FILE}"
        )
    return Path(found.origin).parent / "models" / FILE

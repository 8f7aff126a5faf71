"""The public repositories of pictures that are learnt from, and who in them must not be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from edge.errors import ConfigError, InputError
from edge.records import Image

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp"}
LARGEST = 8_000_000
"""Bytes of a picture that is read at most."""


def _folder(path: PurePosixPath) -> str:
    return path.parent.name


def _before_number(path: PurePosixPath) -> str:
    return path.stem.rpartition("_")[0]


def _cfp(path: PurePosixPath) -> str:
    return path.parts[-3]  # Images/001/frontal/01.jpg


def _nobody(_path: PurePosixPath) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Source:
    """One repository. ``identity``: the person's name by the path, empty where nobody knows it.

    ``numbers``: a file of the repository with a line of picture and person's number each. ``allowed``: a list
    beside the test data of who may be learnt from; ``tight``: the pictures are cut to the face already, so it
    is looked for at a small size. ``pull`` and ``often``: see ``names``; ``trusted``: whether its names tell
    people apart well enough to learn that (``margin``).
    """

    repository: str
    under: str
    identity: Callable[[PurePosixPath], str]
    terms: str
    allowed: str | None = None
    tight: bool = False
    pull: float = 0.0
    often: int = 1
    numbers: str | None = None
    trusted: bool = False


SOURCES = (
    Source(
        "zhangjunh/DR-GAN-by-pytorch",
        "cfp-dataset/Data/Images",
        _cfp,
        "CFP: research",
        "cfp_train_ids.txt",
        pull=0.5,
        often=3,
        trusted=True,
    ),
    Source(
        "udacity/P1_Facial_Keypoints",
        "data",
        _before_number,
        "YouTube Faces: research",
        "ytf_train_persons.txt",
        pull=0.3,
        trusted=True,
    ),
    Source(
        "matush97/faceRecognition",
        "Celeb",
        _nobody,
        "CelebA: non-commercial research",
        numbers="identity_CelebA.txt",
        trusted=True,
    ),
    Source(
        "ARPIT-SINGHAL-22102003/Bollywood-Celebrity-Resemblence",
        "data/all_actors",
        _folder,
        "not stated",
        tight=True,
        trusted=True,
    ),
    Source(
        "ElisonSherton/Face-Applications",
        "datasets/celebrity_images",
        _folder,
        "not stated",
        tight=True,
        trusted=True,
    ),
    Source("xerow03/UTKFace", "data", _nobody, "UTKFace: non-commercial research", tight=True),
    Source("chandrikadeb7/Face-Mask-Detection", "dataset", _nobody, "MIT"),
    Source("KaranFriends/Mask-Dataset", "mergedfolder", _nobody, "not stated", tight=True),
    Source(
        "jolignier/face-mask-dataset-ilc-2021", "JPEGImages", _nobody, "not stated", "ilc_train_list.json"
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture (H, W, 3) BGR, whose it is, whether it is cut to a face, and its path in the source."""

    image: Image
    source: str
    identity: str
    tight: bool
    name: str = ""


def pictures(
    repositories: Path,
    lists: Path,
    tell: Callable[[str, int], None],
    sources: Sequence[Source] = SOURCES,
) -> Iterator[Picture]:
    """All pictures that may be learnt from. ``lists``: the folder of who is in the tests.

    ``repositories`` holds a folder ``owner+name`` each, a checkout or a bare git directory. ``tell`` hears a
    source's name and its number of pictures. Raises ConfigError where not one source is there.
    """
    overlap = _overlap(lists)
    found = 0
    for source in sources:
        place = repositories / source.repository.replace("/", "+")
        if not place.is_dir():
            continue
        found += 1
        git = _git_of(place)
        names = [name for name in _files(git, source.under) if _may(source, name, lists, overlap)]
        numbers = _numbers(git, source.numbers) if source.numbers else {}
        tell(source.repository, len(names))
        for name, content in _contents(git, names):
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
            if image is not None and min(image.shape[:2]) >= 24:
                identity = numbers.get(PurePosixPath(name).name) or source.identity(PurePosixPath(name))
                yield Picture(np.asarray(image, np.uint8), source.repository, identity, source.tight, name)
    if not found:
        wanted = ", ".join(source.repository for source in sources)
        raise ConfigError(
            f"{repositories} holds none of the repositories of pictures ({wanted})",
            "clone some into folders named owner+name",
        )


def texts(repositories: Path, repository: str, under: str, ending: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of files in a folder of a repository by ending; none where it is not here."""
    place = repositories / repository.replace("/", "+")
    if place.is_dir():
        git = _git_of(place)
        yield from _contents(git, [name for name in _files(git, under) if name.endswith(ending)])


def _numbers(git: Path, name: str) -> dict[str, str]:
    """The person's number of each picture."""
    content = next((content for _, content in _contents(git, [name])), b"")
    parts = (line.split() for line in content.decode("utf-8", "replace").splitlines())
    return {part[0]: part[1] for part in parts if len(part) == 2}


def _git_of(place: Path) -> Path:
    return place / "repo" if (place / "repo").is_dir() else place


def _may(source: Source, name: str, lists: Path, overlap: set[str]) -> bool:
    path = PurePosixPath(name)
    if path.suffix.lower() not in ENDINGS:
        return False
    identity = source.identity(path)
    if identity and _plain(identity) in overlap:
        return False
    if source.allowed is None:
        return True
    allowed = _allowed(lists, source.allowed)
    return (path.name if source.allowed.endswith(".json") else identity) in allowed


_ALLOWED: dict[Path, set[str]] = {}


def _allowed(lists: Path, name: str) -> set[str]:
    file = next(
        (folder / name for folder in (lists / "verify", lists / "detect") if (folder / name).is_file()), None
    )
    if file is None:
        raise InputError(
            f"{lists} has no {name}", "it says who may be learnt from: give the folder of the face data"
        )
    if file not in _ALLOWED:
        text = file.read_text("utf-8")
        _ALLOWED[file] = set(json.loads(text)["train"]) if file.suffix == ".json" else set(text.split())
    return _ALLOWED[file]


def _overlap(lists: Path) -> set[str]:
    """Names, and numbers where a set has those, of persons of the LFW pairs, written alike."""
    file = lists / "verify" / "lfw_identity_overlap.txt"
    if not file.is_file():
        raise InputError(f"{file} is missing", "it says who is in the test and must not be learnt")
    lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {_plain(name) for line in lines for name in line.split("\t")[1:]}


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _files(git: Path, under: str) -> list[str]:
    listed = _git(git, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", under)
    return sorted(listed.decode("utf-8", "replace").split("\0")[:-1])


def _contents(git: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each file's bytes, in order; empty where it is not stored or too large."""
    command = ["git", "-C", str(git), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as batch:
        assert batch.stdin
        assert batch.stdout
        for name in names:
            batch.stdin.write(f"HEAD:{name}\n".encode())
            batch.stdin.flush()
            head = batch.stdout.readline().split()
            if len(head) != 3:
                continue
            content = batch.stdout.read(int(head[2]))
            batch.stdout.read(1)
            yield name, content if len(content) <= LARGEST else b""
        batch.stdin.close()


def _git(git: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(git), *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        raise InputError(f"{git} cannot be read as git: {said.decode(errors='replace').strip()}") from None
    return done.stdout

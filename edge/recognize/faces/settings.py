"""The section ``faces`` of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edge.section import Section


class FacesSettings(Section):
    """Faces anywhere in the picture: found, and named where the gallery knows them. This is recognition and
    not authentication: a printed photograph is taken for the person. Whether people may be recognised is for
    you to settle, with them and with the law."""

    detector: str = Field(
        default="face-detector",
        min_length=1,
        description="model that finds faces: name of a folder under models/, or the path of a folder",
    )
    detector_size: Literal[160, 320, 640] = Field(
        default=320,
        description="size at which faces are looked for: 640 finds faces half as large as 320 does, in about "
        "three times the time; pixels of the longer side",
    )
    embedder: str = Field(
        default="face-embedder",
        min_length=1,
        description="model that tells faces apart; after another is chosen, people have to be enrolled again",
    )
    detector_threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="lowest score of what is taken for a face, 0..1; null: the model's own, from its card",
    )
    strangers: Literal[100, 1000, 10000] = Field(
        default=1000,
        description="of so many strangers who are compared with a person one is taken for that person, as "
        "measured with the model, count",
    )
    threshold: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="lowest score of a name, 0..1; null: the one that faces.strangers means",
    )
    margin: float = Field(
        default=1.0,
        ge=0,
        le=20,
        description="lead that a name needs over the second most similar person (1: 2.7 times as likely), "
        "natural logarithm of the odds",
    )
    min_eyes: float = Field(
        default=14.0,
        ge=4,
        le=500,
        description="a face is named if its eyes are at least so far apart, or its eyes and mouth, pixels of "
        "the frame",
    )
    min_sharpness: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="a face is named if it is at least so sharp, whatever its size: 0 (blurred) to 1 (sharp)",
    )
    max_yaw: float = Field(
        default=45.0,
        gt=0,
        le=90,
        description="a face is named if turned left or right by at most so much, degrees",
    )
    max_pitch: float = Field(
        default=45.0,
        gt=0,
        le=90,
        description="a face is named if raised or lowered by at most so much, degrees",
    )
    max_faces: int = Field(
        default=20,
        ge=1,
        le=200,
        description="faces of a frame at most; the least sure are dropped and counted",
    )
    max_people: int = Field(
        default=1000, ge=1, le=10000, description="people who can be enrolled at most, count"
    )
    max_embeddings: int = Field(
        default=10,
        ge=1,
        le=100,
        description="embeddings kept of each person; of more the most alike is dropped and counted",
    )
    max_denied: int = Field(
        default=20,
        ge=1,
        le=100,
        description="looks of others kept as not being somebody, of each; of more the oldest is dropped",
    )
    keep_pictures: bool = Field(
        default=False,
        description="whether the cut-out faces of those who are enrolled are kept too, true or false",
    )

"""The section ``infer`` of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edge.section import Section

RuntimeChoice = Literal["auto", "litert", "tflite-runtime"]


class InferSettings(Section):
    """How models are run: by which runtime, on how many threads, from where."""

    runtime: RuntimeChoice = Field(
        default="auto", description="auto: litert where it is installed and works, else tflite-runtime"
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=16,
        description="threads of one inference; small models gain nothing from more, count",
    )
    delegate: str | None = Field(
        default=None,
        min_length=1,
        description="library of a TFLite delegate, such as libedgetpu.so.1; null: the processor alone",
    )
    delegate_options: dict[str, str] = Field(
        default_factory=dict, max_length=32, description="options that the delegate takes, each a text"
    )
    models: str | None = Field(
        default=None,
        min_length=1,
        description="folder of further models, searched before those that come with edge; null: none",
    )

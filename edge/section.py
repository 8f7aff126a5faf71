"""The base of every section of the configuration.

A section is a frozen pydantic model in the ``settings.py`` of the stage that owns it. Each
field has its type, range, default, and one line of description ending with its unit; the
class docstring introduces the section. Sample file, JSON Schema, error messages and
documentation are made from these and from nothing else.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Strict and frozen: unknown keys, and texts where numbers belong, are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

"""The recognizers that exist, each one lazy descriptor; nothing else knows them by name.

A descriptor is data: where the settings class and the factory are (imported only when
asked for), how its events and states are called, and how its tracks behave. Settings,
tracking, topics, schemas and discovery are built from it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from edge.recognize.descriptor import Descriptor
from edge.recognize.digits import DESCRIPTOR as DIGITS
from edge.recognize.faces import DESCRIPTOR as FACES


def resolve(reference: str) -> Any:
    """The object behind ``module:name``, imported now."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def descriptors() -> dict[str, Descriptor]:
    """All recognizers by name, in the order of the documentation."""
    return {descriptor.name: descriptor for descriptor in (DIGITS, FACES)}

"""Errors by remedy: each knows what to do about it (``hint``) and how the process ends.

``str(error)`` is one line for a person: what is wrong, where, and what to do. The exit
codes follow sysexits.h where that has a word for it; systemd is told not to restart on 78.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class EdgeError(Exception):
    """The family of all errors that a person is meant to read."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class InputError(EdgeError):
    """One of several inputs cannot be used; the others can (exit 1)."""

    exit_code = 1


class UsageError(EdgeError):
    """The command was called in a wrong way (exit 2)."""

    exit_code = 2


class UnavailableError(EdgeError):
    """Something outside, a camera or a broker, is not there now (exit 69). Trying again may help."""

    exit_code = 69


class FaultError(EdgeError):
    """A fault of ours (exit 70)."""

    exit_code = 70


class HungError(EdgeError):
    """A part did not come back within its deadline (exit 75): a new process is the remedy."""

    exit_code = 75


class ConfigError(EdgeError):
    """Settings, a model or its card are wrong (exit 78): a person must change something."""

    exit_code = 78


class ModelError(ConfigError):
    """A model file, its card or the runtime does not fit (exit 78)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a settings file: where, what was found, what is allowed."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        words = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        # A key is whatever somebody wrote, and must steer no terminal.
        return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in words)


class SettingsError(ConfigError):
    """All that is wrong in a settings file, at once, a line each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

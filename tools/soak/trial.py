"""What a trial is: something done, figures measured, claims that held or not; and how large it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a trial is done. ``factor`` 1: as promised; ``seed``: of every chance in it.

    ``slack``: what bounds of time are multiplied by, for a machine that does other work at the same time.
    """

    factor: float = 1.0
    seed: int = 0
    slack: float = 1.0

    def count(self, full: int, least: int) -> int:
        """So many of what is ``full`` in the full form, at least ``least``."""
        return max(least, round(full * self.factor))

    def at_most_full(self) -> Scale:
        """The same, but never larger than the full form."""
        return replace(self, factor=min(self.factor, 1.0))

    def seconds(self, full: float, least: float) -> float:
        """So long, of what takes ``full`` seconds in the full form: never longer, at least ``least``."""
        return max(least, min(full, full * self.factor))


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must hold, and what was seen."""

    what: str
    held: bool
    seen: str


@dataclass(slots=True)
class Report:
    """What one trial did and saw. It passes when it claimed something, and everything it claimed held."""

    name: str
    summary: str
    did: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether all of it held."""
        return bool(self.claims) and all(claim.held for claim in self.claims)

    def say(self, words: str) -> None:
        """Notes something that was done."""
        self.did.append(words)

    def claim(self, what: str, held: bool, seen: object = "") -> None:
        """Notes something that must hold."""
        self.claims.append(Claim(what, bool(held), str(seen)))

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "trial": self.name,
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "did": self.did,
            "measured": self.measured,
            "claims": [{"what": one.what, "held": one.held, "seen": one.seen} for one in self.claims],
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """``run(report, scale, folder)`` fills the report; plots go into ``folder / "plots"``."""

    name: str
    summary: str
    run: Callable[[Report, Scale, Path], None]
    grows: bool = True
    """Whether it is done larger than in the full form where there is more time."""

    def __call__(self, scale: Scale, folder: Path) -> Report:
        """Does it. What goes wrong in the trial itself is a claim that did not hold."""
        report = Report(self.name, self.summary)
        begun = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.run(report, scale if self.grows else scale.at_most_full(), folder)
        except Exception as error:  # noqa: BLE001  (one trial must not end the others)
            report.claim(
                "the trial itself could be done", held=False, seen=f"{type(error).__name__}: {error}"
            )
        report.seconds = time.monotonic() - begun
        return report


def eventually(check: Callable[[], Any], seconds: float) -> bool:
    """Whether ``check`` becomes true in time."""
    until = time.monotonic() + seconds
    while not (held := bool(check())) and time.monotonic() < until:
        time.sleep(0.02)
    return held

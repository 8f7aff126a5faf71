"""How fast the loop may go: what is measured of the machine, given to the governor, and what follows."""

from __future__ import annotations

import logging

from edge.control.governor import Governor, Limits, Verdict
from edge.device import CpuShare, Device
from edge.parts import Parts
from edge.settings.compose import Settings

log = logging.getLogger("edge.daemon")

EVERY = 1.0
"""Seconds between two looks."""

WINDOW = 8.0
"""Seconds over which the share of a processor is measured; shorter than the governor's patience, so that each
of its steps is judged by what came after the one before."""


class Pace:
    """Owned by the main thread. ``now``: monotonic seconds."""

    def __init__(self, parts: Parts, device: Device) -> None:
        self._parts = parts
        self._device = device
        self._share = CpuShare(WINDOW)
        self._measured: float | None = None
        self._due = float("-inf")
        self._direction = 0
        settings = parts.settings
        self._governor = Governor(_limits(settings), settings.camera.fps)

    def change(self, settings: Settings) -> None:
        """Other limits, and perhaps another camera, from here on."""
        self._governor.change(_limits(settings), settings.camera.fps)
        self._share.forget()
        self._apply()

    def turn(self, now: float) -> None:
        """Looks, where a look is due, and sets the loop's period."""
        if now < self._due:
            return
        self._due = now + EVERY
        self._measured = self._share.update(now)
        condition = self._device.condition(now)
        if not self._parts.settings.camera.realtime:
            return  # every frame counts there, however long it takes
        verdict = self._governor.step(condition.temperature, self._measured, now)
        if verdict.changed:
            self._share.forget()
            self._tell(verdict)
            self._apply()

    def phrase(self) -> str | None:
        """Why and how far the frame rate is lowered, None where it is not."""
        verdict = self._governor.verdict
        return f"slowed to {verdict.fps:.1f} fps ({verdict.reason})" if verdict.reason else None

    def fields(self, now: float) -> dict[str, object]:
        """Of ``stats``: how the machine is, and what the governor does."""
        condition = self._device.condition(now)
        memory, temperature = condition.memory, condition.temperature
        share = self._measured
        return {
            "memory_mb": round(memory / 2**20, 1) if memory is not None else None,
            "temperature_c": None if temperature is None else round(temperature, 1),
            "device": {"model": self._device.model, **condition.fields()},
            "governor": {
                **self._governor.fields(),
                "cpu_share": None if share is None else round(share, 3),
            },
        }

    def _apply(self) -> None:
        parts = self._parts
        parts.loop.change(parts.worker, parts.period(self._governor.fps))

    def _tell(self, verdict: Verdict) -> None:
        """Only where it turns round, and at the end: a hot afternoon has many steps."""
        turned = verdict.changed != self._direction
        self._direction = verdict.changed
        if verdict.reason is None:
            self._direction = 0
            log.info("the frame rate is back at %.1f a second", verdict.fps)
        elif turned and verdict.changed < 0:
            log.warning("the frame rate is lowered to %.1f a second: %s", verdict.fps, verdict.reason)
        elif turned:
            log.info("the frame rate is raised again, to %.1f a second", verdict.fps)
        else:
            log.debug("the frame rate is %.1f a second: %s", verdict.fps, verdict.reason)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.device.max_temperature, settings.device.cpu_budget)

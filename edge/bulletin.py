"""What the service tells of itself: how the camera is, the statistics, one sentence for systemd."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping

from edge import __version__
from edge.capture.damped import Damped
from edge.health import Rate, stats
from edge.pace import Pace
from edge.parts import Parts
from edge.records import CameraStatus, State

log = logging.getLogger("edge.daemon")


class Bulletin:
    """Owned by the main thread. ``now``: monotonic seconds."""

    def __init__(
        self, parts: Parts, pace: Pace, begun: float, starts: int, commands: Callable[[], Mapping[str, int]]
    ) -> None:
        """``begun``: monotonic seconds at which the service began; ``starts``: how often since the boot;
        ``commands``: totals of what the parts do not count themselves."""
        self._commands = commands
        self._pace = pace
        self._restarts = starts - 1
        self._parts = parts
        self._clock = parts.clock
        self._begun = begun
        self._stats_due = begun + parts.settings.stats.interval
        self._rate = Rate()
        self._fps = 0.0
        self._shown: CameraStatus | None = None
        self._damped = Damped(log)

    def turn(self, now: float) -> None:
        """Tells what changed and what is due."""
        self._fps = self._rate.update(now, self._parts.loop.frames)
        camera = self._parts.worker.status(now)
        # Settings that are read again may ask for it sooner.
        self._stats_due = min(self._stats_due, now + self._parts.settings.stats.interval)
        due = now >= self._stats_due
        self._tell_camera(camera, now, anew=due)
        self._damped.rest(now)
        if due:
            self._stats_due += self._parts.settings.stats.interval
            self._post(State("stats", self.stats(now), self._clock.wall()))

    def last(self, now: float) -> None:
        """The last word of an orderly end."""
        self._tell_camera(self._parts.worker.status(now), now)
        self._post(State("stats", self.stats(now), self._clock.wall()))

    def stats(self, now: float) -> dict[str, object]:
        """The fields of the ``stats`` topic."""
        parts = self._parts
        return stats(
            uptime=now - self._begun,
            loop={"fps": round(self._fps, 2), **parts.loop.counters()},
            latencies=parts.latencies,
            camera=parts.camera_counters(),
            recognizers=parts.recognizer_counters(),
            trackers={name: part.counters() for name, part in parts.trackers.items()},
            sinks={name: sink.counters() for name, sink in parts.sinks.items()}
            | ({"home_assistant": parts.home_assistant.counters()} if parts.home_assistant else {}),
            parked=parts.mqtt.parked() if parts.mqtt else {},
            commands={**parts.control.counters(), **self._commands()},
            versions=self._versions(),
            warnings=(*parts.warnings, *parts.worker.remarks()),
            machine=self._pace.fields(now),
            restarts=self._restarts,
        )

    def status(self, now: float, remark: str | None) -> dict[str, object]:
        """What `edge status` shows. ``remark``: of the last reading of the settings."""
        parts = self._parts
        camera = parts.worker.status(now)
        return {
            "sentence": self.sentence(now, remark),
            "device": parts.device,
            "source": parts.worker.name,
            "camera": _camera_fields(camera),
            "broker": parts.mqtt.describe() if parts.mqtt else None,
            "connected": parts.mqtt.connected if parts.mqtt else None,
            "waiting": parts.mqtt.depth() if parts.mqtt else None,
            "slowed": self._pace.phrase(),
            "changed": parts.control.dials.changes.names(),
            "remark": remark,
            "stats": self.stats(now),
        }

    def sentence(self, now: float, remark: str | None) -> str:
        """One line on how it is, for systemd and people."""
        camera = self._parts.worker.status(now)
        said = [
            f"camera {camera.state}" + (f" ({camera.reason})" if camera.reason else ""),
            f"{self._fps:.1f} fps",
            self._parts.mqtt.describe() if self._parts.mqtt else None,
            self._pace.phrase(),
            remark,
        ]
        return ", ".join(part for part in said if part)

    def _tell_camera(self, status: CameraStatus, now: float, *, anew: bool = False) -> None:
        """Tells what changed, or all of it ``anew``: the rate alone is no news, yet must not grow old.

        The size is no news for the log.
        """
        judged, shown = (status.state, status.reason), self._shown
        known = shown is not None and judged == (shown.state, shown.reason)
        if shown is not None and known and status.size == shown.size and not anew:
            return
        self._shown = status
        if not known:
            calm = status.state == "ok" or status.reason in ("opening", "ended")
            words = f"camera {status.state}" + (f": {status.reason}" if status.reason else "")
            self._damped.say(logging.INFO if calm else logging.WARNING, words, now)
        self._post(State("camera/status", _camera_fields(status), self._clock.wall()))

    def _versions(self) -> dict[str, str]:
        models = self._parts.models
        runtime = {model.runtime for model in models.values()}
        return {
            "edge": __version__,
            "python": platform.python_version(),
            "runtime": ", ".join(sorted(runtime)),
            **{f"model {name}": f"{model.version} {model.sha256[:12]}" for name, model in models.items()},
        }

    def _post(self, state: State) -> None:
        for sink in self._parts.sinks.values():
            sink.post([state])


def _camera_fields(status: CameraStatus) -> dict[str, object]:
    return {
        "state": status.state,
        "reason": status.reason,
        "since": status.since,
        "size": status.size,
        "fps": round(status.fps, 1),
    }

"""What the service tells of itself: how the camera is, the statistics, one sentence for systemd."""

from __future__ import annotations

import logging
import platform

from edge import __version__
from edge.health import Rate, stats
from edge.parts import Parts
from edge.records import CameraStatus, State

log = logging.getLogger("edge.daemon")


class Bulletin:
    """Owned by the main thread. ``now``: monotonic seconds."""

    def __init__(self, parts: Parts, begun: float) -> None:
        """``begun``: monotonic seconds at which the service began."""
        self._parts = parts
        self._clock = parts.clock
        self._begun = begun
        self._stats_due = begun + parts.settings.stats.interval
        self._rate = Rate()
        self._fps = 0.0
        self._shown: CameraStatus | None = None

    def turn(self, now: float) -> str:
        """Tells what changed and what is due; gives the sentence."""
        self._fps = self._rate.update(now, self._parts.loop.frames)
        camera = self._parts.worker.status(now)
        due = now >= self._stats_due
        self._tell_camera(camera, anew=due)
        if due:
            self._stats_due += self._parts.settings.stats.interval
            self._post(State("stats", self.stats(now), self._clock.wall()))
        return self._sentence(camera)

    def last(self, now: float) -> None:
        """The last word of an orderly end."""
        self._tell_camera(self._parts.worker.status(now))
        self._post(State("stats", self.stats(now), self._clock.wall()))

    def stats(self, now: float) -> dict[str, object]:
        """The fields of the ``stats`` topic."""
        parts = self._parts
        return stats(
            uptime=now - self._begun,
            loop={"fps": round(self._fps, 2), **parts.loop.counters()},
            latencies=parts.latencies,
            camera=parts.worker.counters(),
            recognizers={name: part.counters() for name, part in parts.recognizers.items()},
            trackers={name: part.counters() for name, part in parts.trackers.items()},
            sinks={name: sink.counters() for name, sink in parts.sinks.items()},
            versions=self._versions(),
            warnings=tuple(parts.warnings),
        )

    def _tell_camera(self, status: CameraStatus, *, anew: bool = False) -> None:
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
            log.log(logging.INFO if calm else logging.WARNING, "%s", words)
        fields = {
            "state": status.state,
            "reason": status.reason,
            "since": status.since,
            "size": status.size,
            "fps": round(status.fps, 1),
        }
        self._post(State("camera/status", fields, self._clock.wall()))

    def _versions(self) -> dict[str, str]:
        models = self._parts.models
        runtime = {model.runtime for model in models.values()}
        return {
            "edge": __version__,
            "python": platform.python_version(),
            "runtime": ", ".join(sorted(runtime)),
            **{f"model {name}": f"{model.version} {model.sha256[:12]}" for name, model in models.items()},
        }

    def _sentence(self, camera: CameraStatus) -> str:
        said = [
            f"camera {camera.state}" + (f" ({camera.reason})" if camera.reason else ""),
            f"{self._fps:.1f} fps",
        ]
        if self._parts.mqtt:
            said.append(self._parts.mqtt.describe())
        return ", ".join(said)

    def _post(self, state: State) -> None:
        for sink in self._parts.sinks.values():
            sink.post([state])

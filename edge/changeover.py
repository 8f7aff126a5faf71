"""The change from the settings that run to those that were read again, step by step in the main thread."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from edge.control.queue import Reload
from edge.control.reload import Preparation, Prepared, Way, prepare, way
from edge.errors import ConfigError, EdgeError
from edge.health import Notifier
from edge.pace import Pace
from edge.parts import Parts
from edge.records import Reply
from edge.refusals import refusal
from edge.settings.load import load

log = logging.getLogger("edge.daemon")


class Changeover:
    """Owned by the main thread. ``remark``: what a person should know of the last reading, None: nothing."""

    def __init__(self, parts: Parts, pace: Pace, notifier: Notifier, file: Path | None) -> None:
        """``file``: where the settings came from; None: nowhere, the built-in ones run."""
        self._parts = parts
        self._pace = pace
        self._notifier = notifier
        self._file = file
        self._wish: Reload | None = None
        self._begun = 0.0
        self._preparation: Preparation | None = None
        self._prepared: Prepared | None = None
        self._taken = threading.Event()
        self.remark: str | None = None
        self._reloads = 0
        self._failures = 0

    def turn(self, now: float) -> bool:
        """The next step, where one is due; True: other settings are in force from here on."""
        if self._prepared is not None:
            return self._finish() if self._taken.is_set() and self._camera_is_free(self._prepared) else False
        if self._preparation is not None:
            self._follow(self._preparation, now)
            return False
        wish = self._parts.control.reloads.take()
        if wish is not None:
            self._begin(wish, now)
        return False

    def close(self) -> None:
        """The service ends: who waits for the settings to be read again is told so."""
        for wish in (self._wish, self._parts.control.reloads.take()):
            if wish is not None and wish.request is not None:
                wish.request.answer(refusal("ending", "the service is ending"))
        self._wish = None

    def counters(self) -> dict[str, int]:
        """``reloads`` and ``reload_failures`` since the start."""
        return {"reloads": self._reloads, "reload_failures": self._failures}

    def _begin(self, wish: Reload, now: float) -> None:
        parts, file = self._parts, self._file
        self._wish, self._begun = wish, now
        self._notifier.reloading(parts.clock.monotonic_ns())
        before, recognition, clock = parts.settings, parts.recognition, parts.clock
        self._preparation = Preparation(lambda: prepare(before, load(file, again=True), recognition, clock))

    def _follow(self, preparation: Preparation, now: float) -> None:
        patience = self._parts.settings.loop.deadline
        if not preparation.done:
            if self._wish is not None and now - self._begun > patience:
                self._fail(f"reading them takes longer than {patience:g} s; it is waited for")
            return
        self._preparation = None
        try:
            prepared = preparation.result()
        except EdgeError as error:
            if self._wish is not None:
                self._fail(str(error))
            return
        if self._wish is not None:  # else its asker was told that it failed
            self._take(prepared)

    def _take(self, prepared: Prepared) -> None:
        parts = self._parts
        if prepared.broker and parts.mqtt is not None:
            try:
                parts.mqtt.change(prepared.settings.mqtt)
            except ConfigError as error:  # a password's file that has gone since it was looked at
                self._fail(str(error))
                return
        self._prepared = prepared
        self._taken.clear()
        self._camera_is_free(prepared)
        reset = self._wish is not None and self._wish.reset
        recognition, taken = prepared.recognition, self._taken

        def change_over(now: float) -> None:
            try:
                if reset:
                    parts.control.reset(now)
                if recognition is not None:
                    parts.take_up(recognition, now)
            finally:
                taken.set()

        parts.between_frames(change_over)

    def _camera_is_free(self, prepared: Prepared) -> bool:
        """Whether the new worker may have it. A driver that keeps it beyond ``camera.hang_after`` ends
        the process by that deadline: in this one nobody else could open it."""
        return prepared.worker is None or self._parts.worker.stop(timeout=0)

    def _finish(self) -> bool:
        prepared, self._prepared = self._prepared, None
        assert prepared is not None
        parts = self._parts
        parts.settings = prepared.settings
        if prepared.worker is not None:
            parts.take_camera(prepared.worker)
        self._pace.change(prepared.settings)
        if "log.level" in prepared.changed:
            logging.getLogger("edge").setLevel(prepared.settings.log.level.upper())
        if parts.home_assistant is not None:
            parts.home_assistant.changed()
        self._reloads += 1
        restart = ", ".join(prepared.waiting)
        self.remark = f"needs a restart: {restart}" if restart else None
        sentence = prepared.sentence()
        if self._wish is not None and self._wish.reset:
            sentence += "; what commands had changed is dropped"
        log.log(logging.WARNING if restart else logging.INFO, "%s", sentence)
        applied = [key for key in prepared.changed if way(key) is not Way.RESTART]
        data = {"changed": applied, "needs_restart": list(prepared.waiting)}
        self._answer(Reply(ok=True, message=sentence, data=data))
        return True

    def _fail(self, reason: str) -> None:
        """What ran before goes on."""
        self._failures += 1
        words = " | ".join(reason.splitlines())
        self.remark = f"settings not read again: {words}"
        log.error("the settings were not read again, what ran before goes on: %s", reason)
        self._answer(refusal("bad-settings", words))

    def _answer(self, reply: Reply) -> None:
        wish, self._wish = self._wish, None
        self._notifier.ready()
        if wish is not None and wish.request is not None:
            wish.request.answer(reply)

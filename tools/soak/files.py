"""Trial ``files``: replaced, broken and deleted under a running service, and read again on command."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge.control.client import ask
from edge.infer.store import built_in
from edge.records import Reply
from tools.soak import clip
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import BUSY, Service
from tools.soak.trial import Report, Scale, Trial, eventually

MODEL = "digits-cnn"
CARD = "card.yaml"
NOISE = b"\xa5" * 4096
START = 60.0


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon with a model of its own, whose files are the trial's to spoil."""
    models = folder / "models"
    shutil.copytree(built_in() / MODEL, models / MODEL, ignore=shutil.ignore_patterns("float*", "*.pt"))
    video = clip.write_clip(folder / "clip.avi", 100, blink=4)
    camera = {"source": str(video), "on_end": "loop", "fps": clip.FPS}
    file, card = models / MODEL / "model.tflite", models / MODEL / CARD
    with (
        Mosquitto(folder / "mosquitto", keeps=False) as broker,
        Service(folder, broker.port, **BUSY, camera=camera, infer={"models": str(models)}) as service,
    ):
        if not eventually(lambda: service.count("delivered") > 0, START):
            raise RuntimeError(f"nothing is delivered: {service.log[-2000:]}")
        happened = 0
        keep = {path: path.read_bytes() for path in (file, card, service.config)}
        for what, do, word, path in _happenings(file, card, service.config):
            do()
            happening = _Happening(service, what, word, keep[service.config])
            _judge(report, scale, happening)
            path.write_bytes(keep[path])
            well = happening.ask_again()
            report.claim(f"{what}: put right, read again", well.ok, well.message)
            happened += 1
        frames = service.newest()["loop"]
        code, seconds = service.terminate()
    report.say(f"{happened} things done to files under `edge run`, each followed by `reload`")
    report.measured |= {"happened": happened, "frames": frames["frames"]}
    report.claim("no frame failed, no traceback", frames["faults"] == 0 and "Traceback" not in service.log,
                 f"{frames['faults']} faults")  # fmt: skip
    ended = code == 0 and seconds < 5 * scale.slack
    report.claim("it ends in order within 5 s", ended, f"exit {code}, {seconds:.1f} s")


def _happenings(
    file: Path, card: Path, config: Path
) -> Iterator[tuple[str, Callable[[], object], str, Path]]:
    """In words, what is done, the word that must be in the answer, and which file that is."""
    yield "the model overwritten in place with noise", lambda: file.write_bytes(NOISE), file.name, file
    yield "the model emptied in place", lambda: file.write_bytes(b""), file.name, file
    yield "another model put in its place", partial(_other, file), file.name, file
    yield "the model deleted", file.unlink, file.name, file
    yield "its card broken", lambda: card.write_text("name: [\n"), CARD, card
    yield "the settings broken", lambda: config.write_text("camera: {fps: 0}\n"), "camera.fps", config
    yield "the settings without any sense", lambda: config.write_bytes(NOISE), config.name, config
    yield "the settings deleted", config.unlink, config.name, config


@dataclass(frozen=True, slots=True)
class _Happening:
    """``what`` happened to ``service``, which should name ``word``; ``settings``: its file as it was."""

    service: Service
    what: str
    word: str
    settings: bytes

    def ask_again(self) -> Reply:
        """``reload`` over the run socket, which is found by the settings as they were."""
        beside = self.service.config.with_name("as-it-was.yaml")
        beside.write_bytes(self.settings)
        return ask("reload", config=beside)


def _judge(report: Report, scale: Scale, happening: _Happening) -> None:
    """It goes on before and after it is told to read its files again, and says what is wrong with them."""
    service, what = happening.service, happening.what
    before = _goes_on(service, scale)
    reply = happening.ask_again()
    after = _goes_on(service, scale)
    report.claim(f"{what}: it goes on", before and after, f"{service.newest()['loop']['frames']} frames")
    told = not reply.ok and happening.word in reply.message
    report.claim(f"{what}: `reload` says what is wrong", told, reply.message)


def _goes_on(service: Service, scale: Scale) -> bool:
    """Whether more frames are looked at, and more events delivered, than now."""
    frames, delivered = service.newest()["loop"]["frames"], service.count("delivered")
    return service.running and eventually(
        lambda: service.newest()["loop"]["frames"] > frames + 5 and service.count("delivered") > delivered,
        10 * scale.slack,
    )


def _other(file: Path) -> None:
    """As a package manager does: under another name, then renamed. It would run, but is not the card's."""
    beside = file.with_suffix(".new")
    beside.write_bytes(file.read_bytes() + b"\0")
    beside.replace(file)


TRIAL = Trial(
    "files", "models and settings replaced, broken, deleted while it runs (edge run)", run, grows=False
)

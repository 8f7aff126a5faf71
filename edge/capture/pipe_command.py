"""Which program a source's text means, and how it is called."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from edge.capture.pipe_frames import RAW, Layout, layout
from edge.capture.settings import CameraSettings, redact
from edge.errors import ConfigError, UnavailableError

KINDS = ("rpicam", "gst", "command")

SIZE = (640, 480)
"""What rpicam and gst are asked for where ``camera.size`` is null."""

RPICAM_ALIGN = 64
"""rpicam-vid writes libcamera's buffers as they are. Raspberry Pi's ISP drivers pad each row of YUV420's
first plane to 64 bytes, so that the other two begin where the hardware needs it; half of that is
theirs (raspberrypi/linux, pull request 4419; rpicam-apps, issue 188: 780 comes as 832)."""

GST_ALIGN = 4
"""GStreamer pads each row of a plane to 4 bytes (gst-plugins-base, design/mediatype-video-raw)."""

OWN_OPTIONS: Mapping[str, str] = {
    "--codec": "camera.format",
    "--width": "camera.size",
    "--height": "camera.size",
    "--framerate": "camera.fps",
    "-o": "edge itself", "--output": "edge itself",
    "-t": "edge itself", "--timeout": "edge itself",
    "-n": "edge itself", "--nopreview": "edge itself",
    "--inline": "edge itself",
    "--flush": "edge itself",
    "--frames": "edge itself",
    "--segment": "edge itself", "--split": "edge itself", "--circular": "edge itself",
    "--listen": "edge itself",
    "-k": "edge itself", "--keypress": "edge itself", "-s": "edge itself", "--signal": "edge itself",
    "-v": "edge itself", "--verbose": "edge itself",
    "--list-cameras": "`rpicam-hello --list-cameras`",
}  # fmt: skip
"""Options of rpicam-vid that have another place, or would break the stream."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is started. ``names``: the first of them that is installed; ``layout``: of raw frames, None for
    JPEG; ``shown``: as people may see it."""

    names: tuple[str, ...]
    package: str
    arguments: tuple[str, ...]
    layout: Layout | None
    shown: str

    def argv(self) -> list[str]:
        """The command line. Raises ``UnavailableError`` when no such program is installed."""
        for name in self.names:
            found = shutil.which(name)
            if found:
                return [found, *self.arguments]
        hint = f"apt install {self.package}" if self.package else "check camera.source, or install it"
        raise UnavailableError(f"{self.shown}: the program {self.names[0]} is not installed", hint)


def means_program(text: str) -> bool:
    """Whether a source is the output of a program."""
    kind, colon, _ = text.partition(":")
    return kind.strip() in KINDS and (bool(colon) or kind.strip() == "rpicam")


def program(settings: CameraSettings) -> Program:
    """What ``settings.source`` starts. Raises ``ConfigError``."""
    kind, _, rest = (part.strip() for part in settings.source.partition(":"))
    words = _words(rest, kind)
    if kind == "rpicam":
        return _rpicam(settings, words)
    if not words:
        raise ConfigError(
            f"camera.source: {kind}: nothing follows it",
            "allowed: gst: PIPELINE, as for gst-launch-1.0; command: PROGRAM ARGUMENTS…",
        )
    return _gst(settings, words) if kind == "gst" else _command(settings, words)


def _words(text: str, kind: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(
            f"camera.source: {kind}: {str(error).lower()}", "quotes are as in a shell; there is no shell"
        ) from None


def _rpicam(settings: CameraSettings, options: list[str]) -> Program:
    for option in options:
        name = option.partition("=")[0]
        if name in OWN_OPTIONS:
            raise ConfigError(
                f"camera.source: rpicam: {name} cannot stand here", f"it is set by {OWN_OPTIONS[name]}"
            )
    if settings.format not in ("i420", "mjpeg"):
        raise ConfigError(
            f"camera.format: {settings.format} is nothing that rpicam-vid gives", "allowed: i420, mjpeg"
        )
    width, height = size = settings.size or SIZE
    raw = settings.format == "i420"
    arguments = [
        "--codec", "yuv420" if raw else "mjpeg",
        "--width", str(width), "--height", str(height), "--framerate", f"{settings.fps:g}",
        "--nopreview", "--inline", "--flush", "-t", "0", "-o", "-",
        *options,
    ]  # fmt: skip
    made = layout(settings.format, size, RPICAM_ALIGN, full_range=True) if raw else None
    return Program(("rpicam-vid", "libcamera-vid"), "rpicam-apps-lite", tuple(arguments), made, "rpicam")


def _gst(settings: CameraSettings, pipeline: list[str]) -> Program:
    size = settings.size or SIZE
    made = None
    if settings.format in RAW:
        # OpenCV wants the second plane's rows to be half as long as the first's.
        if settings.format != "bgr24" and size[0] % (2 * GST_ALIGN):
            raise ConfigError(
                f"camera.size: width {size[0]} does not fit gst with camera.format {settings.format}",
                f"allowed: multiples of {2 * GST_ALIGN}",
            )
        made = layout(settings.format, size, GST_ALIGN)
    if not any(re.match(r"fdsink\b", word) for word in pipeline):
        pipeline = [*pipeline, *_tail(settings, size)]
    return Program(("gst-launch-1.0",), "gstreamer1.0-tools", ("-q", *pipeline), made, _shown(settings))


def _tail(settings: CameraSettings, size: tuple[int, int]) -> list[str]:
    """Brings whatever the pipeline gives into frames of our size and format, on standard output."""
    words = ["!", "videoconvert", "!", "videoscale"]
    caps = f"width={size[0]},height={size[1]}"
    if settings.format == "mjpeg":
        # jpegenc makes 4:4:4 of what it gets as that, which costs the decoder twice as much.
        words += ["!", f"video/x-raw,format=I420,{caps}", "!", "jpegenc"]
    else:
        name = {"i420": "I420", "nv12": "NV12", "bgr24": "BGR"}[settings.format]
        words += ["!", f"video/x-raw,format={name},{caps}"]
    return [*words, "!", "fdsink", "fd=1"]


def _command(settings: CameraSettings, argv: list[str]) -> Program:
    made = None
    if settings.format in RAW:
        if settings.size is None:
            raise ConfigError(
                f"camera.size: a command's {settings.format} frames do not tell how large they are",
                "set it, or camera.format: mjpeg",
            )
        made = layout(settings.format, settings.size)
    packages = {"ffmpeg": "ffmpeg", "gst-launch-1.0": "gstreamer1.0-tools", "rpicam-vid": "rpicam-apps-lite"}
    return Program((argv[0],), packages.get(argv[0], ""), tuple(argv[1:]), made, _shown(settings))


def _shown(settings: CameraSettings) -> str:
    kind, _, rest = settings.source.partition(":")
    # One line: a pipeline may be written over several.
    shown = " ".join(redact(f"{kind.strip()}: {rest}").split())
    return shown if len(shown) <= 80 else shown[:79] + "…"

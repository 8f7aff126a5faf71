"""An IP camera that speaks RTSP: H.264, over TCP alone.

The system's Python runs it, which has GStreamer's bindings: ``/usr/bin/python3 rtsp_camera.py PORT``. It
prints its port once it serves; 0 is a free one.
"""

from __future__ import annotations

import sys

import gi  # type: ignore[import-not-found]

for library in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(library, "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

PIPELINE = (
    "( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1"
    " ! x264enc tune=zerolatency key-int-max=15 ! rtph264pay name=pay0 )"
)

Gst.init(None)
if Gst.ElementFactory.find("x264enc") is None:
    sys.exit("there is no x264enc")
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(PIPELINE)
factory.set_shared(True)
factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
server.get_mount_points().add_factory("/video", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()

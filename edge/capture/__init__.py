"""Light -> Frame: the source of the pictures, the thread that owns it, the slot with the newest one.

``worker.CaptureWorker`` is what the daemon starts; ``source.open_source`` gives what a text means
(``settings.CameraSettings.source``): ``opencv`` for cameras (``v4l2``: what they are asked for), video
files and streams, ``pipe`` for what a program sends (``pipe_command``: which, ``pipe_child``: its life,
``pipe_frames``: its bytes), ``stills`` for pictures, ``scene`` for the demo. ``stamp`` makes frames of
their pictures, ``looks`` tells frozen and black ones, ``orient`` turns and masks, ``slot`` hands over,
``vitals`` judges, ``backoff`` and ``damped`` keep a camera that comes and goes from being a nuisance.
"""

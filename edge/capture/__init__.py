"""Light -> Frame: the source of the pictures, the thread that owns it, the slot with the newest one.

``worker.CaptureWorker`` is what the daemon starts; ``source.open_source`` gives what a text means
(``settings.CameraSettings.source``): ``opencv`` for cameras, video files and streams, ``stills`` for
pictures, ``scene`` for the demo. ``stamp`` makes frames of their pictures, ``orient`` turns and masks,
``slot`` hands over, ``vitals`` judges.
"""

"""edge: unattended recognition, from the camera to the broker."""

__version__ = "0.1.0"

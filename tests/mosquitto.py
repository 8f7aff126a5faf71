"""A real mosquitto on a free port of this machine, which tests may stop, kill and freeze: the soak's."""

from __future__ import annotations

from tools.soak.mosquitto import Mosquitto, free_port
from tools.soak.subscriber import leave

__all__ = ["Mosquitto", "free_port", "leave"]

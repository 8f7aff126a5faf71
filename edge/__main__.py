"""``python -m edge`` is the command ``edge``."""

from edge.cli.main import run

run()

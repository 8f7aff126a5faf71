"""Which models an evaluation of whole pictures runs with."""

from __future__ import annotations

import argparse


def add_models(parser: argparse.ArgumentParser) -> None:
    """Embedder, detector, and the size at which that looks."""
    parser.add_argument(
        "--model", default="face-embedder", metavar="NAME|DIR", help="embedder to judge (face-embedder)"
    )
    parser.add_argument(
        "--detector", default="face-detector", metavar="NAME|DIR", help="detector (face-detector)"
    )
    parser.add_argument(
        "--size",
        type=int,
        choices=(160, 320, 640),
        default=320,
        help="longer side at which faces are looked for (320)",
    )

"""``python -m tools.generate``: writes the files that are made from the code.

config/edge.yaml (the commented sample), config/edge.schema.json (for editors), and docs/schemas/ (the
payloads). Tests fail when one of them is not what this writes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from edge.settings.sample import render
from edge.settings.schema import document
from tools import schemas

CONFIG = Path(__file__).parents[1] / "config"


def main(argv: Sequence[str] | None = None) -> int:
    """Writes all of them."""
    argparse.ArgumentParser(
        prog="python -m tools.generate",
        description="Writes config/edge.yaml, config/edge.schema.json and docs/schemas from the code.",
    ).parse_args(argv)
    (CONFIG / "edge.yaml").write_text(render(), encoding="utf-8")
    (CONFIG / "edge.schema.json").write_text(json.dumps(document(), indent=2) + "\n", encoding="utf-8")
    return schemas.main([])


if __name__ == "__main__":
    sys.exit(main())

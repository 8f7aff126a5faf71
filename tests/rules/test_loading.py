"""What Python really loads: drivers only when they are used, and no stage with another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STAGES = ("capture", "infer", "recognize", "track", "transmit")
DRIVERS = {"ai_edge_litert", "tflite_runtime", "paho", "amqtt"}
CONVENIENCES = {"pydantic", "yaml", "rich"}
ARRAYS = {"numpy", "cv2"}


def modules(below: str) -> list[str]:
    """The names of a package and of all modules below it."""
    paths = sorted((ROOT / below.replace(".", "/")).rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def loaded_by(statement: str) -> set[str]:
    """The names in ``sys.modules`` of a new interpreter after ``statement``."""
    code = f"import sys, json\n{statement}\njson.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def libraries(names: set[str]) -> set[str]:
    """The libraries that these modules belong to."""
    return {name.partition(".")[0] for name in names}


def test_importing_all_of_edge_loads_no_driver() -> None:
    everything = modules("edge")
    loaded = loaded_by(f"import {', '.join(everything)}")
    assert "edge.daemon" in loaded
    assert set(everything) <= loaded
    assert not libraries(loaded) & DRIVERS


def test_the_foundation_and_the_tick_load_arrays_at_most() -> None:
    loaded = loaded_by(
        "import edge.records, edge.geometry, edge.errors, edge.clock, edge.pipeline, edge.health"
    )
    assert "edge.pipeline" in loaded
    assert not libraries(loaded) & (DRIVERS | CONVENIENCES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_loads_no_other_stage(stage: str) -> None:
    own = modules(f"edge.{stage}")
    loaded = loaded_by(f"import {', '.join(own)}")
    assert set(own) <= loaded
    others = tuple(f"edge.{other}" for other in STAGES if other != stage)
    assert not [name for name in loaded if name.startswith(others)]


def test_the_version_is_told_without_loading_arrays() -> None:
    statement = (
        "from edge.cli.main import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit as end:\n    assert not end.code"
    )
    loaded = loaded_by(statement)
    assert "edge.cli.main" in loaded
    assert not libraries(loaded) & (DRIVERS | CONVENIENCES | ARRAYS)

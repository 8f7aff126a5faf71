"""Which runtime is used, what is said where none works, and delegates."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from handmade import Linear, folder_of, probe

from edge.errors import ModelError
from edge.infer.model import Model
from edge.infer.runtime import PROBE, find_runtime
from edge.infer.settings import InferSettings, RuntimeChoice

ROOT = Path(__file__).parents[2]

WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
from edge.errors import ModelError
from edge.infer.runtime import find_runtime
try:
    print(find_runtime({choice!r}))
except ModelError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def without(*blocked: str, choice: RuntimeChoice) -> subprocess.CompletedProcess[str]:
    """Looks for a runtime in a process that cannot import these packages."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(blocked=blocked, choice=choice)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_probe_is_the_smallest_model() -> None:
    assert probe() == PROBE


def test_litert_comes_first() -> None:
    assert find_runtime("auto").name == "litert"
    assert str(find_runtime("litert")).startswith("litert 2.")


def test_no_runtime_is_one_line_with_what_to_install() -> None:
    result = without("ai_edge_litert", "tflite_runtime", choice="auto")
    assert result.returncode == 78
    reason = "no TFLite runtime: litert is not installed, tflite-runtime is not installed"
    assert result.stdout == f"{reason}; pip install ai-edge-litert\n"
    assert result.stderr == ""


def test_a_named_runtime_that_is_missing() -> None:
    result = without("tflite_runtime", choice="tflite-runtime")
    assert result.returncode == 78
    assert result.stdout.startswith("no TFLite runtime: tflite-runtime is not installed; ")
    assert "pip install tflite-runtime 'numpy<2'" in result.stdout
    assert result.stdout.count("\n") == 1


def test_a_runtime_that_lacks_a_part_of_its_own() -> None:
    result = without("ai_edge_litert.metrics_portable", choice="litert")
    assert result.returncode == 78
    assert result.stdout.startswith("no TFLite runtime: litert does not work with numpy ")
    assert "metrics_portable" in result.stdout
    assert result.stdout.count("\n") == 1


def test_runtimes_are_imported_only_when_a_model_is_loaded() -> None:
    script = (
        "import sys, edge.infer.model, edge.infer.golden\n"
        "print([name for name in sys.modules if name.startswith(('ai_edge_litert', 'tflite_runtime'))])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_what_comes_out(tmp_path: Path, threads: int) -> None:
    folder = folder_of(tmp_path, Linear())
    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    scores = Model.load(str(folder), InferSettings(threads=threads)).run(image)["scores"]
    np.testing.assert_array_equal(scores, Model.load(str(folder), InferSettings()).run(image)["scores"])


# A delegate that takes no operator, so that everything is computed as without it.
DELEGATE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct Delegate {
  void *data;
  int (*prepare)(void *context, struct Delegate *delegate);
  int (*copy_from)(void), (*copy_to)(void);
  void (*free_buffer)(void);
  int64_t flags;
  void *builder;
} Delegate;

static int take_nothing(void *context, Delegate *delegate) { return 0; }
static int fail(void *context, Delegate *delegate) { return 1; }

Delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                        void (*report)(const char *)) {
  Delegate *delegate = calloc(1, sizeof *delegate);
  delegate->prepare = take_nothing;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(keys[i], "device")) continue;
    if (!strcmp(values[i], "absent")) { report("no such\ndevice"); free(delegate); return NULL; }
    if (!strcmp(values[i], "choosy")) delegate->prepare = fail;
  }
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate *delegate) { free(delegate); }
"""


@pytest.fixture(scope="module")
def delegate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of that delegate."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("a C compiler is needed for the test of delegates: apt-get install gcc libc6-dev")
    folder = tmp_path_factory.mktemp("delegate")
    (folder / "delegate.c").write_text(DELEGATE)
    library = folder / "libdelegate.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "delegate.c"], check=True)
    return library


@pytest.mark.slow
def test_a_delegate_is_loaded_with_its_options(tmp_path: Path, delegate: Path) -> None:
    folder = folder_of(tmp_path, Linear())
    image = np.arange(48, dtype=np.uint8).reshape(6, 8)
    settings = InferSettings(delegate=str(delegate), delegate_options={"device": "present", "level": "2"})
    with_it = Model.load(str(folder), settings).run(image)["scores"]
    np.testing.assert_array_equal(with_it, Model.load(str(folder), InferSettings()).run(image)["scores"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "words"),
    [("absent", "libdelegate.so: refuses to start: "), ("choosy", "model.tflite: litert 2.")],
)
def test_a_delegate_that_refuses(tmp_path: Path, delegate: Path, device: str, words: str) -> None:
    settings = InferSettings(delegate=str(delegate), delegate_options={"device": device})
    with pytest.raises(ModelError) as caught:
        Model.load(str(folder_of(tmp_path, Linear())), settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (
            "libedgetpu.so.99",
            "delegate libedgetpu.so.99: does not load: libedgetpu.so.99: cannot open shared object",
        ),
        ("libc.so.6", "delegate libc.so.6: is a library, but no TFLite delegate"),
    ],
)
def test_a_library_that_is_no_delegate(tmp_path: Path, library: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        Model.load(str(folder_of(tmp_path, Linear())), InferSettings(delegate=library))
    assert str(caught.value).startswith(words)
    assert "infer.delegate" in caught.value.hint

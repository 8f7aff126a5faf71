"""The one place that knows the TFLite runtimes: LiteRT (ai-edge-litert) and its forerunner tflite-runtime.

Both have the same interpreter. LiteRT comes first: it has wheels for current Pythons and
numpy, and gives whole int8 graphs to XNNPACK. A runtime that can be imported is not yet one
that works (tflite-runtime, built for numpy 1, imports under numpy 2 and then fails at its
first interpreter), so each has to build an interpreter before it is chosen.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

import numpy as np

from edge.errors import ModelError
from edge.infer.quantize import Array
from edge.infer.settings import InferSettings, RuntimeChoice


class Interpreter(Protocol):
    """What both runtimes' interpreters can do, as far as it is used here."""

    def allocate_tensors(self) -> None:
        """Makes the tensors' memory; raises RuntimeError for operators that are not there."""
        ...

    def get_input_details(self) -> list[dict[str, Any]]:
        """``index``, ``shape``, ``dtype``, ``quantization_parameters`` of each input."""
        ...

    def get_output_details(self) -> list[dict[str, Any]]:
        """The same of each output."""
        ...

    def tensor(self, tensor_index: int) -> Callable[[], Array]:
        """A function that gives a view of a tensor's memory.

        The function may be kept; a view must be gone before ``invoke``, which else refuses
        with a RuntimeError, because it may move the memory.
        """
        ...

    def reset_all_variables(self) -> None:
        """Clears what a recurrent model has kept."""
        ...

    def _get_ops_details(self) -> list[dict[str, Any]]:
        """``op_name`` of each operator; there is no public way to ask."""
        ...

    def invoke(self) -> None:
        """Computes; raises RuntimeError or ValueError where an operator cannot."""
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where a runtime is, and how it is had."""

    module: str
    package: str
    install: str


_KINDS = {
    "litert": _Kind("ai_edge_litert.interpreter", "ai-edge-litert", "pip install ai-edge-litert"),
    "tflite-runtime": _Kind(
        "tflite_runtime.interpreter",
        "tflite-runtime",
        "in an environment of its own, Python below 3.12: "
        "pip install tflite-runtime 'numpy<2' 'opencv-python-headless<4.12'",
    ),
}

# The smallest model: one uint8 that is input and output, no operator. tests/infer makes it again.
PROBE = base64.b64decode(
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAAiAAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAAAAAMABQAEAAMAAgA"
    "BAAMAAAAEAAAABAAAAAUAAAAGAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAQAAABAAAAAMABAADAALAAAABAAMAAAADAAAAAAAAAMMAAAA"
    "AQAAAHgAAAABAAAAAQAAAAAAAAA="
)


UNFIT = "the model does not fit this runtime or its delegate: try another of either, or convert it anew"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime that works here."""

    name: str
    version: str
    _module: Any

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def interpreter(self, content: bytes, source: str, settings: InferSettings) -> Interpreter:
        """An interpreter of the model in ``content``, its tensors not yet allocated.

        ``source`` names it in messages. Raises ``ModelError`` for what is no model to this
        runtime, and for a delegate that does not load or does not take the model.
        """
        delegates = [self._delegate(settings)] if settings.delegate else None
        try:
            interpreter: Interpreter = self._module.Interpreter(
                model_content=content, num_threads=settings.threads, experimental_delegates=delegates
            )
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{source}: {self} cannot run it: {brief(error)}", UNFIT) from None
        return interpreter

    def _delegate(self, settings: InferSettings) -> Any:
        library = settings.delegate
        hint = "install it, or correct infer.delegate and infer.delegate_options"
        try:
            # Asked first, because the runtimes' own loader leaves half an object behind when this fails.
            _ = ctypes.CDLL(library).tflite_plugin_create_delegate
        except OSError as error:
            raise ModelError(f"delegate {library}: does not load: {brief(error)}", hint) from None
        except AttributeError:
            raise ModelError(f"delegate {library}: is a library, but no TFLite delegate", hint) from None
        try:
            return self._module.load_delegate(library, settings.delegate_options)
        except ValueError as error:
            raise ModelError(f"delegate {library}: refuses to start: {brief(error)}", hint) from None


def find_runtime(choice: RuntimeChoice) -> Runtime:
    """The runtime of that name, or for ``auto`` the first that works.

    Raises ``ModelError`` with what is wrong with each and how to install one.
    """
    names = list(_KINDS) if choice == "auto" else [choice]
    reasons: list[str] = []
    for name in names:
        try:
            return _probed(name)
        except _UnfitError as error:
            reasons.append(f"{name} {error}")
    raise ModelError(f"no TFLite runtime: {', '.join(reasons)}", _KINDS[names[0]].install)


def delegated(interpreter: Interpreter) -> int:
    """Parts of the graph that XNNPACK or the delegate computes: 1 is mostly the whole, many are slow."""
    return sum(operator["op_name"] == "DELEGATE" for operator in interpreter._get_ops_details())


class _UnfitError(Exception):
    """Why a runtime cannot be used here."""


def _probed(name: str) -> Runtime:
    kind = _KINDS[name]
    # A runtime made for another numpy prints pages on stderr; the one sentence below says it all.
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            module = import_module(kind.module)
            module.Interpreter(model_content=PROBE).allocate_tensors()
        except (ImportError, SystemError, AttributeError, RuntimeError, ValueError) as error:
            if isinstance(error, ModuleNotFoundError) and error.name == kind.module.partition(".")[0]:
                raise _UnfitError("is not installed") from None
            reason = brief(error.__cause__ or error)
            raise _UnfitError(f"does not work with numpy {np.__version__} here: {reason}") from None
    return Runtime(name, _version(kind.package), module)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # put there by hand, not by a package installer
        return "of unknown version"


def brief(error: BaseException) -> str:
    """What a runtime's error says, as a part of one line: its first 160 characters."""
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else f"{text[:159]}…"

"""What the words of the report mean, for those who read nothing but the report."""

from __future__ import annotations

from collections.abc import Mapping

from tools.quantize.judge import ROUNDS
from tools.quantize.schemes import SCHEMES

SELECTIVE = "selective"
"""The kind that --keep and --keep-worst make."""

KINDS: Mapping[str, str] = {
    "float": "the model as it was given",
    **{name: scheme.meaning for name, scheme in SCHEMES.items()},
    SELECTIVE: "int8, but the layers that --keep and --keep-worst choose stay float",
}

COLUMNS: Mapping[str, str] = {
    "accuracy": "share of the judged samples whose largest output is at the place of the label",
    "same as float": "share whose largest output is at the same place as the float model's",
    "error": (
        "mean absolute difference from the float model's outputs, as a share of the range that those take"
    ),
    "float operations": "operators whose output is still a float; the model's input and output count too",
    "ms": f"median of {ROUNDS} inferences of one sample with one thread",
    "XNNPACK parts": (
        "pieces of the graph that the fast kernels of the XNNPACK library compute: 1 is mostly the whole, "
        "many cost time between them, 0 is none of it"
    ),
}

NOISE = (
    "SNR: power of a layer's output in float over the power of what int8 changes of it, a mean of samples; "
    "at 20 dB the change is a tenth of the signal. What came in from the layers before counts too."
)


def granularity(*, per_tensor: bool) -> str:
    """How finely the weights of this run are scaled."""
    if per_tensor:
        return "weights with one scale for a whole layer (per tensor; in dynamic a scale for each channel)"
    return "weights with a scale for each output channel of a layer (per channel)"

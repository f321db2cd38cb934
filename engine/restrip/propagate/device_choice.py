"""Where a segment is carried: on the CPU, or on a GPU that is here and large enough. Loads torch only to ask a GPU.

auto   a GPU where torch has one with memory for the size, else the CPU
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from functools import cache

from restrip.errors import BadInput, RestripError
from restrip.propagate.gpu_memory import need_mib

_TAKEN = "Another program, or the look, has the GPU's memory"
_SIGNS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # of a driver: NVIDIA's, Windows's under Linux, AMD's


class NoGpu(BadInput):
    """A GPU was asked for and there is none that torch can use."""

    code = "no-gpu"

    def __init__(self) -> None:
        super().__init__(
            "There is no GPU here that torch can use.",
            "Let the motion run on auto or cpu; `restrip doctor` says what is here.",
        )


class GpuMemoryTaken(Exception):
    """Before a segment begins the GPU's memory is too little, or something else keeps it: no error, the CPU carries it.

    `strokes` are to be kept whole, which takes more.
    """

    def __init__(self, strokes: bool = False) -> None:
        self.strokes = strokes
        super().__init__()

    def __str__(self) -> str:
        why = "The GPU has too little memory left to keep strokes whole" if self.strokes else _TAKEN
        return f"{why}: the CPU carries these frames."


class PropagationOutOfGpuMemory(RestripError):
    """The GPU's memory was not enough for a segment that had begun."""

    code = "gpu-memory"

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(
            f"The GPU ran out of memory: to carry {size[0]}x{size[1]} takes {need_mib(size)} MiB.",
            "Close other programs that use it, propagate on cpu, or render smaller.",
            need_mib=need_mib(size),
        )


def allowed(asked: str) -> tuple[str, ...]:
    """Where it may be carried, the better place first: which it will be, only the process that does it knows."""
    return ("cuda", "cpu") if asked == "auto" else (asked,)


def chosen(asked: str, size: tuple[int, int]) -> str:
    """ "cpu" or "cuda" for frames of (width, height), asked "auto", "cpu" or "cuda"; always the same in one process.

    Apple's GPU is left to the looks: the CPU's kernels are quicker than torch operations there. Raises NoGpu.
    """
    if asked == "cpu":
        return "cpu"
    total = gpu_mib()
    if asked == "cuda" and not total:
        raise NoGpu
    return "cuda" if asked == "cuda" or total >= need_mib(size) else "cpu"


@cache
def gpu_mib() -> int:
    """The memory of the GPU that torch would use, 0 without one. Torch is loaded only where a driver seems to be."""
    if "torch" not in sys.modules and not _likely():
        return 0
    try:
        import torch
    except (ImportError, OSError):  # an installation that is broken is none
        return 0
    return torch.cuda.get_device_properties(0).total_memory >> 20 if torch.cuda.is_available() else 0


def _likely() -> bool:
    if importlib.util.find_spec("torch") is None:
        return False
    return shutil.which("nvidia-smi") is not None or any(os.path.exists(sign) for sign in _SIGNS)

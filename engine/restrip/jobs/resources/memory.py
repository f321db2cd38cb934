"""What a job's tasks take of a machine: from the coefficients by which `check` says whether it fits. No numerics."""

from __future__ import annotations

from typing import Any

from restrip.looks.families import family_named
from restrip.looks.look import Estimate

# A segment's process had 294 MiB at 320x180, 339 at 640x360 and 595 at 1280x720, libraries included, for 8 and 12
# frames; propagation works in bounded blocks, so longer ones have no more. That is 280 and 356 a million pixels; the
# rest is margin. 64 are small frames that are kept for the next walk over them.
BASE_MIB = 420
MIB_A_MPX = 450


def needs_of_look(look: str) -> dict[str, Any]:
    """{"gpu"}: whether a GPU makes this look's keys."""
    family = family_named(look)
    return {"gpu": family is not None and family.traits.uses_gpu}


def needs_of(look: str, estimate: Estimate | None, size: tuple[int, int]) -> dict[str, Any]:
    """{"gpu", "model_mib", "part_mib"} of a job; `estimate` is the opened look's own of `size` (width, height)."""
    model_mib = None if estimate is None else estimate.needs_mib
    return {**needs_of_look(look), "model_mib": model_mib, "part_mib": segment_mib(size)}


def segment_mib(size: tuple[int, int]) -> int:
    """The memory that rendering a segment takes at most; it doesn't grow with the segment's length."""
    return BASE_MIB + round(MIB_A_MPX * size[0] * size[1] / 1e6)

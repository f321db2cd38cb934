"""How much device memory a segment takes. Standard library only: it is asked before torch is loaded."""

from __future__ import annotations

BYTES_A_PIXEL = 480
"""What a segment holds for each pixel at its worst: keys, motion, predictions. A test counts it."""

BESIDES_MIB = 1024  # the driver's own, and what torch operations take for a band of rows
STACK_MIB = 1024  # of motion put aside
MOST_FRAMES = 192


def block_frames(size: tuple[int, int]) -> int:
    """How many frames of (width, height) are walked back at once: their motion is kept, at one byte a pixel."""
    return max(8, min(MOST_FRAMES, (STACK_MIB << 20) // (size[0] * size[1])))


def need_mib(size: tuple[int, int]) -> int:
    """The device memory that carrying frames of (width, height) takes at most."""
    return BESIDES_MIB + ((BYTES_A_PIXEL + block_frames(size)) * size[0] * size[1] >> 20)

"""How much device memory a segment takes. Standard library only: it is asked before torch is loaded."""

from __future__ import annotations

BYTES_A_PIXEL = 480
"""What a segment holds for each pixel at its worst: keys, motion, predictions. A test counts it."""

STROKES_BYTES_A_PIXEL = 640
"""And where strokes are kept whole too."""

GRAPHS_BYTES_A_PIXEL = 240
"""And for what goes into recorded work and comes out of it, beside what the work itself takes."""

BESIDES_MIB = 1024  # the driver's own, and what torch operations take for a band of rows
STACK_MIB = 1024  # of motion put aside
FIELDS_MIB = 512  # of pieces put aside
MOST_FRAMES = 192
KEPT_MIB = 512  # of source frames, where that much is left: the next walk needs them again


def block_frames(size: tuple[int, int]) -> int:
    """How many frames of (width, height) are walked back at once: their motion is kept, at one byte a pixel."""
    return _block_frames(size, STACK_MIB, 1)


def field_block_frames(size: tuple[int, int]) -> int:
    """How many frames are laid out at once of the right key's pieces: they are kept, at four bytes a pixel."""
    return _block_frames(size, FIELDS_MIB, 4)


def _block_frames(size: tuple[int, int], mib: int, bytes_a_pixel: int) -> int:
    return max(8, min(MOST_FRAMES, (mib << 20) // (bytes_a_pixel * size[0] * size[1])))


def kept_frames(size: tuple[int, int], spare_mib: int) -> int:
    """How many source frames of (width, height) stay on the device between walks, of what is left beside the rest."""
    return max(0, min(KEPT_MIB, spare_mib) << 20) // (3 * size[0] * size[1])


def need_mib(size: tuple[int, int], strokes: bool = False, graphs: bool = False) -> int:
    """The device memory that carrying frames of (width, height) takes at most; `strokes` are kept whole, `graphs`
    played.
    """
    each = BYTES_A_PIXEL + block_frames(size)
    if strokes:
        each = STROKES_BYTES_A_PIXEL + block_frames(size) + 4 * field_block_frames(size)
    each += GRAPHS_BYTES_A_PIXEL if graphs else 0
    return BESIDES_MIB + (each * size[0] * size[1] >> 20)

"""A picture in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restrip.errors import RestripError

Picture = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def empty_picture(shape: tuple[int, ...], deep: bool) -> Picture:
    """An array for code values, not yet written to: uint16 if deep, else uint8."""
    return np.empty(shape, np.uint16) if deep else np.empty(shape, np.uint8)


class SizeMismatch(RestripError):
    """Two pictures that must have one size have two."""

    code = "size-mismatch"


@dataclass(frozen=True, eq=False)
class Frame:
    """An upright picture with square pixels: rgb [H, W, 3], R'G'B' in the source's own coding, full range.

    uint8 (0..255) or uint16 (0..65535, sources of more than 8 bit); alpha [H, W] of the same type, straight, or None.
    The arrays are C-contiguous and are never written to.
    """

    rgb: Picture
    alpha: Picture | None = None

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype not in (np.uint8, np.uint16):
            raise SizeMismatch(f"A frame is [H, W, 3] of uint8 or uint16, not {self.rgb.shape} of {self.rgb.dtype}.")
        if self.alpha is not None and (self.alpha.shape != self.rgb.shape[:2] or self.alpha.dtype != self.rgb.dtype):
            raise SizeMismatch(f"Alpha is {self.alpha.shape} of {self.alpha.dtype}, the picture {self.rgb.shape}.")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def deep(self) -> bool:
        """Whether the picture has 16 bit a channel."""
        return self.rgb.dtype == np.uint16

    @property
    def white(self) -> int:
        """The code value of white, and of full alpha: 65535 if deep, else 255."""
        return 65535 if self.deep else 255

    def rgb8(self) -> npt.NDArray[np.uint8]:
        """The picture [H, W, 3] as uint8, rounded; the array itself when it is uint8 already."""
        return _to_8(self.rgb)

    def rgb16(self) -> npt.NDArray[np.uint16]:
        """The picture [H, W, 3] as uint16; the array itself when it is uint16 already."""
        return _to_16(self.rgb)

    def with_depth(self, deep: bool) -> Frame:
        """The same picture with 16 bit a channel (deep) or 8; 255 and 65535 are the same white."""
        if deep == self.deep:
            return self
        change: Callable[[Picture], Picture] = _to_16 if deep else _to_8
        return Frame(change(self.rgb), None if self.alpha is None else change(self.alpha))


def _to_8(picture: Picture) -> npt.NDArray[np.uint8]:
    if picture.dtype == np.uint8:
        return picture  # type: ignore[return-value]
    return ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_16(picture: Picture) -> npt.NDArray[np.uint16]:
    if picture.dtype == np.uint16:
        return picture  # type: ignore[return-value]
    return picture.astype(np.uint16) * np.uint16(257)

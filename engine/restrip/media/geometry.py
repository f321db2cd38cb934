"""From the stored picture to the one that a viewer sees: upright, with square pixels."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned: transposed first, then mirrored; from a 3x3 display matrix (ISO 14496-12)."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def of_matrix(cls, raw: bytes) -> Orientation:
        """Read FFmpeg's nine native 32-bit numbers; a turn that is no multiple of 90 degrees counts as none.

        shown x = a x + c y
        shown y = b x + d y
        """
        a, b, _, c, d = (int(value) for value in np.frombuffer(raw, np.int32)[:5])
        if a and d and not (b or c):
            return cls(False, a < 0, d < 0)
        if b and c and not (a or d):
            return cls(True, c < 0, b < 0)
        return cls()

    @property
    def degrees(self) -> int:
        """The turn, clockwise, without the mirroring that may come with it."""
        return {
            (False, False, False): 0,
            (True, True, False): 90,
            (False, True, True): 180,
            (True, False, True): 270,
        }.get((self.transpose, self.mirror_x, self.mirror_y), 90 if self.transpose else 0)


def shown_size(stored: tuple[int, int], pixel_aspect: Fraction, orientation: Orientation) -> tuple[int, int]:
    """(width, height) of the upright picture with square pixels: the stored height is kept, the width follows.

    A width that was reckoned is made even, as most movie formats need.
    """
    width, height = stored
    if pixel_aspect != 1:
        width = max(2, 2 * round(width * pixel_aspect / 2))
    return (height, width) if orientation.transpose else (width, height)


def shown(frame: Frame, pixel_aspect: Fraction, orientation: Orientation) -> Frame:
    """The stored frame as it is seen."""
    if pixel_aspect != 1:
        frame = resampled(frame, shown_size(frame.size, pixel_aspect, Orientation()))
    if orientation == Orientation():
        return frame
    alpha = None if frame.alpha is None else _turned(frame.alpha, orientation)
    return Frame(_turned(frame.rgb, orientation), alpha)


def resampled(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame at another size (width, height): averaged over areas when smaller, bicubic when larger.

    Colours are weighted with alpha, so that what can't be seen doesn't bleed in.
    """
    if frame.size == size:
        return frame
    smaller = size[0] <= frame.size[0] and size[1] <= frame.size[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    if frame.alpha is None:
        return Frame(cv2.resize(frame.rgb, size, interpolation=method))
    weight = frame.alpha.astype(np.float32) / frame.white
    alpha = np.clip(cv2.resize(weight, size, interpolation=method), 0, 1)
    seen = cv2.resize(frame.rgb.astype(np.float32) * weight[..., None], size, interpolation=method)
    hidden = cv2.resize(frame.rgb, size, interpolation=method)
    rgb = np.where(alpha[..., None] > 1e-3, seen / np.maximum(alpha, 1e-3)[..., None], hidden)
    kind = frame.rgb.dtype
    return Frame(np.rint(np.clip(rgb, 0, frame.white)).astype(kind), np.rint(alpha * frame.white).astype(kind))


def _turned(picture: npt.NDArray[Any], orientation: Orientation) -> npt.NDArray[Any]:
    if orientation.transpose:
        picture = picture.swapaxes(0, 1)
    if orientation.mirror_x:
        picture = picture[:, ::-1]
    if orientation.mirror_y:
        picture = picture[::-1]
    return np.ascontiguousarray(picture)

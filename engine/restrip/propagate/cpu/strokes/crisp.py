"""A frame of strokes that are whole: one key's pieces at each place, handed over cell by cell, as crisp as the keys."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Picture, empty_picture
from restrip.propagate.cpu.kernels.crisp import code, finer, mix, strengthen
from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.sampling import repeated, taken
from restrip.propagate.cpu.strokes.paint import Laid
from restrip.propagate.energy.crisp import AROUND, AROUND_KNOWN, KNOWN, LEAST, MOST, PLAIN, SOFT, SOFT_KNOWN
from restrip.propagate.energy.paint import FINE
from restrip.propagate.energy.style import CODE

Plane = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]


def crisp(left: Laid, right: Laid, turn: Plane) -> Pixels:
    """Both keys' pieces by `turn` [H, W], how much is the right one's: [H, W, 3] float32 in 16-bit code values.

    Where two keys' paint meets, and where pieces are small, some of the fine detail is lost or gained: it is brought
    back to what the keys have there.
    """
    mixed, wanted = np.empty_like(left.picture), np.empty_like(left.energy)
    mix(left.picture, right.picture, turn, left.energy, right.energy, mixed, wanted)
    fine, energy = cv2.GaussianBlur(mixed, (0, 0), FINE), np.empty_like(wanted)
    finer(mixed, fine, np.float32(1 / CODE), energy)
    wanted, energy = (cv2.blur(one, AROUND, borderType=cv2.BORDER_REPLICATE) for one in (wanted, energy))
    strengthen(mixed, fine, wanted, energy, np.float32(PLAIN), np.float32(LEAST), np.float32(MOST))
    return mixed


def carried(parts: Plane, field: Field) -> Plane:
    """What holds at each place of a key, [H, W], where a field shows these places; without a step at seams."""
    return cv2.GaussianBlur(taken(parts, field), (0, 0), SOFT, borderType=cv2.BORDER_REPLICATE)


def known(worth: Plane) -> Plane:
    """How far one key alone knows each place, [H, W] in 0..1, of what its pieces are worth there."""
    around = cv2.GaussianBlur(worth, (0, 0), AROUND_KNOWN, borderType=cv2.BORDER_REPLICATE)
    over = np.clip((around - np.float32(KNOWN[0])) / np.float32(KNOWN[1] - KNOWN[0]), 0, 1)
    return cv2.GaussianBlur(over * over * (3 - 2 * over), (0, 0), SOFT_KNOWN, borderType=cv2.BORDER_REPLICATE)


def shown(base: Picture, whole: Pixels, parts: Plane, deep: bool) -> Picture:
    """`parts` [H, W] (0..1) of `whole` [H, W, 3] in 16-bit code values and the rest of `base`, uint16, as `coded`."""
    below = base.astype(np.float32)
    return coded(below + repeated(parts, 3) * (whole - below), deep)


def coded(picture: Pixels, deep: bool) -> Picture:
    """A picture [H, W, 3] in 16-bit code values rounded to uint16 if deep, else to uint8."""
    out = empty_picture(picture.shape, deep)
    scale, top = (1, 65535) if deep else (1 / CODE, 255)
    code(np.ascontiguousarray(picture), np.float32(scale), np.float32(top), out)
    return out

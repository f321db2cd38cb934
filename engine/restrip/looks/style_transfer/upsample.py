"""A small painted picture brought to its frame's size, guided by the frame.

     frame ----shrunk---> small frame --look--> small painting
       |                      \\____local slope____/   |
       |  what shrinking lost        |                | cubic
       +------------------------> slope * detail  +  enlarged -> within the local range -> along and across strokes

The local linear model of He et al. 2013, "Guided Image Filtering", section 3.5 (colour guides), says how the painting
follows the frame; it carries over only the detail that shrinking took away, so strokes that the frame knows
nothing of stay as crisp as they were. The same idea as the joint upsampling of Kopf et al. 2007. Works in bands of
rows: memory does not grow with the picture beyond the small pictures and the result.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from restrip.looks.style_transfer.brush_strokes import Floats, across, sharpen_across, smooth_along, structure_tensor
from restrip.media.frame import Picture

BAND_ROWS = 128
_EDGE = cv2.BORDER_REFLECT


def upsample(painted: Floats, small: Floats, frame: Picture) -> Iterator[tuple[slice, Floats]]:
    """Bands (rows, picture [rows, W, 3] float32 in 0..1) of `painted` at the size of `frame`, top to bottom.

    `painted` and `small` are [h, w, 3] float32 in 0..1; `frame` is [H, W, 3] uint8 or uint16, larger than they are.
    """
    height = frame.shape[0]
    factor = max(1.0, height / painted.shape[0])
    planes = _planes(painted, small)
    margin = int(np.ceil(4 * factor)) + 6  # as far as smoothing and sharpening reach
    for first in range(0, height, BAND_ROWS):
        end = min(first + BAND_ROWS, height)
        top, bottom = max(0, first - margin), min(height, end + margin)
        picture = _band(planes, frame, top, bottom, factor)
        yield slice(first, end), picture[first - top : end - top]


def _planes(painted: Floats, small: Floats) -> dict[str, Floats]:
    """Everything that is enlarged: what is needed once for all bands, at the small size."""
    square = np.ones((3, 3), np.uint8)
    return {
        "painted": painted,
        "small": small,
        "slope": _box(_slope(small, painted, 2, 1e-3), 2),
        "low": cv2.erode(painted, square),
        "high": cv2.dilate(painted, square),
        "tensor": structure_tensor(painted, 1.5),
    }


def _band(planes: dict[str, Floats], frame: Picture, top: int, bottom: int, factor: float) -> Floats:
    """Rows top:bottom of the result; the outermost ones know too little of their neighbours."""
    size = (frame.shape[0], frame.shape[1])
    white = np.float32(65535 if frame.dtype == np.uint16 else 255)
    detail = frame[top:bottom].astype(np.float32) / white - _enlarge(planes["small"], size, top, bottom, cubic=True)
    slope = _enlarge(planes["slope"], size, top, bottom)
    picture = _enlarge(planes["painted"], size, top, bottom, cubic=True)
    for out in range(3):
        picture[..., out] += (slope[..., 3 * out : 3 * out + 3] * detail).sum(2)
    low, high = _enlarge(planes["low"], size, top, bottom), _enlarge(planes["high"], size, top, bottom)
    np.clip(picture, low, high, out=picture)
    normal = across(_enlarge(planes["tensor"], size, top, bottom))
    picture = smooth_along(picture, normal, 0.7 * factor, 0.5 * factor)
    return sharpen_across(picture, normal, 0.5 * factor, 0.5)


def _slope(guide: Floats, picture: Floats, radius: int, smooth: float) -> Floats:
    """[h, w, 9]: how `picture` changes with `guide` in each window, one row of three for each output channel."""
    mean_g, mean_p = _box(guide, radius), _box(picture, radius)
    shape = (*guide.shape[:2], 3, 3)
    within, between = np.empty(shape, np.float32), np.empty(shape, np.float32)
    for i in range(3):
        within[..., i, :] = _box(guide[..., i : i + 1] * guide, radius) - mean_g[..., i : i + 1] * mean_g
        between[..., i, :] = _box(guide[..., i : i + 1] * picture, radius) - mean_g[..., i : i + 1] * mean_p
    within += smooth * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(within, between)
    return np.ascontiguousarray(slope.swapaxes(2, 3)).reshape(*guide.shape[:2], 9)


def _box(picture: Floats, radius: int) -> Floats:
    side = 2 * radius + 1
    planes = [
        cv2.boxFilter(np.ascontiguousarray(picture[..., c]), -1, (side, side), borderType=_EDGE)
        for c in range(picture.shape[2])
    ]
    return np.stack(planes, axis=2)


def _enlarge(small: Floats, size: tuple[int, int], top: int, bottom: int, *, cubic: bool = False) -> Floats:
    """Rows top:bottom of `small` [h, w, C] enlarged to `size` (height, width), the same however rows are cut."""
    rows, weights = _row_weights(small.shape[0], size[0], top, bottom, cubic=cubic)
    kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    part = np.ascontiguousarray(small[rows])
    wide = np.concatenate(
        [
            cv2.resize(part[..., c : c + 3], (size[1], part.shape[0]), interpolation=kind)
            for c in range(0, small.shape[2], 3)
        ],
        axis=2,
    )
    return (weights @ wide.reshape(len(wide), -1)).reshape(bottom - top, size[1], small.shape[2])


def _row_weights(source: int, target: int, top: int, bottom: int, *, cubic: bool) -> tuple[slice, Floats]:
    """Which rows of `source` the rows top:bottom of `target` need, and with what weights [rows, needed]."""
    at = (np.arange(top, bottom) + 0.5) * source / target - 0.5
    base = np.floor(at).astype(int)
    taps = range(-1, 3) if cubic else range(2)
    needed = slice(max(0, int(base[0]) + taps[0]), min(source, int(base[-1]) + taps[-1] + 1))
    weights = np.zeros((bottom - top, needed.stop - needed.start), np.float32)
    for tap in taps:
        row = np.clip(base + tap, 0, source - 1) - needed.start
        weights[np.arange(bottom - top), row] += _kernel(np.abs(at - base - tap), cubic=cubic)
    return needed, weights


def _kernel(distance: Floats, *, cubic: bool) -> Floats:
    """The weight at a distance in source pixels: linear, or cubic convolution with a = -.75 as OpenCV's."""
    if not cubic:
        return np.maximum(0, 1 - distance)
    a = -0.75
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))

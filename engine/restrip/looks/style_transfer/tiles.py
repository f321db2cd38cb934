"""A picture painted tile by tile by a network of fixed size, without seams.

Style networks normalise by the whole picture that they see, so tiles painted alone differ in colour and contrast. Here
the whole picture is painted once, small; each tile keeps its own strokes and takes its large-scale colours from that.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from restrip.looks.style_transfer.brush_strokes import Floats

OVERLAP_PX = 96
COLOUR_PX = 24.0  # what is wider than this is colour, what is finer is stroke


def paint_tiles(rgb: Floats, tile_px: int, paint: Callable[[Floats], Floats]) -> Floats:
    """`rgb` [H, W, 3] in 0..1 painted by `paint`, which takes pictures with sides of at most `tile_px`."""
    height, width = rgb.shape[:2]
    shrink = min(1.0, tile_px / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    if size == (width, height):
        return paint(rgb)
    whole = cv2.resize(paint(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)), (width, height))
    total, weights = np.zeros_like(rgb), np.zeros((height, width, 1), np.float32)
    for top in starts(height, tile_px):
        for left in starts(width, tile_px):
            here = slice(top, top + tile_px), slice(left, left + tile_px)
            tile = paint(np.ascontiguousarray(rgb[here]))
            tile += _colours(whole[here]) - _colours(tile)
            weight = (_ramp(tile.shape[0])[:, None] * _ramp(tile.shape[1]))[..., None]
            total[here] += weight * tile
            weights[here] += weight
    return np.clip(total / weights, 0, 1)


def starts(length: int, tile_px: int) -> list[int]:
    """Where tiles begin so that they cover `length` evenly and overlap by at least OVERLAP_PX."""
    if length <= tile_px:
        return [0]
    count = -(-(length - OVERLAP_PX) // (tile_px - OVERLAP_PX))
    return [round(i * (length - tile_px) / (count - 1)) for i in range(count)]


def _colours(picture: Floats) -> Floats:
    return cv2.GaussianBlur(np.ascontiguousarray(picture), (0, 0), COLOUR_PX, borderType=cv2.BORDER_REFLECT)


def _ramp(length: int) -> Floats:
    """The weight of a tile's pixels along a side: rises from both ends over the overlap."""
    at = np.arange(length)
    return np.minimum(np.minimum(at + 1, length - at), OVERLAP_PX).astype(np.float32)

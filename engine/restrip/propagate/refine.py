"""Motion sharpened at full size: dense motion searches work at half size and smooth what they find."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.flow_cpu import missing, move
from restrip.propagate.sampling import Flow, pull

WINDOW = 13  # pixels that move as one
TURNS = 2
CALM = 20.0  # squared code values a pixel: flat places stay where they are
FARTHEST = 1.0  # pixels a turn

Gray = npt.NDArray[np.uint8]
_Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Gradients:
    """A frame's luma [H, W] and what least squares needs of it: its gradient, and the inverse of their tensor."""

    luma: _Plane
    x: _Plane
    y: _Plane
    inverse: tuple[_Plane, _Plane, _Plane]  # xx, xy, yy

    @classmethod
    def of(cls, gray: Gray) -> Gradients:
        """Of a frame's luma, [H, W] uint8."""
        luma = gray.astype(np.float32)
        gx = cv2.Scharr(luma, cv2.CV_32F, 1, 0, scale=1 / 32)
        gy = cv2.Scharr(luma, cv2.CV_32F, 0, 1, scale=1 / 32)
        xx, xy, yy = (_mean(p) for p in (gx * gx, gx * gy, gy * gy))
        xx += CALM
        yy += CALM
        one = 1 / (xx * yy - xy * xy)
        return cls(luma, gx, gy, (yy * one, -xy * one, xx * one))


def refined(frame: Gradients, key: Gray, flow: Flow) -> Flow:
    """`flow` from the frame to `key` [H, W] uint8, moved to where the luma around each pixel agrees.

    Least squares over a window with the frame's own gradients (Baker and Matthews 2004, section 3.2).
    """
    flow, target = flow.copy(), key.astype(np.float32)
    along, down = np.empty_like(target), np.empty_like(target)
    for _ in range(TURNS):
        missing(frame.luma, pull(target, flow), frame.x, frame.y, along, down)
        move(flow, frame.inverse, _mean(along), _mean(down), np.float32(FARTHEST))
    return flow


def _mean(plane: _Plane) -> _Plane:
    return cv2.blur(plane, (WINDOW, WINDOW))

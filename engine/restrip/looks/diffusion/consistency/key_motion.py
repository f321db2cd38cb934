"""Motion between two key frames, which may lie far apart, and pictures carried along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Pixels of disagreement between the way there and back that still count as seen in both frames, and what each pixel
# of motion adds to it.
ROUND_TRIP_PX, ROUND_TRIP_SHARE = 1.0, 0.05

# Mean difference of luma (0..255, over 5x5) beyond which a place isn't the same thing.
UNLIKE = 24.0


@dataclass(frozen=True, eq=False)
class Motion:
    """From frame B back to frame A: `flow` [H, W, 2] float32 in pixels, B(x) = A(x + flow(x)).

    `seen` [H, W] float32 in 0..1 is 1 where A shows what B shows. `sure` [H, W] in 0..1 is how well each of the two is
    rebuilt from the other there.
    """

    flow: Floats
    seen: Floats
    sure: Floats

    @property
    def shown(self) -> float:
        """How much A says of B as a whole, in 0..1: without a step, for what is seen changes from key to key."""
        return float(self.seen.mean()) ** 3


def motion(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> Motion:
    """The motion between two pictures [H, W, 3] uint8 of one size (DIS, Kroeger et al. 2016)."""
    gray_a, gray_b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (a, b))
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    there, back = dis.calc(gray_b, gray_a, None), dis.calc(gray_a, gray_b, None)
    return _judged(there, back, (a, b), (gray_a, gray_b))


def _judged(there: Floats, back: Floats, pictures: tuple[Any, Any], grays: tuple[Any, Any]) -> Motion:
    gray_a, gray_b = grays
    returned = there + carried(back, there)
    off = np.hypot(returned[..., 0], returned[..., 1])
    allowed = ROUND_TRIP_PX + ROUND_TRIP_SHARE * np.hypot(there[..., 0], there[..., 1])
    difference = np.abs(carried(gray_a.astype(np.float32), there) - gray_b)
    alike = cv2.blur(difference, (5, 5)) < UNLIKE
    height, width = gray_a.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + there[..., 0], y + there[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    seen = ((off < allowed) & alike & inside).astype(np.float32)
    a, b = (picture.astype(np.float32) for picture in pictures)
    here, far = _rebuilt(carried(a, there), b), carried(_rebuilt(carried(b, back), a), there)
    doubt = (here + far) / (2 * UNLIKE**2) + np.square(off / (2 * allowed))
    return Motion(there, seen, (inside / (1 + np.square(doubt))).astype(np.float32))


def _rebuilt(picture: Floats, truth: Floats) -> Floats:
    """How badly: the mean squared difference of colours around each pixel."""
    return cv2.blur(np.square(picture - truth).mean(axis=2), (5, 5))


def carried(values: Floats, flow: Floats, *, nearest: bool = False) -> Floats:
    """`values` [H, W, ...] looked up at x + flow(x); bicubic, or the nearest one."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_CUBIC
    return cv2.remap(values, x + flow[..., 0], y + flow[..., 1], how, borderMode=cv2.BORDER_REPLICATE)


def at_size(motion_of: Motion, size: tuple[int, int]) -> Motion:
    """The same motion for pictures of (width, height), as latents are."""
    height, width = motion_of.flow.shape[:2]
    flow = cv2.resize(motion_of.flow, size, interpolation=cv2.INTER_AREA)
    flow = flow * np.array([size[0] / width, size[1] / height], np.float32)
    seen, sure = (cv2.resize(values, size, interpolation=cv2.INTER_AREA) for values in (motion_of.seen, motion_of.sure))
    return Motion(flow, seen, sure)

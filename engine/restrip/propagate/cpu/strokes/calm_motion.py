"""Calm motion: what strokes are carried along. It is zero where nothing moves, and never wobbles.

DIS steps chained to the key, each zero where no motion explains the frame as well; the chain is drawn by a part of the
difference towards the motion that is checked against the key itself (motion.py), where that is sure and textured, and
only by what a wide neighbourhood agrees upon.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.kernels.flow import rebuild
from restrip.propagate.cpu.motion import Gray, KeyMotion, extend, gray_of, light_between, pixels_of
from restrip.propagate.cpu.sampling import Flow, added, pull, repeated
from restrip.propagate.cpu.shading import SAME, Exposure
from restrip.propagate.energy.calm_motion import (
    FARTHEST,
    MARGIN,
    NOISE,
    PULL,
    SMALL,
    STEEP,
    TEXTURE,
    WIDE,
    WRONG,
)
from restrip.propagate.energy.effort import WHOLE, Effort

Plane = npt.NDArray[np.float32]


@dataclass(eq=False)
class Walked:
    """The checked motion to a key as someone else has walked it: from a frame to the key, and to the frame before; and
    how that frame is exposed against the key.
    """

    flow: Flow | None = None
    step: Flow | None = None
    light: Exposure = SAME


class CalmMotion:
    """The calm motion to one key, walked away from it one frame at a time.

    `step` is the last step, to the frame before, zero where nothing moves. With `walked`, someone else walks the
    checked motion to that key to each frame first.
    """

    step: Flow | None
    _flow: Flow | None

    def __init__(self, key: npt.NDArray[np.uint8], walked: Walked | None = None, effort: Effort = WHOLE) -> None:
        self._key, self._own = key, None if walked is not None else KeyMotion(key, effort)
        self._checked, self._effort = self._own or walked, effort
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        if self._own is not None:
            self._own.restart()
        self._gray = gray_of(self._key)
        self._flow = self.step = None

    def resume(self, flow: Flow, frame: npt.NDArray[np.uint8]) -> None:
        """Be at a frame [H, W, 3] uint8 where `flow` is the motion to the key."""
        if self._own is not None:
            self._own.resume(flow, frame)
        self._gray, self._flow = gray_of(frame), flow

    def light(self, frame: npt.NDArray[np.uint8], flow: Flow) -> Exposure:
        """How the last frame is exposed against the key, as the motion `flow` to it says."""
        if self._effort.one_light and self._checked is not None:
            return self._checked.light
        return light_between(frame, self._key, flow)

    def next(self, frame: npt.NDArray[np.uint8]) -> Flow:
        """Motion from the next frame away from the key, [H, W, 3] uint8, to the key."""
        gray = gray_of(frame)
        if self._own is not None:
            self._own.next(frame)
        assert self._checked is not None
        checked, stepped = self._checked.flow, self._checked.step
        assert checked is not None and stepped is not None
        step = stepped * repeated(1 - still(gray, self._gray, stepped), 2)
        chained = extend(step, self._flow)
        flow: Flow = chained + PULL * self._drift(frame, gray, chained, checked)
        self._gray, self._flow, self.step = gray, flow, step
        return flow

    def _drift(self, frame: npt.NDArray[np.uint8], gray: Gray, chained: Flow, checked: Flow) -> Flow:
        """What the chain is off by, as a wide neighbourhood says."""
        if self._effort.simple_drift:
            return np.clip(checked - chained, -FARTHEST, FARTHEST)
        errors = np.empty(gray.shape, np.float32)
        light = self.light(frame, chained)
        rebuild(pixels_of(frame), light.on(pixels_of(self._key)), checked, errors)
        sure = weight_of(errors) * textured(gray)
        off = np.clip(checked - chained, -FARTHEST, FARTHEST) * repeated(sure, 2)
        h, w = gray.shape
        small = max(1, w // SMALL), max(1, h // SMALL)
        every = cv2.resize(cv2.merge([off, sure]), small, interpolation=cv2.INTER_AREA)
        around = cv2.GaussianBlur(
            every.reshape(small[1], small[0], 3), (0, 0), min(h, w) / WIDE / SMALL, borderType=cv2.BORDER_REPLICATE
        )
        return cv2.resize(around[..., :2] / (around[..., 2:] + 0.05), (w, h), interpolation=cv2.INTER_LINEAR)


def still(frame: Gray, before: Gray, step: Flow) -> Plane:
    """How far a place of `frame` [H, W] uint8 stands still, 0..1: no motion explains it as well as the step to it."""
    size = max(9, min(frame.shape) // 24) | 1
    here, there = frame.astype(np.float32), before.astype(np.float32)

    def around(off: Plane) -> Plane:
        return cv2.blur(np.square(off), (size, size))

    same = around(here - there) <= MARGIN * around(here - pull(there, step)) + NOISE
    core = cv2.erode(same.astype(np.float32), np.ones((5, 5), np.uint8))
    return cv2.GaussianBlur(core, (0, 0), 3, borderType=cv2.BORDER_REPLICATE)


def textured(gray: Gray) -> Plane:
    """How much the luma around each pixel says of motion, [H, W] in 0..1."""
    smooth = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1)
    squares = np.square(cv2.Sobel(smooth, -1, 1, 0, scale=1 / 8)) + np.square(cv2.Sobel(smooth, -1, 0, 1, scale=1 / 8))
    around = cv2.GaussianBlur(squares, (0, 0), 4)
    return around / (around + np.float32(TEXTURE))


def trusted(flow: Flow, misfit: Plane) -> Plane:
    """How far strokes may follow a flow [H, W, 2], 0..1: not where it tears, nor where the key's source, off by
    `misfit` [H, W] squared code values there, is another thing.
    """
    across, down = (added(np.square(cv2.Sobel(flow, -1, 1 - d, d, scale=1 / 8))) for d in (0, 1))
    stretch = cv2.GaussianBlur(np.sqrt(across + down), (0, 0), 1.5)
    wrong = cv2.GaussianBlur(np.minimum(misfit, np.float32(3000)), (0, 0), 2)
    sure = 1 / (1 + np.square(np.square(stretch / STEEP))) / (1 + np.square(wrong / WRONG))
    return cv2.GaussianBlur(sure.astype(np.float32), (0, 0), 1)

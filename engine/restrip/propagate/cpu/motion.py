"""Motion from every frame to a key: steps between neighbours, chained, checked against the key itself, sharpened.

frame t --step--> t-1 --chain--> key       steady, but small errors add up
frame t --------- direct ------> key       none add up, but far motion is missed
    the better of the two, pixel by pixel, then refined at full size (refine.py)

Where the light of the whole picture has changed since the key (a fade, a flash), the key is seen in the frame's light.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.kernels.flow import choose, rebuild
from restrip.propagate.cpu.refine import refined
from restrip.propagate.cpu.sampling import Flow, every_nth, pull
from restrip.propagate.cpu.shading import SAME, Exposure, exposure
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.motion import (
    AROUND,
    FAVOUR,
    LIGHT_SIDE,
    MIN_SIDE,
    MIN_SIDE_DIRECT,
    SMOOTHING,
    STRIDE,
    TRIES,
)

Gray = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]


def gray_of(rgb: npt.NDArray[np.uint8]) -> Gray:
    """Luma [H, W] uint8 of an RGB picture [H, W, 3] uint8."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def pixels_of(rgb: npt.NDArray[np.uint8]) -> Pixels:
    """An RGB picture [H, W, 3] uint8 with four bytes a pixel, [H, W, 4]."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)


def step(a: Gray, b: Gray, effort: Effort = WHOLE) -> Flow:
    """Dense motion a -> b between neighbours, [H, W, 2] (DIS: Kroeger et al. 2016, at half size)."""
    if min(a.shape) < MIN_SIDE:
        return np.zeros((*a.shape, 2), np.float32)
    if effort.whole_steps and min(a.shape) >= MIN_SIDE_DIRECT:
        brief = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        brief.setFinestScale(0)
        brief.setPatchStride(STRIDE)
        brief.setGradientDescentIterations(TRIES)
        return brief.calc(a, b, None)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setVariationalRefinementIterations(SMOOTHING)
    return search.calc(a, b, None)


def direct(a: Gray, b: Gray) -> Flow | None:
    """Dense motion a -> b of frames far apart, coarser (quarter size); None when they are too small for it."""
    if min(a.shape) < MIN_SIDE_DIRECT:
        return None
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(a, b, None)


def extend(first: Flow, rest: Flow | None) -> Flow:
    """`first`, then `rest` from where it leads: a -> b and b -> c make a -> c."""
    return first if rest is None else first + pull(rest, first)


@dataclass(frozen=True, eq=False)
class Lead:
    """A flow [H, W, 2], and around each pixel the mean squared error with which it rebuilds a frame, [H, W]."""

    flow: Flow
    error: npt.NDArray[np.float32]

    @classmethod
    def of(cls, flow: Flow, frame: Pixels, key: Pixels) -> Lead:
        """Of a flow from `frame` to `key`, both [H, W, 4] uint8 (`pixels_of`)."""
        errors = np.empty(flow.shape[:2], np.float32)
        rebuild(frame, key, flow, errors)
        return cls(flow, cv2.blur(errors, (AROUND, AROUND)))

    def or_better(self, other: Lead) -> Lead:
        """This one, but the other one where that is clearly better."""
        flow, error = self.flow.copy(), self.error.copy()
        choose(other.flow, other.error, np.float32(FAVOUR), flow, error)
        return Lead(flow, error)


class StepMotion:
    """The motion from each frame to the one before it."""

    def __init__(self) -> None:
        self._gray: Gray | None = None

    def next(self, frame: npt.NDArray[np.uint8]) -> Flow | None:
        """Motion from this frame [H, W, 3] uint8 to the one of the last call; None at the first."""
        gray, before = gray_of(frame), self._gray
        self._gray = gray
        return None if before is None else step(gray, before)


class KeyMotion:
    """The motion to one key, walked away from it one frame at a time.

    `step` is the last step, to the frame before, and `light` how the last frame is exposed against the key.
    """

    step: Flow | None
    light: Exposure
    _flow: Flow | None

    def __init__(self, key: npt.NDArray[np.uint8], effort: Effort = WHOLE) -> None:
        self._key, self._key_gray, self._effort = pixels_of(key), gray_of(key), effort
        self._rgb = key
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        self._gray, self._flow, self.step, self.light = self._key_gray, None, None, SAME
        self._since = 0

    def resume(self, flow: Flow, frame: npt.NDArray[np.uint8]) -> None:
        """Be at a frame [H, W, 3] uint8 where `flow` is the motion to the key."""
        self._gray, self._flow = gray_of(frame), flow

    @property
    def flow(self) -> Flow | None:
        """The motion from the last frame to the key; None at the key itself."""
        return self._flow

    def next(self, frame: npt.NDArray[np.uint8]) -> Flow:
        """Motion from the next frame away from the key, [H, W, 3] uint8, to the key."""
        gray = gray_of(frame)
        self.step = step(gray, self._gray, self._effort)
        chained = extend(self.step, self._flow)
        light = self.light = light_between(frame, self._rgb, chained, self._effort.light_side)
        self._gray, self._since = gray, self._since + 1
        if self._effort.whole_steps and (self._flow is None or self._since % self._effort.direct_every):
            self._flow = chained
            return chained
        pixels, key, key_gray = pixels_of(frame), light.on(self._key), light.on(self._key_gray)
        lead = Lead.of(chained, pixels, key)
        if self._flow is not None and (straight := direct(gray, key_gray)) is not None:
            lead = lead.or_better(Lead.of(straight, pixels, key))
        if not self._effort.whole_steps:
            fine = refined(gray, key_gray, lead.flow, self._effort.turns)
            lead = Lead.of(fine, pixels, key).or_better(lead)
        self._flow = lead.flow
        return self._flow


def light_between(
    frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8], flow: Flow, side: int = LIGHT_SIDE
) -> Exposure:
    """The exposure of `frame` against `key`, both [H, W, 3], which `flow` leads to; from some of the pixels."""
    every = max(1, min(flow.shape[:2]) // side)
    return exposure(every_nth(frame, every), pull(every_nth(key, every), every_nth(flow, every) / every))

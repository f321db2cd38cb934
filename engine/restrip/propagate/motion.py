"""Motion from every frame to a key: steps between neighbours, chained, checked against the key itself, sharpened.

frame t --step--> t-1 --chain--> key       steady, but small errors add up
frame t --------- direct ------> key       none add up, but far motion is missed
    the better of the two, pixel by pixel, then refined at full size (refine.py)

Where the light of the whole picture has changed since the key (a fade, a flash), the key is seen in the frame's light.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.flow_cpu import choose
from restrip.propagate.refine import Gradients, refined
from restrip.propagate.sampling import Flow, local_error, pull
from restrip.propagate.shading import Exposure, exposure

Gray = npt.NDArray[np.uint8]
FAVOUR = 0.9  # the first of several flows is taken unless another rebuilds a place better by this
MIN_SIDE = 16  # DIS needs a few patches a side; its coarser preset needs more
MIN_SIDE_DIRECT = 48
SMOOTHING = 2  # turns of DIS's own refinement: its usual 5 cost a third more, none lose turning surfaces
LIGHT_SIDE = 180  # the shorter side, at most twice this, at which light is compared


def gray_of(rgb: npt.NDArray[np.uint8]) -> Gray:
    """Luma [H, W] uint8 of an RGB picture [H, W, 3] uint8."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def step(a: Gray, b: Gray) -> Flow:
    """Dense motion a -> b between neighbours, [H, W, 2] (DIS: Kroeger et al. 2016, at half size)."""
    if min(a.shape) < MIN_SIDE:
        return np.zeros((*a.shape, 2), np.float32)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setVariationalRefinementIterations(SMOOTHING)
    return search.calc(a, b, None)


def direct(a: Gray, b: Gray) -> Flow | None:
    """Dense motion a -> b of frames far apart, coarser (quarter size); None when they are too small for it."""
    if min(a.shape) < MIN_SIDE_DIRECT:
        return None
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(a, b, None)


def extend(first: Flow, rest: Flow | None) -> Flow:
    """`first`, then `rest` from where it leads: a -> b and b -> c make a -> c."""
    return first if rest is None else first + pull(rest, first)


def best_of(frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8], flows: list[Flow]) -> Flow:
    """Per pixel the flow that rebuilds `frame` from `key` best, the first one favoured."""
    best = local_error(frame, pull(key, flows[0]), 9) * FAVOUR
    chosen = flows[0].copy()
    for flow in flows[1:]:
        choose(flow, local_error(frame, pull(key, flow), 9), chosen, best)
    return chosen


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
    """The motion to one key, walked away from it one frame at a time. `step` is the last step, to the frame before."""

    def __init__(self, key: npt.NDArray[np.uint8]) -> None:
        self._key = key
        self._key_gray = gray_of(key)
        self.step: Flow | None = None
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        self._gray, self._flow = self._key_gray, None

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
        self.step = step(gray, self._gray)
        flows = [extend(self.step, self._flow)]
        light = light_between(frame, self._key, flows[0])
        key, key_gray = light.on(self._key), light.on(self._key_gray)
        if self._flow is not None and (straight := direct(gray, key_gray)) is not None:
            flows.append(straight)
        flow = best_of(frame, key, flows)
        fine = refined(Gradients.of(gray), key_gray, flow)
        self._flow = best_of(frame, key, [fine, flow])
        self._gray = gray
        return self._flow


def light_between(frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8], flow: Flow) -> Exposure:
    """The exposure of `frame` against `key`, both [H, W, 3], which `flow` leads to; from some of the pixels."""
    every = max(1, min(flow.shape[:2]) // LIGHT_SIDE)
    frame, key, flow = (np.ascontiguousarray(p[::every, ::every]) for p in (frame, key, flow))
    return exposure(frame, pull(key, flow / every))

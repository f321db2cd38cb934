"""Motion from every frame to a key: steps between neighbours, chained, then checked against the key itself."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.sampling import Flow, local_error, pull

Gray = npt.NDArray[np.uint8]
CHAIN_FAVOUR = 0.9  # the chain is the steadier of two that rebuild a place equally well
MIN_SIDE = 16  # DIS needs a few patches a side


def gray_of(rgb: npt.NDArray[np.uint8]) -> Gray:
    """Luma [H, W] uint8 of an RGB picture [H, W, 3] uint8."""
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def step(a: Gray, b: Gray, start: Flow | None = None) -> Flow:
    """Dense motion a -> b, [H, W, 2] (DIS: Kroeger et al. 2016), from `start` if given."""
    h, w = a.shape
    if min(h, w) < MIN_SIDE:
        return np.zeros((h, w, 2), np.float32) if start is None else start.copy()
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return dis.calc(a, b, None if start is None else start.copy())


def extend(first: Flow, rest: Flow | None) -> Flow:
    """`first`, then `rest` from where it leads: a -> b and b -> c make a -> c."""
    return first if rest is None else first + pull(rest, first)


def best_of(frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8], flows: list[Flow]) -> Flow:
    """Per pixel the flow that rebuilds `frame` from `key` best, the first one favoured."""
    best = local_error(frame, pull(key, flows[0]), 9) * CHAIN_FAVOUR
    chosen = flows[0].copy()
    for flow in flows[1:]:
        error = local_error(frame, pull(key, flow), 9)
        better = error < best
        np.copyto(chosen, flow, where=better[..., None])
        np.minimum(best, error, out=best)
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
        self._gray = self._key_gray
        self._flow: Flow | None = None
        self.step: Flow | None = None

    def next(self, frame: npt.NDArray[np.uint8]) -> Flow:
        """Motion from the next frame away from the key, [H, W, 3] uint8, to the key."""
        gray = gray_of(frame)
        self.step = step(gray, self._gray)
        chain = extend(self.step, self._flow)
        self._gray = gray
        flows = [chain, step(gray, self._key_gray, chain), step(gray, self._key_gray)]
        self._flow = best_of(frame, self._key, flows)
        return self._flow
